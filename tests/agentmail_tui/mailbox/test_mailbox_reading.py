from typing import Any

import pytest

from agentmail_tui.clean import Safe, clean_line
from agentmail_tui.domain import (
    Delivery,
    DeliveryEvent,
    Live,
    LiveKind,
    SearchResult,
    WebhookDelivery,
)
from agentmail_tui.domain_delivery import Suppression
from agentmail_tui.errors import NotFound, ServerTrouble, Unauthorized
from agentmail_tui.mailbox import select
from agentmail_tui.mailbox.state import Link, MailState, Tone
from tests.agentmail_tui.mailbox.conftest import NOW, Bench, settle


def texts(state: MailState) -> list[str]:
    return [str(message.text) for message in select.conversation(state)]


def hits(state: MailState) -> list[str]:
    return [hit.thread.id for hit in state.search.hits] if state.search else []


async def test_an_opened_thread_is_read_and_marked(bench: Bench) -> None:
    await bench.start()
    bench.box.open_selected()
    opened = bench.state.open
    assert opened is not None
    assert (opened.thread.id, opened.messages, opened.thread.unread) == ("t0", None, False)
    await settle()
    assert texts(bench.state) == ["Text 0"]
    assert not (await bench.backend.thread("t0")).unread
    assert bench.state.undo == ()


async def test_a_peek_leaves_it_unread(bench: Bench) -> None:
    await bench.start()
    bench.box.peek("t0")
    await bench.tick(1.0)
    assert texts(bench.state) == ["Text 0"]
    assert (await bench.backend.thread("t0")).unread
    bench.box.open_selected()
    await bench.tick(1.0)
    assert not (await bench.backend.thread("t0")).unread
    assert bench.network.calls["messages"] == 1


async def test_a_thread_that_was_read_before_is_there_at_once(bench: Bench) -> None:
    await bench.start()
    bench.box.open_thread("t0")
    await settle()
    bench.box.open_thread("t1")
    await settle()
    bench.network.hold("messages")
    bench.box.open_thread("t0")
    assert texts(bench.state) == ["Text 0"]


async def test_the_thread_opened_last_is_the_one_shown(bench: Bench) -> None:
    await bench.start()
    bench.network.hold("messages")
    for thread_id in ("t0", "t1", "t2"):
        bench.box.open_thread(thread_id)
        await settle()
    bench.network.unhold("messages")
    await settle()
    assert texts(bench.state) == ["Text 2"]


async def test_a_thread_that_the_list_does_not_hold_is_fetched(bench: Bench) -> None:
    await bench.start(700)
    bench.box.open_thread("t650")
    await settle()
    assert texts(bench.state) == ["Text 650"]
    bench.box.open_thread("nowhere")
    await settle()
    assert bench.state.notice is not None
    assert "not found" in bench.state.notice.text


async def test_a_thread_that_cannot_be_read_says_why_and_is_tried_again(bench: Bench) -> None:
    await bench.start()
    bench.network.fail("messages", ServerTrouble("disk"))
    bench.box.open_selected()
    await settle()
    assert bench.state.open is not None
    assert (bench.state.open.error, bench.state.open.loading) == ("disk", False)
    bench.box.open_selected()
    await settle()
    assert texts(bench.state) == ["Text 0"]


async def test_mail_to_the_open_thread_is_read_as_it_comes(bench: Bench) -> None:
    await bench.start()
    bench.box.open_selected()
    await settle()
    bench.mail(-1, thread=0)
    await bench.tick()
    assert texts(bench.state) == ["Text 0", "Text -1"]
    bench.box.close_thread()
    assert select.conversation(bench.state) == ()


async def test_the_newest_search_wins(bench: Bench) -> None:
    await bench.start(5)
    bench.network.hold("search")
    bench.box.search("person 1")
    await settle()
    bench.box.search("person 2")
    await settle()
    bench.network.unhold("search")
    await settle()
    assert bench.state.search is not None
    assert (bench.state.search.query, hits(bench.state)[0]) == ("person 2", "t2")
    assert not bench.state.search.running


async def test_hits_stand_in_the_place_of_the_list_until_the_search_ends(bench: Bench) -> None:
    await bench.start(5)
    bench.box.select(3)
    bench.box.search("subject 2")
    assert select.row_count(bench.state) == 5
    await settle()
    first = select.visible_row(bench.state, 0)
    assert first is not None
    assert (first.id, bench.state.selected, bench.state.selected_id) == ("t2", 0, "t2")
    bench.mail(-1)
    await bench.tick()
    bench.box.end_search()
    assert (bench.state.selected, bench.state.selected_id) == (4, "t3")


async def test_a_search_without_hits_shows_none(bench: Bench) -> None:
    await bench.start(5)
    bench.box.search("zebra")
    await settle()
    assert select.row_count(bench.state) == 0
    assert select.selected_thread(bench.state) is None
    bench.box.search("   ")
    assert (bench.state.search, select.row_count(bench.state)) == (None, 5)


async def test_a_search_that_fails_keeps_the_older_hits(bench: Bench) -> None:
    await bench.start(5)
    bench.box.search("subject 2")
    await settle()
    bench.network.fail("search", ServerTrouble("index is away"))
    bench.box.search("subject 3")
    await settle()
    assert bench.state.search is not None
    assert (bench.state.search.error, hits(bench.state)[0]) == ("index is away", "t2")


async def test_delivery_steps_move_the_message_and_the_panel(bench: Bench) -> None:
    await bench.start()
    bench.box.open_selected()
    await settle()
    draft = bench.box.reply_draft()
    assert draft is not None
    bench.box.send(draft)
    await bench.tick()
    bench.box.load_delivery("24h")
    await settle()
    message_id = select.conversation(bench.state)[-1].id
    for step in ("sent", "delivered", "sent"):
        bench.backend.deliver(message_id, step, "p0@far.example")
    await bench.tick()
    assert select.conversation(bench.state)[-1].delivery_status == "delivered"
    assert [event.event_type for event in bench.state.delivery.data.events][:3] == [
        "sent",
        "delivered",
        "sent",
    ]
    await bench.tick(2.0)
    metrics = bench.state.delivery.data.metrics
    assert metrics is not None
    assert dict(metrics.counts)["delivered"] == 1
    thread = select.visible_row(bench.state, 0)
    assert thread is not None
    assert thread.delivery_status == "delivered"


def failed_hook() -> WebhookDelivery:
    endpoint, status = clean_line("https://hooks.example/"), clean_line("dead")
    return WebhookDelivery("wdel_1", endpoint, status, 8, None)


async def test_a_webhook_is_called_again_and_shown_anew(bench: Bench) -> None:
    bench.backend.webhooks.append(failed_hook())
    await bench.start()
    bench.box.load_delivery()
    await settle()
    (health,) = bench.state.delivery.data.endpoints
    assert (health.total, health.dead, health.success_rate) == (1, 1, 0.0)
    bench.box.retry_webhook("wdel_1")
    await bench.tick(1.1)
    (hook,) = bench.state.delivery.data.webhooks
    assert (hook.status, hook.attempts) == ("delivered", 9)
    assert bench.state.notice is not None
    assert bench.state.notice.text == "the webhook is being called again"
    bench.box.retry_webhook("wdel_1")
    await settle()
    assert bench.state.notice.text == "the delivery has already succeeded"


async def test_read_only_calls_no_webhook(bench: Bench) -> None:
    bench.backend.webhooks.append(failed_hook())
    await bench.start()
    bench.box.set_read_only(True)
    bench.box.retry_webhook("wdel_1")
    await bench.tick(1.1)
    assert bench.network.calls["retry_webhook"] == 0


async def test_figures_of_another_period_are_dropped(bench: Bench) -> None:
    await bench.start()
    bench.network.hold("delivery")
    bench.box.load_delivery("24h")
    await settle()
    bench.box.load_delivery("30d")
    await settle()
    await bench.network.release("delivery")
    assert (bench.state.delivery.period, bench.state.delivery.loading) == ("30d", True)
    bench.network.fail("delivery", ServerTrouble("no"))
    bench.network.unhold("delivery")
    await settle()
    assert (bench.state.delivery.loading, bench.state.delivery.error) == (False, "no")


async def test_figures_of_another_inbox_are_dropped(bench: Bench) -> None:
    await bench.start()
    bench.backend.suppressions.append(Suppression(clean_line("x@far.example"), Safe(), None))
    bench.box.show_inbox("i_support")
    bench.network.hold("delivery")
    bench.box.load_delivery()
    await settle()
    bench.box.show_inbox("i_sales")
    await bench.network.release("delivery")
    assert bench.state.delivery.data == Delivery()
    bench.network.unhold("delivery")
    bench.box.load_delivery()
    await settle()
    assert len(bench.state.delivery.data.suppressions) == 1
    bench.network.hold("delivery")
    bench.box.show_inbox("i_support")
    bench.box.load_delivery()
    assert (bench.state.delivery.data, bench.state.delivery.loading) == (Delivery(), True)
    bench.box.show_inbox("i_sales")
    bench.network.fail("delivery", ServerTrouble("no"))
    bench.network.unhold("delivery")
    await settle()
    assert bench.state.delivery.error is None


async def test_a_step_of_another_inbox_stays_out_of_the_panel(bench: Bench) -> None:
    await bench.start()
    bench.box.show_inbox("i_sales")
    bench.box.load_delivery()
    await settle()
    for inbox_id in ("i_support", "i_sales"):
        word = clean_line("delivered")
        step = DeliveryEvent(f"e_{inbox_id}", "m", None, word, Safe(), Safe(), NOW)
        bench.network.say(Live(inbox_id, LiveKind.DELIVERY, inbox_id, None, "m", None, step))
    await bench.tick()
    assert [event.id for event in bench.state.delivery.data.events] == ["e_i_sales"]


async def test_a_source_is_given_or_the_reason_why_not(bench: Bench) -> None:
    await bench.start()
    assert "Subject: Subject 0" in await bench.box.source("m0")
    bench.network.fail("source", NotFound("no such mail"))
    assert "no such mail" in await bench.box.source("m0")


async def test_a_mistake_of_ours_is_told_and_stops_nothing(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.start()

    async def broken(query: str, inbox_id: str | None, limit: int, **_: Any) -> SearchResult:
        raise ValueError("\x1b]52;secret")

    bench.backend.search = broken  # type: ignore[method-assign]
    bench.box.search("x")
    await settle()
    assert bench.state.notice is not None
    assert bench.state.notice.tone is Tone.ERROR
    assert bench.state.notice.text == "something went wrong inside: ValueError"
    assert "a task of the mailbox failed" in caplog.text
    bench.mail(-1)
    await bench.tick()
    assert bench.state.window.total == 4


async def test_a_broken_link_is_tried_again_more_and_more_slowly(bench: Bench) -> None:
    await bench.start()
    bench.network.go_away()
    await settle()
    assert (bench.state.link, bench.state.link_detail) == (Link.OFFLINE, "nobody there")
    bench.time.asked.clear()
    await bench.tick(40.0)
    waits = [seconds for seconds in bench.time.asked if seconds >= 0.5]
    assert waits[:6] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    bench.network.come_back()
    await bench.tick(11.0)
    assert bench.state.link is Link.LIVE


async def test_a_refresh_tries_the_link_at_once(bench: Bench) -> None:
    await bench.start()
    bench.network.go_away()
    await bench.tick(20.0)
    bench.network.come_back()
    bench.box.refresh()
    await settle()
    assert bench.state.link is Link.LIVE


async def test_what_happened_while_the_stream_was_cut_is_caught_up(bench: Bench) -> None:
    await bench.start()
    bench.mail(-1)
    await bench.tick()
    bench.network.cut()
    await settle()
    assert bench.state.link is Link.OFFLINE
    for number in (-2, -3):
        bench.mail(number)
    await bench.tick(1.0)
    assert bench.network.resumed == [None, "4"]
    listed = [bench.state.window.rows[row].id for row in range(6)]
    assert listed == ["t-3", "t-2", "t-1", "t0", "t1", "t2"]
    assert bench.network.calls["threads"] == 2


async def test_a_stream_that_forgot_makes_us_read_again(bench: Bench) -> None:
    await bench.start()
    bench.backend.mail.threads.pop("t1")
    bench.network.say(Live("77", LiveKind.RESET))
    await bench.tick()
    assert [thread.id for thread in bench.state.window.rows.values()] == ["t0", "t2"]


async def test_a_refused_key_is_not_tried_again_and_again(bench: Bench) -> None:
    await bench.start()
    bench.network.go_away(Unauthorized("the key is gone"))
    await settle()
    assert (bench.state.link, bench.state.link_detail) == (Link.REFUSED, "the key is gone")
    before = bench.network.calls["connect"]
    await bench.tick(29.0)
    assert bench.network.calls["connect"] == before
    await bench.tick(2.0)
    assert bench.network.calls["connect"] == before + 1


async def test_a_server_that_is_not_there_at_first_is_waited_for(bench: Bench) -> None:
    bench.network._away = ServerTrouble("starting")
    await bench.start()
    assert bench.state.link is Link.OFFLINE
    bench.network.come_back()
    await bench.tick(3.0)
    assert (bench.state.link, bench.state.window.total) == (Link.LIVE, 3)
