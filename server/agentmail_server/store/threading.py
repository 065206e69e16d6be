"""Which thread a new mail belongs to: spec/mail.md section 7, on what the inbox already holds.

Ids are no secrets, so a match by ids gives a mail its place and its sender nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection, Insert, bindparam, exists, select
from sqlalchemy.dialects import postgresql, sqlite

from agentmail_server.mail.threading import ThreadKeys
from agentmail_server.store.merging import merge_threads
from agentmail_server.store.tables import message_refs, thread_people, thread_redirects, threads
from agentmail_server.store.transaction import keep

DAY = 24 * 3600 * 1_000_000
SUBJECT_WINDOW = 14 * DAY
MAX_REFERENCES = 100

# Made once: every mail asks these, and building them costs more than asking.
_KNOWN = select(message_refs.c.message_id, message_refs.c.thread_id, message_refs.c.ghost).where(
    message_refs.c.inbox_id == bindparam("inbox"),
    message_refs.c.message_id.in_(bindparam("ids", expanding=True)),
)
_TOOK_PART = select(thread_people.c.address).where(
    thread_people.c.thread_id == bindparam("thread"),
    thread_people.c.address == bindparam("sender"),
)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a mail goes; `thread_id` None asks for a new thread."""

    thread_id: str | None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """What placing must know of a mail; `sender` is casefolded, `received_at` microseconds."""

    inbox_id: str
    rfc_message_id: str
    sender: str
    received_at: int
    keys: ThreadKeys

    @property
    def linked(self) -> list[str]:
        """The ids it answers, newest first."""
        return capped(self.keys.references, self.rfc_message_id)


def place(conn: Connection, now: int, letter: Letter, token_thread: str | None = None) -> Placement:
    """Choose the thread of a mail, merging two where this mail is the missing link.

    `token_thread` is the thread that a verified token of the envelope names.
    """
    linked = letter.linked
    known = _known(conn, letter.inbox_id, [letter.rfc_message_id, *linked])
    own = known.get(letter.rfc_message_id)
    token_thread = _thread_here(conn, letter.inbox_id, token_thread)
    chosen = token_thread or _by_references(known, linked)
    if chosen is None and not linked and own is None:
        return Placement(_by_subject(conn, letter))
    flags: list[str] = []
    if own is not None and not own.ghost:
        flags.append("duplicate_id")
        chosen = token_thread or own.thread_id
    elif own is not None and chosen is None:
        chosen = own.thread_id
    elif own is not None and chosen is not None and chosen != own.thread_id:
        chosen = merge_threads(conn, now, chosen, own.thread_id)
    if chosen is not None and token_thread is None and not _took_part(conn, chosen, letter.sender):
        flags.append("new_participant")
    return Placement(chosen, tuple(flags))


def remember(conn: Connection, letter: Letter, thread_id: str) -> None:
    """Keep the mail's own id as held and the ids it mentions as ghosts of its thread."""
    remember_ids(conn, letter.inbox_id, thread_id, letter.rfc_message_id, letter.linked)


def remember_ids(
    conn: Connection, inbox_id: str, thread_id: str, own_id: str, linked: Sequence[str]
) -> None:
    """Keep `own_id` as held and those of `linked` that are unknown as ghosts of the thread."""
    own = {"inbox_id": inbox_id, "message_id": own_id, "thread_id": thread_id, "ghost": False}
    conn.execute(_held(conn.dialect.name), own)
    ghosts = [{**own, "message_id": each, "ghost": True} for each in linked]
    if ghosts:
        keep(conn, message_refs, ghosts)


@cache
def _held(dialect: str) -> Insert:
    kind = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement: postgresql.Insert | sqlite.Insert = kind(message_refs)
    return statement.on_conflict_do_update(
        index_elements=["inbox_id", "message_id"],
        set_={"ghost": False, "thread_id": statement.excluded.thread_id},
    )


def capped(newest_first: Sequence[str], own_id: str) -> list[str]:
    """Return at most 100 ids, the newest 99 and the oldest, without repeats or the own id."""
    ids = [each for each in dict.fromkeys(newest_first) if each != own_id]
    if len(ids) <= MAX_REFERENCES:
        return ids
    return [*ids[: MAX_REFERENCES - 1], ids[-1]]


@dataclass(frozen=True, slots=True)
class _Known:
    thread_id: str
    ghost: bool


def _known(conn: Connection, inbox_id: str, ids: Sequence[str]) -> dict[str, _Known]:
    rows = conn.execute(_KNOWN, {"inbox": inbox_id, "ids": ids})
    return {each: _Known(thread_id, ghost) for each, thread_id, ghost in rows}


def _by_references(known: dict[str, _Known], linked: Sequence[str]) -> str | None:
    """Return the thread of the newest id held; else of the newest that others mention too."""
    found = [known[each] for each in linked if each in known]
    for ref in sorted(found, key=lambda each: each.ghost):
        return ref.thread_id
    return None


def _by_subject(conn: Connection, letter: Letter) -> str | None:
    """Return the one recent thread of this subject in which the sender is, else None."""
    if not letter.keys.may_match_subject:
        return None
    query = (
        select(threads.c.id)
        .where(
            threads.c.inbox_id == letter.inbox_id,
            threads.c.base_subject == letter.keys.base_subject,
            threads.c.last_message_at.between(
                letter.received_at - SUBJECT_WINDOW, letter.received_at + SUBJECT_WINDOW
            ),
            exists().where(
                thread_people.c.thread_id == threads.c.id, thread_people.c.address == letter.sender
            ),
        )
        .limit(2)
    )
    candidates = conn.execute(query).scalars().all()
    return candidates[0] if len(candidates) == 1 else None


def _took_part(conn: Connection, thread_id: str, sender: str) -> bool:
    asked = {"thread": thread_id, "sender": sender}
    return conn.execute(_TOOK_PART, asked).first() is not None


def _thread_here(conn: Connection, inbox_id: str, thread_id: str | None) -> str | None:
    """Return the thread's present id if this inbox holds it."""
    if thread_id is None:
        return None
    moved = select(thread_redirects.c.thread_id).where(thread_redirects.c.old_id == thread_id)
    present = conn.execute(moved).scalar() or thread_id
    query = select(threads.c.id).where(threads.c.id == present, threads.c.inbox_id == inbox_id)
    return conn.execute(query).scalar()
