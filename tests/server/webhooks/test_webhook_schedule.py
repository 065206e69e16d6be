"""Attempts in time: the schedule, the breaker, the lanes, and every way an endpoint can fail."""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from agentmail_server.jobs import webhook
from agentmail_server.jobs.webhook import PAUSES
from agentmail_server.relay.caller import Caller, CallResult
from agentmail_server.relay.guard import LOOPBACK, Guard
from agentmail_server.store import webhooklist, webhooks
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.server.webhooks.conftest import (
    Endpoint,
    Reply,
    Shop,
    answer,
    garbage,
    hang,
    reset,
)

Until = Callable[[Callable[[], bool]], Awaitable[None]]


class Noting(Caller):
    """Answers by itself and notes how long it was given."""

    def __init__(self, status: int | None = 503) -> None:
        super().__init__(Guard())
        self.given: list[float] = []
        self.status = status

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, within: float
    ) -> CallResult:
        self.given.append(within)
        return CallResult(self.status, "HTTP 503", 0.25)


async def test_eight_attempts_at_the_promised_times_then_dead(shop: Shop) -> None:
    caller = Noting()
    await shop.arrive(await shop.inbox("https://hooks.example/x"))
    await shop.run(caller)
    row = await shop.tried(1)
    for attempt in range(2, 9):
        assert row.status == "retrying"
        assert row.next_retry_at is not None
        # Just before its time nothing is called; two looks at the outbox pass in this wait.
        shop.advance((row.next_retry_at - shop.now) / 1e6 - 0.5)
        await asyncio.sleep(0.05)
        assert len(caller.given) == attempt - 1
        shop.advance(0.6)
        row = await shop.tried(attempt)
    assert (row.status, row.next_retry_at) == ("dead", None)
    assert row.dead_at is not None
    shop.advance(86_400)
    await asyncio.sleep(0.05)
    assert len(caller.given) == 8
    tries = await shop.store.read(webhooklist.attempts_of, row.id)
    moments = [each.attempted_at / 1e6 for each in tries]
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    assert len(gaps) == len(PAUSES) == 7
    assert PAUSES == (5, 30, 120, 600, 1800, 3600, 7200)
    for gap, pause in zip(gaps, PAUSES, strict=True):
        assert pause * 0.75 <= gap <= pause * 1.25 + 0.2, (gap, pause)
    assert caller.given == [10.0, *[30.0] * 7]


@pytest.mark.parametrize(
    ("reply", "status", "said"),
    [
        (answer(500, b"boom"), 500, "HTTP 500: boom"),
        (answer(404), 404, "HTTP 404"),
        (reset, None, "the connection broke"),
        (garbage, None, "the connection broke"),
        (hang, None, "no answer within 1.5 s"),
    ],
    ids=["500", "404", "reset", "garbage", "hang"],
)
async def test_a_fault_is_told(
    endpoint: Endpoint, reply: Reply, status: int | None, said: str
) -> None:
    endpoint.plan["/"] = reply
    result = await Caller(Guard(LOOPBACK)).post(endpoint.url(), {}, b"{}", within=1.5)
    assert (result.ok, result.status) == (False, status)
    assert result.error.startswith(said)


async def test_a_closed_port_is_told() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    url = f"http://127.0.0.1:{port}/"
    result = await Caller(Guard(LOOPBACK)).post(url, {}, b"{}", within=5)
    assert result.error == "the endpoint cannot be reached"


def _certificate(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "cert.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + cert.public_bytes(serialization.Encoding.PEM)
    )
    return pem


async def test_tls_is_checked_against_the_name_in_the_url(tmp_path: Path) -> None:
    pem = _certificate(tmp_path, "hooks.test")
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(pem)
    made = Endpoint()
    server = await made.open(ours)

    async def resolve(_: str) -> list[str]:
        return ["127.0.0.1"]

    guard = Guard(LOOPBACK, resolve)
    trusting = ssl.create_default_context(cafile=pem)
    good = await Caller(guard, trusting).post(made.url(host="hooks.test"), {}, b"{}", within=5)
    assert good.ok
    assert made.server_names == ["hooks.test"]
    assert made.got[0].headers["host"] == f"hooks.test:{made.port}"
    wrong_name = await Caller(guard, trusting).post(
        made.url(host="other.test"), {}, b"{}", within=5
    )
    unknown_issuer = await Caller(guard).post(made.url(host="hooks.test"), {}, b"{}", within=5)
    for result in (wrong_name, unknown_issuer):
        assert result.error.startswith("TLS failed")
    assert len(made.got) == 1
    server.close()


async def test_a_redirect_is_a_failure_and_not_followed(endpoint: Endpoint) -> None:
    endpoint.plan["/hook"] = answer(302, b"", f"Location: {endpoint.url('/inside')}")
    result = await Caller(Guard(LOOPBACK)).post(endpoint.url(), {}, b"{}", within=5)
    assert (result.ok, result.status) == (False, 302)
    assert endpoint.at("/inside") == []


async def test_an_endless_reply_is_cut(endpoint: Endpoint) -> None:
    sent = 0

    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            sent += 1024
            await writer.drain()

    endpoint.plan["/"] = endless
    result = await Caller(Guard(LOOPBACK)).post(endpoint.url(), {}, b"{}", within=10)
    assert result.status == 500
    assert len(result.error) == 500
    # What the two sockets hold comes on top of the 64 KB that are read.
    assert sent < 16_000_000
    assert result.seconds < 5


async def test_what_a_reply_says_is_cleaned_and_keeps_no_secret(endpoint: Endpoint) -> None:
    secret = "whsec_" + "0f" * 24
    endpoint.plan["/"] = answer(400, f"bad\x1b[31m {secret}\n\u202ekey".encode())
    result = await Caller(Guard(LOOPBACK)).post(endpoint.url(), {}, b"{}", within=5)
    assert secret not in result.error
    assert result.error == "HTTP 400: bad␛[31m [redacted] key"


async def test_success_is_success_though_the_body_never_ends(endpoint: Endpoint) -> None:
    async def never_done(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 204 X\r\nContent-Length: 9\r\n\r\n")
        await reader.read()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\n")
        await reader.read()

    for reply in (never_done, slow):
        endpoint.plan["/"] = reply
        result = await Caller(Guard(LOOPBACK)).post(endpoint.url(), {}, b"{}", within=1.5)
        assert (result.ok, result.error) == (True, "")


@pytest.mark.slow
async def test_fifty_hung_endpoints_hold_up_nobody(
    shop: Shop, endpoint: Endpoint, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R41; how long a healthy endpoint waits is measured by benchmarks/bench_webhooks.py."""
    ended = 0

    async def hang_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal ended
        await hang(reader, writer)
        ended += 1

    # None of them ends before the test does, however slow the machine.
    monkeypatch.setattr(webhook, "FIRST_TIMEOUT", 600.0)
    endpoint.plan["/hung"] = hang_on
    for number in range(50):
        inbox = await shop.inbox(endpoint.url(f"/hung/{number}"))
        await asyncio.gather(*(shop.arrive(inbox) for _ in range(5)))
    good = await shop.inbox(endpoint.url("/good"))
    await shop.run()
    await until(lambda: len(endpoint.got) == 200)
    for number in range(1, 21):
        await shop.arrive(good)
        await until(lambda wanted=number: len(endpoint.at("/good")) == wanted)  # type: ignore[misc]
    assert ended == 0
    # Four at once for each, and not one more.
    assert len(endpoint.got) == 200 + 20
    for number in range(50):
        assert len(endpoint.at(f"/hung/{number}")) == 4


async def test_a_burst_to_one_endpoint_goes_through_four_at_a_time(
    shop: Shop, endpoint: Endpoint
) -> None:
    now, most, four = 0, 0, asyncio.Event()

    async def count(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        if now == 4:
            four.set()
        await four.wait()
        await asyncio.sleep(0.01)
        now -= 1
        writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n")

    endpoint.plan["/"] = count
    inbox = await shop.inbox(endpoint.url())
    for _ in range(30):
        await shop.arrive(inbox)
    await shop.run()
    await shop.until(lambda rows: all(row.status == "delivered" for row in rows))
    assert most == 4
    assert len(endpoint.got) == 30


class TestBreaker:
    async def opened(self, shop: Shop, endpoint: Endpoint, waiting: int = 6) -> None:
        """Let five of some deliveries fail, and no more."""
        endpoint.plan["/hook"] = answer(503)
        inbox = await shop.inbox(endpoint.url())
        for _ in range(4):
            await shop.arrive(inbox)
        await shop.run()
        await shop.until(lambda rows: sum(row.attempts for row in rows) == 4)
        await shop.arrive(inbox)
        await shop.until(lambda rows: sum(row.attempts for row in rows) == 5)
        for _ in range(waiting):
            await shop.arrive(inbox)
        await shop.calm()

    async def test_while_open_nothing_is_called_and_no_attempt_is_used(
        self, shop: Shop, endpoint: Endpoint
    ) -> None:
        await self.opened(shop, endpoint)
        for _ in range(29):
            shop.advance(10)
            await asyncio.sleep(0.01)
        assert len(endpoint.got) == 5
        assert sum(row.attempts for row in await shop.hooks()) == 5

    async def test_after_five_minutes_one_probe_and_on_failure_five_more(
        self, shop: Shop, endpoint: Endpoint, until: Until
    ) -> None:
        await self.opened(shop, endpoint)
        shop.advance(301)
        await until(lambda: len(endpoint.got) == 6)
        await asyncio.sleep(0.1)
        assert len(endpoint.got) == 6
        shop.advance(290)
        await asyncio.sleep(0.1)
        assert len(endpoint.got) == 6
        shop.advance(12)
        await until(lambda: len(endpoint.got) == 7)

    async def test_while_the_probe_hangs_nobody_else_calls(
        self, shop: Shop, endpoint: Endpoint, until: Until
    ) -> None:
        await self.opened(shop, endpoint)
        endpoint.plan["/hook"] = hang
        shop.advance(301)
        await until(lambda: len(endpoint.got) == 6)
        shop.advance(30)
        await asyncio.sleep(0.1)
        assert len(endpoint.got) == 6

    async def test_a_probe_that_succeeds_lets_all_go_at_once(
        self, shop: Shop, endpoint: Endpoint
    ) -> None:
        await self.opened(shop, endpoint)
        endpoint.plan["/hook"] = answer(200)
        shop.advance(301)
        rows = await shop.until(lambda rows: all(row.status == "delivered" for row in rows))
        assert len(rows) == 11

    async def test_another_endpoint_is_not_held_up(self, shop: Shop, endpoint: Endpoint) -> None:
        await self.opened(shop, endpoint)
        await shop.arrive(await shop.inbox(endpoint.url("/other")))
        await shop.until(lambda rows: any(row.status == "delivered" for row in rows))
        assert len(endpoint.at("/other")) == 1

    async def test_asking_for_a_retry_probes_at_once(
        self, shop: Shop, endpoint: Endpoint, until: Until
    ) -> None:
        await self.opened(shop, endpoint)
        endpoint.plan["/hook"] = answer(200)
        row = (await shop.hooks())[0]
        await shop.store.write(webhooks.requeue, shop.now, row)
        await until(lambda: len(endpoint.got) >= 6)
        assert endpoint.got[5].headers["webhook-id"] == row.id
