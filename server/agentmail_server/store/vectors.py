"""Vectors of messages: the truth from which an index is fed by sequence, and made anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, case, delete, exists, func, select

from agentmail_server.store.tables import message_vectors, messages, vector_tombstones
from agentmail_server.store.transaction import insert_into, touch

_MOST_TEXT = 16_000
# Of many parts one is near to anything by chance, so a part must be nearer than a whole.
_PART_HANDICAP = 0.05
# A place with no more messages holds few of them.
FEW = 2_000
_SAMPLE = 400


@dataclass(frozen=True, slots=True)
class Unembedded:
    """A message without a vector, with what makes one."""

    seq: int
    message_id: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Vector:
    """A vector (16-bit floats), what it is called in an index, and whose it is."""

    seq: int
    name: str
    org_id: str
    inbox_id: str
    domain_id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Behind:
    """What is not in the index yet, and the newest message there is."""

    messages: int
    newest: int


def vector_name(message_id: str, chunk: int) -> str:
    """Return the name of a vector in an index."""
    return f"{message_id}#{chunk}"


def message_of(name: str) -> str:
    """Return the message that a vector of an index stands for."""
    return name.rpartition("#")[0]


def chunk_of(name: str) -> int:
    """Return which part of its message a vector stands for, 0 for the whole."""
    return int(name.rpartition("#")[2])


def weighed(cosine: float, chunk: int) -> float:
    """Return a cosine as it counts for the message."""
    return cosine - _PART_HANDICAP if chunk else cosine


def unembedded(
    conn: Connection, embedder: str, after: int, limit: int
) -> tuple[list[Unembedded], int, int]:
    """Return messages behind `after` without a vector of this embedder, oldest first.

    Beside them the place up to which all have one, once these have theirs, and the newest place.
    """
    last = _newest(conn)
    text = func.substr(messages.c.text, 1, _MOST_TEXT)
    query = select(messages.c.seq, messages.c.id, messages.c.subject, text)
    query = query.where(messages.c.seq > after, ~_embedded(embedder))
    rows = conn.execute(query.order_by(messages.c.seq).limit(limit)).all()
    found = [Unembedded(*row) for row in rows]
    return found, last if len(found) < limit else found[-1].seq, last


def add_vectors(
    conn: Connection, embedder: str, vectors: Sequence[tuple[str, Sequence[bytes]]]
) -> None:
    """Keep the vectors of messages, in their order; one that is gone meanwhile is passed over."""
    wanted = [message_id for message_id, _ in vectors]
    present = select(messages.c.id).where(messages.c.id.in_(wanted)).with_for_update(key_share=True)
    held = set(conn.execute(present).scalars())
    rows = [
        {"message_id": message_id, "chunk": chunk, "embedder": embedder, "vector": content}
        for message_id, contents in vectors
        if message_id in held
        for chunk, content in enumerate(contents or [b""])
    ]
    if rows:
        conn.execute(insert_into(conn, message_vectors).on_conflict_do_nothing(), rows)
        touch(conn, "vectors")


def vectors_after(conn: Connection, embedder: str, seq: int, limit: int) -> list[Vector]:
    """Return vectors behind `seq`, in their order."""
    held = message_vectors
    query = (
        select(
            held.c.seq,
            held.c.message_id,
            held.c.chunk,
            messages.c.org_id,
            messages.c.inbox_id,
            messages.c.domain_id,
            held.c.vector,
        )
        .join(messages, messages.c.id == held.c.message_id)
        .where(held.c.seq > seq, held.c.embedder == embedder)
        .order_by(held.c.seq)
        .limit(limit)
    )
    return [
        Vector(row[0], vector_name(row[1], row[2]), *row[3:]) for row in conn.execute(query).all()
    ]


def vectors_named(conn: Connection, embedder: str, message_ids: Sequence[str]) -> list[Vector]:
    """Return the vectors of these messages."""
    found: list[Vector] = []
    held = message_vectors
    for start in range(0, len(message_ids), 500):
        query = select(
            held.c.seq, held.c.message_id, held.c.chunk,
            messages.c.org_id, messages.c.inbox_id, messages.c.domain_id, held.c.vector,
        ).join(messages, messages.c.id == held.c.message_id)  # fmt: skip
        part = message_ids[start : start + 500]
        query = query.where(held.c.message_id.in_(part), held.c.embedder == embedder)
        found += [
            Vector(row[0], vector_name(row[1], row[2]), *row[3:])
            for row in conn.execute(query).all()
        ]
    return found


def names(conn: Connection, embedder: str) -> set[str]:
    """Return the names of all vectors that an index of this embedder must hold."""
    held = message_vectors
    query = select(held.c.message_id, held.c.chunk).where(
        held.c.embedder == embedder, func.length(held.c.vector) > 0
    )
    return {vector_name(*row) for row in conn.execute(query).all()}


def tombstones_after(conn: Connection, seq: int, limit: int) -> list[tuple[int, str]]:
    """Return names that an index must forget, behind `seq`, in their order."""
    gone = vector_tombstones
    query = select(gone.c.seq, gone.c.message_id, gone.c.chunk).where(gone.c.seq > seq)
    rows = conn.execute(query.order_by(gone.c.seq).limit(limit)).all()
    return [(row[0], vector_name(row[1], row[2])) for row in rows]


def last_tombstone(conn: Connection) -> int:
    """Return the place behind the newest tombstone."""
    return conn.execute(select(func.max(vector_tombstones.c.seq))).scalar() or 0


def behind(conn: Connection, embedder: str, message_seq: int, vector_seq: int) -> Behind:
    """Return how much lies behind the two places up to which an index has come."""
    waiting = select(func.count()).where(messages.c.seq > message_seq, ~_embedded(embedder))
    unfed = select(func.count(message_vectors.c.message_id.distinct())).where(
        message_vectors.c.seq > vector_seq,
        message_vectors.c.embedder == embedder,
        func.length(message_vectors.c.vector) > 0,
    )
    count = conn.execute(waiting).scalar_one() + conn.execute(unfed).scalar_one()
    return Behind(count, _newest(conn))


def share_of(
    conn: Connection, org_id: str, inbox_id: str | None, domain_id: str | None
) -> tuple[int, float]:
    """Return how many messages a place holds, up to `FEW` + 1, and about which part of all."""
    place = messages.c.org_id == org_id
    if inbox_id is not None:
        place = messages.c.inbox_id == inbox_id
    elif domain_id is not None:
        place = and_(place, messages.c.domain_id == domain_id)
    some = select(messages.c.seq).where(place).limit(FEW + 1).subquery()
    count = conn.execute(select(func.count()).select_from(some)).scalar_one()
    newest = _newest(conn)
    sample = {newest * at // _SAMPLE for at in range(1, _SAMPLE + 1)}
    # Rows of that few numbers: to count a whole place takes too long while somebody waits.
    seen = select(func.count(), func.count(case((place, 1)))).where(messages.c.seq.in_(sample))
    there, within = conn.execute(seen).one()
    return count, within / max(1, there)


def forget_vectors(conn: Connection, keep: str | None = None) -> int:
    """Remove all vectors but those of one embedder; return how many."""
    gone = delete(message_vectors)
    if keep is not None:
        gone = gone.where(message_vectors.c.embedder != keep)
    touch(conn, "log")
    return conn.execute(gone).rowcount


def _newest(conn: Connection) -> int:
    return conn.execute(select(func.max(messages.c.seq))).scalar() or 0


def _embedded(embedder: str) -> ColumnElement[bool]:
    return exists().where(
        and_(message_vectors.c.message_id == messages.c.id, message_vectors.c.embedder == embedder)
    )
