"""The answer to a search from Commune's words into the domain's."""

from __future__ import annotations

from typing import Any

from agentmail_tui.backends.commune.wire import has_id, thread
from agentmail_tui.backends.decode import Json, data_of, line, number, objects, share
from agentmail_tui.clean import Safe
from agentmail_tui.domain import Hit, SearchResult

_MOST_MATCHES = 100

Span = tuple[int, int]


def search_result(reply: Any) -> SearchResult:
    """Read the hits of a search; a thread that comes twice counts once, by its better hit."""
    hits: dict[str, Hit] = {}
    for row in objects(data_of(reply)):
        if has_id(row):
            snippet = line(row, "snippet")
            hit = Hit(thread(row), _score(row), snippet, _matches(row, snippet))
            hits.setdefault(hit.thread.id, hit)
    envelope = reply if isinstance(reply, dict) else {}
    return SearchResult(
        tuple(hits.values()),
        line(envelope, "search_type") or Safe("regex"),
        line(envelope, "fallback"),
        max(number(envelope, "index_backlog"), 0),
        max(share(envelope.get("index_lag_seconds")) or 0.0, 0.0),
    )


def _score(row: Json) -> float:
    return min(max(share(row.get("score")) or 0.0, 0.0), 1.0)


def _matches(row: Json, snippet: Safe) -> tuple[Span, ...]:
    """Read where the words are; places in a text that had to be cleaned mean nothing."""
    found = row.get("matches")
    if not isinstance(found, list) or row.get("snippet") != snippet:
        return ()
    spans = (_span(each, len(snippet)) for each in found[:_MOST_MATCHES])
    return tuple(span for span in spans if span is not None)


def _span(value: Any, end: int) -> Span | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    if not all(type(place) is int for place in value) or not 0 <= value[0] < value[1] <= end:
        return None
    return value[0], value[1]
