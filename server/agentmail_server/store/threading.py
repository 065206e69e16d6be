"""Which thread a new mail belongs to: spec/mail.md section 7, on what the inbox already holds.

Ids are no secrets, so a match by ids gives a mail its place and its sender nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, exists, select

from agentmail_server.mail.threading import ThreadKeys
from agentmail_server.store.merging import merge_threads
from agentmail_server.store.tables import message_refs, thread_people, threads
from agentmail_server.store.transaction import insert_into

DAY = 24 * 3600 * 1_000_000
SUBJECT_WINDOW = 14 * DAY
MIN_SUBJECT = 4
MAX_REFERENCES = 100


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a mail goes; `thread_id` None asks for a new thread."""

    thread_id: str | None
    flags: tuple[str, ...] = ()


def place(
    conn: Connection,
    now: int,
    inbox_id: str,
    rfc_message_id: str,
    keys: ThreadKeys,
    sender: str,
    received_at: int,
    token_thread: str | None = None,
) -> Placement:
    """Choose the thread of a mail, merging two where this mail is the missing link.

    `token_thread` is the thread that a verified token of the envelope names.
    """
    linked = capped(keys.reference_ids, rfc_message_id)
    known = _known(conn, inbox_id, [rfc_message_id, *linked])
    own = known.get(rfc_message_id)
    chosen = token_thread or _by_references(known, linked)
    if chosen is None and not linked and own is None:
        return Placement(_by_subject(conn, inbox_id, keys, sender, received_at))
    flags: list[str] = []
    if own is not None:
        if not own.ghost:
            flags.append("duplicate_id")
            chosen = token_thread or own.thread_id
        elif chosen is None:
            chosen = own.thread_id
        elif chosen != own.thread_id:
            chosen = merge_threads(conn, now, chosen, own.thread_id)
    if chosen is not None and not token_thread and not _took_part(conn, chosen, sender):
        flags.append("new_participant")
    return Placement(chosen, tuple(flags))
