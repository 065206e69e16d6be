"""Sending a message out: inside to our own inboxes, outside by the relay, each recipient once.

A recipient whose outcome is final is never tried again. The one window in which a recipient may get
a mail twice lies between the final dot and our commit of what the next server said to it; the
Message-ID is then the same. The relay lets one mail at a time into that window (`relay.places`).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentmail_server.errors import NotFound
from agentmail_server.ids import to_micros
from agentmail_server.jobs.attempt import CROWDED, CROWDED_REASON, Attempt
from agentmail_server.jobs.runner import DONE, FINISHED, Kind, Later, Outcome
from agentmail_server.mail.headers import count_received
from agentmail_server.service import dispatching, relaying
from agentmail_server.service.inbound import identify
from agentmail_server.store import outbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentmail_server.ids import Clock, Ids
    from agentmail_server.relay.outcome import RecipientResult, Relay
    from agentmail_server.service.dispatching import Dispatch
    from agentmail_server.service.tokens import Tokens
    from agentmail_server.store.engine import Store
    from agentmail_server.store.records import JobRow, MessageRow

log = logging.getLogger(__name__)

KIND = "relay"
_SECOND = 1_000_000
# Until `unpark` at a start with a relay.
_PARKED = 365 * 100 * 24 * 3600 * _SECOND
_MAX_HOPS = 50
_PAUSE = 60 * _SECOND


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

    def kinds(self) -> list[Kind]:
        """Return how the runner is to run it, and the look at a relay that does not answer."""
        # Attempts are counted here: waiting for a relay is none.
        return [
            Kind(KIND, self, limit=200, lease_seconds=1800, max_attempts=1000, counts_outages=True),
            Kind(relaying.PROBE, self.look, limit=1, lease_seconds=300, max_attempts=10**9),
        ]

    async def look(self, job: JobRow) -> Outcome:
        """Let go what waits for the relay, once it answers."""
        if self._relay is not None and not await self._relay.reachable():
            return Later(self._now() + relaying.PROBE_PAUSE, relaying.UNREACHABLE)
        await self._store.write(relaying.go_on, self._now())
        return DONE

    async def __call__(self, job: JobRow) -> Outcome:
        """Serve every recipient that is left, once."""
        try:
            dispatch = await self._store.read(dispatching.load, job.subject_id, self._now())
        except NotFound:
            return DONE
        if dispatch.settles_here:
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

    async def _probe(self, relay: Relay, job: JobRow, dispatch: Dispatch) -> Outcome:
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

    async def _outside(self, relay: Relay, job: JobRow, dispatch: Dispatch) -> Outcome:
        lanes = relay.lanes(dispatch.outside)
        free = [lane for lane in lanes if not relay.crowded(lane)]
        if not free:
            await self._put_off(job, CROWDED, CROWDED_REASON)
            return FINISHED
        attempt = Attempt(self._store, self._ids, self._clock, job, dispatch)
        sender = self._return_path(dispatch.message)
        said = await asyncio.gather(
            *(attempt.lane(relay, sender, lane) for lane in free), return_exceptions=True
        )
        # Looked at when all have ended: a lane that still talks must not be begun again.
        results = [each for lane in said for each in _unless_raised(lane)]
        stuck = [each for each in results if each.outcome == "blocked"]
        self._note(results, stuck)
        if stuck:
            await self._put_off(job, _PAUSE, relaying.PAUSED)
        else:
            await attempt.close(results, left_out=len(free) < len(lanes))
        return FINISHED

    async def _put_off(self, job: JobRow, pause: int, reason: str) -> None:
        due = self._now() + pause
        await self._store.write(outbox.put_off, job.id, job.lease or "", due, reason)

    async def _deliver_inside(self, dispatch: Dispatch) -> None:
        now = self._now()
        copy = relaying.trace(self._hostname, dispatch.message.id, now) + dispatch.raw
        await self._store.write(
            relaying.deliver_inside,
            self._ids,
            now,
            dispatch,
            identity=await identify(copy),
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


def _unless_raised(said: list[RecipientResult] | BaseException) -> list[RecipientResult]:
    if isinstance(said, BaseException):
        raise said
    return said
