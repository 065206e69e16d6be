from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from agentmail_tui.clean import Safe, clean_line
from agentmail_tui.domain import Address
from agentmail_tui.errors import Conflict, Rejected
from agentmail_tui.mailbox.state import SendPhase
from agentmail_tui.screens.compose import ComposeScreen

NOW = datetime(2025, 3, 12, 11, 52, tzinfo=UTC)


def compose(rig: Any) -> ComposeScreen:
    screen = rig.app.screen
    assert isinstance(screen, ComposeScreen)
    return screen


async def test_a_reply_is_written_reviewed_and_sent(rig: Any) -> None:
    async with rig.on():
        thread_id = rig.state.selected_id
        await rig.press("r")
        await rig.until_seen("Reply to Ada Lindqvist")
        assert "Only wet, from below." in rig.text()  # the answered mail beside the draft
        await rig.type("The money left today.")
        await rig.press("ctrl+j")
        await rig.until_seen("Send this?")
        await rig.press("enter")
        await rig.until(lambda: not rig.state.outgoing, "it was not sent")
        sent = rig.backend.mail.conversations[thread_id][-1]
        assert sent.text.startswith("The money left today.\n\nOn Wed, 12 Mar 2025")
        assert [address.exact for address in sent.to] == ["ada.lindqvist@northmail.example"]
        await rig.until_seen("The money left today.")


async def test_a_reply_to_all_keeps_every_address_whole(rig: Any) -> None:
    people = [f"somebody.{number}@far.example" for number in range(40)]
    cc = tuple(Address(Safe(), clean_line(each), each) for each in people)
    mails = rig.backend.mail.conversations.values()
    newest = max(mails, key=lambda mail: mail[-1].created_at)
    newest[-1] = replace(newest[-1], cc=cc)
    async with rig.on():
        await rig.press("R")
        await rig.until_seen("Reply")
        draft, problem = compose(rig).draft()
        assert problem is None
        assert set(people) <= set(draft.cc)
        assert all(each.endswith(".example") for each in draft.cc)


async def test_the_review_leads_back_to_the_draft(rig: Any) -> None:
    async with rig.on(80, 24):
        await rig.press("r")
        await rig.until_seen("Reply to Ada")
        await rig.press("ctrl+j", "e")
        assert "Reply to Ada" in rig.text()
        assert not rig.state.outgoing


async def test_a_new_mail_needs_an_address(rig: Any) -> None:
    async with rig.on():
        await rig.press("c", "ctrl+j")
        assert "there is nobody in To" in rig.text()
        await rig.type("bob@")
        await rig.press("ctrl+j")
        assert "“bob@” is no address: nothing stands after the @" in rig.text()


async def test_a_new_mail_from_another_inbox(rig: Any) -> None:
    async with rig.on():
        await rig.press("c")
        await rig.type("Bob <bob@stone.example>, eve@shop.example")
        await rig.press("enter", "enter")
        await rig.type("Hello there")
        await rig.press("enter")
        await rig.type("Good [b]morning[/b].")
        compose(rig).sender.focus()
        await rig.press("right", "ctrl+j")
        await rig.until_seen("2 recipients")
        await rig.press("enter")
        await rig.until(lambda: not rig.state.outgoing, "it was not sent")
        sent = next(
            messages[-1]
            for messages in rig.backend.mail.conversations.values()
            if messages[-1].subject == "Hello there"
        )
        assert sent.inbox_id == "i_billing"
        assert sent.text == "Good [b]morning[/b]."
        assert [each.exact for each in sent.to] == ["bob@stone.example", "eve@shop.example"]


async def test_esc_keeps_the_draft_and_the_key_brings_it_back(rig: Any) -> None:
    async with rig.on():
        await rig.press("r")
        await rig.until_seen("Reply to Ada")
        await rig.type("Half a sentence")
        await rig.press("escape")
        assert rig.said.startswith("draft kept: Re: Damaged parcel")
        await rig.press("r")
        await rig.until_seen("Half a sentence")
        await rig.press("f8")
        assert rig.main.drafts == {}
        await rig.press("r")
        await rig.until_seen("Reply to Ada")
        assert "Half a sentence" not in rig.text()


async def test_an_untouched_draft_is_not_kept(rig: Any) -> None:
    async with rig.on():
        await rig.press("c", "escape")
        assert rig.main.drafts == {}


async def test_quitting_asks_while_a_draft_is_left(rig: Any) -> None:
    async with rig.on():
        await rig.press("c", "x", "escape", "q")
        await rig.until_seen("1 mail is not sent")
        await rig.press("n")
        assert rig.app.is_running


async def test_forwarding_starts_at_the_address(rig: Any) -> None:
    async with rig.on():
        await rig.press("f")
        await rig.until_seen("Forwarded message")
        assert compose(rig).to.has_focus
        assert compose(rig).subject.value == "Fwd: Re: Damaged parcel, refund?"


async def test_a_suppressed_address_is_told_before_sending(rig: Any) -> None:
    async with rig.on():
        await rig.until(lambda: rig.state.delivery.data.suppressions, "no figures")
        address = rig.state.delivery.data.suppressions[0].address
        await rig.press("c")
        compose(rig).to.value = address
        await rig.press("ctrl+j")
        await rig.until_seen("is suppressed: the server will not send to it")


async def test_mail_that_failed_can_be_sent_again_or_edited(
    rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig.on():
        sending = rig.backend.send

        async def refuse(_draft: object) -> None:
            raise Rejected("quota is used up")

        monkeypatch.setattr(rig.backend, "send", refuse)
        await rig.press("enter", "r")
        await rig.until_seen("Reply to Ada")
        await rig.type("Once more.")
        await rig.press("ctrl+j", "enter")
        await rig.until_seen("✗ not sent: quota is used up")
        assert "✗ 1 unsent" in rig.lines()[0]
        await rig.press("enter")
        await rig.until_seen("Once more.")
        assert isinstance(rig.app.screen, ComposeScreen)
        await rig.press("ctrl+j", "enter")
        await rig.until(
            lambda: [item.phase for item in rig.state.outgoing] == [SendPhase.FAILED], "no failure"
        )
        monkeypatch.setattr(rig.backend, "send", sending)
        await rig.press("G", "r")
        await rig.until(lambda: not rig.state.outgoing, "it was not sent")


async def test_the_editor_that_cannot_run_is_told(rig: Any) -> None:
    async with rig.on():
        await rig.press("c", "f4")
        await rig.until_seen("$EDITOR cannot be run here")


async def test_enter_goes_through_the_fields_to_the_text(rig: Any) -> None:
    async with rig.on():
        await rig.press("c", "enter", "enter", "enter")
        assert compose(rig).body.has_focus


async def send_a_reply(rig: Any) -> Any:
    """Answer the first thread, and return the message as the server has it."""
    thread_id = rig.state.selected_id
    await rig.press("r")
    await rig.until_seen("Reply to Ada")
    await rig.type("Too fast.")
    await rig.press("ctrl+j", "enter")
    await rig.until(lambda: not rig.state.outgoing, "it was not sent")
    return rig.backend.mail.conversations[thread_id][-1]


async def test_u_takes_back_what_was_just_sent_and_opens_it_again(rig: Any) -> None:
    async with rig.on():
        thread_id = rig.state.selected_id
        sent = await send_a_reply(rig)
        await rig.until_seen("mail leaves in 10 s; u takes it back")
        await rig.press("u")
        await rig.until_seen("Taken back")

        def status() -> dict[str, str]:
            mails = rig.backend.mail.conversations[thread_id]
            return {each.id: str(each.delivery_status) for each in mails}

        assert status()[sent.id] == "cancelled"
        assert compose(rig).body.text.startswith("Too fast.")
        await rig.type("Now ")
        await rig.press("ctrl+j", "enter")
        await rig.until(lambda: len(rig.backend._sent) == 2, "it was not sent again")
        again = rig.backend.mail.conversations[thread_id][-1]
        assert again.text.startswith("Now Too fast.")
        assert status()[again.id] == "queued"


async def test_an_act_after_the_send_is_undone_first(rig: Any) -> None:
    async with rig.on():
        sent = await send_a_reply(rig)
        rig.mailbox._clock = lambda: NOW + timedelta(seconds=1)
        await rig.press("m", "u")
        await rig.until(lambda: not rig.state.undo, "it was not undone")
        assert sent.delivery_status == "queued"


async def test_after_the_window_u_is_for_triage_alone(rig: Any) -> None:
    async with rig.on():
        sent = await send_a_reply(rig)
        rig.mailbox._clock = lambda: NOW + timedelta(seconds=10)
        await rig.press("u")
        assert rig.said == "nothing to undo"
        assert sent.delivery_status == "queued"


async def test_mail_that_left_meanwhile_is_not_taken_back(
    rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig.on():
        await send_a_reply(rig)

        async def refuse(_message_id: str) -> None:
            raise Conflict("it has left")

        monkeypatch.setattr(rig.backend, "cancel", refuse)
        await rig.press("u")
        await rig.until(lambda: "too late to take it back: it has left" in rig.said, "not told")
        assert not isinstance(rig.app.screen, ComposeScreen)
