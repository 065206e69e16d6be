"""Refusals as JSON: one shape for all, and never a 422."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import ValidationError
from starlette.responses import Response

from agentmail_server.errors import (
    BadRequest,
    Forbidden,
    RateLimited,
    ServiceError,
    StaleTimestamp,
    Unavailable,
)

_CODES = {
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "too_large",
    503: "unavailable",
}


class InvalidRequest(BadRequest):
    """A request that breaks the rules of its models; `details` names each place."""

    def __init__(self, error: ValidationError) -> None:
        self.details = [
            {"path": _path(each["loc"]), "message": _plain(each["msg"])}
            for each in error.errors(include_input=False, include_url=False, include_context=False)
        ][:20]
        first = self.details[0]
        where = f"{first['path']}: " if first["path"] else ""
        super().__init__(f"Invalid request: {where}{first['message']}")


class MissingScope(Forbidden):
    """The key is good but may not do this."""

    def __init__(self, scope: str) -> None:
        super().__init__("Insufficient permissions")
        self.required = [scope]
        self.hint = f"Use an API key that carries the scope {scope}."


def problem(error: ServiceError, request_id: str | None = None) -> Response:
    """Return the reply of a refusal."""
    body: dict[str, Any] = {"error": error.message, "code": error.code, "message": error.message}
    headers: dict[str, str] = {}
    if isinstance(error, InvalidRequest):
        body["details"] = error.details
    if isinstance(error, MissingScope):
        body |= {"required": error.required, "hint": error.hint}
    if isinstance(error, (RateLimited, Unavailable)):
        body["retryAfter"] = error.retry_after
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, StaleTimestamp):
        body["serverTime"] = error.server_time
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if request_id is not None:
        headers["X-Request-Id"] = request_id
    return json_response(body, error.status, headers)


def plain_problem(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a refusal that no ServiceError stands for."""
    body = {"error": text, "code": _CODES.get(status, "bad_request"), "message": text}
    return json_response(body, status, headers)


def json_response(
    body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Encode a JSON reply."""
    return Response(orjson.dumps(body), status, dict(headers or {}), media_type="application/json")


def _path(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc)


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")
