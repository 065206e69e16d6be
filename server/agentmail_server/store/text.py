"""Search by words: what people typed is never syntax, neither of FTS5, nor tsquery, nor LIKE.

All words first (the last one may be unfinished), then any of them, then the text as it stands. Each
thread comes once, by its best message. SQLite and PostgreSQL rank by their own measure; the score
is the share of the best hit's, scaled by how many of the words had to be there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    column,
    func,
    literal_column,
    or_,
    select,
    table,
)

from agentmail_server.store.records import FoundThread
from agentmail_server.store.rows import thread_rows
from agentmail_server.store.scope import within
from agentmail_server.store.tables import messages, threads
from agentmail_server.store.transaction import is_postgres

MAX_WORDS = 16
_MAX_QUERY = 500
_MAX_SNIPPET = 200
# How much of a long mail the last, literal search looks at.
_LITERAL_CHARS = 2_000
_NOT_WORD = re.compile(r"[\s\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+")
_ANY_OF_MANY = 0.6
_LITERAL = 0.5


@dataclass(frozen=True, slots=True)
class _Hit:
    thread_id: str
    seq: int
    rank: float


def find_threads(
    conn: Connection,
    org_id: str,
    words: str,
    inbox_id: str | None = None,
    domain_id: str | None = None,
    limit: int = 20,
) -> list[FoundThread]:
    """Return threads with these words, best first; raises `NotFound` for a foreign scope."""
    scope = within(conn, messages, org_id, inbox_id, domain_id)
    asked = words[:_MAX_QUERY].replace("\0", " ").strip()
    tokens = split_words(asked)
    for joined, worth in (("all", 1.0), ("any", _ANY_OF_MANY)):
        if not tokens or (joined == "any" and len(tokens) == 1):
            continue
        query = _tsquery(tokens, joined) if is_postgres(conn) else _match(tokens, joined)
        hits = _hits(conn, _ranked(conn, query, scope), limit)
        if hits:
            return _found(conn, hits, _snippets(conn, hits, query), worth)
    hits = _hits(conn, _literal(asked, scope), limit) if asked else []
    return _found(conn, hits, _snippets(conn, hits, None), _LITERAL)


def split_words(words: str) -> list[str]:
    """Return the words, taken apart at white space and ASCII punctuation as the index is."""
    return [word for word in _NOT_WORD.split(words) if word][:MAX_WORDS]


def _match(tokens: Sequence[str], joined: str) -> str:
    quoted = [f'"{token}"' for token in tokens]
    quoted[-1] += " *"
    return (" AND " if joined == "all" else " OR ").join(quoted)


def _tsquery(tokens: Sequence[str], joined: str) -> str:
    quoted = [f"'{token}'" for token in tokens]
    quoted[-1] += ":*"
    return (" & " if joined == "all" else " | ").join(quoted)


def _ranked(conn: Connection, query: str, scope: list[ColumnElement[bool]]) -> Select[Any]:
    shown = (messages.c.thread_id, messages.c.seq)
    if is_postgres(conn):
        asked = func.to_tsquery(literal_column("'simple'"), query)
        worth = func.ts_rank(literal_column("messages.search"), asked).label("rank")
        matched = literal_column("messages.search").op("@@")(asked)
        return select(*shown, worth).where(matched, *scope)
    index = table("message_text", column("rowid"))
    rank = -func.bm25(literal_column("message_text"), 5.0, 1.0, 2.0)
    matched = literal_column("message_text").op("MATCH")(query)
    found = select(*shown, rank.label("rank")).where(matched, *scope)
    return found.join_from(index, messages, messages.c.seq == index.c.rowid)


def _literal(asked: str, scope: list[ColumnElement[bool]]) -> Select[Any]:
    places = (
        messages.c.subject,
        messages.c.people,
        func.substr(messages.c.text, 1, _LITERAL_CHARS),
    )
    found = or_(*(place.icontains(asked, autoescape=True) for place in places))
    return select(messages.c.thread_id, messages.c.seq, literal_column("1.0").label("rank")).where(
        found, *scope
    )


def _hits(conn: Connection, ranked: Select[Any], limit: int) -> list[_Hit]:
    """Return the best message of each thread, best threads first."""
    # bm25 works only beside MATCH itself, hence the wall around it.
    hit = ranked.cte("hit").prefix_with("MATERIALIZED")
    place = func.row_number().over(
        partition_by=hit.c.thread_id, order_by=(hit.c.rank.desc(), hit.c.seq.desc())
    )
    best = select(hit, place.label("place")).subquery()
    query = (
        select(best.c.thread_id, best.c.seq, best.c.rank)
        .where(best.c.place == 1)
        .order_by(best.c.rank.desc(), best.c.seq.desc())
        .limit(limit)
    )
    return [_Hit(thread_id, seq, float(rank)) for thread_id, seq, rank in conn.execute(query)]


def _snippets(conn: Connection, hits: Sequence[_Hit], query: str | None) -> dict[int, str]:
    """Return for each hit the words around the match."""
    wanted = [hit.seq for hit in hits]
    if not wanted:
        return {}
    if query is None:
        shown = select(messages.c.seq, messages.c.snippet).where(messages.c.seq.in_(wanted))
    elif is_postgres(conn):
        shown = _headlines(query, wanted)
    else:
        index = table("message_text", column("rowid"))
        piece = func.snippet(literal_column("message_text"), -1, "", "", "…", 24)
        matched = literal_column("message_text").op("MATCH")(query)
        shown = select(index.c.rowid, piece).where(matched, index.c.rowid.in_(wanted))
    return {seq: " ".join(str(piece).split())[:_MAX_SNIPPET] for seq, piece in conn.execute(shown)}


def _headlines(query: str, wanted: Sequence[int]) -> Select[Any]:
    simple: ColumnElement[Any] = literal_column("'simple'")
    whole = messages.c.subject + "\n" + func.left(messages.c.text, 10_000)
    options = "StartSel='', StopSel='', MaxWords=24, MinWords=12"
    piece = func.ts_headline(simple, whole, func.to_tsquery(simple, query), options)
    return select(messages.c.seq, piece).where(messages.c.seq.in_(wanted))


def _found(
    conn: Connection, hits: Sequence[_Hit], snippets: dict[int, str], worth: float
) -> list[FoundThread]:
    query = select(threads).where(threads.c.id.in_([hit.thread_id for hit in hits]))
    rows = {row.id: row for row in thread_rows(conn, conn.execute(query).mappings().all())}
    best = max((hit.rank for hit in hits), default=1.0)
    return [
        FoundThread(
            thread=rows[hit.thread_id],
            score=round(worth * _share(hit.rank, best), 4),
            snippet=snippets.get(hit.seq, ""),
        )
        for hit in hits
        if hit.thread_id in rows
    ]


def _share(rank: float, best: float) -> float:
    # bm25 of a word that most mails hold may be zero or less: such a hit is still a hit.
    return min(1.0, max(0.05, rank / best)) if best > 0 else 1.0
