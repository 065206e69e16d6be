"""What is administered beside the sample mailbox: two domains, three keys, a schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec.structs import replace

from agentmail_tui.backends.memory.administration import MemoryAdministration, records_of
from agentmail_tui.clean import clean_line
from agentmail_tui.domain_admin import ApiKey, Extraction, MailDomain, Org

_ORDER = {
    "type": "object",
    "properties": {
        "order_id": {"type": "string", "description": "number of the order, as in A-5531"},
        "wants_refund": {"type": "boolean"},
    },
    "required": ["order_id"],
}
_KEYS = (
    ("key_1", "operators", "comm_7f31c0", ("admin", "read", "write"), "active", None, 0),
    ("key_2", "support-agent", "comm_09ab2e", ("threads:read", "messages:write"), "active", 20, 2),
    ("key_3", "old import", "comm_c4d1e8", ("messages:write",), "inactive", None, 40),
)


def administer(administration: MemoryAdministration, now: datetime) -> None:
    """Put everything in its place, as of `now`."""
    administration.held_org = Org(
        "org_1", clean_line("Harbor Goods"), clean_line("harbor-goods"), clean_line("enterprise"),
        now - timedelta(days=60),
    )  # fmt: skip
    states = ("verified", "verified", "verified", "failed")
    administration.held_domains.extend(
        MailDomain(
            domain_id,
            clean_line(name),
            clean_line("verified" if shared else "failed"),
            tuple(
                replace(record, state=clean_line("verified" if shared else state))
                for record, state in zip(records_of(name), states, strict=True)
            ),
            shared,
            now - timedelta(hours=2),
        )
        for domain_id, name, shared in (
            ("d_0", "agents.localhost", True),
            ("d_1", "harbor-goods.test", False),
        )
    )
    administration.dns = {("harbor-goods.test", kind) for kind in ("MX", "SPF", "DKIM", "DMARC")}
    administration.held_keys.extend(_keys(now))
    administration.extractions["i_support"] = Extraction("order", json.dumps(_ORDER, indent=2))


def _keys(now: datetime) -> Iterator[ApiKey]:
    for key_id, name, prefix, scopes, status, ends, used in _KEYS:
        yield ApiKey(
            key_id,
            clean_line(name),
            clean_line(prefix),
            tuple(map(clean_line, scopes)),
            clean_line(status),
            now - timedelta(days=60),
            None if ends is None else now + timedelta(days=ends),
            now - timedelta(days=used),
        )
