"""Lines instead of a screen: every state in words, nothing drawn, the same acts on the server."""

from __future__ import annotations

from datetime import datetime

import pytest

from agentmail_tui.backends.memory import MemoryBackend
from agentmail_tui.cli.plain import Talk
from agentmail_tui.domain import Status, Triage


def triage(backend: MemoryBackend, thread_id: str) -> Triage:
    found = backend.mail.thread(thread_id).triage
    assert found is not None
    return found


async def test_a_list_is_read_out_in_words(backend: MemoryBackend, now: datetime) -> None:
    lines = await Talk(backend, me="maya", clock=lambda: now).begin()
    assert lines[0].startswith("Connected to ")
    assert lines[1] == "List all: the first 20 threads."
    assert lines[2] == (
        "1. unread. Ada Lindqvist. Re: Damaged parcel, refund? needs reply."
        " tags refund, shipping, vip. sent mail delivered. 3 messages. with files. 7 minutes ago."
    )
    assert lines[-1] == "Type more for the next."


async def test_nothing_of_it_is_drawn(talk: Talk) -> None:
    said = [
        await talk.answer(line) for line in ("list all", "more", "1", "2", "help", "search mug")
    ]
    heads = [line for lines in said for line in lines if line[:1].isdigit()]
    assert heads
    assert not any("\u2500" <= sign <= "\u27bf" for line in heads for sign in line)
    assert not any(sign < " " for lines in said for line in lines for sign in line)


async def test_a_number_reads_the_thread_and_marks_it_read(
    talk: Talk, backend: MemoryBackend
) -> None:
    row = talk.rows[0]
    lines = await talk.answer("1\n")
    assert sum(line.startswith(("From ", "Sent by ")) for line in lines) == row.message_count
    assert not backend.mail.thread(row.id).unread


@pytest.mark.parametrize(
    ("line", "status"),
    [("close 1", Status.CLOSED), ("wait 1", Status.WAITING), ("reopen 1", Status.OPEN)],
)
async def test_a_status_is_set(
    talk: Talk, backend: MemoryBackend, line: str, status: Status
) -> None:
    (told,) = await talk.answer(line)
    assert status.value in told
    assert triage(backend, talk.rows[0].id).status is status


async def test_tags_owner_and_sleep_act_on_the_thread_named_last(
    talk: Talk, backend: MemoryBackend
) -> None:
    row = talk.rows[1]
    await talk.answer("tag 2 +urgent")
    await talk.answer("mine")
    (told,) = await talk.answer("snooze tomorrow")
    assert told.endswith("snoozed until Thursday 13 March 08:00.")
    found = triage(backend, row.id)
    assert ("urgent" in found.tags, found.assigned_to) == (True, "maya")
    assert "snoozed until Thursday" in (await talk.answer("list snoozed"))[1]
    await talk.answer("wake 1")
    assert backend.mail.thread(row.id).snoozed_until is None
    await talk.answer("assign 1 nobody")
    assert triage(backend, row.id).assigned_to is None


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("dance", "There is no command 'dance'. Type help."),
        ("list dreams", "There is no list 'dreams'."),
        ("99", "Error: name a thread by its number, 1 to 20."),
        ("close", "Error: name a thread by its number"),
        ("snooze 1 yesterday", "Error: write snooze"),
        ("tag 1 urgent", "Error: write tag"),
        ("assign 1", "Error: write assign"),
    ],
)
async def test_what_cannot_be_done_is_said(talk: Talk, line: str, told: str) -> None:
    assert (await talk.answer(line))[0].startswith(told)


async def test_read_only_changes_nothing(backend: MemoryBackend, now: datetime) -> None:
    talk = Talk(backend, me="maya", read_only=True, clock=lambda: now)
    await talk.begin()
    row = talk.rows[0]
    before = backend.mail.thread(row.id)
    for line in ("1", "close 1", "tag 1 +x", "mine 1", "snooze 1 3h"):
        await talk.answer(line)
    assert backend.mail.thread(row.id) == before


async def test_quit_ends_it(talk: Talk) -> None:
    await talk.answer("quit")
    assert talk.over


async def test_before_anything_is_connected_no_command_is_known(backend: MemoryBackend) -> None:
    talk = Talk(backend, me="maya")
    assert await talk.answer("list all") == ["There is no command 'list'. Type help."]
