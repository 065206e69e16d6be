"""The server's word about itself: capabilities, health, metrics, its own description."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from agentmail_server.http.problems import json_response
from agentmail_server.http.route import PlainCall, Reply, data
from agentmail_server.service.indexing import Indexer
from agentmail_server.service.keys import ADMIN, MANAGES_KEYS
from agentmail_server.service.operators import OPERATORS
from agentmail_server.store import outbox
from agentmail_server.wire.messages import MAX_UNDO


async def capabilities(call: PlainCall) -> Reply:
    """Tell what this server does beyond the hosted API, and what the key may do."""
    settings = call.deps.settings
    return data(
        {
            "server": "agentmail-server",
            "version": settings.version,
            "triage_in_list": True,
            "offsets": True,
            "all_inboxes": True,
            "unread": True,
            "snooze": True,
            "counts": True,
            "stream": True,
            "idempotent_send": True,
            "undo_seconds": MAX_UNDO,
            "raw": True,
            "manage_inboxes": "inboxes:write" in call.principal.scopes,
            "manage_keys": call.principal.may(ADMIN),
            "search_type": _search_type(call.deps.indexer),
            "search_operators": list(OPERATORS),
            "search_exact": True,
            "search_like": True,
            "scopes": sorted(call.principal.scopes - {MANAGES_KEYS}),
        }
    )


def _search_type(indexer: Indexer | None) -> str:
    return "regex" if indexer is None or indexer.fallback else "vector"


async def healthz(call: PlainCall) -> Reply:
    """Say that the process is up."""
    return Reply({"status": "ok", "version": call.deps.settings.version})


async def readyz(call: PlainCall) -> Response:
    """Say whether mail can be taken and work is done: 200, or 503 with the facts."""
    facts = await call.deps.ready()
    return json_response(facts, 200 if facts.get("ready") else 503)


async def metrics(call: PlainCall) -> Response:
    """Give the counters in Prometheus' text format."""
    backlog = await call.deps.store.read(outbox.backlog)
    buried = await call.deps.store.read(outbox.buried)
    if (indexer := call.deps.indexer) is not None:
        lag = await indexer.lag()
        call.telemetry.index(lag.messages, lag.seconds, indexer.fallback is None)
    text = call.telemetry.text(backlog, buried)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


async def openapi(call: PlainCall) -> Response:
    """Describe the API."""
    content = await asyncio.to_thread(call.request.app.state.openapi)
    return Response(content, media_type="application/json")
