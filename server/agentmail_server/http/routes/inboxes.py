"""Inboxes."""

from __future__ import annotations

from agentmail_server.http.route import AnyCall, Call, PlainCall, Reply, data
from agentmail_server.http.rows.places import inbox_out
from agentmail_server.service.inboxes import InboxPath, change_inbox, open_inbox, set_extraction
from agentmail_server.store import domains, inboxes
from agentmail_server.store.records import InboxRow
from agentmail_server.wire.common import NoBody, NoQuery
from agentmail_server.wire.inboxes import (
    ExtractionIn,
    InboxChange,
    InboxesQuery,
    InboxNew,
    InboxUnderDomain,
    WebhookIn,
)


async def create(call: Call[NoQuery, InboxNew]) -> Reply:
    """Open an inbox, on the shared domain unless one is named."""
    return await _create(call, call.body, call.body.domain_id)


async def create_under(call: Call[NoQuery, InboxUnderDomain]) -> Reply:
    """Open an inbox on the domain of the path."""
    return await _create(call, call.body, call.ids["domain"])


async def _create(call: AnyCall, wanted: InboxUnderDomain, domain_id: str | None) -> Reply:
    deps = call.deps
    row = await deps.store.write(
        open_inbox, deps.ids, deps.vault, call.now(), call.org_id, wanted, domain_id
    )
    return data(inbox_out(row, deps.vault))


async def list_all(call: Call[InboxesQuery, NoBody]) -> Reply:
    """List every inbox of the org, or those of one domain."""
    return await _list(call, call.query.domain_id)


async def list_under(call: PlainCall) -> Reply:
    """List the org's inboxes on the domain of the path."""
    return await _list(call, call.ids["domain"])


async def _list(call: AnyCall, domain_id: str | None) -> Reply:
    store = call.deps.store
    if domain_id is not None:
        await store.read(domains.get_domain, call.org_id, domain_id)
    rows = await store.read(inboxes.list_inboxes, call.org_id, domain_id)
    return data([_shown(call, row) for row in rows])


async def get(call: PlainCall) -> Reply:
    """Return one inbox."""
    path = _path(call)
    row = await call.deps.store.read(inboxes.get_inbox, call.org_id, path.inbox_id, path.domain_id)
    return data(_shown(call, row))


async def update(call: Call[NoQuery, InboxChange]) -> Reply:
    """Change an inbox; what the body leaves out stays, `webhook: {}` removes."""
    return await _change(call, call.body)


async def delete(call: PlainCall) -> Reply:
    """Delete an inbox and its mail."""
    path = _path(call)
    await call.deps.store.write(
        inboxes.delete_inbox, call.now(), call.org_id, path.inbox_id, path.domain_id
    )
    return data({"ok": True})


async def set_webhook(call: Call[NoQuery, WebhookIn]) -> Reply:
    """Set the webhook, as some clients ask for it."""
    return await _change(call, InboxChange(webhook=call.body))


async def _change(call: AnyCall, wanted: InboxChange) -> Reply:
    deps = call.deps
    row = await deps.store.write(
        change_inbox, deps.vault, call.now(), call.org_id, _path(call), wanted
    )
    return data(inbox_out(row, deps.vault))


async def set_extraction_schema(call: Call[NoQuery, ExtractionIn]) -> Reply:
    """Set what is read out of each mail that comes in."""
    row = await call.deps.store.write(
        set_extraction, call.now(), call.org_id, _path(call), call.body
    )
    return data(inbox_out(row, call.deps.vault))


async def remove_extraction_schema(call: PlainCall) -> Reply:
    """Read nothing more out of mail."""
    row = await call.deps.store.write(set_extraction, call.now(), call.org_id, _path(call), None)
    return data(inbox_out(row, call.deps.vault))


def _path(call: AnyCall) -> InboxPath:
    return InboxPath(call.ids["inbox"], call.ids.get("domain"))


def _shown(call: AnyCall, row: InboxRow) -> object:
    may_set = "inboxes:write" in call.principal.scopes
    return inbox_out(row, call.deps.vault if may_set else None)
