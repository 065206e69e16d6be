"""The main job, end to end: mail in by SMTP, on screen, answered by keyboard, delivered."""

import asyncio
import email
import smtplib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from agentmail_server.config import Settings
from agentmail_server.main import Running, running
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr
from textual.app import App
from textual.pilot import Pilot

from agentmail_tui.cli.bundled import Access
from agentmail_tui.cli.connection import Connection, open_access
from agentmail_tui.cli.screen import at_rest, screen_text
from agentmail_tui.mailbox.mailbox import Mailbox

KEY = "comm_" + "5a" * 32
BOUND = 15.0
SUBJECT = "Kettle lid is dented"
REPLY = ["Hello Ada,", "", "a new lid is on its way.", ".", "Support"]


@dataclass
class Sink:
    """A listening SMTP server that keeps what it is given."""

    got: list[tuple[list[str], EmailMessage]] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        mail = email.message_from_bytes(raw, policy=policy.default)
        self.got.append((list(envelope.rcpt_tos), mail))
        return "250 2.0.0 OK"


@asynccontextmanager
async def listening(sink: Sink) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(sink, hostname="sink.test", loop=loop), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@dataclass
class Desk:
    """A server, a TUI on it, and the outside."""

    server: Running
    address: str
    sink: Sink
    app: App[None]
    pilot: Pilot[None]
    mailbox: Mailbox

    async def until(self, holds: Callable[[], bool], what: str) -> float:
        """Wait for a condition; return the seconds it took."""
        start = time.perf_counter()
        while not holds():
            spent = time.perf_counter() - start
            assert spent < BOUND, f"{what} never came; on screen:\n{screen_text(self.app)}"
            await self.pilot.pause(0.01)
        return time.perf_counter() - start

    async def shows(self, text: str) -> float:
        return await self.until(lambda: text in screen_text(self.app), repr(text))

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    sink = Sink()
    async with listening(sink) as port:
        settings = Settings(
            data_dir=tmp_path / "data",
            http="127.0.0.1:0",
            smtp="127.0.0.1:0",
            bootstrap_key=SecretStr(KEY),
            relay=SecretStr(f"smtp://127.0.0.1:{port}?starttls=never"),
        )
        async with running(settings) as server:
            address = await _open_inbox(server)
            link = Connection(open_access(Access(server.http_url, KEY)))
            mailbox = link.mailbox()
            app = link.app(mailbox, state_dir=tmp_path / "state")
            async with app.run_test(size=(120, 36)) as pilot:
                desk = Desk(server, address, sink, app, pilot, mailbox)
                await desk.until(lambda: at_rest(mailbox.state), "the first list")
                yield desk
            await mailbox.aclose()


async def _open_inbox(server: Running) -> str:
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False) as http:
        made = await http.post(f"{server.http_url}/v1/inboxes", json={"local_part": "support"})
    assert made.status_code == 201, made.text
    inbox: dict[str, Any] = made.json()["data"]
    return str(inbox["address"])


def _mail(to: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Ada Byrne <ada@harbour.test>"
    mail["To"] = to
    mail["Subject"] = SUBJECT
    mail["Message-ID"] = "<first@harbour.test>"
    mail["In-Reply-To"] = "<earlier@harbour.test>"
    mail["References"] = "<oldest@harbour.test> <earlier@harbour.test>"
    mail.set_content("The parcel was wet and the lid has a dent.\n")
    return mail


def _send(server: Running, mail: EmailMessage) -> None:
    with smtplib.SMTP(server.smtp.host, server.smtp.port, timeout=BOUND) as client:
        client.send_message(mail)


async def _type(desk: Desk, lines: list[str]) -> None:
    for number, line in enumerate(lines):
        if number:
            await desk.press("enter")
        await desk.press(*("space" if sign == " " else sign for sign in line))


async def test_mail_is_shown_answered_and_delivered(
    desk: Desk, record_property: Callable[[str, object], None]
) -> None:
    await asyncio.to_thread(_send, desk.server, _mail(desk.address))
    took = await desk.shows(SUBJECT)
    record_property("seconds_from_250_to_screen", round(took, 3))
    print(f"on screen {took * 1000:.0f} ms after the 250")

    await desk.press("enter")
    await desk.shows("the lid has a dent")
    await desk.press("r")
    await desk.shows("ada@harbour.test")
    await _type(desk, REPLY)
    await desk.press("ctrl+j")
    await desk.shows("a new lid is on its way.")
    await desk.press("enter")

    await desk.until(lambda: bool(desk.sink.got), "the reply at the sink")
    recipients, reply = desk.sink.got[0]
    assert recipients == ["ada@harbour.test"]
    assert reply["Subject"] == f"Re: {SUBJECT}"
    assert reply["In-Reply-To"] == "<first@harbour.test>"
    assert reply["References"].split() == [
        "<oldest@harbour.test>",
        "<earlier@harbour.test>",
        "<first@harbour.test>",
    ]
    assert _text(reply)[: len(REPLY)] == REPLY
    assert len(desk.sink.got) == 1

    await desk.press("escape", "D")
    await desk.shows("delivered")
    await desk.shows("ada@harbour.test")


def _text(mail: EmailMessage) -> list[str]:
    body = mail.get_body(("plain",))
    assert isinstance(body, EmailMessage)
    return str(body.get_content()).splitlines()
