"""From an HTTP request to a handler and back: authorise, decode, call, encode."""

from __future__ import annotations

import logging
import re
import secrets
import time
import traceback
from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from agentmail_server.errors import BadRequest, NotFound, ServiceError, TooLarge, Unauthorized
from agentmail_server.http.deps import Deps
from agentmail_server.http.paging import Cursors
from agentmail_server.http.problems import InvalidRequest, MissingScope, json_response, problem
from agentmail_server.http.route import ANY_KEY, PUBLIC, Call, Reply, Route
from agentmail_server.http.telemetry import Telemetry
from agentmail_server.ids import to_micros
from agentmail_server.service.keys import Keyring, Principal
from agentmail_server.service.limits import Limits
from agentmail_server.wire.common import Input, NoBody, NoQuery

log = logging.getLogger(__name__)

_NOBODY = Principal("", "", frozenset())
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
_JSON_TYPE = re.compile(r"application/(?:[\w.+-]+\+)?json(?:\s*;.*)?", re.IGNORECASE)


class Endpoint:
    """Serves routes: the same steps for every one of them."""

    def __init__(self, deps: Deps, keyring: Keyring, telemetry: Telemetry) -> None:
        self._deps = deps
        self._keyring = keyring
        self._telemetry = telemetry
        self._limits = Limits(deps.settings.rates, lambda: to_micros(deps.clock.now()))
        self._cursors = Cursors(deps.pepper.derive("cursors"))

    async def serve(self, route: Route, request: Request) -> Response:
        """Answer one request; whatever goes wrong is answered too."""
        started = time.perf_counter()
        request_id = _request_id(request)
        try:
            response = await self._answer(route, request, request_id)
        except ServiceError as error:
            response = problem(error)
        except ClientDisconnect:
            response = Response(status_code=400)
        except Exception as error:
            # The boundary: a caller gets a 500, never a broken connection.
            response = problem(_told(error, route, request_id))
        response.headers.setdefault("X-Request-Id", request_id)
        seconds = time.perf_counter() - started
        self._telemetry.served(route.method, route.path, response.status_code, seconds)
        return response

    async def _answer(self, route: Route, request: Request, request_id: str) -> Response:
        principal = await self._authorise(route, request)
        query = _query(route.query, request)
        raw = await _read_body(request, self._cap(route)) if _has_body(route) else b""
        call = Call(
            deps=self._deps,
            keyring=self._keyring,
            cursors=self._cursors,
            telemetry=self._telemetry,
            request=request,
            request_id=request_id,
            principal=principal,
            limits=self._limits,
            ids=_path_ids(request),
            query=query,
            body=_body(route.body, request, raw),
            raw=raw,
        )
        result = await route.handler(call)
        if isinstance(result, Reply):
            return json_response(result.body, result.status or route.status, result.headers)
        return result

    async def _authorise(self, route: Route, request: Request) -> Principal:
        if route.scope == PUBLIC:
            return _NOBODY
        if route.proof is not None and (linked := await route.proof(self._deps, request)):
            return linked
        principal = await self._caller(request)
        self._limits.take_call(principal.org_id, principal.key_id)
        if route.scope != ANY_KEY and not principal.may(route.scope):
            raise MissingScope(route.scope)
        return principal

    async def _caller(self, request: Request) -> Principal:
        address = client_address(request)
        raw_key = _bearer(request)
        if not self._keyring.knows(raw_key):
            self._limits.refuse_guesser(address)
        try:
            return await self._keyring.authenticate(raw_key)
        except Unauthorized:
            self._limits.failed(address)
            raise

    def _cap(self, route: Route) -> int:
        settings = self._deps.settings
        return settings.max_json if route.takes == "application/json" else settings.max_mail


def client_address(request: Request) -> str:
    """Return the address of the other end, empty where it has none."""
    return request.client.host if request.client is not None else ""


def _bearer(request: Request) -> str:
    header = request.headers.get("authorization")
    if not header:
        raise Unauthorized("Missing Authorization header: send `Authorization: Bearer comm_…`")
    kind, _, key = header.partition(" ")
    if kind.lower() != "bearer" or not key.strip():
        raise Unauthorized(
            "Invalid Authorization header: send `Authorization: Bearer comm_…`",
            code="invalid_authorization_format",
        )
    return key.strip()


def _has_body(route: Route) -> bool:
    return route.body is not None or route.takes != "application/json"


def _request_id(request: Request) -> str:
    asked = request.headers.get("x-request-id", "")
    return asked if _REQUEST_ID.fullmatch(asked) else secrets.token_hex(16)


def _path_ids(request: Request) -> Mapping[str, str]:
    ids: Mapping[str, str] = request.path_params
    if any(len(value) > 1000 or not value.isprintable() for value in ids.values()):
        raise NotFound("Not found")
    return ids


def _query(model: type[Input], request: Request) -> Input:
    if model is NoQuery:
        return _NO_QUERY
    # An empty parameter is one that was left out.
    given = {name: value for name, value in request.query_params.items() if value != ""}
    if any("\0" in value for value in given.values()):
        raise BadRequest("Invalid request: a parameter holds a NUL character")
    return _checked(model, given)


def _body(model: type[Input] | None, request: Request, raw: bytes) -> Input:
    if model is None:
        return _NO_BODY
    if not raw.strip():
        return _checked(model, {})
    kind = request.headers.get("content-type")
    if kind and not _JSON_TYPE.fullmatch(kind.strip()):
        raise BadRequest("Send the body as JSON, with Content-Type: application/json")
    try:
        decoded = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not valid JSON: {error.msg}", code="invalid_json") from None
    if not isinstance(decoded, dict):
        raise BadRequest("The body must be a JSON object", code="invalid_json")
    # Databases refuse NUL in text; the cheap test keeps the walk off the usual path.
    if b"\\u0000" in raw and _holds_nul(decoded):
        raise BadRequest("Invalid request: the body holds a NUL character")
    return _checked(model, decoded)


def _checked(model: type[Input], given: Mapping[str, Any]) -> Input:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise InvalidRequest(error) from None


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(key) or _holds_nul(each) for key, each in value.items())
    return isinstance(value, list) and any(_holds_nul(each) for each in value)


async def _read_body(request: Request, cap: int) -> bytes:
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > cap:
        raise _too_large(cap)
    taken = bytearray()
    async for chunk in request.stream():
        if len(taken) + len(chunk) > cap:
            raise _too_large(cap)
        taken += chunk
    return bytes(taken)


def _too_large(cap: int) -> TooLarge:
    return TooLarge(f"The body is larger than {cap} bytes")


def _told(error: Exception, route: Route, request_id: str) -> ServiceError:
    # Messages of drivers hold parameters, so mail and keys: the type and the lines tell enough.
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error(
        "unhandled error",
        extra={
            "error_type": type(error).__name__,
            "route": f"{route.method} {route.path}",
            "request_id": request_id,
            "where": where,
        },
    )
    return ServiceError("internal error")


_NO_QUERY = NoQuery()
_NO_BODY = NoBody()
