"""From a raw mail to messages in threads: parse in a worker, then one transaction."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from agentmail_server.errors import NotFound, ServiceError
from agentmail_server.ids import to_micros
from agentmail_server.jobs.runner import DONE, FINISHED, Outcome
from agentmail_server.mail.parse import salvage
from agentmail_server.store import intake, outbox

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from agentmail_server.ids import Clock, Ids
    from agentmail_server.mail.model import ParsedMail
    from agentmail_server.store.engine import Store
    from agentmail_server.store.records import JobRow

log = logging.getLogger(__name__)

# From this attempt on the mail is recorded by its headers alone: shown, flagged, kept raw.
LAST_FULL_ATTEMPT = 3


class Parser(Protocol):
    """Parses mail somewhere that a hostile mail cannot harm."""

    async def parse(self, raw: bytes) -> ParsedMail:
        """Return the parsed mail; a mail that breaks the parser comes back with `parse_error`."""
        ...


class ParseJob:
    """Handles jobs of kind `parse`; the subject is a raw id."""

    def __init__(self, store: Store, parser: Parser, *, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._parser = parser
        self._clock = clock
        self._ids = ids

    async def __call__(self, job: JobRow) -> Outcome:
        """Parse the mail, store what it says and finish the job, all or nothing."""
        try:
            mail = await self._store.read(intake.load_raw, job.subject_id)
        except NotFound:
            # Its inbox was deleted in the meantime.
            return DONE
        if job.attempts > LAST_FULL_ATTEMPT:
            parsed = salvage(mail.content, job.last_error or "cannot be stored as parsed")
        else:
            parsed = await self._parser.parse(mail.content)
        await self._record(job, parsed)
        return FINISHED

    async def _record(self, job: JobRow, parsed: ParsedMail) -> None:
        try:
            await self._store.write(
                record_and_finish, self._ids, to_micros(self._clock.now()), job, parsed
            )
        except ServiceError as error:
            if error.temporary:
                raise
            # Permanent for this form of the mail only: the next attempts end in the plain form.
            raise RuntimeError(error.message) from error


def record_and_finish(
    conn: Connection, ids: Ids, now: int, job: JobRow, parsed: ParsedMail
) -> None:
    """Unit: the messages and the end of the job are one commit."""
    intake.record(conn, ids, now, job.subject_id, parsed)
    outbox.finish(conn, now, job.id, job.lease or "")
