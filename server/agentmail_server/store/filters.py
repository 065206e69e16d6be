"""The operators of a search as conditions over messages joined with their threads."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    column,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    table,
)

from agentmail_server.store.asked import Asked, Filters
from agentmail_server.store.scope import within
from agentmail_server.store.tables import attachments, messages, thread_tags, threads
from agentmail_server.store.transaction import is_postgres

# The configuration that the migration makes: stems, no stop words.
CONFIGURATION: ColumnElement[Any] = literal_column("'agentmail'")
_NOT_WORD = re.compile(r"[\s\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+")
MAX_WORDS = 16
_PERSON = ("role", "name", "identity")


def split_words(words: str) -> list[str]:
    """Return the words, taken apart at white space and ASCII punctuation as the index is."""
    return all_words(words)[:MAX_WORDS]


def all_words(words: str) -> list[str]:
    """Return the words, however many."""
    return [word for word in _NOT_WORD.split(words) if word]


def conditions(
    conn: Connection, org_id: str, asked: Asked, *, picked: bool = False
) -> list[ColumnElement[bool]]:
    """Return what a message, joined with its thread, must be; raises `NotFound`.

    Messages that are `picked` are there already, by their numbers or ids.
    """
    wanted = within(conn, messages, org_id, asked.inbox_id, asked.domain_id, picked=picked)
    if asked.like is not None:
        wanted.append(messages.c.thread_id != asked.like)
    if not asked.filtered:
        return wanted
    filters = asked.filters
    return [
        *wanted,
        *_of_message(conn, filters),
        *_of_thread(filters),
        *_of_words(conn, filters),
    ]


def with_phrase(conn: Connection, phrase: str) -> Select[Any]:
    """Return a query for the sequence numbers of messages with these words in this order."""
    words = split_words(phrase)
    if not words:
        return select(messages.c.seq).where(false())
    if is_postgres(conn):
        asked = func.phraseto_tsquery(CONFIGURATION, " ".join(words))
        return select(messages.c.seq).where(literal_column("messages.search").op("@@")(asked))
    index = table("message_text", column("rowid"))
    quoted = '"' + " ".join(words) + '"'
    return select(index.c.rowid).where(literal_column("message_text").op("MATCH")(quoted))


def holds(conn: Connection, place: ColumnElement[str], typed: str) -> ColumnElement[bool]:
    """Return whether a text holds what was typed, in upper or lower case."""
    if is_postgres(conn):
        return place.icontains(typed, autoescape=True)
    # SQLite's LIKE is blind to the case of ASCII, and to no other, as its lower() would be.
    return place.contains(typed, autoescape=True)


def _of_message(conn: Connection, filters: Filters) -> list[ColumnElement[bool]]:
    sender = messages.c.from_address, messages.c.from_name
    wanted = [or_(*(holds(conn, place, each) for place in sender)) for each in filters.senders]
    wanted += [_to(conn, each) for each in filters.recipients]
    wanted += [_literal(conn, each) for each in filters.literal]
    wanted += [holds(conn, messages.c.subject, each) for each in filters.subjects]
    if filters.has_attachment:
        held = attachments.c.message_id == messages.c.id
        wanted.append(exists().where(held, attachments.c.inline.is_(False)))
    if filters.before is not None:
        wanted.append(messages.c.created_at < filters.before)
    if filters.after is not None:
        wanted.append(messages.c.created_at >= filters.after)
    return wanted


def _literal(conn: Connection, typed: str) -> ColumnElement[bool]:
    """Return whether a message has a word as it was typed, not in another form."""
    indexed = messages.c.seq.in_(with_phrase(conn, typed))
    if not typed.isascii():
        # SQLite knows upper and lower case of ASCII alone; the index knows more.
        return indexed
    places = messages.c.subject, messages.c.people, messages.c.text
    return and_(indexed, or_(*(holds(conn, place, typed) for place in places)))


def _to(conn: Connection, typed: str) -> ColumnElement[bool]:
    rows = func.json_array_elements if is_postgres(conn) else func.json_each
    each = rows(messages.c.participants).table_valued("value", name="person")
    role, name, address = (_field(conn, each.c.value, key) for key in _PERSON)
    named = or_(*(holds(conn, place, typed) for place in (name, address)))
    return exists(select(literal_column("1")).select_from(each).where(role != "sender", named))


def _field(conn: Connection, value: ColumnElement[Any], key: str) -> ColumnElement[Any]:
    if is_postgres(conn):
        return value.op("->>")(key)
    return func.json_extract(value, f"$.{key}")


def _of_thread(filters: Filters) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [
        threads.c.id.in_(
            select(thread_tags.c.thread_id).where(func.lower(thread_tags.c.tag) == tag.lower())
        )
        for tag in filters.tags
    ]
    if filters.statuses:
        wanted.append(threads.c.status.in_(filters.statuses))
    wanted.extend(_assigned(name) for name in filters.assigned)
    if filters.unread is not None:
        wanted.append(threads.c.unread.is_(filters.unread))
    return wanted


def _assigned(name: str | None) -> ColumnElement[bool]:
    if name is None:
        return threads.c.assigned_to.is_(None)
    return func.lower(threads.c.assigned_to) == name.lower()


def _of_words(conn: Connection, filters: Filters) -> list[ColumnElement[bool]]:
    def threads_with(phrase: str) -> Select[Any]:
        return select(messages.c.thread_id).where(messages.c.seq.in_(with_phrase(conn, phrase)))

    having: list[ColumnElement[bool]] = [
        messages.c.thread_id.in_(threads_with(each)) for each in filters.phrases
    ]
    return having + [messages.c.thread_id.not_in(threads_with(each)) for each in filters.without]
