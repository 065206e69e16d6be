"""From an HTTP request to a handler and back: authorise, decode, call, encode."""

from __future__ import annotations

import logging
import re
import secrets
import time
import traceback
from collections.abc import Mapping
from typing import BinaryIO

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from agentmail_server.errors import NotFound, ServiceError
from agentmail_server.http.callers import Body, Callers
from agentmail_server.http.decoding import body_of, query_of, refuse_encoding
from agentmail_server.http.deps import Deps
from agentmail_server.http.filebody import take_file
from agentmail_server.http.paging import Cursors
from agentmail_server.http.problems import json_response
from agentmail_server.http.route import Call, Reply, Route
from agentmail_server.http.telemetry import Telemetry
from agentmail_server.ids import to_micros
from agentmail_server.service.keys import Keyring, Principal
from agentmail_server.service.limits import Limits
from agentmail_server.wire.common import Input

log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


class Endpoint:
    """Serves routes: the same steps for every one of them."""

    def __init__(self, deps: Deps, keyring: Keyring, telemetry: Telemetry) -> None:
        self._deps = deps
        self._keyring = keyring
        self._telemetry = telemetry
        self._limits = Limits(deps.settings.rates, self._now)
        self._callers = Callers(deps, keyring, self._limits)
        self._cursors = Cursors(deps.pepper.derive("cursors"))

    async def serve(self, route: Route, request: Request) -> Response:
        """Answer one request; whatever goes wrong is answered too."""
        started = time.perf_counter()
        request_id = _request_id(request)
        try:
            response = await self._answer(route, request, request_id)
        except ServiceError as error:
            response = route.refusal(error)
        except ClientDisconnect:
            response = Response(status_code=400)
        except Exception as error:
            # The boundary: a caller gets a 500, never a broken connection.
            response = route.refusal(_told(error, route, request_id))
        response.headers.setdefault("X-Request-Id", request_id)
        seconds = time.perf_counter() - started
        self._telemetry.served(route.method, route.path, response.status_code, seconds)
        return response

    async def _answer(self, route: Route, request: Request, request_id: str) -> Response:
        body = Body(request, self._cap(route))
        admitted = await self._callers.admit(route, request, body)
        if admitted.earlier is not None:
            replayed = {"Idempotency-Replayed": "true"}
            held = admitted.earlier
            return Response(held.response, held.status or 200, replayed, "application/json")
        response: Response | None = None
        try:
            response = await self._handle(route, request, request_id, admitted.principal, body)
        except ServiceError as error:
            response = route.refusal(error)
        finally:
            await self._callers.settle(admitted, response)
        if admitted.principal.kind.startswith("agent"):
            response.headers["X-Commune-Server-Time"] = str(self._now() // 1000)
        return response

    async def _handle(
        self, route: Route, request: Request, request_id: str, principal: Principal, body: Body
    ) -> Response:
        if route.stores:
            self._deps.disk.insist()
        query = query_of(route.query, request)
        raw, file = await self._taken(route, request, body)
        try:
            return await self._called(route, request, request_id, principal, query, raw, file)
        finally:
            if file is not None:
                file.close()

    async def _taken(
        self, route: Route, request: Request, body: Body
    ) -> tuple[bytes, BinaryIO | None]:
        if not _has_body(route):
            return b"", None
        refuse_encoding(request)
        if route.file is not None:
            return await take_file(route.file, body.pieces(), self._deps.settings.spool)
        return await body.read(), None

    async def _called(
        self,
        route: Route,
        request: Request,
        request_id: str,
        principal: Principal,
        query: Input,
        raw: bytes,
        file: BinaryIO | None,
    ) -> Response:
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
            body=body_of(route.body, request, raw),
            raw=raw,
            file=file,
        )
        result = await route.handler(call)
        if isinstance(result, Reply):
            return json_response(result.body, result.status or route.status, result.headers)
        return result

    def _now(self) -> int:
        return to_micros(self._deps.clock.now())

    def _cap(self, route: Route) -> int:
        settings = self._deps.settings
        return settings.max_json if route.takes == "application/json" else settings.max_mail


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
