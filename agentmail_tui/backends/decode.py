"""Reads JSON of a foreign server: what is absent or odd gets a default, every text is cleaned."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from agentmail_tui.clean import TEXT_LIMIT, Safe, clean, clean_line
from agentmail_tui.domain import Address
from agentmail_tui.errors import BadReply

Json = Mapping[str, Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ID_LIMIT = 500
ADDRESS_LIMIT = 320
_SPACE = re.compile(r"\s")
_ODD = re.compile(r"[<>\s]")
_MOST_ITEMS = 5_000


def mapping(value: Any, what: str) -> Json:
    """Return an object of the reply; raises BadReply where it is something else."""
    if not isinstance(value, Mapping):
        raise BadReply(f"the server's answer holds no {what}")
    return value


def data_of(reply: Any) -> Any:
    """Return what the envelope holds, or the reply where there is none."""
    return reply["data"] if isinstance(reply, Mapping) and "data" in reply else reply


def objects(value: Any) -> Iterator[Json]:
    """Yield the objects of a list; what is no object is passed over."""
    if isinstance(value, list):
        yield from (item for item in value[:_MOST_ITEMS] if isinstance(item, Mapping))


def first(row: Json, *names: str) -> Any:
    """Return the first of some fields that says anything."""
    for name in names:
        value = row.get(name)
        if value is not None and value != "":
            return value
    return None


def ident(row: Json, *names: str) -> str:
    """Return an id, exactly as the server wrote it; raises BadReply without one."""
    found = maybe_ident(row, *names)
    if found is None:
        raise BadReply(f"the server's answer lacks {names[0]}")
    return found


def maybe_ident(row: Json, *names: str) -> str | None:
    """Return an id if there is one; it is printed as it is, so that no sign may do anything."""
    for name in names:
        value = row.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str) and 0 < len(value) <= ID_LIMIT and value.isprintable():
            return value
    return None


def cursor(reply: Any) -> str | None:
    """Return where a list goes on, exactly as the server wrote it, if it does."""
    value = reply.get("next_cursor") if isinstance(reply, Mapping) else None
    return value if isinstance(value, str) and value and value.isprintable() else None


def line(row: Json, *names: str, limit: int = 500) -> Safe:
    """Return a field as one clean line, empty where it is no text."""
    value = first(row, *names)
    return clean_line(value, limit) if isinstance(value, str) else Safe()


def maybe_line(row: Json, *names: str) -> Safe | None:
    """Return a field as one clean line; None where it says nothing."""
    return line(row, *names) or None


def text(row: Json, *names: str, limit: int = TEXT_LIMIT) -> Safe:
    """Return a field as clean text of several lines."""
    value = first(row, *names)
    return clean(value, limit=limit) if isinstance(value, str) else Safe()


def number(row: Json, *names: str) -> int:
    """Return a count; 0 where there is none."""
    value = first(row, *names)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value) if abs(value) < 1e15 else 0


def share(value: Any) -> float | None:
    """Return a number, also one written as `98.2%`; None for anything else."""
    if isinstance(value, str):
        try:
            value = float(value.strip().removesuffix("%"))
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e9 else None


def moment(row: Json, *names: str) -> datetime:
    """Return a time in UTC; the epoch where there is none."""
    return maybe_moment(row, *names) or EPOCH


def maybe_moment(row: Json, *names: str) -> datetime | None:
    """Return a time in UTC from ISO text or unix seconds or milliseconds, if there is one."""
    try:
        found = _moment(first(row, *names))
    except (ValueError, OverflowError, OSError):
        return None
    # In the zone of the reader the year may be another one, which has to be one too.
    return found if found is not None and 2 <= found.year <= 9998 else None


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str):
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value / 1000 if abs(value) > 1e11 else value, UTC)
    return None


def address(value: Any) -> Address:
    """Return an address from `{name, address}`, `Name <a@b>` or `a@b`."""
    name, written = "", ""
    if isinstance(value, Mapping):
        name = str(first(value, "name") or "")
        written = str(first(value, "address", "email", "identity") or "")
    elif isinstance(value, str):
        written = value
    parts = _named(written) if len(written) <= 2 * ADDRESS_LIMIT else None
    if parts is not None:
        name, written = name or parts[0], parts[1]
    shown = clean_line(written, ADDRESS_LIMIT)
    sound = shown == written and "@" in written and not _SPACE.search(written)
    return Address(clean_line(name, ADDRESS_LIMIT), shown, written if sound else None)


def _named(written: str) -> tuple[str, str] | None:
    """Return name and address of `Name <a@b>`; None where it is something else."""
    before, _, rest = written.strip().partition("<")
    bare = rest.removesuffix(">")
    name = before.strip().removeprefix('"').removesuffix('"')
    if bare == rest or not bare or _ODD.search(bare) or '"' in name or ">" in name:
        return None
    return name, bare


def addresses(value: Any) -> tuple[Address, ...]:
    """Return the addresses of a list, or of a single one."""
    if isinstance(value, str | Mapping):
        value = [value]
    if not isinstance(value, list):
        return ()
    found = (address(item) for item in value[:_MOST_ITEMS])
    return tuple(each for each in found if each.shown)


def shown(value: Any, limit: int = 500) -> Safe:
    """Return any JSON value as one clean line."""
    if isinstance(value, str):
        return clean_line(value, limit)
    return clean_line(json.dumps(value, ensure_ascii=False)[: 2 * limit], limit)
