"""The endpoints of the two hosted APIs that this server stands in for, as they publish them.

Where they name a parameter `:id`, the name of ours stands.
"""

from __future__ import annotations

_INBOX = "/v1/domains/{domain}/inboxes/{inbox}"

# With the scope that the published table names; None where it names none.
COMMUNE: dict[tuple[str, str], str | None] = {
    ("GET", "/v1/domains"): "domains:read",
    ("POST", "/v1/domains"): "domains:write",
    ("GET", "/v1/domains/{domain}/records"): "domains:read",
    ("POST", "/v1/domains/{domain}/verify"): "domains:write",
    ("POST", "/v1/inboxes"): "inboxes:write",
    ("GET", "/v1/inboxes"): "inboxes:read",
    ("GET", "/v1/domains/{domain}/inboxes"): "inboxes:read",
    ("POST", "/v1/domains/{domain}/inboxes"): "inboxes:write",
    ("GET", _INBOX): "inboxes:read",
    ("PUT", _INBOX): "inboxes:write",
    ("DELETE", _INBOX): "inboxes:write",
    ("PUT", f"{_INBOX}/extraction-schema"): "inboxes:write",
    ("DELETE", f"{_INBOX}/extraction-schema"): "inboxes:write",
    ("GET", "/v1/threads"): "threads:read",
    ("GET", "/v1/threads/{thread}/messages"): "threads:read",
    ("GET", "/v1/threads/{thread}/metadata"): "threads:read",
    ("PUT", "/v1/threads/{thread}/status"): "threads:write",
    ("POST", "/v1/threads/{thread}/tags"): "threads:write",
    ("DELETE", "/v1/threads/{thread}/tags"): "threads:write",
    ("PUT", "/v1/threads/{thread}/assign"): "threads:write",
    ("POST", "/v1/messages/send"): "messages:write",
    ("GET", "/v1/messages"): "messages:read",
    ("GET", "/v1/search/threads"): "threads:read",
    ("POST", "/v1/attachments/upload"): "attachments:write",
    ("GET", "/v1/attachments/{attachment}/url"): "attachments:read",
    ("GET", "/v1/delivery/metrics"): "messages:read",
    ("GET", "/v1/delivery/events"): "messages:read",
    ("GET", "/v1/delivery/suppressions"): "messages:read",
    ("GET", "/v1/webhooks/deliveries"): "messages:read",
    ("POST", "/v1/webhooks/deliveries/{delivery}/retry"): "messages:write",
    ("GET", "/v1/webhooks/health"): "messages:read",
    ("GET", "/v1/agent/org"): None,
    ("PATCH", "/v1/agent/org"): None,
    ("GET", "/v1/agent/api-keys"): None,
    ("POST", "/v1/agent/api-keys"): None,
    ("DELETE", "/v1/agent/api-keys/{key}"): None,
    ("POST", "/v1/agent/api-keys/{key}/rotate"): None,
    ("POST", "/v1/auth/agent-register"): "public",
    ("POST", "/v1/auth/agent-verify"): "public",
    ("POST", "/v1/data/deletion-request"): "admin",
    ("POST", "/v1/data/deletion-request/{request}/confirm"): "admin",
    ("GET", "/v1/data/deletion-request/{request}"): "admin",
}

AGNIC: frozenset[tuple[str, str]] = frozenset(
    {
        ("GET", "/api/agent/email"),
        ("POST", "/api/agent/email"),
        ("GET", "/api/agent/email/inbox"),
        ("POST", "/api/agent/email/send"),
        ("POST", "/api/agent/email/reply"),
    }
)


def publisher(method: str, path: str) -> str:
    """Return whose published endpoint this is, empty for one of our own."""
    if (method, path) in COMMUNE:
        return "Commune"
    return "Agnic" if (method, path) in AGNIC else ""
