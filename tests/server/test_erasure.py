"""What was deleted is in no file of the data folder any more, while the server runs and after."""

from __future__ import annotations

import asyncio
import smtplib
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from agentmail_server.config import Settings
from agentmail_server.main import Running, running
from agentmail_server.service.indexing import SearchSettings
from pydantic import SecretStr

KEY = "comm_" + "de" * 32
# Within a word and without its ends, which the text index may store apart.
CANARY = "qjx7canaryvw9k"
NEEDLE = b"7canaryvw9"


def found_in(folder: Path) -> list[str]:
    """Name the files that hold the canary."""
    files = (each for each in sorted(folder.rglob("*")) if each.is_file())
    return [each.name for each in files if NEEDLE in each.read_bytes().lower()]


def mail() -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = f"{CANARY} <{CANARY}@customer.example>"
    mail["To"] = "desk@near.test"
    mail["Subject"] = f"About {CANARY}"
    mail["Message-ID"] = f"<{CANARY}@customer.example>"
    mail.set_content(f"The word is {CANARY}.\n")
    mail.add_alternative(f"<p>The word is <b>{CANARY}</b>.</p>", subtype="html")
    mail.add_attachment(CANARY, filename=f"{CANARY}.txt")
    return mail


def deliver(server: Running, count: int) -> None:
    with smtplib.SMTP("127.0.0.1", server.smtp.port, timeout=10) as smtp:
        for number in range(count):
            letter = mail()
            letter.replace_header("Message-ID", f"<{number}.{CANARY}@customer.example>")
            smtp.send_message(letter, f"{CANARY}@customer.example", ["desk@near.test"])


async def until(client: httpx.AsyncClient, path: str, wanted: Any) -> Any:
    found = None
    try:
        async with asyncio.timeout(60):
            while not wanted(found := (await client.get(path)).json()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"it stays {found}")
    return found


async def test_no_file_holds_what_was_deleted(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path, http="127.0.0.1:0", smtp="127.0.0.1:0", domain="near.test",
        bootstrap_key=SecretStr(KEY), parse_workers=1, embedder="none",
    )  # fmt: skip
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        running(settings) as server,
        httpx.AsyncClient(base_url=server.http_url, headers=headers) as client,
    ):
        inbox = (await client.post("/v1/inboxes", json={"local_part": "desk"})).json()["data"]
        other = (await client.post("/v1/inboxes", json={"local_part": "other"})).json()["data"]
        await asyncio.to_thread(deliver, server, 5)
        path = f"/v1/messages?inbox_id={inbox['id']}"
        await until(client, path, lambda body: len(body["data"]) == 5)
        sent = {"to": f"{CANARY}@customer.example", "subject": CANARY, "text": CANARY}
        key = {"Idempotency-Key": "once"}
        reply = await client.post(
            "/v1/messages/send", json=sent | {"inbox_id": inbox["id"]}, headers=key
        )
        assert reply.status_code == 202
        kept = {"to": "x@y.example", "subject": "keepsake", "text": "keepsake"}
        await client.post("/v1/messages/send", json=kept | {"inbox_id": other["id"]})
        assert found_in(tmp_path), "else nothing is shown by not finding it"
        body = {"scope": "inbox", "inbox_id": inbox["id"]}
        asked = (await client.post("/v1/data/deletion-request", json=body)).json()
        assert asked["preview"]["messages"] == 6
        token = {"confirmation_token": asked["token"]}
        path = f"/v1/data/deletion-request/{asked['id']}"
        assert (await client.post(f"{path}/confirm", json=token)).status_code == 200
        done = await until(client, path, lambda body: body["status"] == "completed")
        assert done["deleted_counts"]["messages"] == 6
        assert found_in(tmp_path) == []
        left = (await client.get("/v1/messages", params={"inbox_id": other["id"]})).json()
        assert [row["metadata"]["subject"] for row in left["data"]] == ["keepsake"]
    assert found_in(tmp_path) == []


async def test_the_index_that_held_vectors_of_it_is_replaced(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path, http="127.0.0.1:0", smtp="127.0.0.1:0", domain="near.test",
        bootstrap_key=SecretStr(KEY), parse_workers=1, embedder="hash",
    )  # fmt: skip
    root = SearchSettings.of(settings).root
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        running(settings) as server,
        httpx.AsyncClient(base_url=server.http_url, headers=headers) as client,
    ):
        inbox = (await client.post("/v1/inboxes", json={"local_part": "desk"})).json()["data"]
        await asyncio.to_thread(deliver, server, 1)
        search = f"/v1/search/threads?q=word&inbox_id={inbox['id']}"
        await until(client, search, lambda body: body["data"] and body["search_type"] == "vector")
        old = {each.name for each in root.glob("index-*")}
        body = {"scope": "inbox", "inbox_id": inbox["id"]}
        asked = (await client.post("/v1/data/deletion-request", json=body)).json()
        path = f"/v1/data/deletion-request/{asked['id']}"
        await client.post(f"{path}/confirm", json={"confirmation_token": asked["token"]})
        await until(
            client,
            path,
            lambda _: (now := {each.name for each in root.glob("index-*")}) and not now & old,
        )
