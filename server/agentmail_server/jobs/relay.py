"""Sending a message out: inside to our own inboxes, outside by the relay, each recipient once.

A recipient whose outcome is final is never tried again. The one window in which a recipient may get
a mail twice lies between the next server's 250 and our commit; the Message-ID is then the same.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentmail_server.errors import NotFound
from agentmail_server.ids import to_micros
from agentmail_server.jobs.runner import DONE, FINISHED, Later, Outcome
from agentmail_server.mail.headers import count_received
from agentmail_server.service import relaying
from agentmail_server.service.inbound import fold_key
from agentmail_server.store import outbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from agentmail_server.ids import Clock, Ids
    from agentmail_server.relay.outcome import RecipientResult, Relay
    from agentmail_server.service.tokens import Tokens
    from agentmail_server.store.engine import Store
    from agentmail_server.store.records import JobRow, MessageRow

log = logging.getLogger(__name__)

KIND = "relay"
_SECOND = 1_000_000
_HOUR = 3600
_GIVE_UP = 72 * _HOUR
_FIRST_PAUSES = (5, 30, 120, 600, 1800, _HOUR, 2 * _HOUR)
# Until `unpark` at a start with a relay.
_PARKED = 365 * 100 * 24 * _HOUR * _SECOND
_MAX_HOPS = 50


def schedule() -> tuple[int, ...]:
    """Return the pauses between attempts in seconds: growing, then 4 h, together under 72 h."""
    pauses = list(_FIRST_PAUSES)
    while sum(pauses) + 4 * _HOUR <= _GIVE_UP:
        pauses.append(4 * _HOUR)
    return tuple(pauses)


_PAUSES = schedule()


@dataclass(slots=True)
class RelayState:
    """What the last attempt said of the relay itself; for readiness."""

    last_error: str | None = None


class RelayJob:
    """Handles jobs of kind `relay`; the subject is a message id."""

    def __init__(
        self,
        store: Store,
        relay: Relay | None,
        *,
        hostname: str,
        clock: Clock,
        ids: Ids,
        tokens: Tokens,
    ) -> None:
        self.state = RelayState()
        self._store = store
        self._relay = relay
        self._hostname = hostname
        self._clock = clock
        self._ids = ids
        self._tokens = tokens

    async def __call__(self, job: JobRow) -> Outcome:
        """Serve every recipient that is left, once."""
        try:
            dispatch = await self._store.read(relaying.load, job.subject_id)
        except NotFound:
            return DONE
        if dispatch.inside or dispatch.nowhere:
            try:
                await self._deliver_inside(dispatch)
            except NotFound:
                # An inbox or the message went away just now: look again.
                return Later(self._now() + _SECOND, "an inbox is gone")
        if not dispatch.outside:
            return DONE
        if self._relay is None:
            await self._store.write(relaying.park, self._ids, self._now(), dispatch)
            return Later(self._now() + _PARKED, relaying.NO_RELAY)
        sender = self._return_path(dispatch.message)
        results = await self._relay.send(sender, dispatch.outside, dispatch.raw)
        self._note(results)
        await self._store.write(
            close_attempt, self._ids, self._now(), job, dispatch.message, results
        )
        return FINISHED

    async def _deliver_inside(self, dispatch: relaying.Dispatch) -> None:
        now = self._now()
        copy = relaying.trace(self._hostname, dispatch.message.id, now) + dispatch.raw
        await self._store.write(
            relaying.deliver_inside,
            self._ids,
            now,
            dispatch,
            dedupe_key=await fold_key(self._ids, copy),
            copy=copy,
            looping=count_received(copy) > _MAX_HOPS,
        )

    def _return_path(self, message: MessageRow) -> str:
        return self._tokens.bounce_address(message.id, message.from_address.rpartition("@")[2])

    def _note(self, results: Sequence[RecipientResult]) -> None:
        silent = [each.text for each in results if each.outcome == "temporary" and not each.code]
        self.state.last_error = silent[0] if silent else None
        if silent:
            log.warning("relay cannot be used", extra={"reason": silent[0]})

    def _now(self) -> int:
        return to_micros(self._clock.now())


def close_attempt(
    conn: Connection,
    ids: Ids,
    now: int,
    job: JobRow,
    message: MessageRow,
    results: Sequence[RecipientResult],
) -> None:
    """Unit: the results of an attempt and the job's end or next date, in one commit."""
    last = job.attempts > len(_PAUSES)
    again = relaying.settle(conn, ids, now, message, results, last_attempt=last)
    if again:
        due = now + _PAUSES[job.attempts - 1] * _SECOND
        outbox.retry(conn, job.id, job.lease or "", due, "some recipients are to be tried again")
    else:
        outbox.finish(conn, now, job.id, job.lease or "")
