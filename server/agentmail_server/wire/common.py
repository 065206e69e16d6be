"""What every part of the published contract shares: input rules, list limits, envelopes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
)
from pydantic.alias_generators import to_camel
from typing_extensions import TypedDict

Order = Literal["asc", "desc"]
Direction = Literal["inbound", "outbound"]


def _both_casings(name: str) -> AliasChoices:
    return AliasChoices(name, to_camel(name))


class Input(BaseModel):
    """Something sent to us: `snake_case` and `camelCase` alike, unknown names ignored."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(validation_alias=_both_casings),
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )


class NoQuery(Input):
    """A call without parameters."""


class NoBody(Input):
    """A call without a body; whatever is sent is ignored."""


def clamped(low: int, high: int, default: int) -> Callable[[Any], int]:
    """Return a reader of list limits: out of range is clamped, junk is the default."""

    def read(value: object) -> int:
        try:
            wanted = int(str(value))
        except ValueError:
            return default
        return min(max(wanted, low), high)

    return read


Limit100 = Annotated[int, BeforeValidator(clamped(1, 100, 20)), Field(ge=1, le=100)]
Limit200 = Annotated[int, BeforeValidator(clamped(1, 200, 50)), Field(ge=1, le=200)]
Limit1000 = Annotated[int, BeforeValidator(clamped(1, 1000, 50)), Field(ge=1, le=1000)]


def _a_moment(value: object) -> object:
    # Numbers would be read as seconds or milliseconds by their size: a guess, so refused.
    if isinstance(value, str) and value.strip().lstrip("+-").replace(".", "", 1).isdigit():
        raise ValueError("must be a date and time, as in 2026-01-15T09:00:00Z")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("must be within the years 1 to 9999 in UTC") from None


Moment = Annotated[datetime, BeforeValidator(_a_moment), AfterValidator(_in_utc)]
Id = Annotated[str, Field(min_length=1, max_length=200)]


class Person(TypedDict):
    """A name with its address; the name may be empty."""

    name: str
    address: str


class Ok(TypedDict):
    """It was done."""

    ok: bool


class OkReply(TypedDict):
    """Envelope of `Ok`."""

    data: Ok


class Problem(TypedDict):
    """One thing wrong with a request."""

    path: str
    message: str


class _ErrorBody(TypedDict):
    error: str
    code: str
    message: str


class ErrorReply(_ErrorBody, total=False):
    """Body of every refusal; `error` and `message` are the same text."""

    details: list[Problem]
    required: list[str]
    hint: str
    retryAfter: int
    serverTime: int
