"""`agentmail-server backup`: one file that holds the whole store, taken while the server runs."""

from __future__ import annotations

import os
import sqlite3
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from agentmail_server.cli.options import add_store_options, settings_of
from agentmail_server.config import ConfigError
from agentmail_server.store.sqlite import DATABASE_NAME

if TYPE_CHECKING:
    import argparse

PEPPERS = "pepper-*.key"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser("backup", help="copy the store into FILE, also while serving")
    add_store_options(parser)
    parser.add_argument("file", metavar="FILE", type=Path, help="a tar file; must not exist")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the copy, whole or not at all."""
    settings = settings_of(arguments)
    if settings.database_url is not None:
        raise ConfigError("backup copies SQLite folders; for PostgreSQL use pg_dump")
    database = settings.data_dir / DATABASE_NAME
    if not database.is_file():
        raise ConfigError(f"{settings.data_dir} holds no store")
    target: Path = arguments.file
    if target.exists():
        raise ConfigError(f"{target} exists; choose another name")
    try:
        with tempfile.TemporaryDirectory(dir=target.absolute().parent) as folder:
            draft = _draft(Path(folder), database)
            draft.rename(target)
    except (OSError, sqlite3.Error) as error:
        raise ConfigError(f"backup failed: {error}") from error
    sys.stdout.write(f"{target} ({target.stat().st_size} bytes)\n")
    return 0


def _draft(folder: Path, database: Path) -> Path:
    copy = folder / DATABASE_NAME
    with (
        closing(sqlite3.connect(f"file:{database}?mode=rw", uri=True)) as source,
        closing(sqlite3.connect(copy)) as into,
    ):
        source.backup(into)
        # A file of its own, without a log beside it.
        into.execute("PRAGMA journal_mode = DELETE")
    draft = folder / "draft.tar"
    with draft.open("xb") as file:
        draft.chmod(0o600)
        with tarfile.open(fileobj=file, mode="w") as tar:
            tar.add(copy, DATABASE_NAME)
            # Without the pepper no API key of the copy would work and no secret be read. Whoever
            # keeps it elsewhere (`key_dir`) does not want it beside the data.
            for pepper in sorted(database.parent.glob(PEPPERS)):
                tar.add(pepper, pepper.name)
        file.flush()
        os.fsync(file.fileno())
    return draft
