"""Requests to delete data: preview, one token, one at a time, and counts of what went."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.ids import to_micros
from agentmail_server.jobs.erase import EraseJob
from agentmail_server.store import outbox
from agentmail_server.store.engine import Store

if TYPE_CHECKING:
    from tests.server.http.conftest import Api

PATH = "/v1/data/deletion-request"


async def ask(api: Api, **body: Any) -> Any:
    response = await api.call("POST", PATH, json=body)
    assert response.status_code == 201, response.text
    return response.json()


async def confirm(api: Api, asked: Any) -> Any:
    token = {"confirmation_token": asked["confirmation_token"]}
    response = await api.call("POST", f"{PATH}/{asked['id']}/confirm", json=token)
    assert response.status_code == 200, response.text
    return response.json()


async def run_jobs(api: Api) -> None:
    """Do what the runner would."""
    now = to_micros(api.clock.now())
    job = EraseJob(api.store, clock=api.clock)
    for row in await api.store.write(outbox.lease, now, {"erase": 5}, "test", 60_000_000):
        await job(row)
        await api.store.write(outbox.finish, now, row.id, "test")


@pytest.mark.parametrize("before", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_a_moment_that_utc_has_not_is_refused_and_nothing_is_asked_for(
    api: Api, before: str
) -> None:
    inbox = await api.inbox()
    mail = await api.arrive(inbox)
    body = await api.refused(400, "POST", PATH, json={"before": before})
    assert "years 1 to 9999" in body["message"]
    await api.refused(400, "GET", "/v1/messages", params={"before": before})
    snooze = f"/v1/threads/{mail.thread_id}/snooze"
    await api.refused(400, "PUT", snooze, json={"until": before})
    assert (await ask(api, scope="messages"))["status"] == "pending", "none is under way"


async def test_an_inbox_goes_and_the_others_stay(api: Api) -> None:
    gone, kept = await api.inbox("gone"), await api.inbox("kept")
    for inbox in (gone, gone, kept):
        await api.arrive(inbox)
    asked = await ask(api, inboxId=gone["id"])
    assert (asked["scope"], asked["status"]) == ("inbox", "pending")
    assert asked["token"] == asked["confirmation_token"] == asked["data"]["token"]
    assert len(asked["token"]) == 64
    assert (asked["preview"]["messages"], asked["preview"]["inboxes"]) == (2, 1)
    assert len(asked["preview"]) == 17
    assert asked["confirm_by"] == "2026-01-15T10:00:03.000Z"
    assert len(await api.data("GET", "/v1/inboxes")) == 2, "nothing goes before it is confirmed"
    begun = await confirm(api, asked)
    assert begun["status"] == "executing"
    assert begun["confirmed_at"] == "2026-01-15T09:00:03.000Z"
    await run_jobs(api)
    done = (await api.call("GET", f"{PATH}/{asked['id']}")).json()
    assert done["status"] == "completed"
    assert done["completed_at"]
    assert (done["deleted_counts"]["messages"], done["deleted_counts"]["inboxes"]) == (2, 1)
    assert "token" not in done
    assert [row["id"] for row in await api.data("GET", "/v1/inboxes")] == [kept["id"]]
    assert len(await api.data("GET", f"/v1/messages?inbox_id={kept['id']}")) == 1


async def test_messages_before_a_moment(api: Api) -> None:
    inbox = await api.inbox()
    first = await api.arrive(inbox, "Old and new")
    await api.arrive(inbox, "Only old")
    api.clock.advance(timedelta(hours=1))
    late = await api.arrive(inbox, "Re: Old and new", In_Reply_To=f"<{first.rfc_message_id}>")
    assert late.thread_id == first.thread_id
    asked = await ask(api, before="2026-01-15T09:30:00Z")
    assert (asked["scope"], asked["preview"]["messages"]) == ("messages", 2)
    await confirm(api, asked)
    await run_jobs(api)
    (thread,) = await api.data("GET", f"/v1/threads?inbox_id={inbox['id']}")
    assert (thread["thread_id"], thread["message_count"]) == (late.thread_id, 1)
    assert thread["first_message_at"] == thread["last_message_at"]
    (message,) = await api.data("GET", f"/v1/threads/{late.thread_id}/messages")
    assert message["id"] == late.id
    done = (await api.call("GET", f"{PATH}/{asked['id']}")).json()
    assert done["deleted_counts"]["messages"] == 2
    assert await api.data("GET", f"/v1/search/threads?q=only&inbox_id={inbox['id']}") == []


async def test_an_organisation_keeps_the_key_that_asked(api: Api) -> None:
    inbox = await api.inbox("desk", domain_id=api.ours.domain_id)
    await api.arrive(inbox)
    other = await api.key_with("threads:read")
    theirs = await api.inbox("theirs", org=api.theirs)
    upload = {"content": "QUJD", "filename": "a.txt", "mime_type": "text/plain"}
    await api.data("POST", "/v1/attachments/upload", json=upload)
    asked = await ask(api, scope="organization")
    assert (asked["preview"]["domains"], asked["preview"]["api_keys"]) == (1, 2)
    await confirm(api, asked)
    await run_jobs(api)
    done = (await api.call("GET", f"{PATH}/{asked['id']}")).json()
    assert done["status"] == "completed"
    assert done["deleted_counts"]["api_keys"] == 1
    assert await api.data("GET", "/v1/inboxes") == []
    assert [row["shared"] for row in await api.data("GET", "/v1/domains")] == [True]
    assert await api.data("GET", "/v1/inboxes", key=api.theirs.key) == [theirs]
    api.clock.advance(timedelta(seconds=6))
    await api.refused(401, "GET", "/v1/threads?all=true", key=other)


async def test_a_send_that_is_asked_again_after_an_erasure_is_not_made_twice(api: Api) -> None:
    gone, kept = await api.inbox("gone"), await api.inbox("kept")
    bodies = {
        inbox["id"]: {"to": "ann@customer.example", "subject": "s", "text": "t", "from": address}
        for inbox, address in ((gone, gone["address"]), (kept, kept["address"]))
    }

    async def send(inbox: Any) -> Any:
        headers = {"Idempotency-Key": inbox["id"]}
        body = bodies[inbox["id"]]
        return await api.call("POST", "/v1/messages/send", json=body, headers=headers)

    first = {inbox["id"]: await send(inbox) for inbox in (gone, kept)}
    assert {each.status_code for each in first.values()} == {202}
    await confirm(api, await ask(api, inbox_id=gone["id"]))
    await run_jobs(api)
    again = await send(kept)
    assert (again.status_code, again.json()) == (202, first[kept["id"]].json())
    assert again.headers["idempotency-replayed"] == "true"
    refused = await send(gone)
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_key_erased")
    assert "not sent again" in refused.json()["message"]
    backlog = await api.store.read(outbox.backlog)
    assert backlog["relay"] == 1, "nothing was queued a second time"


async def test_from_the_confirmation_on_nobody_else_works_in_an_organisation_that_goes(
    api: Api,
) -> None:
    other = await api.key_with("inboxes:write", "inboxes:read")
    assert await api.data("GET", "/v1/inboxes", key=other) == []
    asked = await ask(api, scope="organization")
    await confirm(api, asked)
    await api.refused(401, "POST", "/v1/inboxes", key=other, json={"local_part": "late"})
    # Who confirmed may, and what they open meanwhile goes too.
    await api.inbox("mine")
    await run_jobs(api)
    assert await api.data("GET", "/v1/inboxes") == []
    done = (await api.call("GET", f"{PATH}/{asked['id']}")).json()
    assert done["status"] == "completed"


async def test_one_at_a_time(api: Api) -> None:
    first = await ask(api, scope="messages")
    body = await api.refused(409, "POST", PATH, json={"scope": "messages"})
    assert body["code"] == "deletion_request_active"
    api.clock.advance(timedelta(hours=1))
    assert (await api.call("GET", f"{PATH}/{first['id']}")).json()["status"] == "expired"
    await ask(api, scope="messages")


async def test_tokens(api: Api) -> None:
    asked = await ask(api, scope="messages")
    path = f"{PATH}/{asked['id']}/confirm"
    await api.refused(400, "POST", path)
    wrong = await api.refused(403, "POST", path, json={"confirmation_token": "0" * 64})
    assert wrong["code"] == "invalid_token"
    token = {"confirmationToken": asked["token"]}
    assert (await api.call("POST", path, json=token)).status_code == 200
    again = await api.refused(400, "POST", path, json=token)
    assert again["code"] == "not_pending"


async def test_a_late_token(api: Api) -> None:
    asked = await ask(api, scope="messages")
    api.clock.advance(timedelta(hours=1))
    path, token = f"{PATH}/{asked['id']}/confirm", {"confirmation_token": asked["token"]}
    assert (await api.refused(410, "POST", path, json=token))["code"] == "confirmation_expired"


async def test_after_a_crash_it_goes_on(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = await api.inbox()
    for _ in range(3):
        await api.arrive(inbox)
    asked = await ask(api, inbox_id=inbox["id"])
    await confirm(api, asked)

    async def crash(self: Store) -> None:
        raise OSError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "scrub", crash)
        with pytest.raises(OSError, match="power cut"):
            await run_jobs(api)
    path = f"{PATH}/{asked['id']}"
    assert (await api.call("GET", path)).json()["status"] == "executing"
    api.clock.advance(timedelta(minutes=5))
    await run_jobs(api)
    done = (await api.call("GET", path)).json()
    assert (done["status"], done["deleted_counts"]["messages"]) == ("completed", 3)


@pytest.mark.parametrize(
    "body",
    [{}, {"scope": "all"}, {"scope": "inbox"}, {"scope": "organization", "before": "2026-01-01"},
     {"scope": "messages", "inbox_id": "i_1"}, {"before": "yesterday"}, {"email": "a@b.example"}],
)  # fmt: skip
async def test_bad_requests(api: Api, body: dict[str, Any]) -> None:
    await api.refused(400, "POST", PATH, json=body)


async def test_scopes(api: Api) -> None:
    for scopes, status in ((("read", "write"), 403), (("admin",), 201), (("data:delete",), 409)):
        key = await api.key_with(*scopes)
        response = await api.call("POST", PATH, key=key, json={"scope": "messages"})
        assert response.status_code == status, scopes
