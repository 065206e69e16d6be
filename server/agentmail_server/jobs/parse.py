"""From a raw mail to messages in threads: parse in a worker, then one transaction."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from agentmail_server.errors import NotFound, ServiceError
from agentmail_server.ids import to_micros
from agentmail_server.jobs.runner import DONE, FINISHED, Outcome
from agentmail_server.mail.parse import salvage
from agentmail_server.mail.safety import Thresholds, verdict_of
from agentmail_server.service import reports
from agentmail_server.store import intake, outbox

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from agentmail_server.ids import Clock, Ids
    from agentmail_server.mail.model import Mailbox, ParsedMail
    from agentmail_server.service.tokens import Tokens
    from agentmail_server.store.engine import Store
    from agentmail_server.store.records import JobRow, RawMailRow

log = logging.getLogger(__name__)

# From this attempt on the mail is recorded by its headers alone: shown, flagged, kept raw.
LAST_FULL_ATTEMPT = 3


@dataclass(frozen=True, slots=True)
class Named:
    """What the verified tokens of an envelope name: a thread, a message that came back."""

    thread_id: str | None = None
    returned_to: str | None = None

    @classmethod
    def by(cls, mail: RawMailRow, tokens: Tokens) -> Named:
        """Read the recipients of a mail."""
        addresses = [each.recipient for each in mail.inboxes]
        threads = filter(None, map(tokens.thread_of, addresses))
        return cls(next(threads, None), next(filter(None, map(tokens.message_of, addresses)), None))


NOTHING = Named()
USUAL = Thresholds()


@dataclass(frozen=True, slots=True)
class Read:
    """All that is known of a mail when it is recorded."""

    parsed: ParsedMail
    named: Named = NOTHING
    verdict: Mapping[str, Any] | None = None


class Parser(Protocol):
    """Parses mail somewhere that a hostile mail cannot harm."""

    async def parse(self, raw: bytes) -> ParsedMail:
        """Return the parsed mail; a mail that breaks the parser comes back with `parse_error`."""
        ...


class Senders(Protocol):
    """Finds out whose a mail is."""

    async def check(self, mail: RawMailRow) -> Mapping[str, Any]:
        """Return the results of SPF, DKIM and DMARC, within a few seconds."""
        ...


class ParseJob:
    """Handles jobs of kind `parse`; the subject is a raw id."""

    def __init__(
        self,
        store: Store,
        parser: Parser,
        *,
        clock: Clock,
        ids: Ids,
        tokens: Tokens,
        thresholds: Thresholds = USUAL,
        senders: Senders | None = None,
    ) -> None:
        self._store = store
        self._parser = parser
        self._clock = clock
        self._ids = ids
        self._tokens = tokens
        self._thresholds = thresholds
        self._senders = senders

    async def __call__(self, job: JobRow) -> Outcome:
        """Parse the mail, store what it says and finish the job, all or nothing."""
        try:
            mail = await self._store.read(intake.load_raw, job.subject_id)
        except NotFound:
            # Its inbox was deleted in the meantime.
            return DONE
        parsed, auth = await asyncio.gather(self._parsed(job, mail), self._auth(mail))
        parsed = without_tokens(parsed, self._tokens)
        verdict = verdict_of(parsed.safety, self._thresholds, auth)
        await self._record(job, Read(parsed, Named.by(mail, self._tokens), verdict))
        return FINISHED

    async def _parsed(self, job: JobRow, mail: RawMailRow) -> ParsedMail:
        if job.attempts > LAST_FULL_ATTEMPT:
            reason = job.last_error or "cannot be stored as parsed"
            return await asyncio.to_thread(salvage, mail.content, reason)
        return await self._parser.parse(mail.content)

    async def _auth(self, mail: RawMailRow) -> Mapping[str, Any] | None:
        return None if self._senders is None else await self._senders.check(mail)

    async def _record(self, job: JobRow, read: Read) -> None:
        now = to_micros(self._clock.now())
        try:
            await self._store.write(record_and_finish, self._ids, now, job, read)
        except ServiceError as error:
            if error.temporary:
                raise
            # Permanent for this form of the mail only: the next attempts end in the plain form.
            raise RuntimeError(error.message) from error


def without_tokens(parsed: ParsedMail, tokens: Tokens) -> ParsedMail:
    """Return the mail with our inboxes named as everybody knows them."""

    def plain(boxes: tuple[Mailbox, ...]) -> tuple[Mailbox, ...]:
        return tuple(replace(each, address=tokens.plain(each.address)) for each in boxes)

    return replace(parsed, to=plain(parsed.to), cc=plain(parsed.cc))


def record_and_finish(conn: Connection, ids: Ids, now: int, job: JobRow, read: Read) -> None:
    """Unit: the messages, what they report and the end of the job are one commit."""
    parsed, named = read.parsed, read.named
    found = None
    if parsed.report is not None:
        mail = intake.load_raw(conn, job.subject_id)
        found = reports.match(conn, mail, parsed, named.returned_to)
    # A bounce belongs where the mail is that it tells of.
    thread_id = named.thread_id or (found.message.thread_id if found else None)
    stored = intake.record(conn, ids, now, job.subject_id, parsed, thread_id, read.verdict)
    if found is not None and stored and parsed.report is not None:
        reports.settle(conn, ids, now, found, stored[0], parsed.report.feedback_type)
    outbox.finish(conn, now, job.id, job.lease or "")
