"""An extraction schema as a person writes it: what is wrong with it, and on which line; pure."""

from __future__ import annotations

import json
import re

from msgspec import Struct

TEMPLATE = """{
  "type": "object",
  "properties": {
    "order_id": {
      "type": "string",
      "description": "number of the order, as in A-5531"
    }
  },
  "required": ["order_id"]
}"""
_PLACE = re.compile(r"\bschema((?:\.[^\s.]+)*)")
_SPACE = re.compile(r"[ \t\r\n]*")
_MOST = 32 * 1024  # signs; more is read by no server


class Complaint(Struct, frozen=True):
    """What is wrong, and on which line (from 0) if that is known."""

    text: str
    line: int | None = None


def complaint_of(text: str) -> Complaint | None:
    """Return what keeps a text from being a schema at all; None where a server may judge it."""
    if len(text) > _MOST:
        return Complaint(f"longer than {_MOST // 1024} kB")
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        return Complaint(f"no JSON: {error.msg}, column {error.colno}", error.lineno - 1)
    except (ValueError, RecursionError):
        return Complaint("no JSON that can be read")
    if not isinstance(found, dict):
        return Complaint('must be an object: { "type": "object", … }', 0)
    return None


def placed(text: str, refusal: str) -> Complaint:
    """Return a server's refusal with the line of the place that it names."""
    match = _PLACE.search(refusal)
    if match is None:
        return Complaint(refusal)
    path = match[1].split(".")[1:]
    # What is missing has no line of its own: that of what it is missing from is shown.
    for end in range(len(path), -1, -1):
        at = _find(text, path[:end])
        if at is not None:
            return Complaint(refusal, text.count("\n", 0, at))
    return Complaint(refusal)


def _find(text: str, path: list[str]) -> int | None:
    """Return where the key of a path stands in a text of JSON; of no path, where it begins."""
    at = key_at = _skip(text, 0)
    for name in path:
        found = _member(text, at, name)
        if found is None:
            return None
        key_at, at = found
    return key_at


def _member(text: str, at: int, name: str) -> tuple[int, int] | None:
    """Return where a member of the object at `at` has its key and its value."""
    if text[at : at + 1] != "{":
        return None
    decoder = json.JSONDecoder()
    at = _skip(text, at + 1)
    while text[at : at + 1] == '"':
        key_at = at
        key, at = decoder.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        if key == name:
            return key_at, at
        _, at = decoder.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
    return None


def _skip(text: str, at: int) -> int:
    """Return where the next sign that is no blank stands."""
    match = _SPACE.match(text, at)
    return match.end() if match else at
