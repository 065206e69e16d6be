"""A lock that dies with its process, so that one store folder has one server."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from agentmail_server.errors import ServiceError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class LockFile:
    """An advisory lock on a file; the file itself stays and means nothing alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def acquire(self) -> None:
        """Take the lock, or raise `ServiceError` naming the process that has it."""
        handle = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            _lock(handle)
        except OSError:
            holder = os.read(handle, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(handle)
            raise ServiceError(
                f"{self._path.parent} is in use by another agentmail-server (process {holder}); "
                "stop it, or choose another data folder",
                code="store_in_use",
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._handle = handle

    def release(self) -> None:
        """Give the lock back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
