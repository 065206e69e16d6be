"""Room on the disk: below a floor no mail is taken, so that what was promised can be finished."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agentmail_server.errors import OutOfRoom

if TYPE_CHECKING:
    from agentmail_server.config import Settings

# Returns the free bytes of the disk that holds a folder; raises OSError.
FreeSpace = Callable[[Path], int]
_MEGABYTE = 1_000_000


def free_space(folder: Path) -> int:
    """Return how many bytes are free where a folder lies; raises OSError."""
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True)
class DiskRoom:
    """Looks at the disk of `folder`; without one, or with a floor of 0 bytes, never full."""

    folder: Path | None = None
    floor: int = 0
    free_in: FreeSpace = free_space

    @classmethod
    def of(cls, settings: Settings) -> DiskRoom:
        """Return the room for SQLite's data folder; the disk of another server is not ours."""
        here = settings.database_url is None
        return cls(settings.data_dir if here else None, settings.disk_floor)

    def free(self) -> int | None:
        """Return the free bytes, None where nobody looks or the disk does not tell."""
        if self.folder is None or not self.floor:
            return None
        try:
            return self.free_in(self.folder)
        except OSError:
            return None

    def problem(self) -> str | None:
        """Return what is wrong, without naming the folder, None while there is room."""
        free = self.free()
        if free is None or free >= self.floor:
            return None
        return (
            f"the disk has {free // _MEGABYTE} MB free, "
            f"and {self.floor // _MEGABYTE} MB are kept free"
        )

    def insist(self) -> None:
        """Raise OutOfRoom when there is too little room to take mail."""
        if self.problem() is not None:
            raise OutOfRoom("The disk is nearly full; nothing new is taken until there is room")
