"""Deleted rows live on in free pages, in the log and in the text index: taking them out of all."""

from __future__ import annotations

import sqlite3

from sqlalchemy import Connection

from agentmail_server.errors import Unavailable


def scrub_file(conn: Connection) -> None:
    """Rewrite the database without free pages, and its text index without deleted words.

    Raises `Unavailable` while a reader keeps the log from being emptied.
    """
    driver = conn.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError("not a connection to SQLite")
    driver.execute("INSERT INTO message_text (message_text) VALUES ('optimize')")
    driver.execute("VACUUM")
    busy = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if busy:
        raise Unavailable("a reader holds the log: it is emptied later")
