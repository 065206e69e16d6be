"""Wakes snoozed threads when their time has come."""

from __future__ import annotations

from agentmail_server.ids import Clock, to_micros
from agentmail_server.jobs.runner import DONE, Kind, Outcome
from agentmail_server.store import snooze
from agentmail_server.store.engine import Store
from agentmail_server.store.records import JobRow


class WakeJob:
    """Handles jobs of kind `wake`; the subject is a thread.

    Nobody takes such a job back: one whose thread was woken, or sleeps longer by now, does nothing.
    """

    def __init__(self, store: Store, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def kind(self) -> Kind:
        """Return how the runner is to run it."""
        return Kind(snooze.KIND, self, limit=8, lease_seconds=60)

    async def __call__(self, job: JobRow) -> Outcome:
        """Wake the thread, if it is time."""
        await self._store.write(snooze.wake, to_micros(self._clock.now()), job.subject_id)
        return DONE
