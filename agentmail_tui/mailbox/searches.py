"""Searches that a person keeps, for each server, in one file of that person's alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct

from agentmail_tui.clean import Safe, clean_line

FILE = "searches.json"
MOST = 9  # of one server
LONGEST = 500  # signs of a query
NAME_LONGEST = 24  # signs; it stands in a tab
_MODE = 0o600


class SavedSearch(Struct, frozen=True):
    """A query with a name; `found` is how many threads it found last, as it is to be shown."""

    name: Safe
    query: str
    found: str = ""


def named(name: str, query: str) -> SavedSearch:
    """Return a search to keep; without a name it is called as its words are."""
    return SavedSearch(clean_line(name.strip() or query, NAME_LONGEST), clean_line(query, LONGEST))


def load_searches(folder: Path, server: str) -> tuple[SavedSearch, ...]:
    """Return what is kept for a server; raises OSError or ValueError."""
    return tuple(
        named(entry["name"], entry["query"])
        for entry in _entries(folder / FILE)
        if entry["server"] == server
    )[:MOST]


def save_searches(folder: Path, server: str, saved: Iterable[SavedSearch]) -> None:
    """Keep these for a server, and what is kept for others; raises OSError or ValueError."""
    path = folder / FILE
    others = [entry for entry in _entries(path) if entry["server"] != server]
    own = [{"server": server, "name": str(each.name), "query": each.query} for each in saved]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_suffix(".new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"searches": [*others, *own]}, file, indent=1, ensure_ascii=False)
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise


def _entries(path: Path) -> Iterator[dict[str, str]]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return
    listed = found.get("searches") if isinstance(found, dict) else None
    if not isinstance(listed, list):
        # As for a file that is no JSON at all: its reader need not tell the two apart.
        raise ValueError(f"{path.name} holds no list of searches")  # noqa: TRY004
    yield from (entry for entry in listed if _is_entry(entry))


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and all(isinstance(entry.get(name), str) for name in ("server", "name", "query"))
        and bool(entry["query"].strip())
    )
