"""Uploads up to the cap, and links that carry their own proof and an end."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from agentmail_server.http.filebody import MAX_FILE
from agentmail_server.store import messages

if TYPE_CHECKING:
    from tests.server.http.conftest import Api


def body(content: bytes = b"PDF bytes", **more: Any) -> dict[str, Any]:
    encoded = base64.b64encode(content).decode()
    return {
        "content": encoded, "filename": "a.pdf", "mime_type": "application/pdf",
    } | more  # fmt: skip


async def upload(api: Api, content: bytes = b"PDF bytes", **more: Any) -> Any:
    return await api.data("POST", "/v1/attachments/upload", json=body(content, **more))


async def url_of(api: Api, attachment_id: str, query: str = "") -> str:
    return str((await api.data("GET", f"/v1/attachments/{attachment_id}/url{query}"))["url"])


async def fetch(api: Api, url: str, method: str = "GET") -> httpx.Response:
    """Call without any key."""
    return await api.client.request(method, url)


async def test_upload_facts_and_bytes(api: Api) -> None:
    response = await api.call("POST", "/v1/attachments/upload", json=body(b"\x00\xffPDF"))
    assert response.status_code == 201
    row = response.json()["data"]
    assert (row["filename"], row["mime_type"], row["mimeType"], row["size"]) == (
        "a.pdf", "application/pdf", "application/pdf", 5,
    )  # fmt: skip
    assert row["attachment_id"].startswith("att_")
    assert row["message_id"] == ""
    facts = await api.data("GET", f"/v1/attachments/{row['attachment_id']}")
    assert facts == row
    got = await api.call("GET", f"/v1/attachments/{row['attachment_id']}/content")
    assert got.content == b"\x00\xffPDF"
    assert got.headers["x-content-type-options"] == "nosniff"


async def test_camel_case_is_read_too(api: Api) -> None:
    wanted = body()
    wanted["mimeType"] = wanted.pop("mime_type")
    row = await api.data("POST", "/v1/attachments/upload", json=wanted)
    assert row["mime_type"] == "application/pdf"


async def test_an_uploaded_file_goes_out_with_a_mail(api: Api) -> None:
    inbox, row = await api.inbox(), await upload(api, b"the very bytes")
    sent = await api.data(
        "POST", "/v1/messages/send",
        json={"to": "ann@customer.example", "subject": "s", "text": "t", "inbox_id": inbox["id"],
              "attachments": [row["attachment_id"]]},
    )  # fmt: skip
    raw = await api.store.read(messages.raw_of, api.ours.id, sent["message_id"])
    assert base64.b64encode(b"the very bytes") in raw
    assert b'filename="a.pdf"' in raw or b"filename=a.pdf" in raw


@pytest.mark.parametrize(
    "change",
    [{"content": "not base64!"}, {"content": "QUJ"}, {"content": "QUJD\n"}, {"content": "é==="},
     {"content": None}, {"filename": ""}, {"mime_type": "pdf"}, {"mime_type": "a/b\r\nX: y"}],
)  # fmt: skip
async def test_bad_uploads(api: Api, change: dict[str, Any]) -> None:
    await api.refused(400, "POST", "/v1/attachments/upload", json=body() | change)


@pytest.mark.parametrize("name", ["content", "filename", "mime_type"])
async def test_all_three_are_needed(api: Api, name: str) -> None:
    wanted = body()
    del wanted[name]
    refusal = await api.refused(400, "POST", "/v1/attachments/upload", json=wanted)
    assert refusal["details"][0]["path"] == name


async def test_ten_mebibytes_and_not_a_byte_more(api: Api) -> None:
    row = await upload(api, b"x" * MAX_FILE)
    assert row["size"] == MAX_FILE
    for over in (1, 2, 3):
        await api.refused(
            413, "POST", "/v1/attachments/upload", json=body(b"x" * (MAX_FILE + over))
        )


async def test_a_name_with_traps_is_kept_without_them(api: Api) -> None:
    assert (await upload(api, filename="../../etc/passwd\x07"))["filename"] == "passwd_"


async def test_a_link_works_without_a_key(api: Api) -> None:
    row = await upload(api)
    reply = await api.data("GET", f"/v1/attachments/{row['id']}/url")
    assert reply["expires_in"] == reply["expiresIn"] == 3600
    assert reply["mime_type"] == reply["mimeType"] == "application/pdf"
    assert (reply["filename"], reply["size"]) == ("a.pdf", 9)
    response = await fetch(api, reply["url"])
    assert response.status_code == 200
    assert response.content == b"PDF bytes"
    assert response.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in response.headers["content-security-policy"]
    assert response.headers["cache-control"] == "private, no-store"
    assert (await fetch(api, reply["url"], "HEAD")).status_code == 200


@pytest.mark.parametrize(
    ("asked", "given"),
    [("60", 60), ("0", 1), ("-5", 1), ("604800", 604800), ("99999999999", 604800), ("x", 3600)],
)
async def test_the_time_of_a_link_is_clamped(api: Api, asked: str, given: int) -> None:
    row = await upload(api)
    for name in ("expires_in", "expiresIn"):
        reply = await api.data("GET", f"/v1/attachments/{row['id']}/url?{name}={asked}")
        assert reply["expires_in"] == given


async def test_an_old_link_is_gone(api: Api) -> None:
    row = await upload(api)
    url = await url_of(api, row["id"], "?expires_in=60")
    api.clock.advance(timedelta(seconds=59))
    assert (await fetch(api, url)).status_code == 200
    api.clock.advance(timedelta(seconds=1))
    response = await fetch(api, url)
    assert response.status_code == 410
    assert response.json()["code"] == "link_expired"


async def test_no_other_link_follows_from_a_good_one(api: Api) -> None:
    row, other = await upload(api), await upload(api, b"other")
    url = await url_of(api, row["id"])
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    signature, end = asked["sig"], asked["exp"]
    path = f"/v1/attachments/{row['id']}/content"
    forged = [f"{path}?exp={end}&sig={_flipped(signature, at)}" for at in range(len(signature))]
    forged += [
        f"{path}?exp={int(end) + 1}&sig={signature}",
        f"{path}?exp=0{end}&sig={signature}",
        f"{path}?exp={end}&sig=",
        f"{path}?exp={end}&sig=%E2%82%AC",
        f"{path}?exp={end}",
        f"{path}?sig={signature}",
        f"{path}?exp={end}.0&sig={signature}",
        f"{path}?exp={'9' * 400}&sig={signature}",
        f"/v1/attachments/{other['id']}/content?exp={end}&sig={signature}",
        f"/v1/attachments/att_00000000000000000000/content?exp={end}&sig={signature}",
    ]
    answers = [await fetch(api, each) for each in forged]
    assert {each.status_code for each in answers} == {403}
    assert len({each.content for each in answers}) == 1


def _flipped(text: str, at: int) -> str:
    return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]


async def test_a_link_dies_with_its_file(api: Api) -> None:
    inbox = await api.inbox()
    stored = await api.arrive_raw(
        inbox,
        b"From: a@b.example\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: application/pdf\r\n"
        b"Content-Disposition: attachment; filename=a.pdf\r\n\r\nx",
    )
    url = await url_of(api, stored.attachments[0].id)
    assert (await fetch(api, url)).status_code == 200
    await api.data("DELETE", f"/v1/domains/{inbox['domain_id']}/inboxes/{inbox['id']}")
    assert (await fetch(api, url)).status_code == 403


async def test_a_link_leads_nowhere_else(api: Api) -> None:
    row = await upload(api)
    query = urlsplit(await url_of(api, row["id"])).query
    for path in (f"/v1/attachments/{row['id']}", f"/v1/attachments/{row['id']}/url"):
        assert (await fetch(api, f"{path}?{query}")).status_code == 401
