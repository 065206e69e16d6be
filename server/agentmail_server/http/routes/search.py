"""Search over threads."""

from __future__ import annotations

from agentmail_server.errors import BadRequest
from agentmail_server.http.route import Call, Reply, data
from agentmail_server.http.routes.threads import NEEDS_SCOPE
from agentmail_server.http.rows.mail import hit_out
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
    wanted = Wanted(words, asked.inbox_id, asked.domain_id, asked.limit, asked.like)
    deps = call.deps
    found = await find(deps.store, deps.indexer, call.org_id, wanted, deps.clock.now())
    hits = [hit_out(each) for each in found.threads]
    return data(hits, search_type=found.engine, fallback=found.fallback)
