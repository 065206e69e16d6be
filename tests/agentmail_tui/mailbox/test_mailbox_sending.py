from collections.abc import Callable

import pytest
from msgspec.structs import replace

from agentmail_tui.backends.memory import EVERYTHING
from agentmail_tui.domain import Capabilities, Direction, Draft
from agentmail_tui.errors import (
    BadReply,
    Conflict,
    RateLimited,
    Rejected,
    ServerTrouble,
    Unreachable,
)
from agentmail_tui.mailbox import select
from agentmail_tui.mailbox.sending import UNDO_SECONDS
from agentmail_tui.mailbox.state import MailState, SendPhase, Tone
from tests.agentmail_tui.mailbox.conftest import Bench, settle

UNKNOWING = replace(EVERYTHING, idempotent_send=False)


async def opened(bench: Bench) -> Draft:
    """Open the first thread and return a reply to it."""
    await bench.start()
    bench.box.open_selected()
    await settle()
    draft = bench.box.reply_draft()
    assert draft is not None
    return replace(draft, body="Yes.")


def phases(state: MailState) -> list[SendPhase]:
    return [item.phase for item in state.outgoing]


async def sent(bench: Bench) -> list[str]:
    """Return the text of every mail that the server took."""
    found = bench.backend.mail.conversations.values()
    mails = [mail for mails in found for mail in mails]
    return [str(mail.text) for mail in mails if mail.direction is Direction.OUTBOUND]


async def test_mail_is_on_screen_before_it_leaves(bench: Bench) -> None:
    draft = await opened(bench)
    bench.network.hold("send")
    bench.box.send(draft)
    shown = select.conversation(bench.state)[-1]
    assert (shown.text, shown.local_id, shown.delivery_status) == ("Yes.", "key-1", "sending")
    assert await sent(bench) == []
    bench.network.unhold("send")
    await bench.tick()
    shown = select.conversation(bench.state)[-1]
    assert (shown.text, shown.delivery_status) == ("Yes.", "queued")
    assert len(select.conversation(bench.state)) == 2
    assert bench.state.outgoing == ()
    assert await sent(bench) == ["Yes."]


async def test_mail_that_is_refused_stays_and_goes_again_under_its_key(bench: Bench) -> None:
    draft = await opened(bench)
    bench.network.fail("send", Rejected("subject is required"))
    bench.box.send(draft)
    await settle()
    assert phases(bench.state) == [SendPhase.FAILED]
    assert bench.state.outgoing[0].error == "subject is required"
    assert bench.state.notice is not None
    assert bench.state.notice.tone is Tone.ERROR
    bench.box.retry_send("key-1")
    assert phases(bench.state) == [SendPhase.SENDING]
    await bench.tick()
    keys = [args[0].local_id for verb, args in bench.network.arguments if verb == "send"]
    assert keys == ["key-1", "key-1"]
    assert await sent(bench) == ["Yes."]


async def test_mail_that_failed_can_be_given_up(bench: Bench) -> None:
    draft = await opened(bench)
    bench.network.fail("send", Conflict("another mail has this key"))
    bench.box.send(draft)
    await settle()
    bench.box.discard_send("key-1")
    await bench.tick(30.0)
    assert (bench.state.outgoing, await sent(bench)) == ((), [])


@pytest.mark.parametrize(
    "error", [Unreachable("cut"), ServerTrouble("gateway"), BadReply("no receipt")]
)
async def test_where_keys_mean_nothing_an_unclear_send_is_never_repeated(
    make_bench: Callable[[Capabilities], Bench], error: Exception
) -> None:
    bench = make_bench(UNKNOWING)
    draft = await opened(bench)
    bench.network.fail("send", error)  # type: ignore[arg-type]
    bench.box.send(draft)
    await bench.tick(60.0)
    assert phases(bench.state) == [SendPhase.UNCERTAIN]
    assert bench.network.calls["send"] == 1
    assert select.failed_sends(bench.state) == bench.state.outgoing


async def test_where_keys_count_an_unclear_send_is_repeated_and_sent_once(bench: Bench) -> None:
    draft = await opened(bench)
    # The first try arrives; its answer is lost.
    await bench.backend.send(replace(draft, undo_seconds=UNDO_SECONDS))
    bench.network.fail("send", Unreachable("cut"))
    bench.box.send(draft)
    await bench.tick(5.0)
    assert bench.state.outgoing == ()
    assert bench.network.calls["send"] == 2
    assert await sent(bench) == ["Yes."]


async def test_a_send_that_surely_never_left_is_repeated_anywhere(
    make_bench: Callable[[Capabilities], Bench],
) -> None:
    bench = make_bench(UNKNOWING)
    draft = await opened(bench)
    bench.network.fail("send", Unreachable("refused", started=False))
    bench.box.send(draft)
    await bench.tick(5.0)
    assert (bench.state.outgoing, await sent(bench)) == ((), ["Yes."])


async def test_mail_written_while_the_server_is_away_goes_once_when_it_is_back(
    bench: Bench,
) -> None:
    draft = await opened(bench)
    bench.network.go_away()
    await bench.tick()
    bench.box.send(draft)
    bench.box.send(replace(draft, local_id="key-2", body="And more."))
    await bench.tick(3.0)
    assert phases(bench.state) == [SendPhase.SENDING] * 2
    assert {item.error for item in bench.state.outgoing} == {"waits for the connection"}
    bench.network.come_back()
    await bench.tick(20.0)
    assert bench.state.outgoing == ()
    assert await sent(bench) == ["Yes.", "And more."]
    assert bench.network.calls["send"] == 2


async def test_a_send_waits_as_long_as_the_server_asks(bench: Bench) -> None:
    draft = await opened(bench)
    bench.network.fail("send", RateLimited("slow down", 30.0))
    bench.box.send(draft)
    await bench.tick(29.0)
    assert (phases(bench.state), await sent(bench)) == ([SendPhase.SENDING], [])
    await bench.tick(2.0)
    assert await sent(bench) == ["Yes."]


async def test_mail_that_waits_for_another_try_goes_though_the_link_comes_back_before(
    bench: Bench,
) -> None:
    draft = await opened(bench)
    bench.network.fail("send", Unreachable("cut"))
    bench.box.send(draft)
    await settle()
    bench.network.cut()
    await bench.tick(60.0)
    assert (bench.state.outgoing, await sent(bench)) == ((), ["Yes."])


async def test_a_second_key_press_does_not_send_twice(bench: Bench) -> None:
    draft = await opened(bench)
    bench.network.hold("send")
    bench.box.send(draft)
    bench.box.send(draft)
    bench.box.retry_send(draft.local_id)
    await settle()
    assert bench.network.held("send") == 1
    bench.network.unhold("send")
    await bench.tick()
    assert await sent(bench) == ["Yes."]


async def test_read_only_and_mail_to_nobody_are_not_sent(bench: Bench) -> None:
    draft = await opened(bench)
    bench.box.send(replace(draft, to=()))
    assert bench.state.notice is not None
    assert bench.state.notice.text == "nobody to send it to"
    bench.box.set_read_only(True)
    bench.box.send(draft)
    await settle()
    assert (bench.state.outgoing, bench.network.calls["send"]) == ((), 0)


async def test_a_new_draft_is_from_the_inbox_that_is_shown(bench: Bench) -> None:
    await bench.start()
    assert bench.box.new_draft().inbox_id == "i_support"
    bench.box.show_inbox("i_sales")
    assert bench.box.new_draft().inbox_id == "i_sales"
    assert bench.box.new_draft("i_support").inbox_id == "i_support"


async def test_without_an_open_thread_there_is_nothing_to_answer(bench: Bench) -> None:
    await bench.start()
    assert bench.box.reply_draft() is None
    assert bench.box.forward_draft() is None


async def left(bench: Bench) -> None:
    """Send a mail that the server holds for a while."""
    bench.box.send(await opened(bench))
    await bench.tick()
    assert bench.box.can_recall()


async def test_a_recall_that_did_not_arrive_is_tried_again(bench: Bench) -> None:
    await left(bench)
    bench.network.fail("cancel", Unreachable("cut"))
    assert await bench.box.recall() is None
    assert bench.state.notice is not None
    assert bench.state.notice.text == "not taken back yet, u tries again: cut"
    assert bench.box.can_recall()
    draft = await bench.box.recall()
    assert draft is not None
    assert draft.body == "Yes."
    assert not bench.box.can_recall()


async def test_a_recall_that_is_refused_is_over(bench: Bench) -> None:
    await left(bench)
    bench.network.fail("cancel", Conflict("it has left"))
    assert await bench.box.recall() is None
    assert bench.state.notice is not None
    assert bench.state.notice.text == "too late to take it back: it has left"
    assert not bench.box.can_recall()
