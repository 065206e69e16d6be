"""What a unit of work may do beside plain statements: leave topics, take locks, insert or keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Insert, Table, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")
Bound = Callable[[Connection], T]

_TOPICS = "agentmail_topics"


def touch(conn: Connection, topic: str) -> None:
    """Ask that the callbacks of `topic` run once this transaction is committed."""
    conn.info.setdefault(_TOPICS, set()).add(topic)


def take_topics(conn: Connection) -> frozenset[str]:
    """Return the topics touched since the last call."""
    topics: set[str] = conn.info.pop(_TOPICS, set())
    return frozenset(topics)


def is_postgres(conn: Connection) -> bool:
    """Tell the two databases apart."""
    return conn.dialect.name == "postgresql"


def lock(conn: Connection, *names: str) -> None:
    """Hold named locks until the transaction ends; SQLite's one writer needs none.

    Names are taken in sorted order, so that two transactions cannot wait for each other.
    """
    if not is_postgres(conn):
        return
    for name in sorted(set(names)):
        conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def add(conn: Connection, table: Table, rows: Mapping[str, Any] | list[dict[str, Any]]) -> None:
    """Insert one row or many.

    The statement is made once for each table: building it anew costs more than running it.
    """
    conn.execute(_insert(table), rows)


def keep(conn: Connection, table: Table, rows: Mapping[str, Any] | list[dict[str, Any]]) -> None:
    """Insert one row or many, leaving out those whose key is there already."""
    conn.execute(_insert_missing(conn.dialect.name, table), rows)


@cache
def _insert(table: Table) -> Insert:
    return insert(table)


@cache
def _insert_missing(dialect: str, table: Table) -> Insert:
    if dialect == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def insert_into(conn: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return the insert of this database, which knows `on_conflict_…`."""
    return postgresql.insert(table) if is_postgres(conn) else sqlite.insert(table)
