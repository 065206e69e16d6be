"""Signatures: the official verifiers of both families take every call and refuse a changed byte."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest
from agentmail_server.service import signing
from agentmail_server.service.inboxes import InboxPath, rotate_secret
from agentmail_server.store import inboxes, webhooks
from commune.webhooks import WebhookVerificationError, verify_signature
from standardwebhooks.webhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError as StandardError

from tests.server.webhooks.conftest import SECRET, VAULT, Endpoint, Got, Shop, answer

Until = Callable[[Callable[[], bool]], Awaitable[None]]
DAY = 86_400


def commune_takes(got: Got, secret: str = SECRET, body: bytes | None = None) -> bool:
    try:
        return verify_signature(
            got.body if body is None else body,
            got.headers["x-commune-signature"],
            secret,
            timestamp=got.headers["x-commune-timestamp"],
        )
    except WebhookVerificationError:
        return False


def standard_takes(got: Got, secret: str = SECRET, body: bytes | None = None) -> bool:
    try:
        Webhook(secret).verify(got.body if body is None else body, got.headers)
    except StandardError:
        return False
    return True


async def test_both_verifiers_take_it_and_refuse_any_changed_byte(
    shop: Shop, endpoint: Endpoint
) -> None:
    message = await shop.arrive(await shop.inbox(endpoint.url()))
    await shop.run()
    await shop.tried(1)
    (got,) = endpoint.got
    assert commune_takes(got)
    assert standard_takes(got)
    for at in range(len(got.body)):
        changed = bytearray(got.body)
        changed[at] = ord("x") if changed[at] != ord("x") else ord("y")
        assert not commune_takes(got, body=bytes(changed)), at
        assert not standard_takes(got, body=bytes(changed)), at
    assert got.headers["x-commune-delivery-id"] == got.headers["webhook-id"]
    assert got.headers["x-commune-attempt"] == "1"
    assert got.headers["content-type"] == "application/json"
    assert "x-commune-test" not in got.headers
    assert json.loads(got.body)["message_id"] == message.id


@pytest.mark.parametrize("secret", [SECRET, "my own secret", "abcdefgh", "whsec_MfKQ9r8GKYqrTwjU"])
def test_every_secret_that_can_be_set_signs_for_both(secret: str, shop: Shop) -> None:
    headers = signing.headers("wdel_1", 1, b'{"a":1}', [secret], shop.now)
    got = Got("/", headers, b'{"a":1}')
    assert commune_takes(got, secret)
    assert standard_takes(got, secret)
    assert not commune_takes(got, secret + "x")


async def test_each_attempt_sends_the_same_bytes_under_the_same_id_signed_afresh(
    shop: Shop, endpoint: Endpoint
) -> None:
    endpoint.plan["/"] = answer(500)
    inbox = await shop.inbox(endpoint.url())
    message = await shop.arrive(inbox)
    await shop.run()
    await shop.tried(1)
    await shop.arrive(inbox, source="import")
    shop.advance(7)
    await shop.tried(2)
    first, second = endpoint.got
    assert first.body == second.body
    assert json.loads(first.body)["message"]["id"] == message.id
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    for name in ("x-commune-timestamp", "x-commune-signature", "webhook-signature"):
        assert first.headers[name] != second.headers[name], name
    stamps = [int(each.headers["x-commune-timestamp"]) for each in (first, second)]
    assert stamps[1] - stamps[0] == 7000
    assert [each.headers["x-commune-attempt"] for each in (first, second)] == ["1", "2"]
    assert commune_takes(second)
    assert standard_takes(second)


async def test_a_changed_secret_leaves_the_old_one_valid_for_a_day(
    shop: Shop, endpoint: Endpoint
) -> None:
    inbox = await shop.inbox(endpoint.url())
    row = await shop.store.write(rotate_secret, VAULT, shop.now, shop.org_id, InboxPath(inbox.id))
    box = VAULT.webhooks(shop.org_id)
    fresh = box.open((row.webhook or {})["secret"])
    assert fresh != SECRET
    await shop.arrive(inbox)
    await shop.run()
    await shop.tried(1)
    (got,) = endpoint.got
    assert standard_takes(got, SECRET)
    assert standard_takes(got, fresh)
    assert commune_takes(got, fresh)
    assert not commune_takes(got, SECRET)
    held = (await shop.store.read(inboxes.get_inbox, shop.org_id, inbox.id)).webhook or {}
    assert signing.valid_secrets(box, held, shop.now) == [fresh, SECRET]
    assert signing.valid_secrets(box, held, shop.now + DAY * 1_000_000) == [fresh]


async def test_the_bytes_of_the_first_maker_are_kept(shop: Shop) -> None:
    await shop.arrive(await shop.inbox("https://hooks.example/"))
    (hook,) = await shop.hooks()
    assert await shop.store.write(webhooks.keep_payload, hook.id, b"first") == b"first"
    assert await shop.store.write(webhooks.keep_payload, hook.id, b"second") == b"first"


def test_a_minted_secret_is_new_each_time() -> None:
    assert len({signing.mint_secret() for _ in range(100)}) == 100
