"""The outside world of the demo: an SMTP server on loopback that takes, delays or bounces mail.

What it does is written in the address: `bounce…` or a mailbox at `old.example` does not exist,
`slow…` and `full…` are refused for the moment at first.  Everybody else takes the mail, and after a
while writes back, through the real SMTP intake.
"""

from __future__ import annotations

import asyncio
import email
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from email import policy
from email.message import EmailMessage
from email.utils import parseaddr
from itertools import cycle
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

log = logging.getLogger(__name__)

NO_SUCH_USER = "550 5.1.1 No such user here"
TRY_LATER = "451 4.2.2 Mailbox full, try again later"
# A person writes back this often; two automata must not talk for ever.
REPLIES_PER_PERSON = 2
REPLY_SECONDS = 6.0

_REPLIES = (
    "That was quick, thank you. I will let you know how it goes.",
    "Thanks for the answer! One question: will I get a confirmation by mail as well?",
    "Perfect, that settles it for me. Have a good day.",
    "Thank you. I had hoped for tomorrow, but that is fine too.",
)

# Hands a mail of the outside to the intake: sender, recipient, bytes.
Deliver = Callable[[str, str, bytes], Coroutine[Any, Any, None]]


def refusal(address: str, tries: int) -> str | None:
    """Return the SMTP reply that refuses an address on its n-th try (from 1), if any."""
    local, _, domain = address.casefold().partition("@")
    if "bounce" in local or domain == "old.example":
        return NO_SUCH_USER
    slow = any(word in f"{local}@{domain}" for word in ("slow", "full"))
    return TRY_LATER if slow and tries == 1 else None


class World:
    """Accepts the server's outgoing mail; a handler of aiosmtpd."""

    def __init__(self) -> None:
        # People write back only once somebody is there to see it.
        self._deliver: Deliver | None = None
        self._tries: Counter[str] = Counter()
        self._replied: Counter[str] = Counter()
        self._texts = cycle(_REPLIES)
        self._tasks: set[asyncio.Task[None]] = set()

    async def handle_RCPT(  # noqa: N802
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Take or refuse one recipient."""
        self._tries[address] += 1
        refused = refusal(address, self._tries[address])
        if refused is not None:
            return refused
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Take the mail, and perhaps write back later."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        for person in envelope.rcpt_tos:
            if self._deliver is not None and self._replied[person] < REPLIES_PER_PERSON:
                self._replied[person] += 1
                self._start(self._write_back(self._deliver, person, content))
        return "250 2.0.0 Taken"

    def talk_to(self, deliver: Deliver) -> None:
        """Let people write back from here on."""
        self._deliver = deliver

    async def hush(self) -> None:
        """Let nobody write any more, and drop replies that are being written."""
        self._deliver = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write_back(self, deliver: Deliver, person: str, content: bytes) -> None:
        await asyncio.sleep(REPLY_SECONDS)
        sent = email.message_from_bytes(content, policy=policy.default)
        inbox, mail = answer(person, sent, next(self._texts))
        try:
            await deliver(person, inbox, mail)
        except OSError as error:
            log.warning("demo reply was not taken: %s", error)


def answer(person: str, sent: EmailMessage, text: str) -> tuple[str, bytes]:
    """Return to whom and with what a person answers a mail."""
    to = str(sent["Reply-To"] or sent["From"] or "")
    shown = next((n for n, a in _people(sent) if a.casefold() == person.casefold() and n), "")
    reply = EmailMessage(policy=policy.SMTP)
    reply["From"] = f"{shown} <{person}>" if shown else person
    reply["To"] = to
    subject = str(sent["Subject"] or "")
    reply["Subject"] = subject if subject.casefold().startswith("re:") else f"Re: {subject}"
    before = str(sent["Message-ID"] or "")
    reply["In-Reply-To"] = before
    reply["References"] = f"{sent['References'] or ''} {before}".strip()
    name = shown.split()[0] if shown else person.partition("@")[0].split(".")[0].title()
    reply.set_content(f"{text}\n\n{name}\n")
    return parseaddr(to)[1], reply.as_bytes()


def _people(sent: EmailMessage) -> list[tuple[str, str]]:
    fields = (*sent.get_all("To", []), *sent.get_all("Cc", []))
    return [(a.display_name, a.addr_spec) for field in fields for a in field.addresses]


@asynccontextmanager
async def listening(world: World, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Open the world's SMTP port, on loopback, and tell which it is."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(world, hostname="outside.example", ident="outside world", loop=loop), host, 0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
