"""Suppressions by hand, delivery over time, and a key that may be used anew after a day."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.server.http.conftest import Api

LIST = "/v1/delivery/suppressions"
MAIL = {"to": "ann@customer.example", "subject": "Hello", "text": "Text"}


async def _send(api: Api, inbox: Any, **body: Any) -> Any:
    wanted = {**MAIL, "inbox_id": inbox["id"], **body}
    response = await api.call("POST", "/v1/messages/send", json=wanted)
    assert response.status_code == 202, response.text
    return response.json()


async def test_an_address_is_kept_from_and_allowed_again(api: Api) -> None:
    inbox = await api.inbox()
    body = {"email": "Ann@customer.example", "inbox_id": inbox["id"]}
    response = await api.call("POST", LIST, json=body)
    assert response.status_code == 201
    (row,) = response.json()["data"]
    assert (row["email"], row["reason"], row["inbox_id"]) == (
        "ann@customer.example",
        "manual",
        inbox["id"],
    )
    refused = await _send(api, inbox)
    assert refused["data"]["status"] == "suppressed"
    assert refused["validation"]["suppressed"] == ["ann@customer.example"]
    path = f"{LIST}/ANN@customer.example?inbox_id={inbox['id']}"
    assert await api.data("DELETE", path) == {"ok": True, "removed": 1}
    assert (await _send(api, inbox))["data"]["status"] == "queued"
    await api.refused(404, "DELETE", path)


async def test_a_domain_means_each_of_its_inboxes(api: Api) -> None:
    first, second = await api.inbox("one"), await api.inbox("two")
    elsewhere = await api.inbox("three", domain_id=api.ours.domain_id)
    body = {"email": "ann@customer.example", "domain_id": api.shared_id, "reason": "unsubscribe"}
    await api.data("POST", LIST, json=body)
    for inbox, status in ((first, "suppressed"), (second, "suppressed"), (elsewhere, "queued")):
        assert (await _send(api, inbox))["data"]["status"] == status
    rows = await api.data("GET", f"{LIST}?all=true")
    assert {row["reason"] for row in rows} == {"unsubscribe"}
    assert (await api.data("DELETE", f"{LIST}/{rows[0]['id']}"))["removed"] == 1
    assert (await api.data("DELETE", f"{LIST}/ann@customer.example?all=true"))["removed"] == 1


async def test_others_cannot_touch_the_list(api: Api) -> None:
    inbox = await api.inbox()
    body = {"email": "ann@customer.example", "inbox_id": inbox["id"]}
    await api.refused(404, "POST", LIST, json=body, key=api.theirs.key)
    (row,) = await api.data("POST", LIST, json=body)
    for path in (row["id"], f"ann@customer.example?inbox_id={inbox['id']}"):
        await api.refused(404, "DELETE", f"{LIST}/{path}", key=api.theirs.key)
    await api.refused(404, "DELETE", f"{LIST}/ann@customer.example?all=true", key=api.theirs.key)
    assert len(await api.data("GET", f"{LIST}?all=true")) == 1


@pytest.mark.parametrize(
    "body", [{"email": "ann"}, {"email": "ann@customer.example"}, {"inbox_id": "i_1"}]
)
async def test_a_suppression_needs_an_address_and_a_place(api: Api, body: Any) -> None:
    if "inbox_id" not in body and body["email"] == "ann":
        body = {**body, "inbox_id": (await api.inbox())["id"]}
    await api.refused(400, "POST", LIST, json=body)


async def test_the_series_counts_by_the_hour_and_sums_up(api: Api) -> None:
    inbox = await api.inbox()
    await api.data("POST", LIST, json={"email": MAIL["to"], "inbox_id": inbox["id"]})
    await _send(api, inbox)
    api.clock.advance(timedelta(hours=2))
    await _send(api, inbox)
    await _send(api, inbox)
    got = await api.data("GET", "/v1/delivery/metrics?all=true&period=24h")
    assert got["bucket_seconds"] == 3600
    assert len(got["series"]) == 25
    assert [each["suppressed"] for each in got["series"][-3:]] == [1, 0, 2]
    assert got["series"][-1]["start"] == "2026-01-15T11:00:00.000Z"
    assert sum(each["suppressed"] for each in got["series"]) == got["suppressed"]
    days = await api.data("GET", "/v1/delivery/metrics?all=true&period=7d")
    assert days["bucket_seconds"] == 86400
    assert [each["suppressed"] for each in days["series"]] == [0] * 7 + [3]


async def test_a_key_may_be_used_anew_after_a_day(api: Api) -> None:
    await api.inbox()
    headers = {"Idempotency-Key": "once"}

    async def send() -> Any:
        return await api.call("POST", "/v1/messages/send", json=MAIL, headers=headers)

    first = await send()
    api.clock.advance(timedelta(hours=23, minutes=59))
    again = await send()
    assert again.headers["Idempotency-Replayed"] == "true"
    api.clock.advance(timedelta(minutes=2))
    fresh = await send()
    assert fresh.status_code == 202
    assert "Idempotency-Replayed" not in fresh.headers
    assert fresh.json()["data"]["id"] != first.json()["data"]["id"]
