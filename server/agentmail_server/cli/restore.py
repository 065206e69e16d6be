"""`agentmail-server restore`: a data folder from a backup."""

from __future__ import annotations

import fnmatch
import os
import shutil
import sqlite3
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from agentmail_server.cli.backup import PEPPERS
from agentmail_server.cli.options import add_store_options, settings_of
from agentmail_server.config import ConfigError
from agentmail_server.store.lockfile import LockFile
from agentmail_server.store.sqlite import DATABASE_NAME

if TYPE_CHECKING:
    import argparse


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser("restore", help="make the data folder from a backup FILE")
    add_store_options(parser)
    parser.add_argument("file", metavar="FILE", type=Path, help="made by backup")
    parser.add_argument("--force", action="store_true", help="replace the store that is there")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Unpack, check, and only then put in place."""
    settings = settings_of(arguments)
    if settings.database_url is not None:
        raise ConfigError("restore fills SQLite folders; for PostgreSQL use pg_restore")
    folder = settings.data_dir
    if (folder / DATABASE_NAME).exists() and not arguments.force:
        raise ConfigError(f"{folder} holds a store already; --force replaces it")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = LockFile(folder / "store.lock")
    lock.acquire()
    try:
        _restore(arguments.file, folder)
    except (OSError, tarfile.TarError, sqlite3.Error) as error:
        raise ConfigError(f"restore failed, nothing was changed: {error}") from error
    finally:
        lock.release()
    sys.stdout.write(f"{folder} restored\n")
    return 0


def _restore(file: Path, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        unpacked = _unpack(file, Path(name))
        _check(Path(name) / DATABASE_NAME)
        for ending in ("-wal", "-shm"):
            # The old store's log must not be played into the new one.
            (folder / (DATABASE_NAME + ending)).unlink(missing_ok=True)
        # The database last: it is what makes the folder a store.
        for member in sorted(unpacked, key=lambda each: each == DATABASE_NAME):
            (Path(name) / member).replace(folder / member)


def _unpack(file: Path, into: Path) -> list[str]:
    with tarfile.open(file) as tar:
        members = [each for each in tar if each.isfile() and _is_ours(each.name)]
        for member in members:
            content = tar.extractfile(member)
            handle = os.open(into / member.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as out:
                if content is not None:
                    shutil.copyfileobj(content, out)
                out.flush()
                os.fsync(out.fileno())
    names = [each.name for each in members]
    if DATABASE_NAME not in names:
        raise ConfigError(f"{file} is not a backup of this server")
    return names


def _is_ours(name: str) -> bool:
    return name == DATABASE_NAME or ("/" not in name and fnmatch.fnmatch(name, PEPPERS))


def _check(database: Path) -> None:
    with closing(sqlite3.connect(database)) as conn:
        (answer,) = conn.execute("PRAGMA integrity_check").fetchone()
    if answer != "ok":
        raise ConfigError(f"the backup is damaged: {answer}")
