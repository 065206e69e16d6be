"""Domains: brought, proven by a DNS, given up; each with a key pair of its own."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.http.deps import HttpSettings
from agentmail_server.service.domains import dkim_key
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.server.http.dnsserver import Zone, dns_server

if TYPE_CHECKING:
    from tests.server.http.conftest import Api

HOST = "mx.agents.test"


@pytest.fixture
async def zone() -> AsyncIterator[Zone]:
    async with dns_server() as zone:
        yield zone


@pytest.fixture
def settings(zone: Zone) -> HttpSettings:
    return HttpSettings(hostname=HOST, dns=zone.address)


async def new(api: Api, name: str = "company.example", **body: Any) -> Any:
    return await api.data("POST", "/v1/domains", json={"name": name, **body})


def publish(zone: Zone, records: list[dict[str, Any]]) -> None:
    for each in records:
        if each["type"] == "MX":
            zone.records[each["name"], "MX"] = [f"{each['priority']} {each['value']}."]
        else:
            zone.text(each["name"], each["value"])


async def test_create_gives_the_records_to_make(api: Api) -> None:
    response = await api.call(
        "POST", "/v1/domains", json={"domain": " Company.Example. ", "region": "eu-west-1"}
    )
    assert response.status_code == 201
    row = response.json()["data"]
    assert (row["name"], row["status"], row["region"]) == (
        "company.example", "pending", "eu-west-1",
    )  # fmt: skip
    by_record = {each["record"]: each for each in row["records"]}
    assert by_record["MX"]["value"] == HOST
    assert by_record["MX"]["priority"] == 10
    assert by_record["SPF"]["value"].startswith("v=spf1 ")
    assert by_record["DMARC"]["name"] == "_dmarc.company.example"
    assert {each["status"] for each in row["records"]} == {"pending"}
    assert await api.data("GET", f"/v1/domains/{row['id']}/records") == row["records"]
    assert row["id"] in [each["id"] for each in await api.data("GET", "/v1/domains")]


async def test_the_published_key_verifies_what_the_private_one_signs(api: Api) -> None:
    row = await new(api)
    (record,) = [each for each in row["records"] if each["record"] == "DKIM"]
    assert record["name"] == "agentmail._domainkey.company.example"
    held = await api.store.read(dkim_key, api.deps.vault, row["id"])
    assert held is not None
    private = serialization.load_pem_private_key(held.private_key.encode(), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    assert private.key_size == 2048
    public = serialization.load_der_public_key(base64.b64decode(record["value"].split("p=")[1]))
    assert isinstance(public, rsa.RSAPublicKey)
    signature = private.sign(b"mail", padding.PKCS1v15(), hashes.SHA256())
    public.verify(signature, b"mail", padding.PKCS1v15(), hashes.SHA256())
    other = await new(api, "other.example")
    assert record["value"] not in [each["value"] for each in other["records"]]


async def test_no_reply_holds_a_private_key(api: Api) -> None:
    row = await new(api)
    for path in ("", f"/{row['id']}", f"/{row['id']}/records"):
        assert "PRIVATE" not in (await api.call("GET", f"/v1/domains{path}")).text


@pytest.mark.parametrize(
    "name",
    ["", "nodots", "a b.example", "-x.example", "x..example", "1.2.3.4", "a" * 64 + ".example",
     "x.example/..", "ex\u200dample.test"],
)  # fmt: skip
async def test_bad_names(api: Api, name: str) -> None:
    body = await api.refused(400, "POST", "/v1/domains", json={"name": name})
    assert body["code"] == "validation_error"


async def test_names_are_taken_by_anybody(api: Api) -> None:
    await new(api)
    for name in (
        "company.example",
        "COMPANY.example",
        "theirs.test",
        "agents.test",
        "x.agents.test",
    ):
        for key in (api.ours.key, api.theirs.key):
            body = await api.refused(409, "POST", "/v1/domains", json={"name": name}, key=key)
            assert body["code"] == "domain_exists"


async def test_an_unknown_region_reads_as_the_first(api: Api) -> None:
    assert (await new(api, region="moon-1"))["region"] == "us-east-1"


async def test_verify_with_all_records_in_place(api: Api, zone: Zone) -> None:
    row = await new(api)
    publish(zone, row["records"])
    seen = await api.data("POST", f"/v1/domains/{row['id']}/verify")
    assert seen["status"] == "verified"
    assert {each["status"] for each in seen["records"]} == {"verified"}
    assert seen["checked_at"] == "2026-01-15T09:00:00.000Z"
    assert (await api.data("GET", f"/v1/domains/{row['id']}"))["status"] == "verified"


async def test_verify_says_which_record_is_wrong_or_absent(api: Api, zone: Zone) -> None:
    row = await new(api)
    publish(zone, row["records"])
    zone.text("company.example", "v=spf1 -all", "unrelated")
    del zone.records["_dmarc.company.example", "TXT"]
    seen = await api.data("POST", f"/v1/domains/{row['id']}/verify")
    assert seen["status"] == "failed"
    assert {each["record"]: each["status"] for each in seen["records"]} == {
        "MX": "verified", "SPF": "failed", "DKIM": "verified", "DMARC": "pending",
    }  # fmt: skip


async def test_two_spf_records_are_none(api: Api, zone: Zone) -> None:
    row = await new(api)
    publish(zone, row["records"])
    zone.text("company.example", "v=spf1 mx ~all", "v=spf1 mx -all")
    seen = await api.data("POST", f"/v1/domains/{row['id']}/verify")
    assert [e["status"] for e in seen["records"] if e["record"] == "SPF"] == ["failed"]


async def test_another_key_in_dns_is_no_proof(api: Api, zone: Zone) -> None:
    row, other = await new(api), await new(api, "other.example")
    publish(zone, row["records"])
    theirs = next(each["value"] for each in other["records"] if each["record"] == "DKIM")
    zone.text("agentmail._domainkey.company.example", theirs)
    assert (await api.data("POST", f"/v1/domains/{row['id']}/verify"))["status"] == "failed"


async def test_a_silent_dns_proves_nothing(api: Api, zone: Zone) -> None:
    row = await new(api)
    publish(zone, row["records"])
    zone.broken = True
    seen = await api.data("POST", f"/v1/domains/{row['id']}/verify")
    assert seen["status"] == "pending"


async def test_the_shared_domain_stays_as_the_operator_has_it(api: Api, zone: Zone) -> None:
    seen = await api.data("POST", f"/v1/domains/{api.shared_id}/verify")
    assert seen["status"] == "verified"
    assert {each["status"] for each in seen["records"]} == {"pending"}
    await api.refused(403, "DELETE", f"/v1/domains/{api.shared_id}")


async def test_a_domain_tells_its_inboxes_of_the_caller_s(api: Api) -> None:
    mine = await api.inbox("mine")
    await api.inbox("theirs", org=api.theirs)
    row = await api.data("GET", f"/v1/domains/{mine['domain_id']}")
    assert row["shared"] is True
    (told,) = row["inboxes"]
    assert (told["id"], told["address"]) == (mine["id"], mine["address"])
    listed = await api.data("GET", "/v1/domains")
    assert [len(each["inboxes"]) for each in listed if each["shared"]] == [1]
    narrow = await api.key_with("domains:read")
    assert (await api.data("GET", f"/v1/domains/{row['id']}", key=narrow))["inboxes"] == []


async def test_delete_waits_for_the_inboxes_to_go(api: Api) -> None:
    row = await new(api)
    inbox = await api.inbox("desk", domain_id=row["id"])
    body = await api.refused(409, "DELETE", f"/v1/domains/{row['id']}")
    assert body["code"] == "domain_in_use"
    await api.data("DELETE", f"/v1/domains/{row['id']}/inboxes/{inbox['id']}")
    assert await api.data("DELETE", f"/v1/domains/{row['id']}") == {"ok": True}
    await api.refused(404, "GET", f"/v1/domains/{row['id']}")
    await new(api)
