"""Mail from a script: what of it the server gets."""

from __future__ import annotations

import argparse

import pytest
from msgspec.structs import replace

from agentmail_tui.backends.memory import EVERYTHING, MemoryBackend
from agentmail_tui.clean import Safe, clean_line
from agentmail_tui.cli import writing
from agentmail_tui.domain import Address, Direction, Draft
from agentmail_tui.errors import Rejected


def asked(**more: object) -> argparse.Namespace:
    given: dict[str, object] = {
        "to": [],
        "cc": [],
        "bcc": [],
        "subject": "",
        "text": "Yes.",
        "inbox": None,
    }
    return argparse.Namespace(**given | {"thread": None, "idempotency_key": None} | more)


def answer_elsewhere(backend: MemoryBackend) -> str:
    """Have the newest mail of a thread ask for its answers at another address; return the id."""
    thread_id, mails = next(
        (key, mails)
        for key, mails in backend.mail.conversations.items()
        if mails[-1].direction is Direction.INBOUND
    )
    desk = Address(Safe(), clean_line("desk@far.example"), "desk@far.example")
    mails[-1] = replace(mails[-1], reply_to=(desk,), subject=clean_line("Parcel"))
    return thread_id


async def test_a_reply_goes_where_its_writer_wants_answers(
    backend: MemoryBackend, sent: list[Draft]
) -> None:
    thread_id = answer_elsewhere(backend)
    await writing.send(backend, EVERYTHING, asked(thread=thread_id))
    (draft,) = sent
    assert (draft.to, draft.subject) == (("desk@far.example",), "Re: Parcel")
    assert (draft.body, draft.thread_id) == ("Yes.", thread_id)
    assert draft.inbox_id == backend.mail.thread(thread_id).inbox_id


async def test_what_is_given_counts_in_a_reply(backend: MemoryBackend, sent: list[Draft]) -> None:
    thread_id = answer_elsewhere(backend)
    wanted = asked(
        thread=thread_id, to=["a@b.test"], cc=["c@d.test"], subject="Other", idempotency_key="k 1"
    )
    await writing.send(backend, EVERYTHING, wanted)
    (draft,) = sent
    assert (draft.to, draft.cc, draft.subject) == (("a@b.test",), ("c@d.test",), "Other")
    assert draft.local_id == "k 1"


@pytest.mark.parametrize("key", ["schlüssel", "a\nb", "\x9b31m"])
async def test_a_key_that_no_header_takes_is_refused(
    backend: MemoryBackend, sent: list[Draft], key: str
) -> None:
    wanted = asked(to=["a@b.test"], subject="Hello", inbox="support", idempotency_key=key)
    with pytest.raises(Rejected, match="--idempotency-key"):
        await writing.send(backend, EVERYTHING, wanted)
    assert sent == []


async def test_a_mail_without_recipient_or_subject_is_refused(
    backend: MemoryBackend, sent: list[Draft]
) -> None:
    inbox = (await backend.inboxes())[0].id
    with pytest.raises(Rejected, match="--to"):
        await writing.send(backend, EVERYTHING, asked(inbox=inbox, subject="Hello"))
    with pytest.raises(Rejected, match="--subject"):
        await writing.send(backend, EVERYTHING, asked(inbox=inbox, to=["a@b.test"]))
    assert sent == []
