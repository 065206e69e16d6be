"""Mail written line by line: what leaves is what was typed, to whom it was said, after a yes."""

from __future__ import annotations

from datetime import datetime

import pytest
from msgspec.structs import replace

from agentmail_tui.backends.memory import MemoryBackend
from agentmail_tui.cli.plain import Talk
from agentmail_tui.domain import Draft, SendReceipt
from agentmail_tui.errors import BadReply, MailError, ServerTrouble, Unreachable


async def say(talk: Talk, *lines: str) -> list[str]:
    told: list[str] = []
    for line in lines:
        told = await talk.answer(f"{line}\n")
    return told


async def test_a_reply_leaves_after_a_yes_with_the_quote_below(
    talk: Talk, backend: MemoryBackend, sent: list[Draft]
) -> None:
    row = talk.rows[0]
    asked = await say(talk, "reply 1")
    assert asked[0] == "To ada.lindqvist@northmail.example. Subject: Re: Damaged parcel, refund?"
    told = await say(talk, "The money left today.", "", "quit", ".")
    assert told == ["3 lines to ada.lindqvist@northmail.example.", "Type send, or cancel."]
    assert not sent
    assert await say(talk, "yes") == ["Type send, or cancel."]
    assert not sent
    told = await say(talk, "send")
    assert told[0].startswith("Sent; the server says: ")
    mail = backend.mail.conversations[row.id][-1]
    assert mail.text.startswith("The money left today.\n\nquit\n\nOn ")
    assert "> " in mail.text
    assert [each.thread_id for each in sent] == [row.id]
    assert (await say(talk, "list all"))[0].startswith("List all")


async def test_new_mail_asks_for_inbox_and_subject(talk: Talk, sent: list[Draft]) -> None:
    asked = await say(talk, "write bo@shop.example, Cy <cy@shop.example>")
    assert asked[0] == "From which inbox? Type its number."
    assert await say(talk, "99") == [f"Type a number, 1 to {len(asked) - 1}, or cancel."]
    assert await say(talk, "2") == ["Type the subject."]
    assert await say(talk, "") == ["A mail needs a subject. Type it, or cancel."]
    await say(talk, "Hello", "A line", ".", "send")
    (draft,) = sent
    assert draft.to == ("bo@shop.example", "cy@shop.example")
    assert (draft.subject, draft.body) == ("Hello", "A line\n")
    assert draft.inbox_id == talk._inboxes[1].id


@pytest.mark.parametrize("before", [(), ("Some text",), ("Some text", ".")])
async def test_cancel_sends_nothing(talk: Talk, sent: list[Draft], before: tuple[str, ...]) -> None:
    assert await say(talk, "reply 1", *before, "cancel") == ["Given up; nothing was sent."]
    assert not sent
    assert (await say(talk, "1"))[0].startswith("1. ")


async def test_an_empty_text_is_not_sent(talk: Talk, sent: list[Draft]) -> None:
    assert await say(talk, "reply 1", "", ".") == ["There is no text yet. Type it, or cancel."]
    assert not sent


async def test_a_send_that_failed_is_tried_again_under_the_same_id(
    talk: Talk, sent: list[Draft], backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = backend.send

    async def lost(draft: Draft) -> SendReceipt:
        await send(draft)
        raise Unreachable("the server does not answer")

    monkeypatch.setattr(backend, "send", lost)
    told = await say(talk, "reply 1", "Once.", ".", "send")
    assert told == [
        "Error: the server does not answer. It is kept. Type send to try again, or cancel."
    ]
    monkeypatch.setattr(backend, "send", send)
    await say(talk, "send")
    assert [each.local_id for each in sent] == ["local_1", "local_1"]


@pytest.mark.parametrize(
    "error", [Unreachable("cut off"), ServerTrouble("gateway"), BadReply("no receipt")]
)
async def test_where_keys_mean_nothing_it_is_told_that_a_mail_may_have_gone(
    talk: Talk, backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch, error: MailError
) -> None:
    async def lost(_: Draft) -> SendReceipt:
        raise error

    monkeypatch.setattr(backend, "send", lost)
    talk._can = replace(talk._can, idempotent_send=False)
    (told,) = await say(talk, "reply 1", "Once.", ".", "send")
    assert told.startswith(f"Error: {error.message}. It may have gone.")
    assert not talk.over


async def test_a_suppressed_address_is_told_before_it_is_sent(
    talk: Talk, backend: MemoryBackend, sent: list[Draft]
) -> None:
    (first, *_) = (await backend.delivery(None, "24h")).suppressions
    told = await say(talk, f"write {first.address}", "1", "Hello", "A line", ".")
    assert f"Warning: {first.address} is suppressed: the server will not send to it." in told
    assert not sent


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("write", "type write, and an address"),
        ("write nobody", "it has no @"),
        ("reply 999", "name a thread by its number"),
    ],
)
async def test_what_cannot_be_written_is_said(talk: Talk, line: str, told: str) -> None:
    assert told in (await say(talk, line))[0]


async def test_read_only_writes_nothing(
    backend: MemoryBackend, sent: list[Draft], now: datetime
) -> None:
    talk = Talk(backend, me="maya", read_only=True, clock=lambda: now)
    await talk.begin()
    for line in ("reply 1", "replyall 1", "write bo@shop.example"):
        assert "read-only" in (await say(talk, line))[0]
    assert not sent
