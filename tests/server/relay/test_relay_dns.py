"""Which DNS server is asked, and that no answer of a stranger's leads inside."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from agentmail_server.cli.doctor import examine
from agentmail_server.config import Settings
from agentmail_server.relay.caller import Caller
from agentmail_server.relay.mx import DnsResolver, MxFailure
from agentmail_server.relay.transport import relay_of
from pydantic import SecretStr

from tests.server.http.dnsserver import Zone, dns_server
from tests.server.relay.test_transport import kept
from tests.server.webhooks.conftest import Endpoint
from tests.server.webhooks.test_webhook_guard import INSIDE, OUTSIDE


@pytest.fixture
async def zone() -> AsyncIterator[Zone]:
    async with dns_server() as zone:
        zone.records["x.test", "MX"] = ["10 mx.x.test."]
        yield zone


@pytest.fixture
def asking(zone: Zone, tmp_path: Path) -> Settings:
    return Settings(
        dns=str(zone.address), relay=SecretStr("mx"), data_dir=tmp_path,
        http="127.0.0.1:0", smtp="127.0.0.1:0", embedder="none",
    )  # fmt: skip


def _point(zone: Zone, name: str, *addresses: str) -> None:
    for each in addresses:
        kind = "AAAA" if ":" in each else "A"
        zone.records.setdefault((name, kind), []).append(each)


@pytest.mark.parametrize("address", INSIDE)
async def test_mail_is_brought_to_no_address_inside(zone: Zone, address: str) -> None:
    _point(zone, "mx.x.test", address)
    with pytest.raises(MxFailure, match="no public mail server"):
        await DnsResolver(zone.address).hosts("x.test")


@pytest.mark.parametrize("address", OUTSIDE)
async def test_mail_is_brought_to_the_public_internet(zone: Zone, address: str) -> None:
    _point(zone, "mx.x.test", address, "127.0.0.1", "::1")
    (found,) = await DnsResolver(zone.address).hosts("x.test")
    assert ipaddress.ip_address(found) == ipaddress.ip_address(address)


async def test_mail_goes_where_the_dns_server_that_is_set_says(
    zone: Zone, asking: Settings
) -> None:
    zone.records["null.test", "MX"] = ["0 ."]
    relay = relay_of(asking)
    assert relay is not None
    (result,) = await relay.send("a@y.test", ["b@null.test"], b"Subject: Hi\r\n\r\n", kept)
    assert (result.code, result.enhanced) == (556, "5.1.10")


async def test_webhooks_go_where_the_dns_server_that_is_set_says(
    zone: Zone, asking: Settings
) -> None:
    _point(zone, "hooks.x.test", "127.0.0.1", "::1")
    endpoint = Endpoint()
    async with await endpoint.open():
        url = endpoint.url(host="hooks.x.test")
        result = await Caller.of(asking).post(url, {}, b"{}", within=5)
    assert result.ok, result.error
    assert endpoint.connections == 1


@pytest.mark.parametrize("broken", [False, True])
async def test_doctor_asks_the_dns_server_that_is_set(
    zone: Zone, asking: Settings, broken: bool
) -> None:
    zone.broken = broken
    (found,) = [each for each in await examine(asking) if each.name == "relay"]
    assert found.ok is not broken, found.text
    assert zone.queries
