"""Requests signed by agents, in three forms; each signature has one effect.

1. `X-Commune-Signature-Version: 2`: id, time, method, path, hash of the body (and a nonce).
2. `X-Commune-Timestamp` alone: id and time, as the hosted service has it.
3. No time: the body alone, as its first guide has it. A repeat gets the stored reply.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, ParamSpec, TypeVar

from agentmail_server.errors import BadRequest, Conflict, StaleTimestamp, Unauthorized
from agentmail_server.ids import Clock, to_micros
from agentmail_server.service.ed25519 import is_signed, read_signature
from agentmail_server.service.keys import DATA_DELETE, EVERY_SCOPE, Principal
from agentmail_server.service.vault import Vault
from agentmail_server.store import agents
from agentmail_server.store.agents import AgentRow, Use
from agentmail_server.store.engine import Store

T = TypeVar("T")
P = ParamSpec("P")
BodySignatures = Literal["safe", "compat", "off"]

_SECOND = 1_000_000
_SKEW_MS = 60_000
_KEPT = 130 * _SECOND
_BODY_KEPT = 86_400 * _SECOND
_READING = frozenset({"GET", "HEAD"})
_SCOPES = frozenset({*EVERY_SCOPE, DATA_DELETE})
_MAX_NONCE = 200
# A body of more bytes is hashed off the event loop.
_BIG = 1_000_000


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it was signed; `target` is the path with its query, as sent.

    `read` takes in the body, so it is called only for an agent that is known.
    """

    credentials: str
    method: str
    target: str
    read: Callable[[], Awaitable[bytes]]
    timestamp: str | None
    version: str | None
    nonce: str | None
    loopback: bool
    encrypted: bool


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who signed; with a ticket the reply is to be kept, with a use it was given before."""

    principal: Principal
    ticket: str | None = None
    earlier: Use | None = None


class AgentAuth:
    """Tells signing agents apart."""

    def __init__(self, store: Store, clock: Clock, vault: Vault, bodies: BodySignatures) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._bodies = bodies

    async def admit(self, request: SignedRequest) -> Admitted:
        """Return who signed a request; raises Unauthorized, BadRequest, Conflict."""
        agent, signature = await self._agent(request.credentials)
        if request.version not in (None, "2"):
            raise BadRequest(
                "X-Commune-Signature-Version must be 2", code="unsupported_signature_version"
            )
        if request.version == "2" or request.timestamp is not None:
            return await self._timed(agent, signature, request)
        return await self._by_body(agent, signature, request)

    async def keep(self, admitted: Admitted, status: int, response: bytes) -> None:
        """Keep the reply for repeats of the same signed body."""
        if admitted.ticket is not None:
            who = admitted.principal.key_id
            # It may hold what is shown once, such as a new key.
            kept = self._vault.replies(who).seal(response.decode()).encode()
            await self._store.write(agents.keep_reply, who, admitted.ticket, status, kept)

    async def release(self, admitted: Admitted) -> None:
        """Let the same signed body be sent again: nothing came of it."""
        if admitted.ticket is not None:
            who = admitted.principal.key_id
            await self._store.write(agents.drop_use, who, admitted.ticket)

    async def _agent(self, credentials: str) -> tuple[AgentRow, bytes]:
        agent_id, colon, text = credentials.partition(":")
        signature = read_signature(text)
        if not colon or signature is None:
            raise Unauthorized(
                "send `Authorization: Agent {agentId}:{base64 signature}`",
                code="invalid_authorization_format",
            )
        agent = await self._store.read(agents.find_agent, agent_id)
        if agent is None or agent.status != "active":
            raise _bad_signature()
        return agent, signature

    async def _timed(self, agent: AgentRow, signature: bytes, request: SignedRequest) -> Admitted:
        stamp = _timestamp(request.timestamp)
        strong = request.version == "2"
        message = await _strong(agent.id, request) if strong else f"{agent.id}:{request.timestamp}"
        if not is_signed(agent.public_key, signature, message.encode()):
            raise _bad_signature()
        # Before the time is taken: what came slowly must not outlive the claim.
        await request.read()
        now = to_micros(self._clock.now())
        now_ms = now // 1000
        if abs(now_ms - stamp) > _SKEW_MS:
            raise StaleTimestamp("the timestamp is over 60 seconds away", server_time=now_ms)
        # After the signature: a stranger cannot use up somebody's moments.
        use = f"2:{_hash(message.encode())}" if strong else f"1:{stamp}"
        if not await self._store.write(agents.claim_use, now, agent.id, use, now + _KEPT):
            raise Unauthorized("this signature was used before", code="replayed_signature")
        return Admitted(_principal(agent, "agent-v2" if strong else "agent-timestamp"))

    async def _by_body(self, agent: AgentRow, signature: bytes, request: SignedRequest) -> Admitted:
        body = await request.read()
        if not await _worked(body, is_signed, agent.public_key, signature, body):
            raise _bad_signature()
        reading = request.method in _READING
        if self._bodies == "off" or reading == bool(body):
            raise _needs_time()
        if reading:
            trusted = request.loopback or (self._bodies == "compat" and request.encrypted)
            if not trusted:
                raise _needs_time()
            return Admitted(_principal(agent, "agent-body"))
        text = f"{request.method}\n{request.target}\n{await _worked(body, _hash, body)}"
        return await self._once(agent, f"3:{_hash(text.encode())}")

    async def _once(self, agent: AgentRow, use: str) -> Admitted:
        now = to_micros(self._clock.now())
        principal = _principal(agent, "agent-body")
        if await self._store.write(agents.claim_use, now, agent.id, use, now + _BODY_KEPT):
            return Admitted(principal, ticket=use)
        earlier = await self._store.read(agents.find_use, agent.id, use)
        if earlier is None or earlier.status is None:
            raise Conflict("the same signed request is being answered", code="in_progress")
        # Nothing is left of a reply whose data was deleted.
        held = (earlier.response or b"").decode()
        opened = self._vault.replies(agent.id).open(held) if held else "{}"
        return Admitted(principal, earlier=Use(earlier.status, opened.encode()))


def _principal(agent: AgentRow, kind: str) -> Principal:
    # An agent owns its organisation.
    return Principal(agent.org_id, agent.id, _SCOPES, kind)


async def _strong(agent_id: str, request: SignedRequest) -> str:
    nonce = request.nonce
    if nonce is not None and not 0 < len(nonce) <= _MAX_NONCE:
        raise BadRequest(f"X-Commune-Nonce must have 1 to {_MAX_NONCE} characters")
    body = await request.read()
    digest = await _worked(body, _hash, body)
    parts = [agent_id, request.timestamp or "", request.method, request.target, digest]
    return "\n".join([*parts, nonce] if nonce is not None else parts)


def _timestamp(text: str | None) -> int:
    if text is None:
        raise BadRequest("send X-Commune-Timestamp", code="missing_timestamp_header")
    if not (text.isascii() and text.isdigit() and len(text) <= 15 and str(int(text)) == text):
        raise BadRequest(
            "X-Commune-Timestamp must be milliseconds since 1970", code="invalid_timestamp"
        )
    return int(text)


async def _worked(body: bytes, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do what takes the longer the larger the body is."""
    if len(body) > _BIG:
        return await asyncio.to_thread(work, *args, **kwargs)
    return work(*args, **kwargs)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _bad_signature() -> Unauthorized:
    return Unauthorized("the signature is not that of an agent", code="invalid_signature")


def _needs_time() -> Unauthorized:
    return Unauthorized(
        "a signature over the body alone is taken for writes with a body only: "
        "send X-Commune-Timestamp (milliseconds) and sign `agentId:timestamp`",
        code="timestamp_required",
    )
