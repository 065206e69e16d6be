"""Sends that wait, signed mail and signed addresses, at the wire."""

from __future__ import annotations

import email
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dkim
import pytest
from agentmail_server.ids import to_iso, to_micros
from agentmail_server.service.domains import ensure_dkim
from agentmail_server.service.tokens import Tokens
from agentmail_server.store import outbox
from agentmail_server.store.tables import outbox as outbox_table
from sqlalchemy import Connection, select

if TYPE_CHECKING:
    from tests.server.http.conftest import Api

MAIL = {"to": ["ann@customer.example"], "subject": "Hello", "text": "A plain body.\n"}


async def _send(api: Api, **body: Any) -> Any:
    response = await api.call("POST", "/v1/messages/send", json={**MAIL, **body})
    assert response.status_code == 202, response.text
    return response.json()["data"]


async def _job(api: Api) -> Any:
    def unit(conn: Connection) -> Any:
        return conn.execute(select(outbox_table).where(outbox_table.c.kind == "relay")).one()

    return await api.store.read(unit)


async def _lease(api: Api, seconds: float = 0) -> int:
    """Take what is due after some seconds, as a worker does; return how many jobs that is."""
    now = to_micros(api.clock.now() + timedelta(seconds=seconds))
    return len(await api.store.write(outbox.lease, now, {"relay": 9}, "lease", 10**9))


async def test_a_send_waits_as_long_as_asked(api: Api) -> None:
    await api.inbox()
    sent = await _send(api, undo_seconds=10)
    until = to_micros(api.clock.now() + timedelta(seconds=10))
    assert (sent["status"], sent["undo_until"]) == ("scheduled", to_iso(until))
    assert (await api.data("GET", f"/v1/messages/{sent['id']}"))["delivery_status"] == "scheduled"
    assert await _lease(api, 9.9) == 0
    assert await _lease(api, 10) == 1


@pytest.mark.parametrize("seconds", [None, 0])
async def test_without_the_field_it_leaves_at_once(api: Api, seconds: int | None) -> None:
    await api.inbox()
    sent = await _send(api, undo_seconds=seconds)
    assert (sent["status"], sent["undo_until"]) == ("queued", None)
    assert await _lease(api) == 1


@pytest.mark.parametrize("seconds", [-1, 121, "soon"])
async def test_a_window_has_its_bounds(api: Api, seconds: object) -> None:
    await api.inbox()
    await api.refused(400, "POST", "/v1/messages/send", json={**MAIL, "undo_seconds": seconds})


async def test_a_cancelled_mail_is_never_sent(api: Api) -> None:
    await api.inbox()
    sent = await _send(api, undo_seconds=10, cc=["bob@customer.example"])
    reply = await api.data("POST", f"/v1/messages/{sent['id']}/cancel")
    assert reply == {
        "id": sent["id"],
        "message_id": sent["id"],
        "thread_id": sent["thread_id"],
        "status": "cancelled",
    }
    assert await _lease(api, 10**6) == 0
    row = await api.data("GET", f"/v1/messages/{sent['id']}")
    assert row["delivery_status"] == "cancelled"
    events = await api.data("GET", "/v1/delivery/events?all=true&event_type=cancelled")
    assert {each["recipient"] for each in events} == {
        "ann@customer.example",
        "bob@customer.example",
    }
    for verb in ("cancel", "send-now"):
        body = await api.refused(409, "POST", f"/v1/messages/{sent['id']}/{verb}")
        assert body["code"] == "already_handed_over"


async def test_send_now_ends_the_wait(api: Api) -> None:
    await api.inbox()
    sent = await _send(api, undo_seconds=60)
    reply = await api.data("POST", f"/v1/messages/{sent['id']}/send-now")
    assert reply["status"] == "queued"
    assert (await api.data("GET", f"/v1/messages/{sent['id']}"))["delivery_status"] == "queued"
    assert await _lease(api) == 1


async def test_what_a_worker_has_cannot_be_cancelled(api: Api) -> None:
    await api.inbox()
    sent = await _send(api)
    assert await _lease(api) == 1
    await api.refused(409, "POST", f"/v1/messages/{sent['id']}/cancel")
    job = await _job(api)
    await api.store.write(outbox.retry, job.id, "lease", job.due_at + 10**9, "later")
    await api.refused(409, "POST", f"/v1/messages/{sent['id']}/cancel")
    assert (await _job(api)).done_at is None


async def test_mail_of_others_cannot_be_held(api: Api) -> None:
    await api.inbox()
    sent = await _send(api, undo_seconds=10)
    for name in (sent["id"], "msg_unknown"):
        for verb in ("cancel", "send-now"):
            path = f"/v1/messages/{name}/{verb}"
            body = await api.refused(404, "POST", path, key=api.theirs.key)
            assert body["error"].startswith(f"message {name}")
    assert await _lease(api, 10) == 1


async def test_the_same_key_gives_the_same_reply_to_a_held_send(api: Api) -> None:
    await api.inbox()
    body = {**MAIL, "undo_seconds": 10}
    headers = {"Idempotency-Key": "once"}
    first = await api.call("POST", "/v1/messages/send", json=body, headers=headers)
    api.clock.advance(timedelta(seconds=3))
    again = await api.call("POST", "/v1/messages/send", json=body, headers=headers)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()


async def test_what_is_sent_verifies_by_the_record_of_the_domain(api: Api) -> None:
    await ensure_dkim(api.store, api.deps.vault, api.shared_id)
    await api.inbox()
    sent = await _send(api, text="Some  text \n\n", html="<b>Some text</b>")
    records = await api.data("GET", f"/v1/domains/{api.shared_id}/records")
    record = next(each for each in records if each["record"] == "DKIM")
    raw = (await api.call("GET", f"/v1/messages/{sent['id']}/raw")).content

    def dns(name: bytes, timeout: float = 5) -> bytes:
        assert name.decode() == f"{record['name']}."
        return str(record["value"]).encode()

    assert raw.startswith(b"DKIM-Signature: ")
    assert dkim.verify(raw, dnsfunc=dns)
    assert not dkim.verify(raw.replace(b"<b>Some", b"<b>More"), dnsfunc=dns)


async def test_answers_go_to_the_thread(api: Api) -> None:
    inbox = await api.inbox("desk")
    sent = await _send(api)
    raw = (await api.call("GET", f"/v1/messages/{sent['id']}/raw")).content
    address = str(email.message_from_bytes(raw)["Reply-To"])
    assert address.startswith("desk+conv_")
    tokens = Tokens.of(api.deps.pepper)
    assert tokens.thread_of(address) == sent["thread_id"]
    assert tokens.plain(address) == inbox["address"]
    again = await _send(api, thread_id=sent["thread_id"])
    raw = (await api.call("GET", f"/v1/messages/{again['id']}/raw")).content
    assert str(email.message_from_bytes(raw)["Reply-To"]) == address


async def test_a_reply_to_of_the_sender_stays(api: Api) -> None:
    await api.inbox()
    sent = await _send(api, reply_to="boss@customer.example")
    raw = (await api.call("GET", f"/v1/messages/{sent['id']}/raw")).content
    assert str(email.message_from_bytes(raw)["Reply-To"]) == "boss@customer.example"
