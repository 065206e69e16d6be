"""The Agnic backend: threads from headers and subjects, notes that stay, openly said limits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from agentmail_tui.backends.agnic.client import AgnicBackend
from agentmail_tui.backends.agnic.notes import Notes
from agentmail_tui.backends.agnic.threading import threaded
from agentmail_tui.backends.agnic.wire import letters
from agentmail_tui.backends.auth import Token
from agentmail_tui.backends.http import Http
from agentmail_tui.domain import Direction, Draft, Status, ThreadFilter, Triage
from agentmail_tui.errors import NotFound, Rejected, ServerTrouble

OURS = "agent-7@agents.example"
ANN = "ann@far.example"
LOCAL = Triage(local=True)
Server = Callable[[httpx.Request], httpx.Response]


def row(number: int, **more: Any) -> dict[str, Any]:
    """Return a message that came in on minute `number`."""
    return {
        "id": f"aem_{number}_aaaaaa",
        "direction": "inbound",
        "from": ANN,
        "to": OURS,
        "subject": "Parcel",
        "body": f"Text {number}",
        "isRead": False,
        "createdAt": f"2026-01-15T09:{number:02d}:00Z",
        **more,
    }


def groups(*rows: dict[str, Any]) -> list[list[str]]:
    """Return the numbers of the messages by thread, oldest thread first."""
    found: dict[str, list[str]] = {}
    for message, _ in threaded(letters({"messages": list(rows)}, OURS)):
        found.setdefault(message.thread_id, []).append(message.id.split("_")[1])
    return list(found.values())


def test_what_the_server_says_of_threads_counts() -> None:
    rows = row(1, threadId="x"), row(2, threadId="y"), row(3, threadId="x")
    assert groups(*rows) == [["1", "3"], ["2"]]


def test_headers_make_threads() -> None:
    first = row(1, rfcMessageId="<a@far.example>")
    answer = row(2, subject="Other", inReplyTo="<a@far.example>", rfcMessageId="<b@x.example>")
    third = row(3, subject="Third", references=["<a@far.example>", "<b@x.example>"])
    assert groups(third, first, answer, row(4)) == [["1", "2", "3"], ["4"]]


def test_two_answers_to_a_mail_that_is_gone_are_one_thread_that_keeps_its_id() -> None:
    first = row(1, rfcMessageId="<a@far.example>")
    second = row(2, rfcMessageId="<b@far.example>", references=["<a@far.example>"])
    third = row(3, references=["<a@far.example>", "<b@far.example>"])
    ids = [
        {message.thread_id for message, _ in threaded(letters({"messages": shown}, OURS))}
        for shown in ([first, second, third], [second, third], [third])
    ]
    assert len(ids[0]) == 1
    assert ids[0] == ids[1] == ids[2]


def test_without_headers_the_subject_of_an_answer_decides_and_who_it_is_with() -> None:
    sent = row(2, direction="outbound", **{"from": OURS, "to": ANN}, subject="Re: Parcel")
    stranger = row(3, **{"from": "bob@far.example"}, subject="Re: Parcel")
    assert groups(row(1), sent, stranger, row(4)) == [["1", "2"], ["3"], ["4"]]


class World:
    """An Agnic server of a few lines."""

    def __init__(self) -> None:
        self.rows = [row(2, subject="Invoice"), row(1)]
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.tokens: set[str] = set()
        self.troubles: dict[int, list[int]] = {}  # answers to come, by the offset of the page
        self.alias: dict[str, Any] = {"hasEmail": True, "emailAddress": OURS, "isActive": True}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.tokens.add(request.headers["X-Agnic-Token"])
        if request.method == "POST":
            self.sent.append((request.url.path, json.loads(request.content)))
            return httpx.Response(200, json={"sent": True, "messageId": "aem_9_bbbbbb"})
        if request.url.path == "/api/agent/email":
            return httpx.Response(200, json=self.alias)
        start = int(request.url.params["offset"])
        if self.troubles.get(start):
            return httpx.Response(self.troubles[start].pop(0))
        page = self.rows[start : start + int(request.url.params["limit"])]
        return httpx.Response(200, json={"emailAddress": OURS, "messages": page})


@pytest.fixture
def world() -> World:
    return World()


async def no_wait(_seconds: float) -> None:
    """Wait for nothing between two tries."""


def backend(world: World, folder: Path) -> AgnicBackend:
    transport = httpx.MockTransport(world)
    http = Http("https://api.example", Token("tok"), transport=transport, sleep=no_wait)
    return AgnicBackend(http, Notes(folder / "notes.sqlite3"))


async def test_notes_are_local_and_outlive_the_program(world: World, tmp_path: Path) -> None:
    first = backend(world, tmp_path)
    invoice, parcel = (await first.threads(ThreadFilter(), limit=10)).items
    assert (invoice.subject, parcel.subject) == ("Invoice", "Parcel")
    await first.add_tags(parcel.id, ["vip"])
    await first.assign(parcel.id, "ann")
    assert (await first.set_status(parcel.id, Status.CLOSED)).local
    await first.set_unread(parcel.id, unread=False)
    await first.aclose()
    again = backend(world, tmp_path)
    _, kept = (await again.threads(ThreadFilter(), limit=10)).items
    assert kept.triage is not None
    assert (kept.triage.status, kept.triage.tags, kept.triage.local) == (
        Status.CLOSED,
        ("vip",),
        True,
    )
    assert (kept.triage.assigned_to, kept.unread) == ("ann", False)
    world.rows.insert(0, row(5, subject="Re: Parcel"))
    woken, _ = (await again.threads(ThreadFilter(), limit=10)).items
    assert woken.triage is not None
    assert (woken.id, woken.triage.status, woken.unread) == (kept.id, Status.NEEDS_REPLY, True)
    assert world.tokens == {"tok"}
    await again.aclose()


async def test_a_long_inbox_is_read_whole_once_and_then_only_its_head(
    world: World, tmp_path: Path
) -> None:
    world.rows = [row(1, id=f"aem_{n}_aaaaaa", subject=f"Mail {n}") for n in range(250)]
    link = backend(world, tmp_path)
    assert (await link.threads(ThreadFilter(), limit=10)).total == 250
    await link.aclose()


async def test_a_page_that_failed_is_read_with_the_next_look(world: World, tmp_path: Path) -> None:
    world.rows = [row(1, id=f"aem_{n}_aaaaaa", subject=f"Mail {n}") for n in range(350)]
    world.troubles = {200: [500] * 3}
    link = backend(world, tmp_path)
    with pytest.raises(ServerTrouble):
        await link.threads(ThreadFilter(), limit=10)
    assert (await link.threads(ThreadFilter(), limit=10)).total == 350
    await link.aclose()


async def test_no_row_is_seen_without_its_note(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = backend(world, tmp_path)
    _, parcel = (await first.threads(ThreadFilter(), limit=10)).items
    await first.add_tags(parcel.id, ["vip"])
    await first.aclose()
    again = backend(world, tmp_path)
    asked, go = asyncio.Event(), asyncio.Event()

    async def slowly(call: Callable[..., Any], *arguments: Any) -> Any:
        if call.__name__ == "all":
            asked.set()
            await go.wait()
        return call(*arguments)

    monkeypatch.setattr(asyncio, "to_thread", slowly)
    listing = asyncio.create_task(again.threads(ThreadFilter(), limit=10))
    await asyncio.wait_for(asked.wait(), 5)
    looking = asyncio.create_task(again.thread(parcel.id))
    await asyncio.sleep(0)
    go.set()
    await asyncio.wait_for(listing, 5)
    assert (await asyncio.wait_for(looking, 5)).triage == replace(LOCAL, tags=("vip",))
    await again.aclose()


@pytest.mark.parametrize("trouble", [429, 500])
async def test_mail_that_left_counts_as_sent_though_it_cannot_be_read_back(
    world: World, tmp_path: Path, trouble: int
) -> None:
    link = backend(world, tmp_path)
    await link.connect()
    world.troubles = {0: [trouble] * 3}
    receipt = await link.send(Draft("m", OURS, ("bob@far.example",), "Hello", "Text"))
    assert (receipt.message_id, len(world.sent)) == ("aem_9_bbbbbb", 1)
    await link.aclose()


async def test_a_reply_answers_who_wrote(world: World, tmp_path: Path) -> None:
    link = backend(world, tmp_path)
    _, parcel = (await link.threads(ThreadFilter(), limit=10)).items
    draft = Draft("k", OURS, (ANN,), "Re: Parcel", "Thanks", thread_id=parcel.id)
    receipt = await link.send(draft)
    assert world.sent == [
        ("/api/agent/email/reply", {"messageId": "aem_1_aaaaaa", "body": "Thanks"})
    ]
    assert (receipt.message_id, receipt.thread_id) == ("aem_9_bbbbbb", parcel.id)
    for refused in (
        replace(draft, to=("bob@far.example",)),
        replace(draft, to=(ANN, "bob@far.example")),
        replace(draft, bcc=("bob@far.example",)),
    ):
        with pytest.raises(Rejected):
            await link.send(refused)
    await link.send(Draft("m", OURS, ("bob@far.example",), "Hello", "Text"))
    assert world.sent[1:] == [
        ("/api/agent/email/send", {"to": "bob@far.example", "subject": "Hello", "body": "Text"})
    ]
    await link.aclose()


async def test_without_an_address_there_is_nothing(world: World, tmp_path: Path) -> None:
    world.alias = {"hasEmail": False}
    link = backend(world, tmp_path)
    await link.connect()
    assert await link.inboxes() == ()
    assert (await link.threads(ThreadFilter(), limit=10)).items == ()
    with pytest.raises(NotFound):
        await link.send(Draft("k", OURS, (ANN,), "A", "B"))
    await link.aclose()


async def test_a_hostile_answer_is_cleaned(world: World, tmp_path: Path) -> None:
    world.rows = [row(1, subject="a\x1b[31mb", body="x\x1b]0;t\x07", to=None, direction="outbound")]
    link = backend(world, tmp_path)
    (thread,) = (await link.threads(ThreadFilter(), limit=10)).items
    (message,) = await link.messages(thread.id)
    assert message.direction is Direction.OUTBOUND
    assert "\x1b" not in thread.subject + message.text
    await link.aclose()


async def test_notes_that_cannot_be_kept_are_a_clear_refusal(world: World, tmp_path: Path) -> None:
    (tmp_path / "notes.sqlite3").mkdir()
    link = backend(world, tmp_path)
    with pytest.raises(Rejected, match="notes"):
        await link.threads(ThreadFilter(), limit=10)
    await link.aclose()
