"""Agents that sign, their registrations, and which signatures have been used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from agentmail_server.errors import Conflict
from agentmail_server.ids import Ids
from agentmail_server.store.records import JsonObject
from agentmail_server.store.tables import agent_signups, agent_uses, agents
from agentmail_server.store.transaction import insert_into

_TOUCH_MICROS = 60_000_000


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent; `public_key` is base64 of 32 bytes."""

    id: str
    org_id: str
    name: str
    purpose: str | None
    public_key: str
    profile: JsonObject
    status: str
    last_used_at: int | None
    created_at: int


@dataclass(frozen=True, slots=True)
class SignupRow:
    """A registration under way; with a purpose `challenge` is the marker to be given back."""

    token_digest: str
    agent_name: str
    org_name: str
    slug: str
    public_key: str
    purpose: str | None
    profile: JsonObject
    challenge: str
    expires_at: int
    used_at: int | None


@dataclass(frozen=True, slots=True)
class Use:
    """What became of a signed request; without a status it is still being answered."""

    status: int | None
    response: bytes | None


def add_signup(conn: Connection, now: int, row: SignupRow) -> None:
    """Keep a registration; old ones are forgotten."""
    conn.execute(delete(agent_signups).where(agent_signups.c.expires_at <= now))
    values = {name: getattr(row, name) for name in agent_signups.c.keys()}  # noqa: SIM118
    conn.execute(insert(agent_signups).values(values))


def find_signup(conn: Connection, now: int, token_digest: str) -> SignupRow | None:
    """Return a registration that may still be finished."""
    query = select(agent_signups).where(
        agent_signups.c.token_digest == token_digest,
        agent_signups.c.used_at.is_(None),
        agent_signups.c.expires_at > now,
    )
    row = conn.execute(query).mappings().first()
    return SignupRow(**row) if row else None


def use_signup(conn: Connection, now: int, token_digest: str) -> bool:
    """Use a registration up; False when somebody else has."""
    unused = (agent_signups.c.token_digest == token_digest, agent_signups.c.used_at.is_(None))
    return conn.execute(update(agent_signups).where(*unused).values(used_at=now)).rowcount == 1


def add_agent(conn: Connection, ids: Ids, now: int, org_id: str, signup: SignupRow) -> AgentRow:
    """Give an organisation its agent; raises `Conflict` where the key is another agent's."""
    refuse_known_key(conn, signup.public_key)
    row = AgentRow(
        ids.make("agt"), org_id, signup.agent_name, signup.purpose, signup.public_key,
        signup.profile, "active", None, now,
    )  # fmt: skip
    values = {name: getattr(row, name) for name in agents.c.keys()}  # noqa: SIM118
    conn.execute(insert(agents).values(values))
    return row


def refuse_known_key(conn: Connection, public_key: str) -> None:
    """Raise `Conflict` where an agent has this public key."""
    if conn.execute(select(agents.c.id).where(agents.c.public_key == public_key)).first():
        raise Conflict("this public key is registered already", code="public_key_exists")


def find_agent(conn: Connection, agent_id: str) -> AgentRow | None:
    """Return an agent, whatever its status."""
    row = conn.execute(select(agents).where(agents.c.id == agent_id)).mappings().first()
    return AgentRow(**row) if row else None


def claim_use(conn: Connection, now: int, agent_id: str, use_key: str, expires_at: int) -> bool:
    """Claim a signature for one request; False when it was claimed before."""
    conn.execute(delete(agent_uses).where(agent_uses.c.expires_at <= now))
    values: Mapping[str, object] = {
        "agent_id": agent_id, "use_key": use_key, "expires_at": expires_at,
    }  # fmt: skip
    claimed = insert_into(conn, agent_uses).values(values).on_conflict_do_nothing()
    if conn.execute(claimed).rowcount != 1:
        return False
    stale = agents.c.last_used_at.is_(None) | (agents.c.last_used_at < now - _TOUCH_MICROS)
    conn.execute(update(agents).where(agents.c.id == agent_id, stale).values(last_used_at=now))
    return True


def find_use(conn: Connection, agent_id: str, use_key: str) -> Use | None:
    """Return what became of a claimed signature."""
    query = select(agent_uses.c.status, agent_uses.c.response).where(*_use(agent_id, use_key))
    row = conn.execute(query).first()
    return Use(row[0], row[1]) if row else None


def keep_reply(conn: Connection, agent_id: str, use_key: str, status: int, response: bytes) -> None:
    """Keep what a signed request was answered."""
    values = {"status": status, "response": response}
    conn.execute(update(agent_uses).where(*_use(agent_id, use_key)).values(values))


def drop_use(conn: Connection, agent_id: str, use_key: str) -> None:
    """Let a signature be used again: its request had no effect."""
    conn.execute(delete(agent_uses).where(*_use(agent_id, use_key)))


def _use(agent_id: str, use_key: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return agent_uses.c.agent_id == agent_id, agent_uses.c.use_key == use_key
