"""Search by words: what people typed is never syntax, neither of FTS5, nor tsquery, nor LIKE.

Any of the words may be there; a message's share is its BM25 as a part of the best that these words
could reach. SQLite ranks by BM25 itself; PostgreSQL by the same weights of the words, with its own
measure of how often and where each one occurs. Where no word is found, the text as it stands is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Float,
    ScalarSelect,
    Select,
    String,
    bindparam,
    case,
    cast,
    column,
    func,
    literal,
    literal_column,
    or_,
    select,
    table,
)

from agentmail_server.store.asked import Asked, TextHit
from agentmail_server.store.filters import CONFIGURATION, all_words, conditions, holds, split_words
from agentmail_server.store.tables import messages, threads
from agentmail_server.store.threads import get_thread
from agentmail_server.store.transaction import is_postgres

_MAX_QUERY = 500
# How much of a long mail the last, literal search looks at.
_LITERAL_CHARS = 2_000
_LITERAL = 0.5
# FTS5's bm25: no word weighs more than its rarity times k1 + 1.
_MOST_OF_A_WORD = 2.2
# Subject, text, people.
_COLUMN_WEIGHTS = (2.0, 1.0, 1.0)
# Beyond so many messages a word is common, and its exact number does not matter.
_COUNTED = 10_000
_COMMON_SHARE = 0.1
_FEW_MESSAGES = 4_000
# So many messages are ranked at the most: of a word that more hold, the newest.
_MOST_RANKED = 5_000
# To tell what a thread is about: messages looked at, words weighed, words taken.
_TOLD_BY, _TOLD, _TELLING = 20, 40, 8
_COMMON_WORDS = frozenset((
    "a", "an", "the", "of", "to", "for", "and", "or", "in", "on", "is", "are", "be", "was",
    "were", "it", "this", "that", "with", "by", "from", "at", "as", "our", "your", "my", "we",
    "you", "re", "fw", "fwd", "i", "me", "do", "does", "did", "has", "have", "had", "will",
    "would", "can", "could", "not", "no"
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Word:
    """A word as the database is asked for it, and how rare it is."""

    query: str
    messages: int
    rarity: float


def text_hits(conn: Connection, org_id: str, asked: Asked, limit: int = 200) -> list[TextHit]:
    """Return messages with any of the words, best first; raises `NotFound`."""
    wanted = conditions(conn, org_id, asked, picked=True)
    total = _messages(conn)
    words = _words(conn, asked.words[:_MAX_QUERY], total)
    best = sum(word.rarity for word in words)
    present = _worth_asking(words, total)
    if not present or best <= 0:
        return []
    ranked = _ranked_by_postgres(present) if is_postgres(conn) else _ranked_by_fts(present)
    if asked.filtered:
        ranked = ranked.join(threads, threads.c.id == messages.c.thread_id)
    query = ranked.where(*wanted).order_by(literal_column("worth").desc(), messages.c.seq.desc())
    return [
        TextHit(message_id, min(1.0, max(0.0, float(worth) / best)))
        for message_id, worth in conn.execute(query.limit(limit))
    ]


def literal_hits(conn: Connection, org_id: str, asked: Asked, limit: int = 200) -> list[TextHit]:
    """Return messages that hold the text just as it was typed, newest first."""
    typed = asked.words[:_MAX_QUERY].replace("\0", " ").strip()
    if not typed:
        return []
    places = (
        messages.c.subject,
        messages.c.people,
        func.substr(messages.c.text, 1, _LITERAL_CHARS),
    )
    found = or_(*(holds(conn, place, typed) for place in places))
    query = select(messages.c.id).join(threads, threads.c.id == messages.c.thread_id)
    query = query.where(found, *conditions(conn, org_id, asked)).order_by(messages.c.seq.desc())
    return [TextHit(each, _LITERAL) for each in conn.execute(query.limit(limit)).scalars()]


def _messages(conn: Connection) -> int:
    return conn.execute(select(func.max(messages.c.seq))).scalar() or 0


def telling_words(conn: Connection, org_id: str, thread_id: str) -> str:
    """Return the rarest words of a thread that other messages have too, rarest first.

    Raises `NotFound` for a foreign thread.
    """
    get_thread(conn, org_id, thread_id)
    query = select(messages.c.subject, func.substr(messages.c.text, 1, _LITERAL_CHARS))
    query = query.where(messages.c.thread_id == thread_id)
    rows = conn.execute(query.order_by(messages.c.seq).limit(_TOLD_BY)).all()
    told = " ".join(f"{subject} {text}" for subject, text in rows).lower()
    tokens = dict.fromkeys(all_words(told))
    total = _messages(conn)
    long = sorted((each for each in tokens if each not in _COMMON_WORDS), key=len, reverse=True)
    kept = long[:_TOLD]
    weighed = _weighed(conn, [_exactly(conn, token) for token in kept], total)
    words = list(zip(weighed, kept, strict=True))
    shared = [each for each in words if each[0].messages > 1]
    rarest = sorted(shared or words, key=lambda each: -each[0].rarity)
    return " ".join(token for _, token in rarest[:_TELLING])


def _words(conn: Connection, typed: str, total: int) -> list[_Word]:
    tokens = list(dict.fromkeys(token.lower() for token in split_words(typed)))
    telling = [token for token in tokens if token not in _COMMON_WORDS] or tokens
    if not telling:
        return []
    words = _weighed(conn, [_exactly(conn, token) for token in telling], total)
    if words[-1].messages == 0:
        # The last word may not be finished yet.
        words[-1:] = _weighed(conn, [_beginning(conn, telling[-1])], total)
    return words


def _weighed(conn: Connection, queries: Sequence[str], total: int) -> list[_Word]:
    """Return words with the number of messages that hold them, and how rare that is."""
    counting = _counting(is_postgres(conn), len(queries))
    values = {f"word{at}": query for at, query in enumerate(queries)}
    counts = conn.execute(counting, values).one()
    return [
        _Word(query, count, max(math.log(max(total - count + 0.5, 0.5) / (count + 0.5)), 1e-6))
        for query, count in zip(queries, counts, strict=True)
    ]


@cache
def _counting(postgres: bool, words: int) -> Select[Any]:
    """Return one query for the numbers of messages that hold each of so many words."""
    names = [f"word{at}" for at in range(words)]
    counts: list[Any] = [_count(postgres, bindparam(name, type_=String)) for name in names]
    return select(*counts)


def _count(postgres: bool, word: BindParameter[str]) -> ScalarSelect[int]:
    if postgres:
        found = select(messages.c.seq).where(_held(word))
    else:
        index = table("message_text", column("rowid"))
        found = select(index.c.rowid).where(literal_column("message_text").op("MATCH")(word))
    few = found.limit(_COUNTED).subquery()
    return select(func.count()).select_from(few).scalar_subquery()


def _worth_asking(words: Sequence[_Word], total: int) -> list[_Word]:
    """Leave out what nothing holds, and of much mail the commonest words beside rarer ones."""
    present = [word for word in words if word.messages]
    if total <= _FEW_MESSAGES:
        return present
    rarest = sorted(present, key=lambda word: word.messages)
    room = min(total * _COMMON_SHARE, _MOST_RANKED)
    asked: list[_Word] = []
    for word in rarest:
        room -= word.messages
        if room < 0 and asked:
            break
        asked.append(word)
    return asked


def _exactly(conn: Connection, token: str) -> str:
    return f"'{token}'" if is_postgres(conn) else f'"{token}"'


def _beginning(conn: Connection, token: str) -> str:
    return f"'{token}':*" if is_postgres(conn) else f'"{token}" *'


def _ranked_by_fts(words: Sequence[_Word]) -> Select[Any]:
    index = table("message_text", column("rowid"))
    weights = ", ".join(str(each) for each in _COLUMN_WEIGHTS)
    # Its BM25 counts with k1 + 1 already.
    worth: ColumnElement[float] = literal_column(
        f"-bm25(message_text, {weights}) / {_MOST_OF_A_WORD}", Float
    )
    matched = literal_column("message_text").op("MATCH")(" OR ".join(word.query for word in words))
    # By itself first: joined at once, SQLite asks the index anew for every message.
    newest = select(index.c.rowid, worth.label("worth")).where(matched)
    newest = newest.order_by(index.c.rowid.desc()).limit(_MOST_RANKED)
    found = newest.cte("found").prefix_with("MATERIALIZED")
    ranked = select(messages.c.id, found.c.worth.label("worth"))
    return ranked.join_from(found, messages, messages.c.seq == found.c.rowid)


def _ranked_by_postgres(words: Sequence[_Word]) -> Select[Any]:
    held: ColumnElement[Any] = literal_column("messages.search")
    worth: ColumnElement[Any] = literal(0.0, Float)
    for word in words:
        asked = func.to_tsquery(CONFIGURATION, word.query)
        rank = cast(func.ts_rank(held, asked, 1), Float)
        # Once somewhere is half of the most; often, or in the subject, is nearly all.
        part = 0.5 + 0.5 * func.least(1.0, rank * 4)
        worth += case((_held(word.query), word.rarity * part), else_=0.0)
    matched = or_(*(_held(word.query) for word in words))
    return select(messages.c.id, worth.label("worth")).where(matched)


def _held(query: str | BindParameter[str]) -> ColumnElement[bool]:
    asked = func.to_tsquery(CONFIGURATION, query)
    return literal_column("messages.search").op("@@")(asked)
