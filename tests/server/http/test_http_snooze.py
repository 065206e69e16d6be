"""Snoozing over the wire: what sleeps, where it is listed and counted, and what wakes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.server.http.conftest import Api

TOMORROW = "2026-01-16T08:00:00.000Z"


@pytest.fixture
async def pair(api: Api) -> tuple[str, str]:
    """Return two threads of one inbox; the first sleeps until tomorrow."""
    inbox = await api.inbox()
    asleep = (await api.arrive(inbox, subject="Later")).thread_id
    awake = (await api.arrive(inbox, subject="Now")).thread_id
    row = await api.data("PUT", f"/v1/threads/{asleep}/snooze", json={"until": TOMORROW})
    assert (row["id"], row["snoozed_until"], row["status"]) == (asleep, TOMORROW, "open")
    return asleep, awake


async def test_lists_and_counts_tell_what_sleeps_from_what_does_not(
    api: Api, pair: tuple[str, str]
) -> None:
    asleep, awake = pair
    for asked, wanted in (
        ("", {asleep, awake}),
        ("&snoozed=true", {asleep}),
        ("&snoozed=false", {awake}),
        ("&snoozed=false&status=open&unread=true", {awake}),
        ("&snoozed=true&status=closed", set()),
    ):
        page = (await api.call("GET", f"/v1/threads?all=true&with_total=true{asked}")).json()
        assert {row["id"] for row in page["data"]} == wanted, asked
        assert page["total"] == len(wanted)
    counts = await api.data("GET", "/v1/threads/counts?all=true")
    assert (counts["total"], counts["snoozed"], counts["open"], counts["unread"]) == (2, 1, 1, 1)


async def test_null_wakes_it_and_says_so(api: Api, pair: tuple[str, str]) -> None:
    asleep, _ = pair
    assert (await api.data("GET", f"/v1/threads/{asleep}/metadata"))["snoozed_until"] == TOMORROW
    row = await api.data("PUT", f"/v1/threads/{asleep}/snooze", json={"until": None})
    assert row["snoozed_until"] is None
    assert await api.data("GET", "/v1/threads?all=true&snoozed=true") == []


@pytest.mark.parametrize(
    "body",
    [{}, {"until": ""}, {"until": "soon"}, {"until": 7}, {"until": "2026-01-15T09:00:00Z"},
     {"until": "0001-01-01T00:00:00+14:00"}, {"until": "9999-12-31T23:59:59-14:00"}],
)  # fmt: skip
async def test_no_moment_to_come_is_400_and_changes_nothing(
    api: Api, pair: tuple[str, str], body: object
) -> None:
    refusal = await api.refused(400, "PUT", f"/v1/threads/{pair[1]}/snooze", json=body)
    assert "until" in str(refusal)
    assert (await api.data("GET", f"/v1/threads/{pair[1]}"))["snoozed_until"] is None
    await api.refused(404, "PUT", "/v1/threads/conv_none/snooze", json={"until": TOMORROW})
