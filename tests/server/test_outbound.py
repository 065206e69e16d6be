"""The whole server: mail goes out signed, its bounce comes back, a loop is seen, a window holds."""

from __future__ import annotations

import asyncio
import smtplib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import dkim
import httpx
import pytest
from agentmail_server.main import Running, running
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.server.test_main import KEY, open_inbox, settings

LETTER = {"to": "ann@far.test", "subject": "Hello", "text": "Text", "from": "agent@agents.test"}


class Far:
    """The next server: takes everything and remembers envelopes."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        self.mails.append(envelope)
        return "250 2.0.0 taken"


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[tuple[Far, Running, httpx.AsyncClient]]:
    """Run a server with a relay to Far, and a client of its API."""
    far = Far()
    loop = asyncio.get_running_loop()
    relay = await loop.create_server(lambda: SMTP(far, hostname="far.test"), "127.0.0.1", 0)
    url = f"smtp://127.0.0.1:{relay.sockets[0].getsockname()[1]}?starttls=never"
    async with (
        running(settings(folder, relay=url)) as server,
        httpx.AsyncClient(
            base_url=server.http_url, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False
        ) as client,
    ):
        await open_inbox(server)
        yield far, server, client
    relay.close()


async def post(client: httpx.AsyncClient, path: str, **body: Any) -> Any:
    reply = await client.post(path, json=body)
    assert reply.is_success, reply.text
    return reply.json()["data"]


async def events(client: httpx.AsyncClient, wanted: str) -> list[dict[str, Any]]:
    """Wait, within ten seconds, for an event of this type; return all, newest first."""
    async with asyncio.timeout(10):
        while True:
            reply = await client.get("/v1/delivery/events", params={"all": "true"})
            rows: list[dict[str, Any]] = reply.json()["data"]
            if any(row["event_type"] == wanted for row in rows):
                return rows
            await asyncio.sleep(0.02)


def come_back(port: int, to: str, raw: str) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.sendmail("", [to], raw.replace("\n", "\r\n").encode())


BOUNCE = (
    "From: MAILER-DAEMON@far.test\nSubject: Returned mail\nMIME-Version: 1.0\n"
    "Message-ID: <b1@far.test>\n"
    "Content-Type: multipart/report; report-type=delivery-status; boundary=B\n\n"
    "--B\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; far.test\n\n"
    "Final-Recipient: rfc822; ann@far.test\nAction: failed\nStatus: 5.1.1\n"
    "Diagnostic-Code: smtp; 550 5.1.1 nobody of that name\n\n--B--\n"
)


async def test_a_mail_goes_out_signed_and_its_bounce_comes_back(tmp_path: Path) -> None:
    async with world(tmp_path) as (far, server, client):
        sent = await post(client, "/v1/messages/send", **LETTER)
        await events(client, "delivered")
        (mail,) = far.mails
        assert isinstance(mail.content, bytes)
        domains = (await client.get("/v1/domains")).json()["data"]
        records = (await client.get(f"/v1/domains/{domains[0]['id']}/records")).json()["data"]
        record = next(each for each in records if each["record"] == "DKIM")
        assert dkim.verify(mail.content, dnsfunc=lambda *_, **__: record["value"].encode())

        assert str(mail.mail_from).startswith("bounce+")
        await asyncio.to_thread(come_back, server.smtp.port, str(mail.mail_from), BOUNCE)
        bounced = (await events(client, "bounced"))[0]
        assert bounced["message_id"] == sent["id"]
        assert bounced["recipient"] == "ann@far.test"
        assert bounced["event_data"]["enhanced_code"] == "5.1.1"
        again = await client.post("/v1/messages/send", json=LETTER)
        assert again.json()["data"]["status"] == "suppressed"
        thread = await client.get(f"/v1/threads/{sent['thread_id']}/messages")
        assert [each["direction"] for each in thread.json()["data"]] == ["outbound", "inbound"]


async def test_a_held_mail_leaves_when_it_is_let_go_and_a_cancelled_one_never(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as (far, _, client):
        gone = await post(client, "/v1/messages/send", **LETTER, undo_seconds=120)
        kept = await post(
            client, "/v1/messages/send", **LETTER | {"subject": "Kept"}, undo_seconds=120
        )
        await post(client, f"/v1/messages/{kept['id']}/cancel")
        assert far.mails == []
        await post(client, f"/v1/messages/{gone['id']}/send-now")
        await events(client, "delivered")
        assert len(far.mails) == 1
        assert b"Subject: Hello" in (far.mails[0].content or b"")


async def test_a_relay_that_is_this_server_is_told_and_bounces_nobody(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    wanted = settings(
        tmp_path, smtp=f"127.0.0.1:{port}", relay=f"smtp://127.0.0.1:{port}?starttls=never"
    )
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        running(wanted) as server,
        httpx.AsyncClient(base_url=server.http_url, headers=headers, trust_env=False) as client,
    ):
        await open_inbox(server)
        await post(client, "/v1/messages/send", **LETTER)
        async with asyncio.timeout(10):
            while not (told := (await client.get("/readyz")).json()["relay_error"]):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert "this server itself" in told
        assert [row["event_type"] for row in await events(client, "queued")] == ["queued"]


@pytest.mark.slow
async def test_what_waits_leaves_soon_after_the_relay_is_back(tmp_path: Path) -> None:
    """R20, with the first pause of five seconds."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    far, loop = Far(), asyncio.get_running_loop()
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        running(settings(tmp_path, relay=f"smtp://127.0.0.1:{port}?starttls=never")) as server,
        httpx.AsyncClient(base_url=server.http_url, headers=headers, trust_env=False) as client,
    ):
        await open_inbox(server)
        reply = await client.post("/v1/messages/send", json=LETTER)
        assert (reply.status_code, reply.json()["data"]["status"]) == (202, "queued")
        await events(client, "delivery_delayed")
        relay = await loop.create_server(lambda: SMTP(far, hostname="far.test"), "127.0.0.1", port)
        await events(client, "delivered")
        assert len(far.mails) == 1
        relay.close()
