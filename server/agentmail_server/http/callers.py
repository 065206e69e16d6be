"""Who calls: by a key, by a link that proves itself, or by a signature."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from ipaddress import ip_address

from starlette.requests import Request
from starlette.responses import Response

from agentmail_server.errors import ServiceError, TooLarge, Unauthorized
from agentmail_server.http.deps import Deps
from agentmail_server.http.problems import MissingScope
from agentmail_server.http.route import ANY_KEY, PUBLIC, AnyCall, Route
from agentmail_server.service.agentauth import Admitted, AgentAuth, SignedRequest
from agentmail_server.service.keys import Keyring, Principal
from agentmail_server.service.limits import Limits
from agentmail_server.store.agents import find_agent

log = logging.getLogger(__name__)

_PIECE = 64 * 1024
_NOBODY = Admitted(Principal("", "", frozenset()))


class Body:
    """The body of a request, read at once or in pieces, up to a cap in bytes."""

    def __init__(self, request: Request, cap: int) -> None:
        self._request = request
        self._cap = cap
        self._taken: bytes | None = None

    async def read(self) -> bytes:
        """Return all of it; raises TooLarge as soon as that is clear."""
        if self._taken is None:
            taken = bytearray()
            async for piece in self.pieces():
                taken += piece
            self._taken = bytes(taken)
        return self._taken

    async def pieces(self) -> AsyncIterator[bytes]:
        """Give it out as it comes in, this once; raises TooLarge as soon as that is clear."""
        if self._taken is not None:
            for at in range(0, len(self._taken), _PIECE):
                yield self._taken[at : at + _PIECE]
            return
        length = self._request.headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length[:20]) > self._cap:
            raise self._too_large()
        size = 0
        async for chunk in self._request.stream():
            size += len(chunk)
            if size > self._cap:
                raise self._too_large()
            yield chunk

    def _too_large(self) -> TooLarge:
        return TooLarge(f"The body is larger than {self._cap} bytes")


class Callers:
    """Finds who calls and whether they may."""

    def __init__(self, deps: Deps, keyring: Keyring, limits: Limits) -> None:
        self._deps = deps
        self._keyring = keyring
        self._limits = limits
        self._agents = AgentAuth(
            deps.store, deps.clock, deps.vault, deps.settings.agent_body_signature
        )

    async def admit(self, route: Route, request: Request, body: Body) -> Admitted:
        """Return the caller of a route; raises Unauthorized, MissingScope, RateLimited."""
        if route.scope == PUBLIC:
            return _NOBODY
        if route.proof is not None and (linked := await route.proof(self._deps, request)):
            return Admitted(linked)
        admitted = await self._caller(route, request, body)
        principal = admitted.principal
        self._limits.take_call(principal.org_id, principal.key_id)
        if route.scope != ANY_KEY and not principal.may(route.scope):
            raise MissingScope(route.scope)
        return admitted

    async def settle(self, admitted: Admitted, response: Response | None) -> None:
        """Keep the reply to a signed body; without a reply, or with one of ours, let it go."""
        try:
            if response is None or response.status_code >= 500 or response.status_code == 429:
                await self._agents.release(admitted)
            else:
                await self._agents.keep(admitted, response.status_code, bytes(response.body))
        except ServiceError as error:
            # The call is done: another answer than its own would make the agent call again.
            log.warning("the reply to a signed body is not kept", extra={"reason": error.message})

    async def _caller(self, route: Route, request: Request, body: Body) -> Admitted:
        kind, credentials = _credentials(route, request)
        address = client_address(request)
        if kind == "agent" or not self._keyring.knows(credentials):
            self._limits.refuse_guesser(address)
        try:
            if kind == "bearer":
                return Admitted(await self._keyring.authenticate(credentials))
            return await self._agents.admit(_signed(request, credentials, body, address))
        except Unauthorized:
            self._limits.failed(address)
            raise


async def still_admitted(call: AnyCall) -> bool:
    """Tell whether who calls would be let in now: keys are revoked, renewed, and run out."""
    who = call.principal
    if who.kind != "key":
        agent = await call.deps.store.read(find_agent, who.key_id)
        return agent is not None and agent.status == "active"
    try:
        await call.keyring.authenticate(_authorization(call.request)[1])
    except Unauthorized:
        return False
    return True


def client_address(request: Request) -> str:
    """Return the address of the other end, empty where it has none."""
    return request.client.host if request.client is not None else ""


def _credentials(route: Route, request: Request) -> tuple[str, str]:
    if route.key_header is not None and (key := request.headers.get(route.key_header, "").strip()):
        return "bearer", key
    return _authorization(request)


def _authorization(request: Request) -> tuple[str, str]:
    header = request.headers.get("authorization")
    if not header:
        raise Unauthorized("Missing Authorization header: send `Authorization: Bearer comm_…`")
    kind, _, credentials = header.partition(" ")
    if kind.lower() not in ("bearer", "agent") or not credentials.strip():
        raise Unauthorized(
            "Invalid Authorization header: send `Authorization: Bearer comm_…`",
            code="invalid_authorization_format",
        )
    return kind.lower(), credentials.strip()


def _signed(request: Request, credentials: str, body: Body, address: str) -> SignedRequest:
    headers, scope = request.headers, request.scope
    query = scope["query_string"].decode("latin-1")
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
    return SignedRequest(
        credentials=credentials,
        method=request.method,
        target=f"{path}?{query}" if query else path,
        read=body.read,
        timestamp=headers.get("x-commune-timestamp") or headers.get("x-agent-timestamp"),
        version=headers.get("x-commune-signature-version"),
        nonce=headers.get("x-commune-nonce"),
        loopback=_is_loopback(address),
        encrypted=request.url.scheme == "https",
    )


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
