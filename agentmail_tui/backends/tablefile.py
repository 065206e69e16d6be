"""One table in a SQLite file of this computer, readable by its owner alone."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from agentmail_tui.clean import clean_line
from agentmail_tui.errors import Rejected


class TableFile:
    """Opens the file when it is first used; every call is short, and safe from several threads."""

    def __init__(self, file: Path, table: str) -> None:
        """Take a file that need not be there, and the statement that makes its table."""
        self._file = file
        self._table = table
        self._lock = threading.Lock()
        self._conn: sqlite3.Connection | None = None

    def run(self, statement: str, values: tuple[object, ...]) -> list[tuple[object, ...]]:
        """Run one statement, durably; raises Rejected where the file cannot be used."""
        with self._lock:
            try:
                conn = self._opened()
                with conn:
                    return conn.execute(statement, values).fetchall()
            except (sqlite3.Error, OSError) as error:
                name = clean_line(str(self._file), 200)
                raise Rejected(f"the notes in {name} cannot be used: {error}") from None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._conn is not None:
                self._conn.close()
                self._conn = None

    def _opened(self) -> sqlite3.Connection:
        if self._conn is None:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._conn = sqlite3.connect(self._file, timeout=5.0, check_same_thread=False)
            self._file.chmod(0o600)
            self._conn.execute(self._table)
        return self._conn
