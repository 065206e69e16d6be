"""The bundled server for the tables of keys: an organisation with the same mail for each row."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
from agentmail_server.config import Settings
from agentmail_server.ids import FrozenClock, to_micros
from agentmail_server.main import Running, running
from agentmail_server.service import keys
from agentmail_server.service.importing import SourceMail, import_mails
from agentmail_server.store import accounts
from agentmail_server.store.inboxes import create_inbox

from agentmail_tui.cli.bundled import Access
from agentmail_tui.cli.connection import open_access
from agentmail_tui.mailbox.mailbox import Mailbox
from tests.server.http.dnsserver import dns_server

NOW = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
DOMAIN = "near.test"
ME = "maya"

LONG = "\n".join(f"Line {number} of a long story about a parcel." for number in range(1, 90))
# (sender, subject, text) of each mail, oldest thread first; the newest thread has three mails.
MAILS = (
    ("Cy Dee <cy@far.example>", "Where is my order", "Nothing has come yet."),
    ("Bob Stone <bob@far.example>", "Invoice 1042", "The VAT number is wrong."),
    ("Ada Byrne <ada@far.example>", "Damaged parcel", "The parcel was wet."),
    ("Ada Byrne <ada@far.example>", "Re: Damaged parcel", f"More of it.\n{LONG}"),
    ("Ada Byrne <ada@far.example>", "Re: Damaged parcel", f"See https://far.example/mug\n{LONG}"),
)
FILE = b"a drawing of a mug"


@dataclass
class Home:
    """An organisation of its own on the server, and the server as its API tells of it."""

    server: Running
    clock: FrozenClock
    key: str
    inbox_id: str
    address: str
    http: httpx.AsyncClient

    async def get(self, path: str, **query: Any) -> Any:
        """Return the data of an answer."""
        answer = await self.http.get(f"/v1{path}", params=query)
        assert answer.is_success, answer.text
        return answer.json()["data"]

    async def post(self, path: str, **body: Any) -> Any:
        """Change something behind the client's back."""
        answer = await self.http.post(f"/v1{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()["data"]

    async def threads(self) -> dict[str, dict[str, Any]]:
        """Return the threads by their subjects."""
        rows = await self.get("/threads", inbox_id=self.inbox_id, limit=50)
        return {row["subject"].removeprefix("Re: "): row for row in rows}

    async def keep_busy(self) -> None:
        """Send a mail that waits and one that comes back here, which calls a webhook in vain."""
        inbox = await self.get(f"/inboxes/{self.inbox_id}")
        path = f"/domains/{inbox['domain_id']}/inboxes/{self.inbox_id}/webhook"
        await self.post(path, endpoint="http://127.0.0.1:9/hook")
        for to in ("eve@far.example", self.address):
            self.clock.advance(timedelta(seconds=1))
            mail = {"to": to, "subject": "To be delivered", "text": "Soon."}
            await self.post("/messages/send", inbox_id=self.inbox_id, **mail)
        await until(lambda: self.get("/webhooks/deliveries"), bool, "no webhook was called")

    def mailbox(self) -> Mailbox:
        """Return a client's mailbox, connected by HTTP to this organisation."""
        numbers = itertools.count(1)
        return Mailbox(
            open_access(Access(self.server.http_url, self.key), "test"),
            clock=lambda: NOW,
            new_id=lambda: f"local-{self.inbox_id}-{next(numbers)}",
            me=ME,
            read_only=False,
        )


@dataclass
class World:
    """One server, which gives out as many organisations as are asked for."""

    server: Running
    clock: FrozenClock
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @asynccontextmanager
    async def home(self, *, busy: bool = False) -> AsyncIterator[Home]:
        """Make an organisation with an inbox and its mail; a busy one has mail on its way out."""
        name = f"desk{next(self.numbers)}"
        server = self.server
        now = to_micros(NOW)
        org = await server.store.write(accounts.create_org, server.ids, now, name, name)
        key = await keys.add_key(
            server.store, server.ids, server.clock, server.pepper, org.id, "test"
        )
        inbox = await server.store.write(_open_inbox, server, org.id, name)
        await import_mails(server.store, server.ids, server.clock, inbox.address, _mails(name))
        async with httpx.AsyncClient(
            base_url=server.http_url,
            headers={"Authorization": f"Bearer {key}"},
            trust_env=False,
            timeout=10,
        ) as http:
            home = Home(server, self.clock, key, inbox.id, inbox.address, http)
            if busy:
                await home.keep_busy()
            yield home


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    """Start the server with a clock that stands still."""
    settings = Settings(
        data_dir=folder,
        http="127.0.0.1:0",
        smtp="127.0.0.1:0",
        domain=DOMAIN,
        parse_workers=1,
    )
    # Its clock is behind the client's: what it writes while it is moved on is in the past.
    clock = FrozenClock(NOW - timedelta(minutes=30))
    async with dns_server() as zone:
        settings = settings.model_copy(update={"dns": str(zone.address)})
        async with running(settings, clock=clock) as server:
            yield World(server, clock)


def _open_inbox(conn: Any, server: Running, org_id: str, name: str) -> Any:
    now = to_micros(NOW)
    return create_inbox(conn, server.ids, now, org_id, local_part=name, display_name="Support")


def _mails(name: str) -> Iterator[SourceMail]:
    """Yield the mail of one inbox, an hour apart, the last an hour ago."""
    before: list[str] = []
    for at, (sender, subject, text) in enumerate(MAILS):
        mail = EmailMessage()
        moment = NOW - timedelta(hours=len(MAILS) - at)
        name_of_mail = f"<{at}.{name}@far.example>"
        mail["From"], mail["To"], mail["Subject"] = sender, f"{name}@{DOMAIN}", subject
        mail["Cc"] = "Dan Eft <dan@far.example>"
        mail["Message-ID"] = name_of_mail
        if subject.startswith("Re: "):
            mail["In-Reply-To"] = before[-1]
        mail.set_content(text)
        if at == len(MAILS) - 1:
            mail.add_attachment(FILE, "image", "png", filename="mug.png")
        before.append(name_of_mail)
        yield SourceMail(mail.as_bytes(), name_of_mail, moment)


async def until(
    look: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool], what: str
) -> None:
    """Ask again and again until the answer is as wanted; fail with what it was instead."""
    found = await look()
    try:
        async with asyncio.timeout(20):
            while not holds(found):
                await asyncio.sleep(0.01)
                found = await look()
    except TimeoutError:
        raise AssertionError(f"{what}; it is {found!r}") from None
