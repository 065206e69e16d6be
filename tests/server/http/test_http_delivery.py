"""Delivery metrics and events at the wire."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.ids import to_micros
from agentmail_server.store import delivery, messages

if TYPE_CHECKING:
    from tests.server.http.conftest import Api


async def _sent(api: Api, inbox: Any, *to: str) -> str:
    body = {"to": list(to), "subject": "s", "text": "t", "inbox_id": inbox["id"]}
    return str((await api.data("POST", "/v1/messages/send", json=body))["id"])


async def _step(api: Api, message_id: str, recipient: str, event: str, **data: Any) -> None:
    api.clock.advance(timedelta(seconds=1))
    message = await api.store.read(messages.get_message, api.ours.id, message_id)
    await api.store.write(
        delivery.append_event,
        api.deps.ids,
        to_micros(api.clock.now()),
        message,
        recipient,
        event,
        "250 ok" if event != "bounced" else "550 no such user",
        data,
    )


@pytest.fixture
async def inbox(api: Api) -> Any:
    return await api.inbox()


@pytest.fixture
async def message(api: Api, inbox: Any) -> str:
    """Return a message to four people: two served, one refused, one waiting."""
    people = [f"{name}@customer.example" for name in ("ann", "bob", "cy", "di")]
    message = await _sent(api, inbox, *people)
    for person in people:
        await _step(api, message, person, "sent")
    await _step(api, message, people[0], "delivered")
    await _step(api, message, people[1], "delivered")
    await _step(api, message, people[2], "bounced", bounce_type="hard", smtp_code=550)
    return message


async def test_metrics_are_numbers_and_a_period_in_words(
    api: Api, inbox: Any, message: str
) -> None:
    got = await api.data("GET", f"/v1/delivery/metrics?inbox_id={inbox['id']}")
    assert got["sent"] == 4
    assert got["delivered"] == 2
    assert got["bounced"] == 1
    assert got["queued"] == 4
    assert got["complained"] == got["failed"] == got["suppressed"] == got["orphan_events"] == 0
    assert got["delivery_rate"] == 50.0
    assert got["bounce_rate"] == 25.0
    assert got["complaint_rate"] == 0.0
    assert (got["period"], got["days"]) == ("7d", 7)
    assert got["period_end"] == "2026-01-15T09:00:07.000Z"
    assert got["period_start"] == "2026-01-08T09:00:07.000Z"
    for place in (f"inboxId={inbox['id']}", f"domain_id={api.shared_id}", "all=true"):
        assert await api.data("GET", f"/v1/delivery/metrics?{place}") == got


async def test_one_refused_at_once_counts_among_the_tried(api: Api, inbox: Any) -> None:
    people = ("yes@x.example", "no@x.example")
    message = await _sent(api, inbox, *people)
    await _step(api, message, people[0], "sent")
    await _step(api, message, people[0], "delivered")
    await _step(api, message, people[1], "bounced", bounce_type="hard", smtp_code=550)
    got = await api.data("GET", f"/v1/delivery/metrics?inbox_id={inbox['id']}")
    assert (got["delivery_rate"], got["bounce_rate"]) == (50.0, 50.0)


@pytest.mark.parametrize(
    ("query", "period", "days"),
    [("", "7d", 7), ("period=24h", "24h", 1), ("period=30D", "30d", 30), ("days=3", "3d", 3),
     ("period=25h", "25h", 2), ("period=365d", "90d", 90), ("days=9999999999", "90d", 90)],
)  # fmt: skip
async def test_periods(api: Api, query: str, period: str, days: int) -> None:
    got = await api.data("GET", f"/v1/delivery/metrics?all=true&{query}")
    assert (got["period"], got["days"]) == (period, days)
    assert got["delivery_rate"] is None


@pytest.mark.parametrize("query", ["period=week", "period=0d", "period=-1d", "days=0", "days=x"])
async def test_a_bad_period_is_400(api: Api, query: str) -> None:
    await api.refused(400, "GET", f"/v1/delivery/metrics?all=true&{query}")


async def test_what_lies_before_the_period_does_not_count(api: Api, message: str) -> None:
    api.clock.advance(timedelta(hours=2))
    assert (await api.data("GET", "/v1/delivery/metrics?all=true&period=1h"))["sent"] == 0
    assert (await api.data("GET", "/v1/delivery/metrics?all=true&period=3h"))["sent"] == 4


@pytest.mark.parametrize("path", ["metrics", "events", "suppressions"])
async def test_without_a_place_it_is_400(api: Api, path: str) -> None:
    await api.refused(400, "GET", f"/v1/delivery/{path}")


async def test_an_event_has_the_names_of_every_client(api: Api, inbox: Any, message: str) -> None:
    (event,) = await api.data(
        "GET", f"/v1/delivery/events?inbox_id={inbox['id']}&event_type=bounced"
    )
    assert event["_id"] == event["id"] == event["event_id"]
    assert event["message_id"] == event["messageId"] == message
    assert event["event_type"] == event["type"] == "bounced"
    assert event["recipient"] == event["email"] == "cy@customer.example"
    assert event["timestamp"] == event["processed_at"] == "2026-01-15T09:00:07.000Z"
    assert event["detail"] == "550 no such user"
    assert event["event_data"] == {"bounce_type": "hard", "smtp_code": 550}


async def test_events_of_a_message_by_either_id(api: Api, message: str) -> None:
    shown = await api.data("GET", f"/v1/messages/{message}")
    by_ours = await api.data("GET", f"/v1/delivery/events?message_id={message}")
    assert len(by_ours) == 11
    header = shown["metadata"]["message_id"]
    by_header = await api.data("GET", "/v1/delivery/events", params={"message_id": header})
    assert by_header == by_ours
    assert shown["delivery_status"] == "bounced"
    assert shown["metadata"]["delivery_data"]["bounce_type"] == "hard"


async def test_events_walk_by_cursor_newest_first(api: Api, message: str) -> None:
    everything = await api.data("GET", "/v1/delivery/events?all=true&limit=200")
    stamps = [each["timestamp"] for each in everything]
    assert stamps == sorted(stamps, reverse=True)
    seen: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (
            await api.call("GET", f"/v1/delivery/events?all=true&limit=4&cursor={cursor}")
        ).json()
        seen += page["data"]
        cursor = page["next_cursor"]
    assert seen == everything
    await api.refused(400, "GET", "/v1/delivery/events?all=true&cursor=junk")


async def test_an_unknown_event_type_is_400(api: Api) -> None:
    await api.refused(400, "GET", "/v1/delivery/events?all=true&event_type=teleported")
