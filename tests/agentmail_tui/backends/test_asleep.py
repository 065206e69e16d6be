"""Sleeping threads on this computer, for hosted Commune and for Agnic."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from agentmail_tui.backends.agnic.client import AgnicBackend
from agentmail_tui.backends.agnic.notes import Notes
from agentmail_tui.backends.asleep import Asleep
from agentmail_tui.backends.auth import Token
from agentmail_tui.backends.commune import wire
from agentmail_tui.backends.commune.client import CommuneBackend
from agentmail_tui.backends.http import Http
from agentmail_tui.domain import LiveKind, ThreadFilter
from agentmail_tui.errors import Rejected
from tests.agentmail_tui.backends.conftest import Canned
from tests.agentmail_tui.backends.test_backend_agnic import World
from tests.agentmail_tui.backends.test_backend_commune import metadata
from tests.agentmail_tui.backends.test_backend_commune import thread as row

AWAKE, ASLEEP = ThreadFilter("i_1", snoozed=False), ThreadFilter("i_1", snoozed=True)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "asleep.sqlite3"


async def hosted(
    canned: Canned, file: Path, clock: Clock, sleep: Callable[[float], Any] = asyncio.sleep
) -> CommuneBackend:
    """Return the client of a plain Commune server with two threads."""
    canned.say("/v1/inboxes", {"data": [{"id": "i_1", "address": "a@b.test"}]})
    canned.say("/v1/threads", {"data": [row(2), row(1)], "next_cursor": None})
    for number in (1, 2):
        canned.say(f"/v1/threads/conv_{number}", {"data": row(number)})
        canned.say(f"/v1/threads/conv_{number}/metadata", metadata("open"))
    backend = CommuneBackend(canned.http(), sleep=sleep, asleep=Asleep(file, "host", clock))
    able = await backend.connect()
    assert (able.snooze, able.snooze_local) == (True, True)
    return backend


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


async def ids(backend: Any, wanted: ThreadFilter) -> list[str]:
    return [each.id for each in (await backend.threads(wanted, limit=10)).items]


async def test_on_hosted_commune_it_is_kept_here_and_outlives_the_program(
    canned: Canned, file: Path, clock: Clock
) -> None:
    first = await hosted(canned, file, clock)
    until = clock.at + timedelta(hours=3)
    await first.snooze("conv_1", until)
    assert await ids(first, AWAKE) == ["conv_2"]
    await first.aclose()
    assert mode_of(file) == 0o600
    again = await hosted(canned, file, clock)
    (kept,) = (await again.threads(ASLEEP, limit=10)).items
    assert (kept.id, kept.snoozed_until) == ("conv_1", until)
    assert await ids(again, ThreadFilter("i_1")) == ["conv_2", "conv_1"]
    await again.snooze("conv_1", None)
    assert await ids(again, AWAKE) == ["conv_2", "conv_1"]
    assert all(call.method == "GET" for call in canned.requests)


async def test_many_that_are_put_to_sleep_at_once_all_sleep(file: Path, clock: Clock) -> None:
    asleep = Asleep(file, "host", clock)
    threads = [wire.thread(row(number % 60) | {"thread_id": f"t{number}"}) for number in range(50)]
    until = clock.at + timedelta(hours=1)
    await asyncio.gather(*(asleep.put(thread, until) for thread in threads))
    assert len(await asleep.ids()) == 50
    await asleep.close()
    assert len(await Asleep(file, "host", clock).ids()) == 50


async def test_all_that_wake_are_news_whatever_inbox_is_asked_about(
    canned: Canned, file: Path, clock: Clock
) -> None:
    rested, go = asyncio.Event(), asyncio.Event()

    async def rest(_seconds: float) -> None:
        rested.set()
        await go.wait()

    backend = await hosted(canned, file, clock, rest)
    for number in (7, 8, 9):
        other = {"data": row(number, inbox_id="i_2")}
        canned.say(f"/v1/threads/conv_{number}", other)
        canned.say(f"/v1/threads/conv_{number}/metadata", metadata("open"))
        await backend.snooze(f"conv_{number}", clock.at + timedelta(hours=1))
    canned.say("/v1/threads/conv_8", {"error": "gone"}, 404)
    canned.say("/v1/threads/conv_8/messages", {"error": "gone"}, 404)
    canned.say("/v1/delivery/events", {"data": []})
    live = backend.live(None)
    assert (await anext(live)).kind is LiveKind.ACK
    news = asyncio.ensure_future(anext(live))
    await asyncio.wait_for(rested.wait(), 5)
    clock.at += timedelta(hours=1)
    go.set()
    first, second = await asyncio.wait_for(news, 5), await asyncio.wait_for(anext(live), 5)
    assert {(each.thread_id, each.inbox_id) for each in (first, second)} == {
        ("conv_7", "i_2"),
        ("conv_9", "i_2"),
    }


async def test_it_wakes_by_the_clock(canned: Canned, file: Path, clock: Clock) -> None:
    backend = await hosted(canned, file, clock)
    await backend.snooze("conv_1", clock.at + timedelta(hours=3))
    clock.at += timedelta(hours=3)
    assert await ids(backend, AWAKE) == ["conv_2", "conv_1"]
    assert await ids(backend, ASLEEP) == []


async def test_it_wakes_with_newer_mail_that_came_in(
    canned: Canned, file: Path, clock: Clock
) -> None:
    backend = await hosted(canned, file, clock)
    await backend.snooze("conv_1", clock.at + timedelta(hours=3))
    newer: dict[str, Any] = {"last_message_at": "2026-01-15T09:30:00Z"}
    sent = row(1, **newer, last_direction="outbound")
    canned.say("/v1/threads", {"data": [sent], "next_cursor": None})
    assert await ids(backend, AWAKE) == []
    canned.say("/v1/threads", {"data": [row(1, **newer)], "next_cursor": None})
    assert await ids(backend, AWAKE) == ["conv_1"]


async def test_a_moment_that_is_over_and_a_file_that_cannot_be_used_are_refused(
    canned: Canned, file: Path, clock: Clock
) -> None:
    backend = await hosted(canned, file, clock)
    with pytest.raises(Rejected, match="future"):
        await backend.snooze("conv_1", clock.at)
    spoiled = file.with_name("spoiled.sqlite3")
    spoiled.parent.mkdir(exist_ok=True)
    spoiled.write_bytes(b"no database " * 100)
    with pytest.raises(Rejected, match="cannot be used"):
        await Asleep(spoiled, "host", clock).ids()


async def test_agnic_threads_sleep_here_too_and_wake_unread(file: Path, clock: Clock) -> None:
    world = World()
    http = Http("https://api.example", Token("tok"), transport=httpx.MockTransport(world))
    notes = Notes(file.with_name("notes.sqlite3"))
    backend = AgnicBackend(http, notes, asleep=Asleep(file, "host", clock))
    assert (await backend.connect()).snooze_local
    invoice, parcel = (await backend.threads(ThreadFilter(), limit=10)).items
    await backend.set_unread(parcel.id, unread=False)
    await backend.snooze(parcel.id, clock.at + timedelta(hours=1))
    awake = ThreadFilter(snoozed=False)
    assert await ids(backend, awake) == [invoice.id]
    assert await ids(backend, ThreadFilter(snoozed=True)) == [parcel.id]
    counts = await backend.counts(None)
    assert (counts.total, counts.snoozed) == (2, 1)
    clock.at += timedelta(hours=1)
    back = [each for each in (await backend.threads(awake, limit=10)).items if each.id == parcel.id]
    assert [each.unread for each in back] == [True]
    await backend.aclose()


async def test_another_account_in_the_same_file_is_not_asleep(
    canned: Canned, file: Path, clock: Clock
) -> None:
    backend = await hosted(canned, file, clock)
    await backend.snooze("conv_1", clock.at + timedelta(hours=3))
    assert await Asleep(file, "other", clock).ids() == ()
