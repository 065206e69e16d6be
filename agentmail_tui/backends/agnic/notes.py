"""Tags, status, assignee and what was read, in a SQLite file of this computer."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from agentmail_tui.backends.tablefile import TableFile
from agentmail_tui.clean import clean_line
from agentmail_tui.domain import Status, Triage

_TABLE = """
    CREATE TABLE IF NOT EXISTS notes (
        account TEXT NOT NULL, thread_id TEXT NOT NULL,
        status TEXT NOT NULL, tags TEXT NOT NULL, assigned_to TEXT,
        status_at TEXT, read_until TEXT, unread INTEGER NOT NULL,
        PRIMARY KEY (account, thread_id)
    )
"""


def default_file() -> Path:
    """Return where the notes of this user are."""
    from platformdirs import user_data_path

    return user_data_path("agentmail-tui", appauthor=False) / "agnic-notes.sqlite3"


class Note(Struct, frozen=True):
    """What is kept of one thread; `status_at` is the newest mail when the status was set."""

    triage: Triage = Triage(local=True)
    status_at: datetime | None = None
    read_until: datetime | None = None
    unread: bool = False


class Notes:
    """The notes of all accounts; every call is short, and safe from several threads."""

    def __init__(self, file: Path) -> None:
        self._kept = TableFile(file, _TABLE)

    def all(self, account: str) -> dict[str, Note]:
        """Return the notes of an account by thread; raises Rejected where they cannot be read."""
        query = (
            "SELECT thread_id, status, tags, assigned_to, status_at, read_until, unread"
            " FROM notes WHERE account = ?"
        )
        rows = self._kept.run(query, (account,))
        return {str(row[0]): _note(row[1:]) for row in rows}

    def keep(self, account: str, thread_id: str, note: Note) -> None:
        """Keep a note, durably; raises Rejected where it cannot be written."""
        triage = note.triage
        values = (
            account,
            thread_id,
            str(triage.status),
            json.dumps([str(tag) for tag in triage.tags]),
            None if triage.assigned_to is None else str(triage.assigned_to),
            _iso(note.status_at),
            _iso(note.read_until),
            int(note.unread),
        )
        self._kept.run("INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)

    def close(self) -> None:
        """Close the file."""
        self._kept.close()


def _note(row: tuple[object, ...]) -> Note:
    status, tags, assigned_to, status_at, read_until, unread = row
    triage = Triage(
        status=Status(str(status)),
        tags=tuple(clean_line(str(tag)) for tag in json.loads(str(tags))),
        assigned_to=None if assigned_to is None else clean_line(str(assigned_to)),
        local=True,
    )
    return Note(triage, _moment(status_at), _moment(read_until), bool(unread))


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(value: object) -> datetime | None:
    return None if value is None else datetime.fromisoformat(str(value))


def with_triage(note: Note, triage: Triage) -> Note:
    """Return a note with other triage, marked as kept here alone."""
    return replace(note, triage=replace(triage, local=True))
