"""Messages and attachments at the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.http.inert import disposition
from agentmail_server.mail.parse import parse
from agentmail_server.service import conversations

if TYPE_CHECKING:
    from tests.server.http.conftest import Api

PARTS = (
    b"From: =?utf-8?q?J=C3=B6?= <jo@customer.example>\r\n"
    b"To: desk@agents.test, Cy <cy@other.example>\r\nCc: di@other.example\r\n"
    b"Reply-To: Jo Elsewhere <jo@elsewhere.example>\r\nSubject: Two files\r\n"
    b"Message-ID: <parts@customer.example>\r\nIn-Reply-To: <first@agents.test>\r\n"
    b"References: <zero@agents.test> <first@agents.test>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSee both.\r\n"
    b"--b\r\nContent-Type: text/html\r\n"
    b'Content-Disposition: attachment; filename="../evil.html"\r\n\r\n<script>1</script>\r\n'
    b"--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
    b'Content-Disposition: attachment; filename="bill.pdf"\r\n\r\nJVBERg==\r\n--b--\r\n'
)


@pytest.fixture
async def message(api: Api) -> Any:
    stored = await api.arrive_raw(await api.inbox(), PARTS)
    return await api.data("GET", f"/v1/messages/{stored.id}")


async def test_a_message_has_everything(api: Api, message: Any) -> None:
    inbox = (await api.data("GET", "/v1/inboxes"))[0]
    assert message["_id"] == message["id"] == message["message_id"]
    assert message["id"].startswith("msg_")
    assert message["channel"] == "email"
    assert message["direction"] == "inbound"
    assert message["inbox_id"] == inbox["id"]
    assert message["participants"] == [
        {"role": "sender", "identity": "jo@customer.example", "name": "Jö"},
        {"role": "to", "identity": "desk@agents.test", "name": ""},
        {"role": "to", "identity": "cy@other.example", "name": "Cy"},
        {"role": "cc", "identity": "di@other.example", "name": ""},
    ]
    assert message["sender"] == {"name": "Jö", "address": "jo@customer.example"}
    assert [each["address"] for each in message["to"]] == ["desk@agents.test", "cy@other.example"]
    assert message["cc"] == [{"name": "", "address": "di@other.example"}]
    assert message["reply_to"] == [{"name": "Jo Elsewhere", "address": "jo@elsewhere.example"}]
    assert message["subject"] == "Two files"
    assert message["content"].strip() == "See both."
    assert message["content_html"] is None
    assert message["parse_error"] is None
    assert message["extracted_data"] is None
    metadata = message["metadata"]
    assert metadata["created_at"] == message["created_at"] == "2026-01-15T09:00:00.000Z"
    assert metadata["message_id"] == "<parts@customer.example>"
    assert metadata["in_reply_to"] == "<first@agents.test>"
    assert metadata["references"] == ["<zero@agents.test>", "<first@agents.test>"]
    assert metadata["inbox_address"] == "desk@agents.test"
    assert metadata["attachment_ids"] == message["attachments"]
    assert metadata["attachment_count"] == 2
    assert metadata["has_attachments"] is True
    assert "delivery_status" not in metadata


async def test_a_message_is_found_by_its_header_too(api: Api, message: Any) -> None:
    for spelt in ("parts@customer.example", "%3Cparts%40customer.example%3E"):
        assert await api.data("GET", f"/v1/messages/{spelt}") == message


async def test_the_raw_bytes_are_exactly_those_that_came(api: Api, message: Any) -> None:
    response = await api.call("GET", f"/v1/messages/{message['id']}/raw")
    assert response.content == PARTS
    assert response.headers["content-type"] == "message/rfc822"
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_attachments_are_told_and_given(api: Api, message: Any) -> None:
    page, bill = message["attachment_details"]
    assert [page["attachment_id"], bill["attachment_id"]] == message["attachments"]
    assert bill["filename"] == "bill.pdf"
    facts = await api.data("GET", f"/v1/attachments/{bill['attachment_id']}")
    assert facts["attachment_id"] == facts["id"] == bill["attachment_id"]
    assert facts["message_id"] == message["id"]
    assert facts["mime_type"] == facts["mimeType"] == "application/pdf"
    assert facts["size"] == 4
    response = await api.call("GET", f"/v1/attachments/{bill['attachment_id']}/content")
    assert response.content == b"%PDF"
    assert response.headers["content-type"] == "application/pdf"
    assert response.headers["content-disposition"].startswith("attachment;")


async def test_no_attachment_is_ever_shown_as_a_page(api: Api, message: Any) -> None:
    page = message["attachment_details"][0]
    response = await api.call("GET", f"/v1/attachments/{page['attachment_id']}/content")
    assert response.content.strip() == b"<script>1</script>"
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"].startswith("attachment;")
    assert "/" not in response.headers["content-disposition"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]


@pytest.mark.parametrize(
    "name", ['a"; filename="b', "a\r\nSet-Cookie: x", "päth/ö.txt", "\u202etxt.exe", "", "x" * 9999]
)
def test_no_file_name_breaks_out_of_its_header(name: str) -> None:
    header = disposition(name)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    assert len(header) < 1200


class TestList:
    async def test_one_filter_is_needed(self, api: Api) -> None:
        await api.refused(400, "GET", "/v1/messages")
        await api.refused(400, "GET", "/v1/messages?before=2026-01-01T00:00:00Z")

    async def test_filters_are_all_applied(self, api: Api) -> None:
        one, two = await api.inbox("one"), await api.inbox("two")
        ids = [
            (await api.arrive(one, sender="Ann <ann@c.example>")).id,
            (await api.arrive(one, sender="bob@c.example")).id,
            (await api.arrive(two, sender="ann@c.example")).id,
        ]
        for query, places in (
            (f"inbox_id={one['id']}", [1, 0]),
            (f"inbox_id={one['id']}&order=asc", [0, 1]),
            ("sender=ann@c.example", [2, 0]),
            ("sender=ANN@C.EXAMPLE", [2, 0]),
            ("sender=Ann%20%3Cann@c.example%3E", [2, 0]),
            (f"inbox_id={one['id']}&sender=ann@c.example", [0]),
            (f"domain_id={api.shared_id}", [2, 1, 0]),
            (f"domain_id={api.shared_id}&after=2026-01-15T09:00:01Z", [2, 1]),
            (f"domain_id={api.shared_id}&before=2026-01-15T09:00:03Z", [1, 0]),
            (f"domain_id={api.shared_id}&before=2026-01-15T10:00:02%2B01:00", [0]),
            (f"domain_id={api.shared_id}&limit=1", [2]),
        ):
            listed = await api.data("GET", f"/v1/messages?{query}")
            assert [each["id"] for each in listed] == [ids[place] for place in places], query

    @pytest.mark.parametrize(
        "moment", ["yesterday", "1768467600", "1768467600.5", "2026-13-01", "-1"]
    )
    async def test_a_moment_that_is_none_is_400(self, api: Api, moment: str) -> None:
        body = await api.refused(400, "GET", f"/v1/messages?sender=a@b.example&before={moment}")
        assert body["details"][0]["path"] == "before"

    @pytest.mark.parametrize(("most", "pages"), [(250, [2, 2, 1]), (10, [1, 1, 1, 1, 1])])
    async def test_a_page_with_much_text_ends_early(
        self, api: Api, monkeypatch: pytest.MonkeyPatch, most: int, pages: list[int]
    ) -> None:
        monkeypatch.setattr(conversations, "MOST_TEXT", most)
        inbox = await api.inbox()
        sent = [(await api.arrive(inbox, text="x" * 100)).id for _ in range(5)]
        path = f"/v1/messages?inbox_id={inbox['id']}&order=asc&limit=1000"
        page: Any = {"next_cursor": ""}
        seen, sizes = [], []
        while page["next_cursor"] is not None:
            page = (await api.call("GET", f"{path}&cursor={page['next_cursor']}")).json()
            assert page["has_more"] is (page["next_cursor"] is not None)
            seen += [row["id"] for row in page["data"]]
            sizes.append(len(page["data"]))
        assert (seen, sizes) == (sent, pages)

    async def test_the_cursor_walks_on(self, api: Api) -> None:
        inbox = await api.inbox()
        ids = [(await api.arrive(inbox)).id for _ in range(5)]
        seen: list[str] = []
        path = f"/v1/messages?inbox_id={inbox['id']}&limit=2"
        page: Any = {"next_cursor": ""}
        for _ in range(3):
            page = (await api.call("GET", f"{path}&cursor={page['next_cursor']}")).json()
            seen += [each["id"] for each in page["data"]]
        assert page["next_cursor"] is None
        assert page["has_more"] is False
        assert seen == ids[::-1]


HOSTILE = [
    "=?utf-8?q?=0d=0aBcc:_x@y.example?=",
    "\x1b]0;owned\x07",
    "[@click=app.quit]x[/]",
    "<script>alert(1)</script>",
    "'; DROP TABLE messages; --",
    "\u202egnp.exe",
    "😀" * 50,
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_comes_back_as_text(api: Api, text: str) -> None:
    inbox = await api.inbox()
    raw = f"From: x@y.example\r\nSubject: {text}\r\nMessage-ID: <h@y.example>\r\n\r\n{text}\r\n"
    stored = await api.arrive_raw(inbox, raw.encode())
    expected = parse(raw.encode())
    (row,) = await api.data("GET", "/v1/threads?all=true")
    assert row["subject"] == expected.subject
    shown = await api.data("GET", f"/v1/messages/{stored.id}")
    assert shown["content"] == expected.text
    assert (await api.call("GET", f"/v1/messages/{stored.id}/raw")).content == raw.encode()
