"""The client against canned servers: the bundled one, and plain Commune."""

import json
import threading
from typing import Any

import httpx
import pytest

from agentmail_tui.backends.commune import wire
from agentmail_tui.backends.commune.client import CommuneBackend
from agentmail_tui.backends.plain import words_of
from agentmail_tui.backends.registry import Server, open_backend
from agentmail_tui.domain import Capabilities, Draft, Live, LiveKind, Status, ThreadFilter
from agentmail_tui.errors import MailError, NotFound, Rejected, Unauthorized, Unreachable
from tests.agentmail_tui.backends.conftest import KEY, Canned

OURS = dict.fromkeys(
    (
        "triage_in_list",
        "offsets",
        "all_inboxes",
        "unread",
        "counts",
        "stream",
        "idempotent_send",
        "raw",
    ),
    True,
)


def thread(number: int, **more: Any) -> dict[str, Any]:
    return {
        "thread_id": f"conv_{number}",
        "subject": f"Thread {number}",
        "last_message_at": f"2026-01-15T09:00:{number:02}Z",
        "message_count": 1,
        "last_direction": "inbound",
        "inbox_id": "i_1",
    } | more


def metadata(status: str) -> dict[str, Any]:
    return {"data": {"tags": ["a"], "status": status, "assigned_to": None}}


@pytest.fixture
async def ours(canned: Canned) -> CommuneBackend:
    canned.say("/v1/capabilities", {"data": OURS})
    backend = CommuneBackend(canned.http(), sleep=canned.sleep)
    await backend.connect()
    return backend


@pytest.fixture
async def plain(canned: Canned) -> CommuneBackend:
    canned.say("/v1/inboxes", {"data": [{"id": "i_1", "address": "a@b.test"}]})
    backend = CommuneBackend(canned.http(), sleep=canned.sleep)
    await backend.connect()
    return backend


async def test_a_server_without_capabilities_is_plain_commune(plain: CommuneBackend) -> None:
    able = await plain.connect()
    assert able == Capabilities(domains=True, manage_domains=True)


async def test_html_is_read_off_the_event_loop(
    canned: Canned, ours: CommuneBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    where: list[threading.Thread] = []

    def words(html: str) -> str:
        where.append(threading.current_thread())
        return words_of(html)

    monkeypatch.setattr(wire, "words_of", words)
    mail = {"message_id": "m", "direction": "inbound", "content_html": "<p>Hi"}
    canned.say("/v1/threads/conv_1/messages", {"data": [mail]})
    (message,) = await ours.messages("conv_1")
    assert str(message.text) == "Hi"
    assert len(where) == 1
    assert threading.main_thread() not in where


async def test_plain_commune_checks_the_key_on_connecting(canned: Canned) -> None:
    canned.say("/v1/inboxes", {"error": "no such key"}, 401)
    with pytest.raises(Unauthorized):
        await CommuneBackend(canned.http()).connect()


async def test_our_list_is_asked_by_row_number_and_filter(
    canned: Canned, ours: CommuneBackend
) -> None:
    canned.say("/v1/threads", {"data": [thread(1)], "total": 7, "next_cursor": None})
    wanted = ThreadFilter(
        status=Status.OPEN, assigned_to="ann", tag="vip", unread=True, words="a b"
    )
    page = await ours.threads(wanted, limit=50, offset=100)
    assert page.total == 7
    assert dict(canned.requests[-1].url.params) == {
        "all": "true",
        "limit": "50",
        "offset": "100",
        "with_total": "true",
        "status": "open",
        "assigned_to": "ann",
        "tag": "vip",
        "unread": "true",
        "words": "a b",
    }


async def test_counts_are_asked_of_an_owner_too_whom_an_older_server_does_not_know(
    canned: Canned, ours: CommuneBackend
) -> None:
    told = {"total": 9, "unread": 2, "snoozed": 1, "open": 8}
    for more, mine in (({"assigned": 3}, 3), ({"assigned": 0}, 0), ({}, None)):
        canned.say("/v1/threads/counts", {"data": told | more})
        counts = await ours.counts("i_1", "ann")
        assert (counts.total, counts.snoozed, counts.mine) == (9, 1, mine)
        asked = dict(canned.requests[-1].url.params)
        assert asked == {"inbox_id": "i_1", "assigned_to": "ann"}
    await ours.counts(None)
    assert dict(canned.requests[-1].url.params) == {"all": "true"}


async def test_plain_commune_is_asked_only_what_it_knows(
    canned: Canned, plain: CommuneBackend
) -> None:
    canned.say("/v1/threads", {"data": [thread(1)], "next_cursor": "c2", "has_more": True})
    page = await plain.threads(ThreadFilter(inbox_id="i_1", words="x"), limit=20, offset=0)
    assert dict(canned.requests[-1].url.params) == {"inbox_id": "i_1", "limit": "20"}
    assert (page.next_cursor, page.total) == ("c2", None)
    with pytest.raises(Rejected):
        await plain.threads(ThreadFilter(), limit=20)


async def test_plain_commune_is_filtered_by_its_metadata(
    canned: Canned, plain: CommuneBackend
) -> None:
    canned.say("/v1/threads", {"data": [thread(1), thread(2)]})
    canned.say("/v1/threads/conv_1/metadata", metadata("closed"))
    canned.say("/v1/threads/conv_2/metadata", metadata("open"))
    page = await plain.threads(ThreadFilter(inbox_id="i_1", status=Status.OPEN), limit=20)
    assert [row.id for row in page.items] == ["conv_2"]


async def test_a_row_that_plain_commune_does_not_give_is_made_of_its_messages(
    canned: Canned, plain: CommuneBackend
) -> None:
    rows = [
        {
            "message_id": f"m{number}",
            "direction": direction,
            "participants": [{"role": "sender", "identity": f"{direction}@x.example"}],
            "content": "Hi",
            "created_at": f"2026-01-15T09:00:0{number}Z",
            "metadata": {"inbox_id": "i_1", "subject": "S"},
        }
        for number, direction in enumerate(("inbound", "outbound"))
    ]
    canned.say("/v1/threads/conv_9/messages", {"data": rows})
    row = await plain.thread("conv_9")
    assert (row.subject, row.message_count, row.party.exact) == ("S", 2, "inbound@x.example")
    canned.say("/v1/threads/conv_9/messages", {"data": []})
    with pytest.raises(NotFound):
        await plain.thread("conv_9")


@pytest.mark.parametrize(
    ("act", "method", "path", "body"),
    [
        ("status", "PUT", "/v1/threads/conv_1/status", {"status": "closed"}),
        ("add", "POST", "/v1/threads/conv_1/tags", {"tags": ["x"]}),
        ("remove", "DELETE", "/v1/threads/conv_1/tags", {"tags": ["x"]}),
        ("assign", "PUT", "/v1/threads/conv_1/assign", {"assigned_to": "ann"}),
        ("give back", "PUT", "/v1/threads/conv_1/assign", {"assigned_to": None}),
    ],
)
async def test_triage_goes_out_as_the_api_wants_it(
    canned: Canned, ours: CommuneBackend, act: str, method: str, path: str, body: Any
) -> None:
    canned.say(path, metadata("closed"))
    done = await {
        "status": lambda: ours.set_status("conv_1", Status.CLOSED),
        "add": lambda: ours.add_tags("conv_1", ["x"]),
        "remove": lambda: ours.remove_tags("conv_1", ["x"]),
        "assign": lambda: ours.assign("conv_1", "ann"),
        "give back": lambda: ours.assign("conv_1", None),
    }[act]()
    assert (done.status, done.tags) == (Status.CLOSED, ("a",))
    request = canned.requests[-1]
    assert (request.method, json.loads(request.content)) == (method, body)


async def test_a_send_carries_its_key_and_only_what_is_there(
    canned: Canned, ours: CommuneBackend
) -> None:
    receipt = {"id": "msg_1", "message_id": "msg_1", "status": "queued"}
    canned.say("/v1/messages/send", {"data": receipt}, 202)
    draft = Draft(
        "k-1", "i_1", ("a@b.example",), "Hi", "Text", cc=("c@d.example",), thread_id="conv_1"
    )
    sent = await ours.send(draft)
    assert (sent.message_id, sent.thread_id, sent.status) == ("msg_1", "conv_1", "queued")
    request = canned.requests[-1]
    assert request.headers["Idempotency-Key"] == "k-1"
    assert json.loads(request.content) == {
        "to": ["a@b.example"],
        "cc": ["c@d.example"],
        "subject": "Hi",
        "text": "Text",
        "inbox_id": "i_1",
        "thread_id": "conv_1",
    }


async def test_delivery_does_without_what_is_not_there(
    canned: Canned, plain: CommuneBackend
) -> None:
    canned.say("/v1/delivery/metrics", {"data": {"sent": 2, "period": "24h"}})
    canned.say("/v1/delivery/events", {"data": []})
    canned.say("/v1/delivery/suppressions", {"error": "scope"}, 403)
    delivery = await plain.delivery("i_1", "24h")
    assert delivery.metrics is not None
    assert dict(delivery.metrics.counts) == {"sent": 2}
    assert (delivery.suppressions, delivery.webhooks) == ((), ())


async def test_a_file_is_fetched_byte_by_byte(canned: Canned, ours: CommuneBackend) -> None:
    canned.by_path["/v1/attachments/a1/content"] = httpx.Response(200, content=b"\x00\xff\r\n")
    assert await ours.attachment("a1") == b"\x00\xff\r\n"


async def test_a_file_is_uploaded_and_named_in_the_send(
    canned: Canned, ours: CommuneBackend
) -> None:
    canned.say("/v1/attachments/upload", {"data": {"attachment_id": "a1"}}, 201)
    assert await ours.upload("a.bin", "application/octet-stream", b"\x00\xff") == "a1"
    assert json.loads(canned.requests[-1].content) == {
        "content": "AP8=",
        "filename": "a.bin",
        "mime_type": "application/octet-stream",
    }
    canned.say("/v1/messages/send", {"data": {"message_id": "m1", "thread_id": "t1"}})
    await ours.send(Draft("k", "i_1", ("a@b.test",), "S", "B", attachments=("a1",)))
    assert json.loads(canned.requests[-1].content)["attachments"] == ["a1"]


async def test_a_held_mail_is_taken_back(canned: Canned, ours: CommuneBackend) -> None:
    canned.say("/v1/messages/m1/cancel", {"data": {"status": "cancelled"}})
    await ours.cancel("m1")
    asked = canned.requests[-1]
    assert (asked.method, asked.url.path) == ("POST", "/v1/messages/m1/cancel")


async def test_a_source_is_cleaned(canned: Canned, ours: CommuneBackend) -> None:
    canned.by_path["/v1/messages/m1/raw"] = httpx.Response(
        200, content=b"From: a\r\n\r\n\x1b]0;x\x07\xff"
    )
    assert await ours.source("m1") == "From: a\n\n␛]0;x\ufffd"


async def test_delivery_holds_webhook_calls_and_their_endpoints(
    canned: Canned, ours: CommuneBackend
) -> None:
    for part in ("metrics", "events", "suppressions"):
        canned.say(f"/v1/delivery/{part}", {"data": {} if part == "metrics" else []})
    canned.say("/v1/webhooks/deliveries", {"data": [{"id": "w1", "status": "dead"}]})
    canned.say("/v1/webhooks/health", {"data": {"endpoints": [{"endpoint": "https://x.example"}]}})
    found = await ours.delivery("i_1", "7d")
    assert [call.id for call in found.webhooks] == ["w1"]
    assert [each.endpoint for each in found.endpoints] == ["https://x.example"]
    asked = {r.url.path: dict(r.url.params) for r in canned.requests}
    assert asked["/v1/webhooks/health"] == {"inbox_id": "i_1"}
    canned.say("/v1/webhooks/health", {"error": "no"}, 404)
    assert (await ours.delivery("i_1", "7d")).endpoints == ()


async def test_a_webhook_is_called_again_by_its_id(canned: Canned, ours: CommuneBackend) -> None:
    path = "/v1/webhooks/deliveries/w1/retry"
    canned.say(path, {"ok": True})
    await ours.retry_webhook("w1")
    assert (canned.requests[-1].method, canned.requests[-1].url.path) == ("POST", path)
    canned.say(path, {"error": "the delivery has already succeeded"}, 400)
    with pytest.raises(Rejected, match="already succeeded"):
        await ours.retry_webhook("w1")


async def test_the_stream_is_resumed_by_its_id(canned: Canned, ours: CommuneBackend) -> None:
    body = (
        b'id: 5\nevent: connection.ack\ndata: {"last_id":"5"}\n\n'
        b"id: 6\nevent: what.is.this\ndata: {}\n\n: still here\n\n"
        b'id: 7\nevent: email.received\ndata: {"thread_id":"conv_1"}\n\n'
    )
    canned.by_path["/v1/events/stream"] = httpx.Response(200, content=body)
    found = [live async for live in ours.live("5")]
    assert found == [Live("5", LiveKind.ACK), Live("7", LiveKind.RECEIVED, thread_id="conv_1")]
    request = canned.requests[-1]
    assert request.headers["Last-Event-ID"] == "5"
    assert request.url.params["after"] == "5"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(401, json={"error": "gone"}), Unauthorized),
        (httpx.ReadError("cut"), Unreachable),
    ],
)
async def test_a_stream_that_does_not_open_says_why(
    canned: Canned, ours: CommuneBackend, answer: Any, error: type[MailError]
) -> None:
    canned.by_path["/v1/events/stream"] = answer
    with pytest.raises(error):
        await anext(aiter(ours.live(None)))


async def test_without_a_stream_news_are_found_by_asking(
    canned: Canned, plain: CommuneBackend
) -> None:
    canned.say("/v1/threads", {"data": [thread(1), thread(2)]})
    canned.say("/v1/delivery/events", {"data": []})

    async def next_round(_: float) -> None:
        fresh = [thread(1), thread(2, message_count=2, last_direction="outbound"), thread(3)]
        canned.say("/v1/threads", {"data": fresh})
        step = {"event_id": "e1", "message_id": "m1", "event_type": "sent"}
        canned.say("/v1/delivery/events", {"data": [step]})

    plain._sleep = next_round
    poller = aiter(plain.live(None))
    found = [await anext(poller) for _ in range(4)]
    assert [(live.kind, live.thread_id) for live in found] == [
        (LiveKind.ACK, None),
        (LiveKind.SENT, "conv_2"),
        (LiveKind.RECEIVED, "conv_3"),
        (LiveKind.DELIVERY, None),
    ]


def test_the_registry_opens_by_kind_and_hides_the_key() -> None:
    server = Server("https://mail.example:8443/api", KEY)
    assert KEY not in repr(server)
    assert open_backend(server).name == "mail.example:8443"
    assert open_backend(Server("https://x.example", KEY, name="work")).name == "work"
    with pytest.raises(Rejected, match="known are commune"):
        open_backend(Server("https://x.example", KEY, kind="fax"))
