"""Search over threads."""

from __future__ import annotations

import time

from agentmail_server.errors import BadRequest
from agentmail_server.http.route import Call, Reply, data
from agentmail_server.http.routes.threads import NEEDS_SCOPE
from agentmail_server.http.rows.mail import hit_out
from agentmail_server.service.indexlag import Lag
from agentmail_server.service.search import Wanted, find
from agentmail_server.wire.common import NoBody
from agentmail_server.wire.search import SearchQuery


async def search_threads(call: Call[SearchQuery, NoBody]) -> Reply:
    """Find threads, best first, each once."""
    asked = call.query
    if asked.inbox_id is None and asked.domain_id is None and not asked.all:
        raise BadRequest(NEEDS_SCOPE)
    words = asked.q.strip()
    if not words and asked.like is None:
        raise BadRequest("q is required")
    wanted = Wanted(
        words, asked.inbox_id, asked.domain_id, asked.limit, asked.like, exact=asked.exact
    )
    deps = call.deps
    began = time.perf_counter()
    found = await find(deps.store, deps.indexer, call.org_id, wanted, deps.clock.now())
    call.telemetry.searched(found.engine, time.perf_counter() - began)
    lag = await deps.indexer.lag() if deps.indexer is not None else Lag()
    return data(
        [hit_out(each) for each in found.threads],
        search_type=found.engine,
        fallback=found.fallback,
        index_backlog=lag.messages,
        index_lag_seconds=lag.seconds,
    )
