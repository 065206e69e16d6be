import gzip
import json
from datetime import UTC, datetime

import httpx
import pytest

from agentmail_tui.backends.auth import Bearer
from agentmail_tui.backends.http import MAX_REPLY, Http
from agentmail_tui.backends.problems import wait_of
from agentmail_tui.backends.urls import base_of, path_of
from agentmail_tui.errors import (
    BadReply,
    Conflict,
    Forbidden,
    MailError,
    NotFound,
    RateLimited,
    Rejected,
    ServerTrouble,
    Unauthorized,
    Unreachable,
)
from tests.agentmail_tui.backends.conftest import KEY, Canned


async def test_the_key_goes_along_and_the_answer_comes_back(canned: Canned) -> None:
    canned.answer(httpx.Response(200, json={"data": [1]}))
    assert await canned.http().call("GET", "/v1/x", params={"a": 1}) == {"data": [1]}
    (request,) = canned.requests
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert str(request.url) == "https://mail.example/v1/x?a=1"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Rejected),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (413, Rejected),
        (422, Rejected),
        (500, ServerTrouble),
        (502, ServerTrouble),
        (302, BadReply),
    ],
)
async def test_each_status_is_an_error_of_ours(
    canned: Canned, status: int, error: type[MailError]
) -> None:
    canned.answer(httpx.Response(status, json={"error": "because"}))
    with pytest.raises(error) as caught:
        await canned.http().call("POST", "/v1/x")
    assert type(caught.value) is error
    assert len(canned.requests) == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"error": "not \x1b[31mthere"}, "not ␛[31mthere"),
        ({"error": {"message": "inner"}}, "inner"),
        (
            {"error": "invalid_signature", "message": "The signature is wrong"},
            "The signature is wrong",
        ),
        ({"error": ""}, "HTTP 400"),
        (["list"], "HTTP 400"),
        ({"error": f"bad key {KEY}"}, "bad key …"),
    ],
)
async def test_the_servers_words_are_cleaned_and_hold_no_key(
    canned: Canned, body: object, told: str
) -> None:
    canned.answer(httpx.Response(400, json=body))
    with pytest.raises(Rejected) as caught:
        await canned.http().call("POST", "/v1/x")
    assert caught.value.message == told


async def test_reading_is_tried_three_times_and_writing_once(canned: Canned) -> None:
    canned.answer(*[httpx.ReadError("broke")] * 2, httpx.Response(200, json={}))
    await canned.http().call("GET", "/v1/x")
    assert canned.slept == [0.2, 0.6]
    canned.answer(httpx.ReadError("broke"))
    with pytest.raises(Unreachable) as caught:
        await canned.http().call("POST", "/v1/x")
    assert caught.value.started
    assert len(canned.requests) == 4


async def test_a_refused_connection_surely_carried_nothing(canned: Canned) -> None:
    canned.answer(httpx.ConnectError("refused"))
    with pytest.raises(Unreachable) as caught:
        await canned.http().call("POST", "/v1/x")
    assert not caught.value.started


async def test_a_short_wait_that_is_asked_for_is_kept(canned: Canned) -> None:
    canned.answer(
        httpx.Response(429, headers={"Retry-After": "3"}, json={}), httpx.Response(200, json=7)
    )
    assert await canned.http().call("GET", "/v1/x") == 7
    assert canned.slept == [3.0]


async def test_a_long_wait_is_left_to_the_caller(canned: Canned) -> None:
    canned.answer(httpx.Response(429, headers={"Retry-After": "60"}, json={}))
    with pytest.raises(RateLimited) as caught:
        await canned.http().call("GET", "/v1/x")
    assert caught.value.retry_after == 60.0
    assert canned.slept == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 2.0),
        ("nonsense", 2.0),
        ("-5", 2.0),
        ("nan", 2.0),
        ("1e9", 300.0),
        ("Thu, 15 Jan 2026 09:00:30 GMT", 30.0),
        ("Thu, 15 Jan 2026 09:00:30 -0000", 30.0),
    ],
)
def test_retry_after_is_read_as_number_or_date(header: str | None, seconds: float) -> None:
    assert wait_of(header, datetime(2026, 1, 15, 9, tzinfo=UTC)) == seconds


@pytest.mark.parametrize("content", [b"<html>", b"", b"\xff", b"[" * 100_000])
async def test_what_is_no_json_is_a_bad_reply(canned: Canned, content: bytes) -> None:
    canned.answer(httpx.Response(200, content=content))
    with pytest.raises(BadReply):
        await canned.http().call("POST", "/v1/x")


async def test_a_reply_that_unpacks_without_end_is_cut_off(canned: Canned) -> None:
    bomb = gzip.compress(b" " * (MAX_REPLY + 1))
    canned.answer(httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=bomb))

    def raw(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=_Once(bomb))

    http = Http("https://mail.example", Bearer(KEY), transport=httpx.MockTransport(raw))
    with pytest.raises(BadReply, match="20 MB"):
        await http.call("POST", "/v1/x")


class _Once(httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self):  # type: ignore[no-untyped-def]
        yield self._content


async def test_a_large_answer_is_read_like_a_small_one(canned: Canned) -> None:
    large = ["x" * 100] * 20_000
    canned.answer(httpx.Response(200, content=json.dumps(large).encode()))
    assert await canned.http().call("GET", "/v1/x") == large


@pytest.mark.parametrize(
    "url",
    [
        "http://mail.example",
        "https://user:secret@mail.example",
        "ftp://mail.example",
        "mail.example",
        "https://",
        "http://[bad",
    ],
)
def test_urls_that_would_give_the_key_away_are_refused(url: str) -> None:
    with pytest.raises(Rejected) as caught:
        base_of(url, insecure=False)
    if "secret" in url:
        assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    "url",
    ["https://mail.example/api", "http://127.0.0.1:8317", "http://[::1]:8317", "http://localhost"],
)
def test_tls_or_this_computer_is_fine(url: str) -> None:
    assert base_of(url, insecure=False).host


def test_anything_goes_when_it_is_asked_for() -> None:
    assert base_of("http://mail.example", insecure=True).host == "mail.example"


def test_an_id_stays_one_segment_of_a_path() -> None:
    assert path_of("v1", "threads", "<a/b?c#d@e>") == "/v1/threads/%3Ca%2Fb%3Fc%23d%40e%3E"
    for part in ("", ".", ".."):
        with pytest.raises(Rejected):
            path_of("v1", part)


def test_a_key_is_never_shown() -> None:
    assert KEY not in repr(Bearer(KEY))
    for odd in ("", "a b", "a\nb", "schlüssel"):
        with pytest.raises(Unauthorized):
            Bearer(odd)
