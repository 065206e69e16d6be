"""OpenAPI 3.1, generated from the route table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import orjson
from pydantic import TypeAdapter

from agentmail_server.http.route import ANY_KEY, PUBLIC, Route
from agentmail_server.wire.common import Input, NoQuery

_REF = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"\{(\w+)\}")
_REASONS = {
    400: "The request breaks a rule",
    401: "No key, or one that is not good",
    403: "The key lacks the scope",
    404: "Missing, or another organisation's",
    409: "Taken, or the Idempotency-Key came with another body",
    410: "Its time has passed",
    413: "Too large",
    415: "Packed, by Content-Encoding",
    429: "Too many calls: wait as long as Retry-After says",
    500: "Our fault",
    503: "Not now: try again, after Retry-After where it is given",
}


@cache
def openapi_json(routes: tuple[Route, ...], version: str) -> bytes:
    """Return the description of all routes, encoded; made when first asked for."""
    return orjson.dumps(openapi(routes, version))


def openapi(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """Return the description of all routes."""
    schemas: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        operation = _operation(route, schemas)
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "agentmail-server", "version": version},
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "token": {"type": "apiKey", "in": "header", "name": "X-Agnic-Token"},
            },
        },
    }


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}_{_slug(route.path)}",
        "summary": route.summary,
        "parameters": [*_path_parameters(route), *_query_parameters(route, schemas)],
        "responses": _responses(route, schemas),
    }
    if route.scope != PUBLIC:
        operation["security"] = [{"key": []}]
        if route.key_header is not None:
            operation["security"].append({"token": []})
        operation["x-scope"] = route.scope
    if route.body is not None:
        schema = _schema(route.body, schemas, "validation")
        content = {"application/json": {"schema": schema}}
        operation["requestBody"] = {"required": True, "content": content}
    elif route.takes != "application/json":
        content = {route.takes: {"schema": {"type": "string", "format": "binary"}}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _responses(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    error = _schema(route.error, schemas, "serialization")
    good = _schema(route.reply, schemas, "serialization")
    if route.gives != "application/json":
        good = {"type": "string"}
    responses = {
        str(route.status): {
            "description": route.summary,
            "content": {route.gives: {"schema": good}},
        }
    }
    for status in refusals(route):
        schema = good if status in route.same else error
        content = {"application/json": {"schema": schema}}
        responses[str(status)] = {"description": _REASONS[status], "content": content}
    return responses


def refusals(route: Route) -> list[int]:
    """Return every status with which a route may refuse."""
    statuses = {500, 503, *route.errors}
    if route.query is not NoQuery or _takes_body(route):
        statuses.add(400)
    if _takes_body(route):
        statuses |= {413, 415}
    if route.scope != PUBLIC:
        statuses |= {401, 429} if route.scope == ANY_KEY else {401, 403, 429}
    return sorted(statuses)


def _takes_body(route: Route) -> bool:
    return route.body is not None or route.takes != "application/json"


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(route.path)
    ]


def _query_parameters(route: Route, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    if route.query is NoQuery:
        return []
    model = _inline(route.query)
    schemas.update(model.pop("$defs", {}))
    required = set(model.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in model["properties"].items()
    ]


def _inline(model: type[Input]) -> dict[str, Any]:
    return model.model_json_schema(mode="validation", ref_template=_REF)


def _schema(kind: Any, schemas: dict[str, Any], mode: Any) -> dict[str, Any]:
    schema = TypeAdapter(kind).json_schema(mode=mode, ref_template=_REF)
    schemas.update(schema.pop("$defs", {}))
    name = getattr(kind, "__name__", "")
    if schema.get("type") != "object" or "properties" not in schema:
        return schema
    schemas[name] = schema
    return {"$ref": _REF.format(model=name)}


def _slug(path: str) -> str:
    return re.sub(r"\W+", "_", path).strip("_")
