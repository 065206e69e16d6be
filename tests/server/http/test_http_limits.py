"""Rate limits: told in headers, counted before work, one organisation's not another's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from agentmail_server.http.deps import HttpSettings
from agentmail_server.service.limits import RateSettings, Window

if TYPE_CHECKING:
    from tests.server.http.conftest import Api

RATES = RateSettings(
    emails_per_hour=3, emails_per_day=5, email_burst=2, requests_per_minute=40,
    auth_failures_per_minute=4,
)  # fmt: skip


@pytest.fixture
def settings() -> HttpSettings:
    return replace(HttpSettings(), rates=RATES)


async def send(api: Api, inbox: Any, key: str | None = None, **headers: str) -> httpx.Response:
    body = {"to": "a@b.example", "subject": "s", "text": "t", "inbox_id": inbox["id"]}
    return await api.call("POST", "/v1/messages/send", key=key, json=body, headers=headers)


async def test_sends_by_hour_and_day(api: Api) -> None:
    inbox = await api.inbox()
    for left in (2, 1, 0):
        response = await send(api, inbox)
        assert response.status_code == 202
        assert response.headers["x-ratelimit-limit-hour"] == "3"
        assert response.headers["x-ratelimit-remaining-hour"] == str(left)
        assert response.headers["x-ratelimit-limit-day"] == "5"
        assert int(response.headers["x-ratelimit-reset-hour"]) > 1_768_467_600
        api.clock.advance(timedelta(seconds=11))
    refused = await send(api, inbox)
    assert refused.status_code == 429
    assert refused.json()["code"] == "rate_limit_exceeded"
    wait = int(refused.headers["retry-after"])
    assert wait == refused.json()["retryAfter"]
    assert 3000 < wait <= 3700
    api.clock.advance(timedelta(seconds=wait))
    assert [(await send(api, inbox)).status_code] == [202]
    assert (await send(api, inbox)).status_code in {202, 429}


async def test_a_burst_waits_ten_seconds(api: Api) -> None:
    inbox = await api.inbox()
    assert [(await send(api, inbox)).status_code for _ in range(3)] == [202, 202, 429]
    api.clock.advance(timedelta(seconds=12))
    assert (await send(api, inbox)).status_code == 202


async def test_what_is_refused_or_replayed_is_not_counted(api: Api) -> None:
    inbox = await api.inbox()
    for _ in range(5):
        response = await send(api, {"id": "i_00000000000000000000"})
        assert response.status_code == 404
    first = await send(api, inbox, idempotency_key="once", **{"Idempotency-Key": "once"})
    again = await send(api, inbox, **{"Idempotency-Key": "once"})
    assert (first.status_code, again.headers["idempotency-replayed"]) == (202, "true")
    assert (await api.data("GET", "/v1/me/limits"))["usage"]["emails_sent_today"] == 1


async def test_one_organisation_does_not_use_up_anothers(api: Api) -> None:
    ours, theirs = await api.inbox(), await api.inbox("theirs", org=api.theirs)
    assert [(await send(api, ours)).status_code for _ in range(3)] == [202, 202, 429]
    assert (await send(api, theirs, key=api.theirs.key)).status_code == 202


async def test_requests_by_key(api: Api) -> None:
    answers = [(await api.call("GET", "/v1/capabilities")).status_code for _ in range(41)]
    assert answers == [200] * 40 + [429]
    other = await api.key_with("threads:read")
    assert (await api.call("GET", "/v1/capabilities", key=other)).status_code == 200
    api.clock.advance(timedelta(seconds=62))
    assert (await api.call("GET", "/v1/capabilities")).status_code == 200


async def test_a_guesser_waits_and_who_has_a_key_does_not(api: Api) -> None:
    assert (await api.call("GET", "/v1/capabilities")).status_code == 200
    guesses = [f"comm_{number:064x}" for number in range(6)]
    answers = [(await api.call("GET", "/v1/domains", key=key)).status_code for key in guesses]
    assert answers == [401, 401, 401, 401, 429, 429]
    assert (await api.call("GET", "/v1/capabilities")).status_code == 200
    api.clock.advance(timedelta(seconds=62))
    await api.refused(401, "GET", "/v1/domains", key=guesses[0])


def test_a_window_slides() -> None:
    now = 0
    window = Window(2, 60, lambda: now)
    window.add("a")
    now = 30_000_000
    window.add("a")
    assert (window.left("a"), window.left("b")) == (0, 2)
    wait = window.wait("a")
    assert 30 <= wait <= 33
    now += wait * 1_000_000
    assert window.used("a") == 1


def test_no_limit_is_none() -> None:
    window = Window(0, 60, lambda: 0)
    window.add("a", 1_000_000)
    assert window.wait("a") == 0
