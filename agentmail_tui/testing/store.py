"""Pictures that are kept beside a test, and what becomes of one that is not alike."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from agentmail_tui.cli.stage import Picture

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Album(Struct, frozen=True):
    """The pictures of one test module; those that did not match go to `refused`."""

    kept: Path
    refused: Path
    update: bool

    def compare(self, name: str, picture: Picture) -> None:
        """Keep the picture, or raise AssertionError unless it is the one that is kept."""
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"{name!r} cannot be a file's name; letters, digits, . _ - can")
        if self.update:
            _write(self.kept, name, picture)
            return
        wrong = self._difference(name, picture)
        if wrong:
            _write(self.refused, name, picture)
            raise AssertionError(f"{wrong}\nwhat was on screen: {self.refused / name}.svg")

    def _difference(self, name: str, picture: Picture) -> str:
        text, svg = (self.kept / f"{name}{ending}" for ending in (".txt", ".svg"))
        if not (text.exists() and svg.exists()):
            return f"no picture {name} is kept; keep it with --agentmail-update"
        before = text.read_text("utf-8")
        if before != picture.text:
            lines = difflib.unified_diff(
                before.splitlines(), picture.text.splitlines(), "kept", "on screen", lineterm=""
            )
            return f"the screen is not as in {text.name}:\n" + "\n".join(lines)
        if svg.read_text("utf-8") != picture.svg:
            return f"the words are as in {text.name}, the colours are not as in {svg.name}"
        return ""


def _write(folder: Path, name: str, picture: Picture) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for ending, content in ((".txt", picture.text), (".svg", picture.svg)):
        (folder / f"{name}{ending}").write_text(content, "utf-8", newline="\n")
