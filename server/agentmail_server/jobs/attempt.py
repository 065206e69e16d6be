"""One attempt at sending a message, each outcome written down as it is known, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentmail_server.ids import to_micros
from agentmail_server.service import relaying
from agentmail_server.store import outbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from agentmail_server.ids import Clock, Ids
    from agentmail_server.relay.outcome import RecipientResult, Relay
    from agentmail_server.service.dispatching import Dispatch
    from agentmail_server.store.engine import Store
    from agentmail_server.store.records import JobRow, MessageRow

_SECOND = 1_000_000
_HOUR = 3600
_GIVE_UP = 72 * _HOUR
_FIRST_PAUSES = (5, 30, 120, 600, 1800, _HOUR, 2 * _HOUR)
CROWDED: Final = 2 * _SECOND
CROWDED_REASON: Final = "many are waiting for the same server"


def schedule() -> tuple[int, ...]:
    """Return the pauses between attempts in seconds: growing, then 4 h, together under 72 h."""
    pauses = list(_FIRST_PAUSES)
    while sum(pauses) + 4 * _HOUR <= _GIVE_UP:
        pauses.append(4 * _HOUR)
    return tuple(pauses)


_PAUSES = schedule()


class Attempt:
    """One attempt at a message: each outcome is written down as it is known."""

    def __init__(
        self, store: Store, ids: Ids, clock: Clock, job: JobRow, dispatch: Dispatch
    ) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._job = job
        self._dispatch = dispatch
        self._kept: set[str] = set()
        self._one_way = False
        self._again = False
        self._closed = False

    async def lane(
        self, relay: Relay, sender: str, recipients: Sequence[str]
    ) -> list[RecipientResult]:
        """Try the recipients of one lane."""
        self._one_way = relay.one_way
        return await relay.send(sender, recipients, self._dispatch.raw, self.keep)

    async def keep(self, results: Sequence[RecipientResult]) -> None:
        """Write down some recipients' results, and the job's end too if these are all."""
        if len(results) == len(self._dispatch.outside):
            await self.close(results)
            return
        last = self._job.attempts > len(_PAUSES)
        again = await self._store.write(
            relaying.settle, self._ids, self._now(), self._dispatch.message, results,
            last_attempt=last,
        )  # fmt: skip
        self._again = again or self._again
        self._kept.update(each.address for each in results)

    async def close(self, results: Sequence[RecipientResult], *, left_out: bool = False) -> None:
        """Write down what is not yet, and the job's end or next date."""
        if self._closed:
            return
        rest = [each for each in results if each.address not in self._kept]
        await self._store.write(
            close_attempt, self._ids, self._now(), self._job, self._dispatch.message, rest,
            again=self._again, left_out=left_out,
            unreached=self._one_way and any(each.unreached for each in rest),
        )  # fmt: skip
        self._closed = True

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
    again: bool = False,
    left_out: bool = False,
    unreached: bool = False,
) -> None:
    """Unit: the results of an attempt and the job's end or next date, in one commit.

    `again` says that some recipient whose result is known is to be tried again, `left_out` that
    for some nothing was tried, `unreached` that the one relay there is does not answer.
    """
    last = job.attempts > len(_PAUSES)
    again = relaying.settle(conn, ids, now, message, results, last_attempt=last) or again
    if left_out and not again:
        outbox.put_off(conn, job.id, job.lease or "", now + CROWDED, CROWDED_REASON)
    elif again:
        due = now + _PAUSES[job.attempts - 1] * _SECOND
        reason = "some recipients are to be tried again"
        if unreached:
            reason = relaying.UNREACHABLE
            relaying.ask_for_probe(conn, now)
        outbox.retry(conn, job.id, job.lease or "", due, reason)
    else:
        outbox.finish(conn, now, job.id, job.lease or "")
