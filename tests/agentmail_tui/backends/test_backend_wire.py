"""Documents as the hosted API writes them, read into what a person sees."""

import json
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmail_tui.backends.commune import wire, wire_delivery, wire_search
from agentmail_tui.backends.decode import EPOCH, address, share
from agentmail_tui.backends.plain import words_of
from agentmail_tui.backends.sse import ServerEvent
from agentmail_tui.clean import Safe
from agentmail_tui.domain import Capabilities, Direction, LiveKind, Status, Triage
from agentmail_tui.errors import BadReply

PLAIN_THREAD = {
    "thread_id": "conv_abc123",
    "subject": "Where is my \x1b[31morder",
    "last_message_at": "2026-01-15T09:00:00.123Z",
    "message_count": 3,
    "snippet": "It said Friday",
    "last_direction": "inbound",
    "has_attachments": True,
    "inbox_id": "i_abc123",
    "domain_id": "d_abc123",
}
PLAIN_MESSAGE = {
    "_id": "0f1e",
    "channel": "email",
    "message_id": "msg_1",
    "thread_id": "conv_abc123",
    "direction": "inbound",
    "participants": [
        {"role": "sender", "identity": "Ada L. <ada@far.example>"},
        {"role": "to", "identity": "support@near.test"},
        {"role": "cc", "identity": "boss@far.example"},
    ],
    "content": "Hello\r\nthere\x07",
    "content_html": None,
    "attachments": ["att_1", "att_2"],
    "created_at": "2026-01-15T09:00:00Z",
    "metadata": {
        "created_at": "2026-01-15T09:00:00Z",
        "subject": "Where is my order",
        "message_id": "<m1@far.example>",
        "spam_flagged": True,
        "prompt_injection_detected": True,
        "prompt_injection_risk": "high",
        "extracted_data": {"order_id": "A-1", "urgency": "high", "wants_refund": True},
    },
}


def test_a_plain_thread_knows_no_triage() -> None:
    thread = wire.one_thread({"data": PLAIN_THREAD})
    assert thread.id == "conv_abc123"
    assert thread.subject == "Where is my ␛[31morder"
    assert thread.triage is None
    assert thread.unread is False
    assert thread.last_message_at == datetime(2026, 1, 15, 9, 0, 0, 123_000, tzinfo=UTC)
    assert thread.first_message_at == thread.last_message_at
    assert thread.party.exact is None


def test_our_thread_carries_everything() -> None:
    row = PLAIN_THREAD | {
        "status": "needs_reply",
        "tags": ["vip", 7, "refund"],
        "assigned_to": "ann",
        "unread": True,
        "party": {"name": "Ada", "address": "ada@far.example"},
        "delivery_status": "bounced",
    }
    thread = wire.thread(row)
    tags = (Safe("vip"), Safe("refund"))
    assert thread.triage == Triage(Status.NEEDS_REPLY, tags, Safe("ann"))
    assert (thread.unread, thread.party.exact, thread.delivery_status) == (
        True,
        "ada@far.example",
        "bounced",
    )


def test_a_page_passes_over_rows_without_an_id() -> None:
    page = wire.threads_page(
        {"data": [PLAIN_THREAD, {"subject": "x"}, 5], "next_cursor": "abc", "has_more": True}
    )
    assert [row.id for row in page.items] == ["conv_abc123"]
    assert (page.next_cursor, page.total) == ("abc", None)


def test_a_plain_message_tells_people_flags_and_facts() -> None:
    (message,) = wire.messages({"data": [PLAIN_MESSAGE]})
    assert message.id == "msg_1"
    assert (message.sender.name, message.sender.exact) == ("Ada L.", "ada@far.example")
    assert [each.exact for each in message.to] == ["support@near.test"]
    assert [each.exact for each in message.cc] == ["boss@far.example"]
    assert message.subject == "Where is my order"
    assert message.text == "Hello\nthere"
    assert [(each.id, each.name) for each in message.attachments] == [
        ("att_1", "attachment 1"),
        ("att_2", "attachment 2"),
    ]
    assert message.flags == ("spam", "injection high")
    assert dict(message.extracted) == {"order_id": "A-1", "urgency": "high", "wants_refund": "true"}
    assert message.rfc_message_id == "<m1@far.example>"


def test_our_message_names_its_sender_and_files() -> None:
    row = PLAIN_MESSAGE | {
        "sender": {"name": "Ada", "address": "ada@far.example"},
        "to": [{"name": "", "address": "support@near.test"}],
        "reply_to": [{"name": "", "address": "answers@far.example"}],
        "subject": "Of the message",
        "attachment_details": [
            {
                "attachment_id": "att_1",
                "filename": "../\x1b]0;x\x07a.pdf",
                "mime_type": "application/pdf",
                "size": 10,
            }
        ],
        "flags": ["truncated"],
        "parse_error": "no end of header",
        "delivery_status": "sent",
    }
    message = wire.message(row)
    assert message.subject == "Of the message"
    assert message.reply_to[0].exact == "answers@far.example"
    assert message.attachments[0].name == "../␛]0;xa.pdf"
    assert (message.parse_error, message.delivery_status) == ("no end of header", "sent")
    assert message.flags == ("truncated", "spam", "injection high")


def test_messages_are_oldest_first_whatever_the_order() -> None:
    later = PLAIN_MESSAGE | {"message_id": "msg_2", "created_at": "2026-01-15T10:00:00Z"}
    found = wire.messages({"data": [later, PLAIN_MESSAGE]})
    assert [message.id for message in found] == ["msg_1", "msg_2"]


def test_mail_without_a_text_part_is_read_from_its_html() -> None:
    html = "<style>p{}</style><p>Hi &amp; <b>bye</b></p><script>x()</script><div>End</div>"
    message = wire.message(PLAIN_MESSAGE | {"content": "", "content_html": html})
    assert message.text == "Hi & bye\n\nEnd"


@pytest.mark.parametrize(
    ("value", "name", "shown", "exact"),
    [
        ("a@b.example", "", "a@b.example", "a@b.example"),
        ('"Ann, B" <a@b.example>', "Ann, B", "a@b.example", "a@b.example"),
        ({"name": "Ann", "email": "a@b.example"}, "Ann", "a@b.example", "a@b.example"),
        ("a@b.example\u202e", "", "a@b.example", None),
        ("a b@c.example", "", "a b@c.example", None),
        ("nobody", "", "nobody", None),
        (None, "", "", None),
        (3, "", "", None),
    ],
)
def test_an_address_that_is_shown_otherwise_is_never_written_to(
    value: Any, name: str, shown: str, exact: str | None
) -> None:
    found = address(value)
    assert (found.name, found.shown, found.exact) == (name, shown, exact)


def test_capabilities_that_are_not_named_are_not_there() -> None:
    said = {"data": {"stream": True, "raw": 1, "offsets": "yes", "shiny": True}}
    assert wire.capabilities(said) == Capabilities(stream=True)


def test_a_search_keeps_the_better_hit_of_a_thread() -> None:
    rows = [
        {"thread_id": "conv_1", "subject": "A", "score": 0.9, "participants": ["x@y.example"]},
        {"thread_id": "conv_1", "subject": "A", "score": 0.5},
        {"thread_id": "conv_2", "subject": "B", "snippet": "s"},
    ]
    found = wire_search.search_result({"data": rows, "search_type": "vector"})
    assert [(hit.thread.id, hit.score) for hit in found.hits] == [("conv_1", 0.9), ("conv_2", 0.0)]
    assert found.engine == "vector"
    assert found.hits[0].thread.party.exact == "x@y.example"
    assert (found.fallback, found.backlog, found.lag) == ("", 0, 0.0)


def test_a_search_tells_why_it_fell_back_and_how_late_the_index_is() -> None:
    reply = {"data": [], "search_type": "regex", "fallback": "no index\x1b", "index_backlog": 7}
    found = wire_search.search_result({**reply, "index_lag_seconds": 2.5})
    assert (found.fallback, found.backlog, found.lag) == ("no index␛", 7, 2.5)
    odd = wire_search.search_result({**reply, "index_backlog": "x", "index_lag_seconds": True})
    assert (odd.backlog, odd.lag) == (0, 0.0)


@pytest.mark.parametrize(
    ("matches", "kept"),
    [
        ([[0, 3], [4, 7]], ((0, 3), (4, 7))),
        ([[3, 3], [5, 99], [-1, 2], [True, 2], ["a", 2], [1], 7], ()),
        ("0-3", ()),
        (None, ()),
    ],
)
def test_places_of_words_are_only_those_in_the_snippet(matches: Any, kept: Any) -> None:
    row = {"thread_id": "conv_1", "snippet": "wet box", "matches": matches}
    (hit,) = wire_search.search_result({"data": [row]}).hits
    assert hit.matches == kept


def test_places_in_a_text_that_was_cleaned_mean_nothing() -> None:
    row = {"thread_id": "conv_1", "snippet": "we\x1bt box", "matches": [[0, 3]]}
    (hit,) = wire_search.search_result({"data": [row]}).hits
    assert hit.matches == ()


def test_what_a_server_can_search_is_read() -> None:
    able = wire.capabilities({"data": {"search_operators": ["from:"], "search_like": True}})
    assert (able.search_operators, able.search_like, able.search_exact) == (True, True, False)


@pytest.mark.parametrize(
    "row",
    [
        {"period": "7d", "sent": 10, "delivery_rate": 98.2},
        {"period": {"start": "x"}, "sent": 10, "delivery_rate": "98.2%"},
    ],
)
def test_metrics_of_both_dialects_read_the_same(row: Any) -> None:
    metrics = wire_delivery.metrics({"data": row}, "7d")
    assert metrics.period == "7d"
    assert dict(metrics.counts) == {"sent": 10}
    assert dict(metrics.rates) == {"delivery_rate": 98.2}


@pytest.mark.parametrize(
    "row",
    [
        {
            "event_id": "e1",
            "message_id": "m1",
            "event_type": "bounced",
            "recipient": "a@b.example",
            "timestamp": "2026-01-15T09:00:00Z",
            "detail": "550 no",
        },
        {
            "_id": "e1",
            "message_id": "m1",
            "event_type": "bounced",
            "event_data": {"recipient": "a@b.example", "reason": "550 no"},
            "processed_at": "2026-01-15T09:00:00Z",
        },
    ],
)
def test_delivery_events_of_both_dialects_read_the_same(row: Any) -> None:
    (event,) = wire_delivery.events({"data": [row, {"event_type": "sent"}]})
    assert (event.id, event.event_type, event.recipient, event.detail) == (
        "e1",
        "bounced",
        "a@b.example",
        "550 no",
    )
    assert event.at == datetime(2026, 1, 15, 9, tzinfo=UTC)


def test_webhook_calls_are_found_in_either_place() -> None:
    row = {
        "delivery_id": "w1",
        "endpoint": "https://x.example",
        "status": "dead",
        "attempt_count": 8,
    }
    for reply in ({"deliveries": [row], "total": 1}, {"data": [row]}):
        (call,) = wire_delivery.webhooks(reply)
        assert (call.id, call.status, call.attempts) == ("w1", "dead", 8)
        assert (call.status_code, call.error, call.next_try) == (None, "", None)


def test_a_webhook_call_tells_how_it_failed() -> None:
    row = {
        "id": "w1",
        "status": "retrying",
        "attemptCount": 2,
        "event_type": "email.bounced",
        "last_status_code": 503,
        "last_error": "HTTP 503: \x1b[31mno",
        "next_retry_at": "2026-01-15T09:00:30Z",
    }
    (call,) = wire_delivery.webhooks({"data": [row]})
    assert (call.status_code, call.error) == (503, "HTTP 503: ␛[31mno")
    assert call.next_try == datetime(2026, 1, 15, 9, 0, 30, tzinfo=UTC)
    assert call.event_type == "email.bounced"


def test_the_health_of_endpoints_is_found_in_either_place() -> None:
    row = {
        "endpoint": "https://x.example",
        "total": 9,
        "delivered": 3,
        "failed": 4,
        "dead": 2,
        "success_rate": 0.6,
        "avg_latency_ms": 81.5,
        "open_until": "2026-01-15T09:05:00Z",
    }
    for reply in ({"endpoints": [row], "totals": {}}, {"data": {"endpoints": [row]}}):
        (found,) = wire_delivery.endpoints(reply)
        assert (found.total, found.delivered, found.retrying, found.dead) == (9, 3, 4, 2)
        assert (found.success_rate, found.latency_ms) == (60.0, 81.5)
        assert found.paused_until == datetime(2026, 1, 15, 9, 5, tzinfo=UTC)
    assert wire_delivery.endpoints([]) == ()


def test_an_event_of_the_stream_carries_its_row() -> None:
    row = PLAIN_THREAD | {"status": "open", "tags": []}
    body = {"thread_id": "conv_abc123", "thread": row, "data": {"merged_thread_id": "conv_old"}}
    live = wire_delivery.live(ServerEvent("thread.merged", json.dumps(body), "12"))
    assert live is not None
    assert (live.id, live.kind, live.gone) == ("12", LiveKind.THREAD, "conv_old")
    assert live.thread is not None
    assert live.thread.triage == Triage()


def test_an_unknown_event_is_passed_over_and_a_broken_one_refused() -> None:
    assert wire_delivery.live(ServerEvent("party.started", "{}", "1")) is None
    with pytest.raises(BadReply):
        wire_delivery.live(ServerEvent("email.received", "{", "1"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
keys = st.sampled_from(
    [*PLAIN_THREAD, *PLAIN_MESSAGE, "party", "tags", "status", "score", "event_id", "detail", "to"]
)


@given(st.lists(st.dictionaries(keys, json_values, max_size=12), max_size=3))
def test_no_json_breaks_the_readers(rows: list[dict[str, Any]]) -> None:
    reply = {"data": rows}
    for read in (
        wire.threads_page,
        wire.messages,
        wire_search.search_result,
        wire.inboxes,
        wire_delivery.events,
        wire_delivery.suppressions,
        wire_delivery.webhooks,
        wire_delivery.endpoints,
    ):
        read(reply)
    for row in rows:
        wire_delivery.metrics(row, "7d")
        wire.counts(row)
        assert wire.metadata(row).status in Status


def test_nonsense_in_times_is_the_epoch() -> None:
    odd: list[Any] = ["soon", "9999-12-31T23:59:59-14:00", 1e300, float("nan"), True, []]
    for value in odd:
        thread = wire.thread({"thread_id": "x", "last_message_at": value})
        assert thread.last_message_at == EPOCH
    assert wire.thread({"thread_id": "x", "last_direction": "sideways"}).last_direction is (
        Direction.INBOUND
    )


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("a<br>b", "a\nb"),
        ("<p>a\n  b</p><p>c</p>", "a b\n\nc"),
        ("<title>t</title><p>x", "x"),
        ("<script>never closed", ""),
        ("1 < 2 & 3", "1 < 2 & 3"),
        ("", ""),
    ],
)
def test_html_gives_its_words(html: str, words: str) -> None:
    assert words_of(html) == words


@pytest.mark.parametrize(
    ("written", "name", "exact"),
    [
        ("Ann <a@b.test>", "Ann", "a@b.test"),
        ('"Ann, B" <a@b.test> ', "Ann, B", "a@b.test"),
        ("<a@b.test>", "", "a@b.test"),
        ("a@b.test", "", "a@b.test"),
        ("Ann <a@b.test", "", None),
        ("Ann <a@b .test>", "", None),
        ("Ann <a@b.test> x", "", None),
        ('A"n"n <a@b.test>', "", None),
        ("Ann <<a@b.test>>", "", None),
    ],
)
def test_an_address_is_taken_apart(written: str, name: str, exact: str | None) -> None:
    found = address(written)
    assert (found.name, found.exact) == (name, exact)


def test_blanks_without_end_in_an_address_are_read_at_once() -> None:
    start = time.process_time()
    for _ in range(10):
        address(" " * 640)
    assert time.process_time() - start < 1


@pytest.mark.parametrize("sign", ["\x1b", "\x9b", "\n", "\u202e", "\ud800"])
def test_an_id_that_could_do_anything_is_none(sign: str) -> None:
    row = PLAIN_THREAD | {"inbox_id": f"i{sign}[2J"}
    reply = {"data": [row, row | {"thread_id": f"t{sign}"}], "next_cursor": f"c{sign}"}
    page = wire.threads_page(reply)
    assert [(each.id, each.inbox_id) for each in page.items] == [("conv_abc123", "")]
    assert page.next_cursor is None
    assert wire_delivery.events_page({"data": [], "next_cursor": f"c{sign}"}).next_cursor is None
    (message,) = wire.messages({"data": [PLAIN_MESSAGE | {"attachments": [f"a{sign}", "b"]}]})
    assert [each.id for each in message.attachments] == ["b"]


@pytest.mark.parametrize(
    "value", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", -62_135_596_800, 253_402_300_799_000]
)
def test_a_time_that_another_zone_could_not_show_is_none(value: str | int) -> None:
    at = wire.thread({"thread_id": "x", "last_message_at": value}).last_message_at
    assert at == EPOCH
    assert at.astimezone(timezone(timedelta(hours=-14))).year == 1969


def test_a_share_beyond_all_numbers_is_none() -> None:
    assert share(10**400) is None
    assert share("1e999") is None
    assert share(98) == 98.0


def test_counts_over_time_are_read_where_the_server_tells_them() -> None:
    row = {"start": "2025-03-12T11:00:00.000Z", "sent": 3, "delivered": 2, "bounced": 1}
    (bucket,) = wire_delivery.metrics({"data": {"sent": 3, "series": [row]}}, "24h").series
    assert bucket.start == datetime(2025, 3, 12, 11, tzinfo=UTC)
    assert dict(bucket.counts) == {"sent": 3, "delivered": 2, "bounced": 1}
    assert wire_delivery.metrics({"data": {"sent": 3}}, "24h").series == ()
