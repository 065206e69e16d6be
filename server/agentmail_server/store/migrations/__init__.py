"""The schema's history, run from code at each start: `upgrade(conn)`."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from agentmail_server.errors import ServiceError
from agentmail_server.store.transaction import lock


def upgrade(conn: Connection) -> None:
    """Bring the schema up to date inside the caller's transaction.

    Raises `ServiceError` when a newer version of the server wrote this database.
    """
    # Two servers that start at once must not both create the tables.
    lock(conn, "agentmail:migrations")
    config = configuration(conn)
    scripts = ScriptDirectory.from_config(config)
    present = MigrationContext.configure(conn).get_current_revision()
    if present == scripts.get_current_head():
        return
    if present is not None and not _is_known(scripts, present):
        raise ServiceError(
            "this database was written by a newer agentmail-server; install that version",
            code="schema_too_new",
        )
    command.upgrade(config, "head")


def configuration(conn: Connection) -> Config:
    """Return Alembic's configuration for migrations over `conn`."""
    config = Config()
    # Config expands %, so a folder's own must be doubled.
    folder = str(Path(__file__).parent).replace("%", "%%")
    config.set_main_option("script_location", folder)
    config.attributes["connection"] = conn
    return config


def _is_known(scripts: ScriptDirectory, revision: str) -> bool:
    try:
        return scripts.get_revision(revision) is not None
    except CommandError:
        return False
