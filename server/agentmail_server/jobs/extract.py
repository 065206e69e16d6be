"""Reading fields out of mail after it was recorded, for inboxes that have a schema."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from agentmail_server.errors import NotFound
from agentmail_server.ids import to_micros
from agentmail_server.jobs.runner import DONE, FINISHED, Kind, Outcome
from agentmail_server.service.extraction import read_fields, view_of
from agentmail_server.store import extraction

if TYPE_CHECKING:
    from agentmail_server.ids import Clock
    from agentmail_server.service.extraction import Model
    from agentmail_server.store.engine import Store
    from agentmail_server.store.records import JobRow

log = logging.getLogger(__name__)


class ExtractJob:
    """Handles jobs of kind `extract`; the subject is a message."""

    def __init__(self, store: Store, model: Model | None, *, clock: Clock) -> None:
        self._store = store
        self._model = model
        self._clock = clock

    def kind(self) -> Kind:
        """Return how the runner is to run it."""
        return Kind(extraction.KIND, self, limit=4, lease_seconds=120, max_attempts=5)

    async def __call__(self, job: JobRow) -> Outcome:
        """Read the fields and keep them, or the reason why they could not be read."""
        try:
            wanted = await self._store.read(extraction.load, job.subject_id)
        except NotFound:
            # The inbox was deleted in the meantime.
            return DONE
        if wanted.schema is None:
            return DONE
        try:
            found = await read_fields(view_of(wanted.message), wanted.schema, self._model)
        except Exception as error:
            # One mail or schema that breaks a rule must not be tried for ever.
            reason = f"the extractor failed: {type(error).__name__}"
            log.warning("extraction failed", extra={"subject": job.subject_id, "reason": reason})
            found = extraction.Outcome({}, {}, reason)
        now = to_micros(self._clock.now())
        await self._store.write(extraction.keep, now, job, found)
        return FINISHED
