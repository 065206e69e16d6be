"""Webhook deliveries on the wire, and the body of a call."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from typing_extensions import TypedDict

from agentmail_server.wire.common import Id, Input, clamped

HookStatus = Literal["pending", "delivered", "retrying", "dead"]
_MOST = 10**9


class HooksQuery(Input):
    """Parameters of the list of deliveries."""

    inbox_id: Id | None = None
    status: HookStatus | None = None
    endpoint: str | None = Field(default=None, max_length=2000)
    message_id: Id | None = None
    limit: Annotated[int, BeforeValidator(clamped(1, 100, 50)), Field(ge=1, le=100)] = 50
    offset: Annotated[int, BeforeValidator(clamped(0, _MOST, 0)), Field(ge=0)] = 0


class HealthQuery(Input):
    """Parameters of the health of endpoints; all inboxes unless one is named."""

    inbox_id: Id | None = None


class HookTest(Input):
    """Body of a test call."""

    inbox_id: Id
    event_type: str = Field(default="email.received", max_length=60, pattern=r"^[a-z._]+$")


class AttemptOut(TypedDict):
    """One attempt; the status is null where no answer came."""

    attempt: int
    status_code: int | None
    error: str | None
    latency_ms: int
    attempted_at: str


class HookOut(TypedDict):
    """A webhook delivery under the names of all peers."""

    id: str
    delivery_id: str
    inbox_id: str
    message_id: str
    event_type: str
    event_id: str | None
    endpoint: str
    status: str
    attempt_count: int
    attemptCount: int
    max_attempts: int
    created_at: str
    createdAt: str
    delivered_at: str | None
    dead_at: str | None
    next_retry_at: str | None
    last_error: str | None
    last_status_code: int | None
    httpStatus: int | None
    delivery_latency_ms: int | None


class HookWithAttempts(HookOut):
    """A delivery with its history; the hash is SHA-256 of the bytes that are sent."""

    payload_hash: str | None
    payload: dict[str, Any] | None
    attempts: list[AttemptOut]


class HooksReply(TypedDict):
    """Deliveries, newest first; `deliveries` is the same list."""

    data: list[HookOut]
    deliveries: list[HookOut]
    total: int


class HookReply(TypedDict):
    """One delivery, twice."""

    data: HookWithAttempts
    delivery: HookWithAttempts


class HookRetried(TypedDict):
    """It will be tried again now."""

    ok: bool
    message: str


class HookRetriedReply(HookRetried):
    """Answer to a retry, with and without its envelope."""

    data: HookRetried


class EndpointOut(TypedDict):
    """How an endpoint has done in the last 24 hours; `failed` is those being retried."""

    endpoint: str
    total: int
    delivered: int
    failed: int
    dead: int
    success_rate: float | None
    avg_latency_ms: float | None
    last_success: str | None
    last_failure: str | None
    # closed, or open until calls are made again.
    breaker: Literal["closed", "open"]
    open_until: str | None


class HealthOut(TypedDict):
    """Endpoints of the last 24 hours, and deliveries by status of all time."""

    endpoints: list[EndpointOut]
    totals: dict[str, int]


class HookHealthReply(HealthOut):
    """Health, with and without its envelope."""

    data: HealthOut


class _TestOut(TypedDict):
    delivered: bool
    status_code: int | None
    response_time_ms: int
    endpoint: str
    event_type: str
    test: bool


class HookTestOut(_TestOut, total=False):
    """What a test call met."""

    error: str


class HookTestReply(TypedDict):
    """Answer to a test call."""

    data: HookTestOut
