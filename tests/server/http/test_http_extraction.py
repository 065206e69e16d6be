"""From the schema of an inbox to the fields of a message, over the API."""

from __future__ import annotations

from typing import Any

from agentmail_server.ids import to_micros
from agentmail_server.jobs.extract import ExtractJob
from agentmail_server.store import outbox

from tests.server.http.conftest import Api

SCHEMA = {
    "name": "support_ticket",
    "description": "Fields of support mail",
    "schema": {
        "type": "object",
        "properties": {
            "order_id": {"type": "string"},
            "wants_refund": {"type": "boolean"},
            "colour": {"type": "string"},
        },
    },
    "enabled": True,
}


async def extract(api: Api) -> int:
    """Run what is queued and return how much that was."""
    now = to_micros(api.clock.now())
    jobs = await api.store.write(outbox.lease, now, {"extract": 10}, "lease", 60_000_000)
    for job in jobs:
        await ExtractJob(api.store, None, clock=api.clock)(job)
    return len(jobs)


async def test_a_schema_fills_extracted_data_of_the_mail_after_it(api: Api) -> None:
    inbox = await api.inbox()
    path = f"/v1/domains/{inbox['domain_id']}/inboxes/{inbox['id']}/extraction-schema"
    before = await api.arrive(inbox, text="Order ID: HX-1")
    await api.data("PUT", path, json=SCHEMA)
    after = await api.arrive(inbox, text="Order ID: HX-2\nI do not want a refund.")
    assert await extract(api) == 1
    row: dict[str, Any] = await api.data("GET", f"/v1/messages/{after.id}")
    assert row["extracted_data"] == {"order_id": "HX-2", "wants_refund": False}
    assert row["metadata"]["extracted_data"] == row["extracted_data"]
    untouched = await api.data("GET", f"/v1/messages/{before.id}")
    assert untouched["extracted_data"] is None
    await api.data("DELETE", path)
    await api.arrive(inbox, text="Order ID: HX-3")
    assert await extract(api) == 0
