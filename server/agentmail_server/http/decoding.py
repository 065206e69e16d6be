"""Parameters and bodies as the route table wants them, or a refusal that says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import ValidationError
from starlette.requests import Request

from agentmail_server.errors import BadRequest, UnsupportedMedia
from agentmail_server.http.problems import InvalidRequest
from agentmail_server.wire.common import Input, NoBody, NoQuery

_JSON_TYPE = re.compile(r"application/(?:[\w.+-]+\+)?json(?:\s*;.*)?", re.IGNORECASE)
# What is stored must be written again, and writers go less deep than readers.
_DEEPEST = 64
_NO_QUERY = NoQuery()
_NO_BODY = NoBody()


def refuse_encoding(request: Request) -> None:
    """Raise UnsupportedMedia for a packed body: nobody knows how large it would be."""
    told = request.headers.get("content-encoding", "identity").strip().lower()
    if told not in ("", "identity"):
        raise UnsupportedMedia("Send the body as it is, without Content-Encoding")


def query_of(model: type[Input], request: Request) -> Input:
    """Return the parameters of a call; raises BadRequest."""
    if model is NoQuery:
        return _NO_QUERY
    # An empty parameter is one that was left out.
    given = {name: value for name, value in request.query_params.items() if value != ""}
    if any("\0" in value for value in given.values()):
        raise BadRequest("Invalid request: a parameter holds a NUL character")
    return _checked(model, given)


def body_of(model: type[Input] | None, request: Request, raw: bytes) -> Input:
    """Return the JSON body of a call, an empty one as an empty object; raises BadRequest."""
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
    if _is_deep(raw) and _depth(decoded) > _DEEPEST:
        raise BadRequest(f"The body is nested deeper than {_DEEPEST}", code="invalid_json")
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


def _is_deep(raw: bytes) -> bool:
    return raw.count(b"{") + raw.count(b"[") > _DEEPEST


def _depth(value: object) -> int:
    """Return how deep objects and lists are nested."""
    depth, level = 0, [value]
    while level:
        held = [each for each in level if isinstance(each, dict | list)]
        depth += bool(held)
        level = [
            inner for each in held for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return depth
