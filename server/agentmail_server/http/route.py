"""What a route is, and what its handler is given and returns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Generic, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from agentmail_server.errors import ServiceError
from agentmail_server.http.deps import Deps
from agentmail_server.http.paging import Cursors
from agentmail_server.http.problems import problem
from agentmail_server.http.telemetry import Telemetry
from agentmail_server.ids import to_micros
from agentmail_server.service.keys import Keyring, Principal
from agentmail_server.service.limits import Limits
from agentmail_server.wire.common import ErrorReply, Input, NoBody, NoQuery

Query_co = TypeVar("Query_co", bound=Input, covariant=True)
Body_co = TypeVar("Body_co", bound=Input, covariant=True)

# In place of a scope: no key at all, or any key that is good.
PUBLIC = "public"
ANY_KEY = "any key"


@dataclass(frozen=True, slots=True)
class Call(Generic[Query_co, Body_co]):
    """One authorised and decoded call."""

    deps: Deps
    keyring: Keyring
    cursors: Cursors
    telemetry: Telemetry
    request: Request
    request_id: str
    principal: Principal
    limits: Limits
    ids: Mapping[str, str]
    query: Query_co
    body: Body_co
    # The body as it came, up to the route's cap.
    raw: bytes
    # What `Route.file` names, decoded; closed after the call.
    file: BinaryIO | None = None

    @property
    def org_id(self) -> str:
        """The org that calls."""
        return self.principal.org_id

    def now(self) -> int:
        """Return the present moment in microseconds."""
        return to_micros(self.deps.clock.now())


AnyCall = Call[Input, Input]
PlainCall = Call[NoQuery, NoBody]


@dataclass(frozen=True, slots=True)
class Reply:
    """A JSON reply."""

    body: Mapping[str, Any]
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


# Finds who calls by what is in the URL; None where it holds no such proof.
Proof = Callable[[Deps, Request], Awaitable[Principal | None]]
Refusal = Callable[[ServiceError], Response]
Handler = Callable[[Call[Any, Any]], Awaitable[Reply | Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the route table."""

    method: str
    path: str
    scope: str
    handler: Handler
    summary: str
    reply: Any
    query: type[Input] = NoQuery
    body: type[Input] | None = None
    status: int = 200
    errors: tuple[int, ...] = ()
    # Of these, those that answer in the shape of the reply.
    same: tuple[int, ...] = ()
    # Other than JSON: what comes in, what goes out.
    takes: str = "application/json"
    gives: str = "application/json"
    # It adds mail or files, and is refused while the disk is nearly full.
    stores: bool = False
    # The field of the body that is a file in base64; it is decoded to disk as it comes in.
    file: str | None = None
    # A link may carry its own proof in place of a key.
    proof: Proof | None = None
    # Other APIs than Commune's have words of their own for a refusal, and a header for the key.
    refusal: Refusal = problem
    error: Any = ErrorReply
    key_header: str | None = None


def data(value: Any, **beside: Any) -> Reply:
    """Return the usual envelope: `data`, and what stands beside it."""
    return Reply({"data": value, **beside})
