"""Sending at the wire: what is stored, what goes out, what comes back."""

from __future__ import annotations

import asyncio
import email
import threading
from email import policy
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, cast

import pytest
from agentmail_server.ids import to_micros
from agentmail_server.service import letter
from agentmail_server.store import attachments, delivery, messages
from agentmail_server.store.records import MessageRow
from agentmail_server.store.tables import messages as message_table
from agentmail_server.store.tables import outbox
from sqlalchemy import Connection, func, select

if TYPE_CHECKING:
    from tests.server.http.conftest import Api

MAIL = {"to": "ann@customer.example", "subject": "Hello", "text": "A plain body.\n"}


async def _sent(api: Api, **body: Any) -> Any:
    response = await api.call("POST", "/v1/messages/send", json={**MAIL, **body})
    assert response.status_code == 202, response.text
    return response.json()


async def _raw(api: Api, message_id: str) -> bytes:
    return (await api.call("GET", f"/v1/messages/{message_id}/raw")).content


async def _read(api: Api, message_id: str) -> EmailMessage:
    raw = await _raw(api, message_id)
    return email.message_from_bytes(raw, policy=policy.default)


async def test_others_are_answered_while_a_text_is_made_of_html(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.inbox("desk")
    begun, answered = threading.Event(), threading.Event()

    def slow(_html: str) -> str:
        begun.set()
        return "in time" if answered.wait(5) else "too late"

    monkeypatch.setattr(letter, "html_to_text", slow)
    sending = asyncio.create_task(_sent(api, text=None, html="<b>Hi</b>"))
    await asyncio.to_thread(begun.wait, 5)
    assert (await api.call("GET", "/healthz")).status_code == 200
    answered.set()
    made = await _read(api, (await sending)["data"]["id"])
    assert cast("EmailMessage", made.get_body(("plain",))).get_content().strip() == "in time"


async def _count(api: Api) -> int:
    def counted(conn: Connection) -> int:
        return conn.execute(select(func.count()).select_from(message_table)).scalar_one()

    return await api.store.read(counted)


async def test_a_send_is_stored_queued_and_told(api: Api) -> None:
    inbox = await api.inbox("desk", name="The Desk")
    reply = await _sent(api, inbox_id=inbox["id"])
    data = reply["data"]
    assert data["id"] == data["message_id"]
    assert data["id"].startswith("msg_")
    assert data["thread_id"].startswith("conv_")
    assert data["status"] == "queued"
    assert data["from"] == "desk@agents.test"
    assert data["to"] == ["ann@customer.example"]
    assert reply["validation"]["valid"] is True
    assert reply["validation"]["suppressed"] == []
    assert isinstance(reply["validation"]["duration_ms"], int)

    shown = await api.data("GET", f"/v1/messages/{data['id']}")
    assert shown["direction"] == "outbound"
    assert shown["thread_id"] == data["thread_id"]
    assert shown["delivery_status"] == shown["metadata"]["delivery_status"] == "queued"
    assert shown["metadata"]["message_id"] == data["smtp_message_id"]
    row = await api.data("GET", f"/v1/threads/{data['thread_id']}")
    assert row["last_direction"] == "outbound"
    assert row["party"]["address"] == "ann@customer.example"
    assert row["unread"] is False

    def jobs(conn: Connection) -> list[tuple[str, str]]:
        query = select(outbox.c.kind, outbox.c.subject_id)
        return [(kind, subject) for kind, subject in conn.execute(query)]

    assert await api.store.read(jobs) == [("relay", data["id"])]
    (event,) = await api.data("GET", f"/v1/delivery/events?message_id={data['id']}")
    assert event["event_type"] == "queued"
    assert event["recipient"] == "ann@customer.example"


async def test_the_bytes_that_go_out_say_what_was_asked(api: Api) -> None:
    await api.inbox("desk", name="Dësk, Front")
    reply = await _sent(
        api,
        to=["ann@customer.example", "Bob Ö <bob@customer.example>"],
        cc="cy@other.example",
        bcc=["audit@other.example"],
        reply_to="The Team <team@agents.test>",
        subject="Grüße ☎",
        text="Plain ü\n.\nFrom here",
        html="<p>Rich ü</p>",
        headers={"X-Campaign": "spring", "Bcc": "evil@x.example", "From": "evil@x.example"},
    )
    raw = await _raw(api, reply["data"]["id"])
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"audit@other.example" not in raw
    assert b"evil" not in raw
    mail = await _read(api, reply["data"]["id"])
    assert str(mail["From"]) == '"Dësk, Front" <desk@agents.test>'
    assert [each.addr_spec for each in mail["To"].addresses] == MAIL_TO
    assert mail["To"].addresses[1].display_name == "Bob Ö"
    assert str(mail["Cc"]) == "cy@other.example"
    assert str(mail["Reply-To"]) == "The Team <team@agents.test>"
    assert mail["Subject"] == "Grüße ☎"
    assert mail["X-Campaign"] == "spring"
    assert mail["Message-ID"] == reply["data"]["smtp_message_id"]
    assert mail["Message-ID"] == f"<{reply['data']['id']}@agents.test>"
    assert len(mail["Message-ID"]) <= 62
    assert mail["Date"].datetime == api.clock.now()
    assert mail["In-Reply-To"] is None
    plain, rich = list(mail.iter_parts())
    assert plain.get_content_type() == "text/plain"
    assert cast("EmailMessage", plain).get_content().replace("\r\n", "\n").rstrip("\n") == (
        "Plain ü\n.\nFrom here"
    )
    assert cast("EmailMessage", rich).get_content().strip() == "<p>Rich ü</p>"
    shown = await api.data("GET", f"/v1/messages/{reply['data']['id']}")
    assert shown["bcc"] == [{"name": "", "address": "audit@other.example"}]
    assert shown["reply_to"] == [{"name": "The Team", "address": "team@agents.test"}]
    assert shown["content_html"] == "<p>Rich ü</p>"


MAIL_TO = ["ann@customer.example", "bob@customer.example"]


async def test_html_alone_gets_a_text_beside_it(api: Api) -> None:
    await api.inbox()
    reply = await _sent(api, text=None, html="<h1>Title</h1><p>Body &amp; soul</p>")
    mail = await _read(api, reply["data"]["id"])
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    shown = await api.data("GET", f"/v1/messages/{reply['data']['id']}")
    assert "Body & soul" in shown["content"]
    assert "<" not in shown["content"]


class TestReply:
    async def test_it_joins_the_thread_on_both_sides(self, api: Api) -> None:
        inbox = await api.inbox()
        first = await api.arrive(inbox, subject="Where?", References="<old@customer.example>")
        reply = await _sent(api, thread_id=first.thread_id, subject="Where?")
        assert reply["data"]["thread_id"] == first.thread_id
        mail = await _read(api, reply["data"]["id"])
        assert mail["Subject"] == "Re: Where?"
        assert mail["In-Reply-To"] == "<mail-1@customer.example>"
        assert mail["References"].split() == ["<old@customer.example>", "<mail-1@customer.example>"]
        assert str(mail["From"]) == "desk@agents.test"
        conversation = await api.data("GET", f"/v1/threads/{first.thread_id}/messages")
        assert [each["direction"] for each in conversation] == ["inbound", "outbound"]

    async def test_a_second_reply_hangs_on_the_first(self, api: Api) -> None:
        inbox = await api.inbox()
        first = await api.arrive(inbox)
        replies = []
        for text in ("One", "Two"):
            from datetime import timedelta

            api.clock.advance(timedelta(seconds=1))
            replies.append(await _sent(api, thread_id=first.thread_id, text=text))
        mail = await _read(api, replies[1]["data"]["id"])
        assert mail["In-Reply-To"] == replies[0]["data"]["smtp_message_id"]
        assert mail["References"].split()[-1] == replies[0]["data"]["smtp_message_id"]
        assert len(mail["References"].split()) == 2

    async def test_the_answer_to_our_reply_comes_back_to_the_thread(self, api: Api) -> None:
        inbox = await api.inbox()
        first = await api.arrive(inbox)
        reply = await _sent(api, thread_id=first.thread_id)
        back = await api.arrive(inbox, In_Reply_To=reply["data"]["smtp_message_id"])
        assert back.thread_id == first.thread_id

    @pytest.mark.parametrize(
        ("given", "sent"),
        [
            ("Re: Where?", "Re: Where?"),
            ("RE: Where?", "RE: Where?"),
            ("re:Where?", "re:Where?"),
            ("Other matter", "Re: Other matter"),
            ("", "Re: A question"),
            (None, "Re: A question"),
            ("Rebate", "Re: Rebate"),
        ],
    )
    async def test_re_is_put_once(self, api: Api, given: str | None, sent: str) -> None:
        first = await api.arrive(await api.inbox())
        body = {"to": "a@b.example", "text": "x", "thread_id": first.thread_id}
        if given is not None:
            body["subject"] = given
        response = await api.call("POST", "/v1/messages/send", json=body)
        mail = await _read(api, response.json()["data"]["id"])
        assert mail["Subject"] == sent

    async def test_no_re_without_a_thread(self, api: Api) -> None:
        await api.inbox()
        reply = await _sent(api, subject="Where?")
        assert (await _read(api, reply["data"]["id"]))["Subject"] == "Where?"

    async def test_a_thread_of_another_inbox_is_400(self, api: Api) -> None:
        first = await api.arrive(await api.inbox("one"))
        other = await api.inbox("two")
        body = {**MAIL, "thread_id": first.thread_id, "inbox_id": other["id"]}
        await api.refused(400, "POST", "/v1/messages/send", json=body)


class TestFrom:
    async def test_the_only_inbox_is_the_default(self, api: Api) -> None:
        await api.inbox("solo")
        assert (await _sent(api))["data"]["from"] == "solo@agents.test"

    async def test_without_any_or_with_two_it_must_be_said(self, api: Api) -> None:
        await api.refused(400, "POST", "/v1/messages/send", json=MAIL)
        await api.inbox("one")
        await api.inbox("two")
        body = await api.refused(400, "POST", "/v1/messages/send", json=MAIL)
        assert "inbox_id or from is required" in body["error"]

    @pytest.mark.parametrize("name", ["inbox_id", "inboxId"])
    async def test_by_inbox(self, api: Api, name: str) -> None:
        await api.inbox("one")
        two = await api.inbox("two")
        assert (await _sent(api, **{name: two["id"]}))["data"]["from"] == "two@agents.test"

    @pytest.mark.parametrize("name", ["domain_id", "domainId"])
    async def test_by_domain(self, api: Api, name: str) -> None:
        await api.inbox("one")
        await api.inbox("two", domain_id=api.ours.domain_id)
        reply = await _sent(api, **{name: api.ours.domain_id})
        assert reply["data"]["from"] == "two@ours.test"

    async def test_by_address_with_a_name(self, api: Api) -> None:
        await api.inbox("one", name="Not this")
        await api.inbox("two")
        reply = await _sent(api, **{"from": "Chosen Name <one@agents.test>"})
        mail = await _read(api, reply["data"]["id"])
        assert str(mail["From"]) == "Chosen Name <one@agents.test>"

    async def test_an_address_that_is_not_ours_is_403_whosever_it_is(self, api: Api) -> None:
        await api.inbox("one")
        await api.inbox("theirs", org=api.theirs)
        texts = set()
        for address in ("theirs@agents.test", "nobody@agents.test", "ceo@bank.example"):
            body = await api.refused(
                403, "POST", "/v1/messages/send", json={**MAIL, "from": address}
            )
            texts.add(body["error"].replace(address, "X"))
        assert len(texts) == 1
        assert await _count(api) == 0

    async def test_an_address_of_another_inbox_than_named_is_403(self, api: Api) -> None:
        one = await api.inbox("one")
        await api.inbox("two")
        body = {**MAIL, "from": "two@agents.test", "inbox_id": one["id"]}
        await api.refused(403, "POST", "/v1/messages/send", json=body)

    async def test_an_inactive_inbox_sends_nothing(self, api: Api) -> None:
        await api.inbox("one", status="inactive")
        body = await api.refused(403, "POST", "/v1/messages/send", json=MAIL)
        assert body["code"] == "inbox_inactive"


class TestRefusals:
    @pytest.mark.parametrize(
        "change",
        [
            {"to": None}, {"to": []}, {"to": ""}, {"to": 7}, {"to": [None]}, {"to": [""]},
            {"text": None}, {"text": ""}, {"text": 7}, {"subject": None}, {"subject": ""},
            {"subject": "\r\n"}, {"subject": "x" * 501}, {"cc": 7}, {"attachments": "att_1"},
            {"headers": {"X": 7}}, {"headers": {"Bad Name": "x"}}, {"headers": {"X:Y": "x"}},
            {"headers": []}, {"to": ["x@y.example"] * 1001}, {"subject": "a\x1bb"},
            {"reply_to": "nonsense"}, {"from": "nonsense"},
        ],
    )  # fmt: skip
    async def test_what_breaks_a_rule_is_400_and_stores_nothing(
        self, api: Api, change: dict[str, Any]
    ) -> None:
        await api.inbox()
        await api.refused(400, "POST", "/v1/messages/send", json={**MAIL, **change})
        assert await _count(api) == 0

    @pytest.mark.parametrize(
        "address",
        ["plain", "@host.example", "a@", "a b@c.example", "a@b@c.example",
         "a@b.example\r\nBcc: x@y",
         "a@b.example,c@d.example", "<a@b.example", "a@b..example", "a@-b.example",
         "a\u202e@b.example",
         '"a b"@c.example', "a%b@c.example", "x" * 65 + "@b.example", "a@[127.0.0.1]",
         "ß@b.example", "a@faß.example", "=?utf-8?q?a=0ab?=@c.example"],
    )  # fmt: skip
    @pytest.mark.parametrize("field", ["to", "cc", "bcc"])
    async def test_a_bad_address_is_400_and_named(self, api: Api, field: str, address: str) -> None:
        await api.inbox()
        body = {**MAIL, field: ["good@customer.example", address]}
        refused = await api.refused(400, "POST", "/v1/messages/send", json=body)
        assert refused["error"].startswith(f"{field}: ")
        assert await _count(api) == 0

    async def test_fifty_recipients_are_the_most(self, api: Api) -> None:
        await api.inbox()
        many = [f"p{number}@customer.example" for number in range(50)]
        await _sent(api, to=many[:20], cc=many[20:40], bcc=many[40:])
        body = {**MAIL, "to": many, "cc": "one@more.example"}
        refused = await api.refused(400, "POST", "/v1/messages/send", json=body)
        assert "50" in refused["error"]

    async def test_the_same_address_twice_is_one_recipient(self, api: Api) -> None:
        await api.inbox()
        reply = await _sent(api, to=["Ann@customer.example", "ann@CUSTOMER.example"],
                            cc="ANN@customer.example")  # fmt: skip
        events = await api.data("GET", f"/v1/delivery/events?message_id={reply['data']['id']}")
        assert [each["recipient"] for each in events] == ["Ann@customer.example"]

    @pytest.mark.parametrize("breaks", ["\r\n", "\n", "\r", "\r\n\r\n"])
    async def test_line_breaks_in_the_subject_become_spaces(self, api: Api, breaks: str) -> None:
        await api.inbox()
        reply = await _sent(api, subject=f"Hello{breaks}Bcc: evil@x.example")
        mail = await _read(api, reply["data"]["id"])
        assert mail["Subject"] == "Hello Bcc: evil@x.example"
        assert mail["Bcc"] is None

    @pytest.mark.parametrize("header", ["=?utf-8?q?=0d=0aBcc:_evil@x.example?=", "a =?x?q?y?= b"])
    async def test_what_looks_like_an_encoded_word_stays_text(self, api: Api, header: str) -> None:
        await api.inbox()
        reply = await _sent(api, subject=header, headers={"X-Note": header})
        mail = await _read(api, reply["data"]["id"])
        assert mail["Subject"] == header
        assert mail["X-Note"] == header
        assert mail["Bcc"] is None


async def test_uploaded_files_go_along(api: Api) -> None:
    await api.inbox()
    row = await api.store.write(
        attachments.upload_attachment,
        api.deps.ids,
        to_micros(api.clock.now()),
        api.ours.id,
        filename="bill ü.pdf",
        mime_type="application/pdf",
        content=b"%PDF" + bytes(range(256)),
    )
    reply = await _sent(api, attachments=[row.id])
    mail = await _read(api, reply["data"]["id"])
    (part,) = list(mail.iter_attachments())
    assert part.get_filename() == "bill ü.pdf"
    assert part.get_content_type() == "application/pdf"
    assert part.get_content() == b"%PDF" + bytes(range(256))
    shown = await api.data("GET", f"/v1/messages/{reply['data']['id']}")
    assert [each["filename"] for each in shown["attachment_details"]] == ["bill ü.pdf"]
    row_shown = await api.data("GET", f"/v1/threads/{reply['data']['thread_id']}")
    assert row_shown["has_attachments"] is True


class TestSuppressed:
    @pytest.fixture
    async def inbox(self, api: Api) -> Any:
        inbox = await api.inbox()
        await api.store.write(
            delivery.add_suppression,
            api.deps.ids,
            to_micros(api.clock.now()),
            inbox["id"],
            "gone@customer.example",
            "hard_bounce",
        )
        return inbox

    async def test_it_is_told_and_marked_and_the_others_go_out(self, api: Api, inbox: Any) -> None:
        reply = await _sent(api, to=["Gone@Customer.example", "ann@customer.example"])
        assert reply["data"]["status"] == "queued"
        assert reply["validation"]["valid"] is False
        assert [each.lower() for each in reply["validation"]["suppressed"]] == [
            "gone@customer.example"
        ]
        events = await api.data("GET", f"/v1/delivery/events?message_id={reply['data']['id']}")
        assert {each["recipient"].lower(): each["event_type"] for each in events} == {
            "gone@customer.example": "suppressed",
            "ann@customer.example": "queued",
        }

    async def test_with_nobody_left_the_status_says_so(self, api: Api, inbox: Any) -> None:
        reply = await _sent(api, to="gone@customer.example")
        assert reply["data"]["status"] == "suppressed"
        shown = await api.data("GET", f"/v1/messages/{reply['data']['id']}")
        assert shown["delivery_status"] == "suppressed"

    async def test_the_list_tells_why(self, api: Api, inbox: Any) -> None:
        (row,) = await api.data("GET", f"/v1/delivery/suppressions?inbox_id={inbox['id']}")
        assert row["email"] == "gone@customer.example"
        assert row["reason"] == "hard_bounce"
        assert row["raw_reason"] == "bounce"
        assert row["type"] == "hard"
        assert row["created_at"] == row["suppressed_at"] == row["suppressedAt"]
        path = "/v1/delivery/suppressions?all=true&email="
        assert len(await api.data("GET", f"{path}GONE@customer.example")) == 1
        assert await api.data("GET", f"{path}other@customer.example") == []


class TestIdempotency:
    async def test_the_same_key_gets_the_same_reply_and_sends_once(self, api: Api) -> None:
        await api.inbox()
        headers = {"Idempotency-Key": "k-1"}
        first = await api.call("POST", "/v1/messages/send", json=MAIL, headers=headers)
        again = await api.call("POST", "/v1/messages/send", json=MAIL, headers=headers)
        assert first.status_code == again.status_code == 202
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"
        assert again.json() == first.json()
        assert await _count(api) == 1

    async def test_another_body_is_409(self, api: Api) -> None:
        await api.inbox()
        headers = {"Idempotency-Key": "k-1"}
        await api.call("POST", "/v1/messages/send", json=MAIL, headers=headers)
        body = await api.refused(
            409, "POST", "/v1/messages/send", json={**MAIL, "text": "other"}, headers=headers
        )
        assert body["code"] == "idempotency_key_reused"
        assert await _count(api) == 1

    async def test_another_org_has_its_own_keys(self, api: Api) -> None:
        await api.inbox("ours")
        await api.inbox("theirs", org=api.theirs)
        headers = {"Idempotency-Key": "k-1"}
        for org in (api.ours, api.theirs):
            response = await api.call(
                "POST", "/v1/messages/send", key=org.key, json=MAIL, headers=headers
            )
            assert "idempotency-replayed" not in response.headers
        assert await _count(api) == 2

    async def test_a_refused_send_keeps_no_key(self, api: Api) -> None:
        headers = {"Idempotency-Key": "k-1"}
        await api.refused(400, "POST", "/v1/messages/send", json=MAIL, headers=headers)
        await api.inbox()
        response = await api.call("POST", "/v1/messages/send", json=MAIL, headers=headers)
        assert response.status_code == 202

    @pytest.mark.parametrize("key", ["", "x" * 257, "a\tb"])
    async def test_a_bad_key_is_400(self, api: Api, key: str) -> None:
        await api.inbox()
        await api.refused(
            400, "POST", "/v1/messages/send", json=MAIL, headers={"Idempotency-Key": key}
        )
        assert await _count(api) == 0

    async def test_many_at_once_send_one_for_each_key(self, api: Api) -> None:
        """R27."""
        await api.inbox()
        keys = [f"{number}".rjust(256, "k") for number in range(10)]
        replies = await asyncio.gather(
            *(
                api.call("POST", "/v1/messages/send", json=MAIL, headers={"Idempotency-Key": key})
                for _ in range(20)
                for key in keys
            )
        )
        assert {reply.status_code for reply in replies} == {202}
        assert len({reply.text for reply in replies}) == 10
        assert sum("idempotency-replayed" not in reply.headers for reply in replies) == 10
        assert await _count(api) == 10
        events = await api.data("GET", "/v1/delivery/events?all=true")
        assert len(events) == 10


async def test_the_store_holds_what_the_reply_promises(api: Api) -> None:
    inbox = await api.inbox()
    reply = await _sent(api, cc="cy@other.example")
    row: MessageRow = await api.store.read(messages.get_message, api.ours.id, reply["data"]["id"])
    assert row.inbox_id == inbox["id"]
    assert row.from_address == "desk@agents.test"
    assert row.text == MAIL["text"]
    kinds = {
        each.address: (each.kind, each.status)
        for each in await api.store.read(delivery.recipients_of, row.id)
    }
    assert kinds == {
        "ann@customer.example": ("to", "queued"),
        "cy@other.example": ("cc", "queued"),
    }


class TestImport:
    RAW = (
        b"From: ann@customer.example\r\nTo: desk@agents.test\r\nSubject: Old news\r\n"
        b"Date: Mon, 05 Jan 2015 10:00:00 +0100\r\n"
        b"Message-ID: <old@customer.example>\r\n\r\nOld.\r\n"
    )

    async def _bring(self, api: Api, raw: bytes, **params: str) -> Any:
        headers = {"Content-Type": "message/rfc822"}
        return await api.data("POST", "/v1/import", content=raw, headers=headers, params=params)

    async def test_it_comes_once_and_keeps_its_date(self, api: Api) -> None:
        inbox = await api.inbox()
        assert await self._bring(api, self.RAW, inbox_id=inbox["id"]) == {"imported": True}
        assert await self._bring(api, self.RAW, inbox_id=inbox["id"]) == {"imported": False}

        def kept(conn: Connection) -> list[Any]:
            from agentmail_server.store.tables import raw_mails

            return list(conn.execute(select(raw_mails.c.content, raw_mails.c.received_at)))

        ((content, received_at),) = await api.store.read(kept)
        assert content == self.RAW
        from datetime import UTC, datetime

        assert received_at == to_micros(datetime(2015, 1, 5, 9, tzinfo=UTC))

    async def test_a_name_of_its_own_makes_a_repeat_harmless(self, api: Api) -> None:
        inbox = await api.inbox()
        assert (await self._bring(api, self.RAW, inbox_id=inbox["id"], dedupe="1"))["imported"]
        other = self.RAW.replace(b"Old.", b"New.")
        got = await self._bring(api, other, inbox_id=inbox["id"], dedupe="1")
        assert got == {"imported": False}

    async def test_nothing_is_400(self, api: Api) -> None:
        inbox = await api.inbox()
        await api.refused(400, "POST", "/v1/import", content=self.RAW)
        await api.refused(400, "POST", f"/v1/import?inbox_id={inbox['id']}", content=b" \r\n")
