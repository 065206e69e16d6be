"""What a Commune server tells of domains, keys and schemas, read and asked for."""

import json
from typing import Any

import pytest

from agentmail_tui.backends.commune import wire_admin
from agentmail_tui.backends.commune.client import CommuneBackend
from agentmail_tui.clean import Safe
from agentmail_tui.domain import Inbox
from agentmail_tui.domain_admin import Extraction, NewKey
from agentmail_tui.errors import BadReply, Conflict
from tests.agentmail_tui.backends.conftest import Canned

SECRET = "comm_" + "ab" * 32
KEY = {
    "id": "key_1",
    "name": "sup\x1bport",
    "keyPrefix": "comm_abababa",
    "permissions": ["threads:read", 7, "messages:write"],
    "status": "active",
    "createdAt": "2026-01-15T09:00:00Z",
    "lastUsedAt": None,
}
INBOX = Inbox("i_1", Safe("a@near.test"), Safe(), "d_1", Safe("active"))


def test_keys_stand_under_either_name() -> None:
    (one,) = wire_admin.keys({"apiKeys": [KEY, {"name": "no id"}]})
    (other,) = wire_admin.keys({"data": [KEY]})
    assert one == other
    assert (one.name, one.scopes, one.active) == (
        "sup␛port",
        ("threads:read", "messages:write"),
        True,
    )


def test_secret_is_in_no_text_of_a_fresh_key() -> None:
    fresh = wire_admin.fresh_key({"data": {**KEY, "apiKey": SECRET}})
    assert fresh.secret == SECRET
    assert SECRET not in repr(fresh)


@pytest.mark.parametrize("secret", [None, "", "two\nlines", "caf\u202e", 7])
def test_key_that_cannot_be_shown_is_refused(secret: Any) -> None:
    with pytest.raises(BadReply):
        wire_admin.fresh_key({"data": {**KEY, "apiKey": secret}})


def test_schema_comes_as_ascii_alone() -> None:
    schema = {"type": "object", "properties": {"a\u202eb": {"type": "string"}}}
    found = wire_admin.extraction({"data": {"extractionSchema": {"name": "x", "schema": schema}}})
    assert found is not None
    assert found.schema.isascii()
    assert json.loads(found.schema) == schema
    assert wire_admin.extraction({"data": {"extractionSchema": None}}) is None
    assert wire_admin.extraction({"data": {"extractionSchema": {"schema": "x"}}}) is None


def test_abilities_are_those_of_the_scopes() -> None:
    able = wire_admin.abilities({"scopes": ["domains:read", "messages:write"]})
    assert able == {
        "domains": True,
        "manage_domains": False,
        "manage_keys": False,
        "suppress": True,
    }
    assert wire_admin.abilities({"manage_keys": True})["manage_keys"]
    assert not any(wire_admin.abilities({"scopes": "admin"}).values())


async def test_domain_is_read_after_the_look_up(canned: Canned) -> None:
    canned.say("/v1/domains/d_1/verify", {"data": {"id": "d_1"}})
    record = {"record": "MX", "type": "MX", "name": "a.test", "value": "mx.test", "priority": 10}
    domain = {"id": "d_1", "name": "a.test", "status": "failed", "records": [record, "odd"]}
    canned.say("/v1/domains/d_1", {"data": domain})
    found = await CommuneBackend(canned.http()).administration.verify_domain("d_1")
    assert [(each.kind, each.priority, each.state) for each in found.records] == [("MX", 10, "")]
    assert [request.method for request in canned.requests] == ["POST", "GET"]


async def test_domain_in_use_stays(canned: Canned) -> None:
    told = {"error": "the domain a.test has 2 inboxes", "code": "domain_in_use"}
    canned.say("/v1/domains/d_1", told, 409)
    with pytest.raises(Conflict, match="2 inboxes"):
        await CommuneBackend(canned.http()).administration.delete_domain("d_1")


async def test_key_is_asked_for_with_its_scopes_and_its_end(canned: Canned) -> None:
    canned.say("/v1/agent/api-keys", {"data": {**KEY, "key": SECRET}}, 201)
    wanted = NewKey("bot", ("threads:read",), 3600)
    await CommuneBackend(canned.http()).administration.create_key(wanted)
    assert json.loads(canned.requests[0].content) == {
        "name": "bot",
        "permissions": ["threads:read"],
        "expires_in": 3600,
    }


async def test_schema_is_put_under_its_inbox(canned: Canned) -> None:
    canned.say("/v1/domains/d_1/inboxes/i_1/extraction-schema", {"data": {}})
    administration = CommuneBackend(canned.http()).administration
    await administration.set_extraction(INBOX, Extraction("order", '{"type": "object"}', "why"))
    assert json.loads(canned.requests[0].content) == {
        "name": "order",
        "schema": {"type": "object"},
        "description": "why",
        "enabled": True,
    }
