"""Which extraction schemas are taken: a small part of JSON Schema, bounded on every side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from agentmail_server.errors import BadRequest

MAX_BYTES = 32 * 1024
MAX_DEPTH = 5
MAX_PROPERTIES = 100
MAX_ENUM = 200
_MAX_NAME = 100
_MAX_TEXT = 2000

TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raise BadRequest for a schema that breaks a rule, naming the place and the rule."""
    if schema.get("type") != "object":
        raise _bad("schema.type", 'must be "object"')
    if not isinstance(schema.get("properties"), dict) or not schema["properties"]:
        raise _bad("schema.properties", "must hold at least one property")
    count = _check_node(schema, "schema", 1)
    if count > MAX_PROPERTIES:
        raise _bad("schema", f"has {count} properties; {MAX_PROPERTIES} are the most")
    # Last: what is not too deep can be written.
    if len(orjson.dumps(schema)) > MAX_BYTES:
        raise _bad("schema", f"is larger than {MAX_BYTES} bytes")


def _check_node(node: object, path: str, depth: int) -> int:
    """Check a schema within a schema; return how many properties it holds."""
    if not isinstance(node, dict):
        raise _bad(path, "must be an object")
    if depth > MAX_DEPTH:
        raise _bad(path, f"is nested deeper than {MAX_DEPTH}")
    for keyword, value in node.items():
        check = _KEYWORDS.get(keyword)
        if check is None:
            raise _bad(f"{path}.{keyword[:50]}", "is not supported")
        if (complaint := check(value)) is not None:
            raise _bad(f"{path}.{keyword}", complaint)
    _check_required(node, path)
    count = 0
    for name, child in node.get("properties", {}).items():
        if not 0 < len(name) <= _MAX_NAME or not name.isprintable():
            raise _bad(f"{path}.properties", f"names must have 1 to {_MAX_NAME} printable signs")
        count += 1 + _check_node(child, f"{path}.properties.{name}", depth + 1)
    if "items" in node:
        count += _check_node(node["items"], f"{path}.items", depth + 1)
    return count


def _check_required(node: Mapping[str, Any], path: str) -> None:
    unknown = set(node.get("required", ())) - set(node.get("properties", ()))
    if unknown:
        raise _bad(f"{path}.required", "names what properties does not hold")


def _type(value: object) -> str | None:
    named = value if isinstance(value, list) else [value]
    known = all(isinstance(each, str) and each in TYPES for each in named)
    good = bool(named) and known and len(set(map(str, named))) == len(named)
    return None if good else f"must be one or several of {', '.join(sorted(TYPES))}"


def _enum(value: object) -> str | None:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_ENUM:
        return f"must be a list of 1 to {MAX_ENUM} values"
    return None if all(_is_scalar(each) for each in value) else "must hold plain values"


def _names(value: object) -> str | None:
    good = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return None if good else "must be a list of names"


def _object(value: object) -> str | None:
    return None if isinstance(value, dict) else "must be an object"


def _text(value: object) -> str | None:
    good = isinstance(value, str) and len(value) <= _MAX_TEXT
    return None if good else f"must be text of at most {_MAX_TEXT} characters"


def _number(value: object) -> str | None:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    return None if good else "must be a number"


def _count(value: object) -> str | None:
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return None if good else "must be a whole number from 0"


def _scalar(value: object) -> str | None:
    return None if _is_scalar(value) else "must be a plain value"


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


_KEYWORDS: Mapping[str, Callable[[object], str | None]] = {
    "type": _type,
    "properties": _object,
    "items": _object,
    "enum": _enum,
    "const": _scalar,
    "default": _scalar,
    "required": _names,
    "title": _text,
    "description": _text,
    "format": _text,
    "minimum": _number,
    "maximum": _number,
    "minLength": _count,
    "maxLength": _count,
    "minItems": _count,
    "maxItems": _count,
}


def _bad(path: str, complaint: str) -> BadRequest:
    return BadRequest(f"Invalid request: {path[:200]} {complaint}")
