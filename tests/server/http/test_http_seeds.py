"""Every endpoint of Commune's and Agnic's published tables is served, with the scope it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from agentmail_server.http.table import ROUTES

ROUTE = {(each.method, re.sub(r"{\w+}", "{}", each.path)): each for each in ROUTES}

# Method, path, and the scope that the published table names; None where it names none.
PUBLISHED = [
    ("GET", "/v1/domains", "domains:read"),
    ("POST", "/v1/domains", "domains:write"),
    ("GET", "/v1/domains/{}/records", "domains:read"),
    ("POST", "/v1/domains/{}/verify", "domains:write"),
    ("POST", "/v1/inboxes", "inboxes:write"),
    ("GET", "/v1/inboxes", "inboxes:read"),
    ("GET", "/v1/domains/{}/inboxes", "inboxes:read"),
    ("POST", "/v1/domains/{}/inboxes", "inboxes:write"),
    ("GET", "/v1/domains/{}/inboxes/{}", "inboxes:read"),
    ("PUT", "/v1/domains/{}/inboxes/{}", "inboxes:write"),
    ("DELETE", "/v1/domains/{}/inboxes/{}", "inboxes:write"),
    ("PUT", "/v1/domains/{}/inboxes/{}/extraction-schema", "inboxes:write"),
    ("DELETE", "/v1/domains/{}/inboxes/{}/extraction-schema", "inboxes:write"),
    ("GET", "/v1/threads", "threads:read"),
    ("GET", "/v1/threads/{}/messages", "threads:read"),
    ("GET", "/v1/threads/{}/metadata", "threads:read"),
    ("PUT", "/v1/threads/{}/status", "threads:write"),
    ("POST", "/v1/threads/{}/tags", "threads:write"),
    ("DELETE", "/v1/threads/{}/tags", "threads:write"),
    ("PUT", "/v1/threads/{}/assign", "threads:write"),
    ("POST", "/v1/messages/send", "messages:write"),
    ("GET", "/v1/messages", "messages:read"),
    ("GET", "/v1/search/threads", "threads:read"),
    ("POST", "/v1/attachments/upload", "attachments:write"),
    ("GET", "/v1/attachments/{}/url", "attachments:read"),
    ("GET", "/v1/delivery/metrics", "messages:read"),
    ("GET", "/v1/delivery/events", "messages:read"),
    ("GET", "/v1/delivery/suppressions", "messages:read"),
    ("GET", "/v1/webhooks/deliveries", "messages:read"),
    ("POST", "/v1/webhooks/deliveries/{}/retry", "messages:write"),
    ("GET", "/v1/webhooks/health", "messages:read"),
    ("GET", "/v1/agent/org", None),
    ("PATCH", "/v1/agent/org", None),
    ("GET", "/v1/agent/api-keys", None),
    ("POST", "/v1/agent/api-keys", None),
    ("DELETE", "/v1/agent/api-keys/{}", None),
    ("POST", "/v1/agent/api-keys/{}/rotate", None),
    ("POST", "/v1/auth/agent-register", "public"),
    ("POST", "/v1/auth/agent-verify", "public"),
    # `admin` there; here the narrower `data:delete`, which `admin` includes.
    ("POST", "/v1/data/deletion-request", "data:delete"),
    ("POST", "/v1/data/deletion-request/{}/confirm", "data:delete"),
    ("GET", "/v1/data/deletion-request/{}", "data:delete"),
    ("GET", "/api/agent/email", None),
    ("POST", "/api/agent/email", None),
    ("GET", "/api/agent/email/inbox", None),
    ("POST", "/api/agent/email/send", None),
    ("POST", "/api/agent/email/reply", None),
]


@pytest.mark.parametrize(("method", "path", "scope"), PUBLISHED)
def test_it_is_served(method: str, path: str, scope: str | None) -> None:
    route = ROUTE[method, path]
    assert scope in (None, route.scope)
    page = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")
    assert f"| {method} | `{route.path}` | {route.scope} |" in page
