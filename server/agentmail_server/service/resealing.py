"""A newer pepper seals anew what older ones sealed: for that they need not be kept."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update

from agentmail_server.service.domains import ensure_dkim
from agentmail_server.service.vault import Box, Vault
from agentmail_server.store.engine import Store
from agentmail_server.store.tables import domains, inboxes

_SECRETS = ("secret", "previous_secret")


async def open_vault(store: Store, vault: Vault, shared_id: str) -> None:
    """Prove the vault on the shared domain's key, and seal with the newest of several keys.

    Raises Unavailable where the store was sealed with another one.
    """
    await ensure_dkim(store, vault, shared_id)
    if len(vault.keys) > 1:
        await store.write(reseal, vault)


def reseal(conn: Connection, vault: Vault) -> int:
    """Seal with the newest key what an older one sealed; return how much; raises Unavailable."""
    return _private_keys(conn, vault) + _webhooks(conn, vault)


def _private_keys(conn: Connection, vault: Vault) -> int:
    column, count = domains.c.dkim_private_key, 0
    held = select(domains.c.id, domains.c.name, column).where(column.is_not(None))
    for domain_id, name, sealed in conn.execute(held).all():
        box = vault.dkim(name)
        if box.is_old(sealed):
            fresh = box.seal(box.open(sealed))
            mine = update(domains).where(domains.c.id == domain_id)
            conn.execute(mine.values(dkim_private_key=fresh))
            count += 1
    return count


def _webhooks(conn: Connection, vault: Vault) -> int:
    count = 0
    held = select(inboxes.c.id, inboxes.c.org_id, inboxes.c.webhook)
    for inbox_id, org_id, webhook in conn.execute(held).all():
        changed = _turned(vault.webhooks(org_id), webhook or {})
        if changed:
            mine = update(inboxes).where(inboxes.c.id == inbox_id)
            conn.execute(mine.values(webhook={**webhook, **changed}))
            count += 1
    return count


def _turned(box: Box, webhook: dict[str, Any]) -> dict[str, str]:
    old = {name: webhook[name] for name in _SECRETS if webhook.get(name)}
    return {name: box.seal(box.open(held)) for name, held in old.items() if box.is_old(held)}
