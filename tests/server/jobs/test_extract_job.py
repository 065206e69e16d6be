"""Extraction as a job: after recording, kept with the message, with a model or without."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from agentmail_server.jobs import extract
from agentmail_server.jobs.extract import ExtractJob
from agentmail_server.mail.parse import parse
from agentmail_server.relay.model import ModelEndpoint
from agentmail_server.service.inbound import Arrival, accept
from agentmail_server.store import inboxes, intake, tables
from agentmail_server.store.records import InboxTarget

if TYPE_CHECKING:
    from tests.server.jobs.conftest import Yard

MAIL = (
    b"From: Ada Finch <ada@far.example>\r\nSubject: Where is it?\r\nMessage-ID: <1@far.example>\r\n"
    b"\r\nMy order #ORD-5678 hasn't arrived. I paid with my blue card.\r\n"
)
SCHEMA = {
    "type": "object",
    "properties": {
        "order_number": {"type": "string"},
        "card": {"type": "string"},
        "mood": {"type": "string", "enum": ["calm", "cross"]},
    },
}


async def arrive(yard: Yard, schema: Any = SCHEMA, enabled: bool = True) -> None:
    """Record a mail in an inbox with a schema."""
    row = yard.inboxes["agent"]
    if schema is not None:
        held = {"name": "ticket", "schema": schema, "enabled": enabled}
        changes = {"extraction_schema": held}
        await yard.store.write(inboxes.update_inbox, yard.now, yard.org_id, row.id, changes)
    target = InboxTarget(row.id, row.org_id, row.domain_id, row.address, row.status)
    arrival = Arrival(MAIL, "ada@far.example", ((target, row.address),))
    await accept(yard.store, yard.ids, yard.clock, arrival)
    (raw,) = await yard.rows(tables.raw_mails)
    await yard.store.write(intake.record, yard.ids, yard.now, raw.id, parse(MAIL))


async def extracted(yard: Yard, model: ModelEndpoint | None = None) -> dict[str, Any]:
    """Run the job and return what the message then says beside its columns."""
    await yard.run(ExtractJob(yard.store, model, clock=yard.clock).kind())
    await yard.until(lambda rows: all(row.done_at for row in rows if row.kind == "extract"))
    (message,) = await yard.rows(tables.messages)
    extra: dict[str, Any] = message.extra
    return extra


def endpoint(answer: Any, asked: list[httpx.Request] | None = None) -> ModelEndpoint:
    """Return an endpoint that answers like OpenAI's."""

    def reply(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        if isinstance(answer, int):
            return httpx.Response(answer)
        content = answer if isinstance(answer, str) else json.dumps(answer)
        return httpx.Response(200, json={"choices": [{"message": {"content": content}}]})

    transport = httpx.MockTransport(reply)
    return ModelEndpoint("http://model.test/v1", "m1", "secret", transport=transport)


async def test_fields_are_kept_with_the_message_and_told(yard: Yard) -> None:
    await arrive(yard)
    extra = await extracted(yard)
    assert extra["extracted_data"] == {"order_number": "ORD-5678"}
    assert "ORD-5678" in extra["extraction_evidence"]["order_number"]
    assert "extraction_error" not in extra
    assert extra["envelope_from"] == "ada@far.example"
    newest = (await yard.rows(tables.event_log))[-1]
    assert (newest.type, newest.data) == ("thread.updated", {"changed": "extracted_data"})


@pytest.mark.parametrize(("schema", "enabled"), [(None, True), (SCHEMA, False)])
async def test_nothing_is_queued_without_an_enabled_schema(
    yard: Yard, schema: Any, enabled: bool
) -> None:
    await arrive(yard, schema, enabled)
    assert [row.kind for row in await yard.jobs()] == ["parse"]


async def test_a_model_fills_what_is_missing_and_may_not_invent(yard: Yard) -> None:
    asked: list[httpx.Request] = []
    await arrive(yard)
    told = {"order_number": "X-1", "card": "blue card", "mood": "furious"}
    extra = await extracted(yard, endpoint(told, asked))
    assert extra["extracted_data"] == {"order_number": "ORD-5678", "card": "blue card"}
    assert extra["extraction_evidence"]["card"] == "model"
    (request,) = asked
    assert str(request.url) == "http://model.test/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer secret"
    body = json.loads(request.content)
    wanted = body["response_format"]["json_schema"]["schema"]["properties"]
    assert set(wanted) == {"card", "mood"}
    assert "ORD-5678" not in body["messages"][0]["content"]


async def test_a_value_that_is_not_in_the_mail_is_not_believed(yard: Yard) -> None:
    await arrive(yard)
    extra = await extracted(yard, endpoint({"card": "gold card", "mood": "calm", "more": 1}))
    assert extra["extracted_data"] == {"order_number": "ORD-5678", "mood": "calm"}


@pytest.mark.parametrize("answer", [500, "no json", "[1]", "[" * 100_000])
async def test_a_model_that_fails_leaves_the_rules_and_its_reason(yard: Yard, answer: Any) -> None:
    await arrive(yard)
    extra = await extracted(yard, endpoint(answer))
    assert extra["extracted_data"] == {"order_number": "ORD-5678"}
    assert "model" in extra["extraction_error"]


async def test_an_extractor_that_breaks_leaves_its_reason(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise KeyError("ORD-5678")

    monkeypatch.setattr(extract, "read_fields", broken)
    await arrive(yard)
    extra = await extracted(yard)
    assert extra["extracted_data"] == {}
    assert extra["extraction_error"] == "the extractor failed: KeyError"
