"""Where a stranger's URL may lead: never inside, whatever name, notation or DNS it uses."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpcore
import pytest
from agentmail_server.config import ConfigError, Settings
from agentmail_server.relay.caller import Caller
from agentmail_server.relay.guard import LOOPBACK, Guard, Refused, check_allow, is_denied

from tests.server.webhooks.conftest import Endpoint, answer

INSIDE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "168.63.129.16",
    "192.0.0.8",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "3fff::1",
    "5f00::1",
]
OUTSIDE = ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1"]
PUBLIC = "93.184.215.14"


@pytest.mark.parametrize("address", INSIDE)
async def test_no_address_inside_is_called_by_name_or_by_number(address: str) -> None:
    assert is_denied(ipaddress.ip_address(address))
    shown = f"[{address}]" if ":" in address else address
    with pytest.raises(Refused):
        await Guard().target("https", shown, 443)
    with pytest.raises(Refused, match="not on the public internet"):
        await Guard((), _says(address)).target("https", "hooks.example", 443)
    # One bad address among good ones is enough.
    with pytest.raises(Refused, match="not on the public internet"):
        await Guard((), _says(PUBLIC, address)).target("https", "hooks.example", 443)


@pytest.mark.parametrize("address", OUTSIDE)
async def test_the_public_internet_is_called(address: str) -> None:
    target = await Guard((), _says(address)).target("https", "Hooks.Example.", 8443)
    assert target.host == "hooks.example"
    assert not target.trusted


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "127.0.0.01",
        "0",
        "1.2.3.4.5",
        "hooks.example.0x1",
        "fe80::1%eth0",
        "[::1%lo]",
        "localhost",
        "a.localhost",
        "LOCALHOST.",
        "printer.local",
        "metadata.google.internal",
        "router.home.arpa",
        "ⓛocalhost",
        "bücher.example",
        "a b.example",
        "",
        "x" * 260 + ".example",
    ],
)
async def test_odd_hosts_are_refused_unasked(host: str) -> None:
    async def never(name: str) -> list[str]:
        raise AssertionError(f"{name} was looked up")

    with pytest.raises(Refused):
        await Guard((), never).target("https", host, 443)


async def test_only_https_on_the_usual_ports() -> None:
    guard = Guard((), _says(PUBLIC))
    with pytest.raises(Refused, match="only https"):
        await guard.target("http", "hooks.example", 80)
    for port in (22, 25, 6379, 8080):
        with pytest.raises(Refused, match=f"port {port}"):
            await guard.target("https", "hooks.example", port)


async def test_a_name_without_address_is_told() -> None:
    async def fails(_: str) -> list[str]:
        raise OSError("no such host")

    for resolve in (_says(), fails):
        with pytest.raises(Refused, match="cannot be found"):
            await Guard((), resolve).target("https", "hooks.example", 443)


@pytest.mark.parametrize("entry", ["10.1.2.3", "10.1.0.0/16", "hooks.corp.test", "*"])
async def test_the_operator_allows_by_address_network_and_name(entry: str) -> None:
    if entry == "*":
        with pytest.raises(ValueError, match="no host"):
            Guard([entry])
        return
    target = await Guard([entry], _says("10.1.2.3")).target("http", "hooks.corp.test", 9000)
    assert target.trusted
    if entry != "10.1.2.3":
        return
    with pytest.raises(Refused):
        await Guard([entry], _says("10.1.2.4")).target("http", "hooks.corp.test", 9000)
    with pytest.raises(Refused):
        await Guard([entry], _says("10.1.2.3", "10.1.2.4")).target("http", "x.test", 9000)


@pytest.mark.parametrize(
    ("http", "allow", "called"),
    [
        ("127.0.0.1:0", None, True),
        ("0.0.0.0:0", None, False),
        ("127.0.0.1:0", "", False),
        ("0.0.0.0:0", "192.0.2.1, 127.0.0.1", True),
    ],
)
async def test_loopback_is_called_only_by_a_server_on_loopback_or_when_allowed(
    endpoint: Endpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    http: str,
    allow: str | None,
    called: bool,
) -> None:
    if allow is not None:
        monkeypatch.setenv("AGENTMAIL_WEBHOOK_ALLOW", allow)
    caller = Caller.of(Settings(http=http, data_dir=tmp_path))
    result = await caller.post(endpoint.url(), {}, b"{}", within=5)
    assert result.ok is called
    assert endpoint.connections == int(called)


def test_a_bad_allow_list_stops_the_start(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, webhook_allow=("10.0.0.0/99",))
    with pytest.raises(ConfigError, match="webhook_allow"):
        Caller.of(settings)
    assert check_allow("[::1]") == "::1/128"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://2130706433:{port}/",
        "http://[::ffff:7f00:1]:{port}/",
        "http://[64:ff9b::7f00:1]:{port}/",
        "http://localhost:{port}/",
        "https://127.0.0.1:{port}/",
        "https://user@127.0.0.1:{port}/",
        "file:///etc/passwd",
        "https://",
        "https://hooks.example:99999/",
    ],
)
async def test_the_canary_is_never_reached(endpoint: Endpoint, url: str) -> None:
    result = await Caller(Guard()).post(url.format(port=endpoint.port), {}, b"{}", within=5)
    assert not result.ok
    assert endpoint.connections == 0


class Network(httpcore.AsyncNetworkBackend):
    """Leads every connection to the canary, and can say that it ended where it was meant to."""

    def __init__(self, port: int, *, honest: bool) -> None:
        self.port = port
        self.honest = honest
        self.asked: list[str] = []

    async def connect_tcp(self, host: str, port: int, *_: Any) -> httpcore.AsyncNetworkStream:
        self.asked.append(host)
        stream = await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self.port)
        return stream if self.honest else Disguised(stream, host)


class Disguised(httpcore.AsyncNetworkStream):
    """A stream that claims another peer."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, peer: str) -> None:
        self._inner = inner
        self._peer = peer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        # The canary speaks no TLS; what matters is who was connected to.
        return self

    def get_extra_info(self, info: str) -> Any:
        return (self._peer, 443) if info == "server_addr" else None


class Rebinding:
    """A DNS that tells the truth once and then leads inside."""

    def __init__(self) -> None:
        self.answers: Iterable[str] = iter([PUBLIC])
        self.asked = 0

    async def __call__(self, _: str) -> list[str]:
        self.asked += 1
        return [next(iter(self.answers), "127.0.0.1")]


async def test_a_rebinding_dns_gains_nothing(endpoint: Endpoint) -> None:
    dns, network = Rebinding(), Network(endpoint.port, honest=False)
    endpoint.plan["/"] = answer(200)
    caller = Caller(Guard((), dns), network=network)
    first = await caller.post("https://hooks.example/", {}, b"{}", within=5)
    # Asked once; connected to what was checked and not to the name.
    assert (dns.asked, network.asked) == (1, [PUBLIC])
    assert first.ok
    second = await caller.post("https://hooks.example/", {}, b"{}", within=5)
    assert second.error.startswith("refused:")
    assert (dns.asked, network.asked) == (2, [PUBLIC])


async def test_a_connection_that_ends_elsewhere_is_dropped_unused(endpoint: Endpoint) -> None:
    network = Network(endpoint.port, honest=True)
    caller = Caller(Guard((), _says(PUBLIC)), network=network)
    result = await caller.post("https://hooks.example/", {}, b"{}", within=5)
    assert result.error == "refused: the connection ended at another address"
    assert endpoint.got == []


async def test_proxies_of_the_environment_are_not_used(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Endpoint()
    server = await proxy.open()
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url(""))
    result = await Caller(Guard(LOOPBACK)).post(endpoint.url(), {}, b"{}", within=5)
    assert result.ok
    assert (proxy.connections, endpoint.connections) == (0, 1)
    server.close()


def _says(*addresses: str) -> Any:
    async def resolve(_: str) -> list[str]:
        return list(addresses)

    return resolve
