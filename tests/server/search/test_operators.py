"""Operators: taken off what was typed, or refused by name."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from agentmail_server.errors import BadRequest
from agentmail_server.ids import to_micros
from agentmail_server.service.operators import read_operators
from agentmail_server.store.asked import Filters
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


def day(text: str) -> int:
    return to_micros(datetime.fromisoformat(text).replace(tzinfo=UTC))


READ = [
    ("late parcel", "late parcel", Filters()),
    ("from:ann late parcel", "late parcel", Filters(senders=("ann",))),
    ('from:"Ann Example" to:desk', "", Filters(senders=("Ann Example",), recipients=("desk",))),
    ("SUBJECT:Order tag:vip", "", Filters(subjects=("Order",), tags=("vip",))),
    ("status:needs_reply refund", "refund", Filters(statuses=("needs_reply",))),
    ("assigned:none", "", Filters(assigned=(None,))),
    ("assigned:maya", "", Filters(assigned=("maya",))),
    ("has:attachment is:unread", "", Filters(has_attachment=True, unread=True)),
    ("is:read", "", Filters(unread=False)),
    ('"pay the bank" soon', "pay the bank soon", Filters(phrases=("pay the bank",))),
    ('an "open end', "an open end", Filters(phrases=("open end",))),
    ("box -tax", "box", Filters(without=("tax",))),
    ('box -"tax form"', "box", Filters(without=("tax form",))),
    ("after:2026-01-03", "", Filters(after=day("2026-01-03"))),
    ("before:2026-01", "", Filters(before=day("2026-01-01"))),
    ("before:2025", "", Filters(before=day("2025-01-01"))),
    ("after:yesterday", "", Filters(after=day("2026-01-14"))),
    ("after:7d", "", Filters(after=day("2026-01-08T09:30"))),
    # What is no operator is text.
    ("Re: meeting at 10:30", "Re: meeting at 10:30", Filters()),
    ("http://shop.example/x", "http://shop.example/x", Filters()),
    ("- e-mail --", "- e-mail --", Filters()),
    ('"', '"', Filters()),
    ('"%" late', "% late", Filters()),
    ('-"%" on:"%"', '-"%" on:"%"', Filters()),
]


@pytest.mark.parametrize(("typed", "words", "filters"), READ)
def test_operators_are_read(typed: str, words: str, filters: Filters) -> None:
    assert read_operators(typed, NOW) == (words, filters)


@pytest.mark.parametrize(
    "typed",
    ["from:", "status:odd", "has:legs", "is:blue", "before:soon", "after:2026-13-01", "-tag:x",
     "tag:", 'subject:""'],
)  # fmt: skip
def test_a_malformed_operator_is_named(typed: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_operators(f"words {typed} more", NOW)
    assert typed.lstrip("-").split(":")[0] + ":" in caught.value.message


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(typed: str) -> None:
    with contextlib.suppress(BadRequest):
        words, _ = read_operators(typed, NOW)
        assert set(words) <= {*typed, " "}
