"""Sending a message out: inside to our own inboxes, outside by the relay, each recipient once.

A recipient whose outcome is final is never tried again. The one window in which a recipient may get
a mail twice lies between the next server's 250 and our commit; the Message-ID is then the same.
"""

from __future__ import annotations

import asyncio
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
_PAUSE = 60 * _SECOND
_CROWDED = 2 * _SECOND


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
    # While the relay refuses us nothing is tried but one job a minute; microseconds, 0 is no pause.
    paused_until: int = 0
    probing: bool = False


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
            await self._put_off(job, _PARKED, relaying.NO_RELAY)
            return FINISHED
        if self.state.paused_until:
            return await self._probe(self._relay, job, dispatch)
        return await self._outside(self._relay, job, dispatch)

    async def _probe(self, relay: Relay, job: JobRow, dispatch: relaying.Dispatch) -> Outcome:
        """Try one job when the pause is over; when it goes through, the others are due."""
        if self.state.probing or self._now() < self.state.paused_until:
            await self._put_off(job, _PAUSE, relaying.PAUSED)
            return FINISHED
        self.state.probing = True
        try:
            outcome = await self._outside(relay, job, dispatch)
        finally:
            self.state.probing = False
        if not self.state.paused_until:
            await self._store.write(relaying.unpark, self._now(), relaying.PAUSED)
        return outcome

    async def _outside(self, relay: Relay, job: JobRow, dispatch: relaying.Dispatch) -> Outcome:
        lanes = relay.lanes(dispatch.outside)
        free = [lane for lane in lanes if not relay.crowded(lane)]
        if not free:
            await self._put_off(job, _CROWDED, "many are waiting for the same server")
            return FINISHED
        said = await asyncio.gather(*(self._lane(relay, dispatch, lane) for lane in free))
        results = [each for lane in said for each in lane]
        stuck = [each for each in results if each.outcome == "blocked"]
        self._note(results, stuck)
        if stuck:
            await self._put_off(job, _PAUSE, relaying.PAUSED)
            return FINISHED
        if len(lanes) > 1:
            # What was delivered is written down by now, as each lane ended.
            results = [each for each in results if each.outcome != "delivered"]
        await self._store.write(
            close_attempt, self._ids, self._now(), job, dispatch.message, results,
            left_out=len(free) < len(lanes),
        )  # fmt: skip
        return FINISHED

    async def _lane(
        self, relay: Relay, dispatch: relaying.Dispatch, lane: Sequence[str]
    ) -> list[RecipientResult]:
        sender = self._return_path(dispatch.message)
        results = await relay.send(sender, lane, dispatch.raw)
        done = [each for each in results if each.outcome == "delivered"]
        if done and len(lane) < len(dispatch.outside):
            # A slow server elsewhere must not keep back what is known of this one.
            await self._store.write(relaying.settle, self._ids, self._now(), dispatch.message, done)
        return results

    async def _put_off(self, job: JobRow, pause: int, reason: str) -> None:
        due = self._now() + pause
        await self._store.write(outbox.put_off, job.id, job.lease or "", due, reason)

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

    def _note(self, results: Sequence[RecipientResult], stuck: Sequence[RecipientResult]) -> None:
        if stuck:
            self.state.paused_until = self._now() + _PAUSE
            self.state.last_error = f"{relaying.PAUSED}; {stuck[0].text}"
            log.error("sending is paused", extra={"reason": stuck[0].text})
            return
        self.state.paused_until = 0
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
    *,
    left_out: bool = False,
) -> None:
    """Unit: the results of an attempt and the job's end or next date, in one commit.

    `left_out` says that for some recipients nothing was tried.
    """
    last = job.attempts > len(_PAUSES)
    again = relaying.settle(conn, ids, now, message, results, last_attempt=last)
    if left_out and not again:
        reason = "many are waiting for the same server"
        outbox.put_off(conn, job.id, job.lease or "", now + _CROWDED, reason)
    elif again:
        due = now + _PAUSES[job.attempts - 1] * _SECOND
        outbox.retry(conn, job.id, job.lease or "", due, "some recipients are to be tried again")
    else:
        outbox.finish(conn, now, job.id, job.lease or "")
