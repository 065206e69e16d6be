"""The event stream over a real socket."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn
from agentmail_server.http.deps import HttpSettings
from agentmail_server.ids import to_micros
from agentmail_server.store import delivery, inboxes, messages, tables, threads
from sqlalchemy import update

from tests.server.http.test_http_identity import new_agent

if TYPE_CHECKING:
    from tests.server.http.conftest import Api

PATIENCE = 10


@dataclass
class Event:
    """One frame of the stream; a comment has no name."""

    name: str
    id: str
    data: Any


class Reader:
    """Reads frames from an open stream, never waiting for ever."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def frame(self) -> Event:
        async with asyncio.timeout(PATIENCE):
            return await self._frame()

    async def _frame(self) -> Event:
        held: dict[str, str] = {}
        async for line in self._lines:
            if not line:
                data = json.loads(held["data"]) if "data" in held else None
                return Event(held.get("event", ""), held.get("id", ""), data)
            name, _, value = line.partition(":")
            held[name] = value.removeprefix(" ")
        raise EOFError

    async def until(self, name: str) -> Event:
        while True:
            event = await self.frame()
            if event.name == name:
                return event

    async def ended(self) -> bool:
        async with asyncio.timeout(PATIENCE):
            try:
                while True:
                    await self._frame()
            except EOFError:
                return True


@pytest.fixture
def settings() -> HttpSettings:
    # No polling in these tests: what arrives was woken.
    return HttpSettings(stream_poll=60.0, heartbeat=60.0)


@pytest.fixture
async def url(api: Api) -> AsyncIterator[str]:
    config = uvicorn.Config(api.app, host="127.0.0.1", port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE):
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    api.deps.shutdown.set()
    server.should_exit = True
    await asyncio.wait_for(task, PATIENCE)


@asynccontextmanager
async def _stream(
    api: Api, url: str, query: str = "", *, last: str | None = None, key: str | None = None
) -> AsyncIterator[Reader]:
    headers = {"Authorization": f"Bearer {key or api.ours.key}"}
    if last is not None:
        headers["Last-Event-ID"] = last
    async with _open(f"{url}/v1/events/stream{query}", headers) as reader:
        yield reader


@asynccontextmanager
async def _open(url: str, headers: Mapping[str, str]) -> AsyncIterator[Reader]:
    async with (
        httpx.AsyncClient(timeout=PATIENCE) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Reader(response)


async def test_it_begins_with_an_ack_of_where_it_stands(api: Api, url: str) -> None:
    async with _stream(api, url) as reader:
        ack = await reader.frame()
    assert ack.name == "connection.ack"
    assert ack.data == {"last_id": ack.id}


async def test_new_mail_comes_with_its_row(api: Api, url: str) -> None:
    inbox = await api.inbox()
    async with _stream(api, url) as reader:
        await reader.frame()
        stored = await api.arrive(inbox, subject="Hello\nthere")
        event = await reader.frame()
    assert event.name == "email.received"
    data = event.data
    assert data["type"] == "email.received"
    assert data["id"] == event.id
    assert data["inbox_id"] == inbox["id"]
    assert data["inbox_address"] == "desk@agents.test"
    assert data["thread_id"] == stored.thread_id
    assert data["message_id"] == stored.id
    assert data["subject"] == stored.subject
    assert data["from"] == "ann@customer.example"
    assert data["direction"] == "inbound"
    assert data["created_at"] == "2026-01-15T09:00:01.000Z"
    assert data["thread"] == await api.data("GET", f"/v1/threads/{stored.thread_id}")
    assert data["delivery"] is None


async def test_sends_triage_delivery_and_inboxes_are_told(api: Api, url: str) -> None:
    inbox = await api.inbox()
    async with _stream(api, url) as reader:
        await reader.frame()
        body = {"to": "a@b.example", "subject": "s", "text": "t"}
        sent = await api.data("POST", "/v1/messages/send", json=body)
        event = await reader.until("email.sent")
        assert event.data["message_id"] == sent["id"]
        assert event.data["direction"] == "outbound"
        await api.data("PUT", f"/v1/threads/{sent['thread_id']}/status", json={"status": "waiting"})
        event = await reader.until("thread.updated")
        assert event.data["thread"]["status"] == "waiting"
        message = await api.store.read(messages.get_message, api.ours.id, sent["id"])
        await api.store.write(
            delivery.append_event, api.deps.ids, to_micros(api.clock.now()), message,
            "a@b.example", "bounced", "550 no", {},
        )  # fmt: skip
        event = await reader.until("delivery.updated")
        while event.data["delivery"]["event_type"] != "bounced":
            event = await reader.until("delivery.updated")
        assert event.data["delivery"]["recipient"] == "a@b.example"
        assert event.data["delivery"]["detail"] == "550 no"
        assert event.data["delivery"]["message_id"] == sent["id"]
        assert event.data["thread"]["delivery_status"] == "bounced"
        await api.data("PATCH", f"/v1/inboxes/{inbox['id']}", json={"name": "New"})
        event = await reader.until("inbox.updated")
        assert event.data["inbox_id"] == inbox["id"]
        await api.data("DELETE", f"/v1/domains/{inbox['domain_id']}/inboxes/{inbox['id']}")
        event = await reader.until("inbox.deleted")
        assert event.data["inbox_id"] == inbox["id"]
        assert event.data["thread"] is None


@pytest.mark.parametrize("by", ["header", "query"])
async def test_it_resumes_without_gap_or_double(api: Api, url: str, by: str) -> None:
    inbox = await api.inbox()
    expected: list[str] = []
    seen: list[str] = []
    last: str | None = None
    for turn in range(6):
        query = f"?after={last}" if by == "query" and last is not None else ""
        header = last if by == "header" else None
        async with _stream(api, url, query, last=header) as reader:
            ack = await reader.frame()
            last = last or ack.id
            assert ack.data == {"last_id": last}
            expected.append((await api.arrive(inbox)).id)
            # Break off in the middle: sometimes before anything was read.
            for _ in range(turn % 3):
                if len(seen) < len(expected):
                    event = await reader.frame()
                    seen.append(event.data["message_id"])
                    last = event.id
        expected.append((await api.arrive(inbox)).id)
    async with _stream(api, url, f"?after={last}") as reader:
        await reader.frame()
        while len(seen) < len(expected):
            seen.append((await reader.frame()).data["message_id"])
    assert seen == expected


async def test_a_burst_larger_than_a_batch_comes_whole_and_in_order(api: Api, url: str) -> None:
    inbox = await api.inbox()
    thread = (await api.arrive(inbox)).thread_id
    async with _stream(api, url) as reader:
        await reader.frame()
        for number in range(250):
            await api.store.write(
                threads.set_unread, to_micros(api.clock.now()), api.ours.id, thread, number % 2 == 1
            )
        ids = [int((await reader.frame()).id) for _ in range(250)]
    assert ids == sorted(set(ids))


async def test_the_start_can_be_asked_for(api: Api, url: str) -> None:
    stored = await api.arrive(await api.inbox())
    async with _stream(api, url, "?after=0") as reader:
        assert (await reader.frame()).data == {"last_id": "0"}
        event = await reader.until("email.received")
        assert event.data["message_id"] == stored.id


@pytest.mark.parametrize("after", ["999999", "x", "-1", "9" * 30, "1.5", "²"])
async def test_an_unknown_place_is_a_reset_to_now(api: Api, url: str, after: str) -> None:
    inbox = await api.inbox()
    await api.arrive(inbox)
    async with _stream(api, url, f"?after={after}") as reader:
        ack = await reader.frame()
        reset = await reader.frame()
        assert reset.name == "reset"
        assert reset.id == ack.id == ack.data["last_id"]
        stored = await api.arrive(inbox)
        assert (await reader.frame()).data["message_id"] == stored.id


async def test_a_place_older_than_the_log_is_a_reset(api: Api, url: str) -> None:
    inbox = await api.inbox()
    await api.arrive(inbox)
    await api.arrive(inbox)

    from agentmail_server.store.tables import event_log
    from sqlalchemy import Connection, delete

    def forget(conn: Connection) -> None:
        conn.execute(delete(event_log).where(event_log.c.seq <= 2))

    await api.store.write(forget)
    async with _stream(api, url, "?after=1") as reader:
        await reader.frame()
        assert (await reader.frame()).name == "reset"


async def test_nothing_of_another_organisation_is_ever_told(api: Api, url: str) -> None:
    theirs = await api.inbox("theirs", org=api.theirs)
    ours = await api.inbox("ours")
    async with (
        _stream(api, url) as our_reader,
        _stream(api, url, key=api.theirs.key) as their_reader,
    ):
        await our_reader.frame()
        await their_reader.frame()
        foreign = await api.arrive({**theirs, "org": "theirs"}, subject="canary")
        mine = await api.arrive(ours)
        assert (await our_reader.frame()).data["message_id"] == mine.id
        assert (await their_reader.frame()).data["message_id"] == foreign.id


async def test_one_inbox_alone(api: Api, url: str) -> None:
    one, two = await api.inbox("one"), await api.inbox("two")
    async with _stream(api, url, f"?inbox_id={one['id']}") as reader:
        await reader.frame()
        await api.arrive(two)
        wanted = await api.arrive(one)
        assert (await reader.frame()).data["message_id"] == wanted.id


async def test_some_kinds_alone(api: Api, url: str) -> None:
    inbox = await api.inbox()
    stored = await api.arrive(inbox)
    async with _stream(api, url, "?events=email.sent,email.received") as reader:
        await reader.frame()
        await api.data("PUT", f"/v1/threads/{stored.thread_id}/status", json={"status": "closed"})
        later = await api.arrive(inbox)
        event = await reader.frame()
        assert (event.name, event.data["message_id"]) == ("email.received", later.id)


async def test_a_thread_that_is_gone_is_told_without_its_row(api: Api, url: str) -> None:
    inbox = await api.inbox()
    stored = await api.arrive(inbox)
    await api.store.write(
        inboxes.delete_inbox, to_micros(api.clock.now()), api.ours.id, inbox["id"]
    )
    async with _stream(api, url, "?after=0") as reader:
        await reader.frame()
        frame = await reader.until("inbox.deleted")
    assert frame.data["inbox_id"] == inbox["id"]
    assert stored.thread_id


async def test_it_ends_at_once_when_the_server_stops(api: Api, url: str) -> None:
    async with _stream(api, url) as reader:
        await reader.frame()
        started = time.monotonic()
        api.deps.shutdown.set()
        assert await reader.ended()
        assert time.monotonic() - started < 2


async def test_it_ends_when_the_store_is_gone(api: Api, url: str) -> None:
    async with _stream(api, url) as reader:
        await reader.frame()
        await api.store.aclose()
        api.deps.hub.wake()
        assert await reader.ended()


class TestHeartbeat:
    @pytest.fixture
    def settings(self) -> HttpSettings:
        return HttpSettings(stream_poll=0.02, heartbeat=0.05)

    async def test_a_comment_says_that_the_link_lives(self, api: Api, url: str) -> None:
        async with _stream(api, url) as reader:
            await reader.frame()
            beat = await reader.frame()
        assert (beat.name, beat.id, beat.data) == ("", "", None)

    async def test_the_link_lives_though_nothing_of_what_happens_is_asked_for(
        self, api: Api, url: str
    ) -> None:
        thread = (await api.arrive(await api.inbox())).thread_id
        async with _stream(api, url, "?events=email.sent") as reader:
            await reader.frame()
            beat = asyncio.ensure_future(reader.frame())
            while not beat.done():
                now = to_micros(api.clock.now())
                await api.store.write(threads.set_unread, now, api.ours.id, thread, unread=True)
                await api.store.write(threads.set_unread, now, api.ours.id, thread, unread=False)
            assert (await beat).name == ""

    @pytest.mark.parametrize("how", ["revoked", "renewed", "expired"])
    async def test_it_ends_with_the_key_of_who_reads(self, api: Api, url: str, how: str) -> None:
        later = to_micros(api.clock.now()) + 60_000_000
        key = await api.key_with("threads:read", "messages:read", expires_at=later)
        (row,) = [
            each for each in await api.data("GET", "/v1/agent/api-keys")
            if each["keyPrefix"] == key[:12]
        ]  # fmt: skip
        path = f"/v1/agent/api-keys/{row['id']}"
        async with _stream(api, url, key=key) as reader, _stream(api, url) as other:
            await reader.until("connection.ack")
            if how == "revoked":
                assert (await api.call("DELETE", path)).is_success
            elif how == "renewed":
                assert (await api.call("POST", f"{path}/rotate")).is_success
            else:
                api.clock.advance(timedelta(seconds=61))
            assert await reader.ended()
            assert (await other.frame()).name == "connection.ack"
            assert (await other.frame()).name == ""

    async def test_it_ends_with_the_agent_who_reads(self, api: Api, url: str) -> None:
        agent = await new_agent(api, "robots")
        path = "/v1/events/stream"
        async with _open(f"{url}{path}", agent.headers("v2", "GET", path, b"")) as reader:
            await reader.until("connection.ack")
            assert (await reader.frame()).name == ""
            await api.store.write(
                lambda conn: conn.execute(update(tables.agents).values(status="revoked"))
            )
            assert await reader.ended()

    async def test_what_another_process_wrote_is_found_by_looking(
        self, api: Api, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        inbox = await api.inbox()
        async with _stream(api, url) as reader:
            await reader.frame()
            monkeypatch.setattr(api.deps.hub, "wake", lambda: None)
            stored = await api.arrive(inbox)
            event = await reader.until("email.received")
        assert event.data["message_id"] == stored.id


async def test_open_streams_are_counted_and_let_go(api: Api, url: str) -> None:
    async def open_streams() -> str:
        text = (await api.client.get("/metrics")).text
        return next(line for line in text.splitlines() if line.startswith("agentmail_event_str"))

    async with _stream(api, url) as reader:
        await reader.frame()
        assert await open_streams() == "agentmail_event_streams 1.0"
    async with asyncio.timeout(PATIENCE):
        while await open_streams() != "agentmail_event_streams 0.0":  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_without_the_scope_there_is_no_stream(api: Api) -> None:
    key = await api.key_with("messages:read")
    await api.refused(403, "GET", "/v1/events/stream", key=key)
