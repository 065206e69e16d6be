"""Which rows are on screen, and their triage state where the list does not carry it."""

from __future__ import annotations

from collections.abc import Sequence

from agentmail_tui.backends.protocol import Backend
from agentmail_tui.domain import Thread, Triage
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox.desk import Means
from agentmail_tui.mailbox.select import searching, visible_row
from agentmail_tui.mailbox.triage_fetch import TriageFetch
from agentmail_tui.mailbox.triaging import Triaging


class OnScreen(Triaging):
    """What is looked at."""

    def __init__(self, backend: Backend, means: Means) -> None:
        super().__init__(backend, means)
        self._connected = False
        self._shown = (0, 0)
        self._hits_shown = (0, 0)
        self._triages = TriageFetch(self._read_triage, self._triage_found, self._spawn, means.sleep)

    def _want_triage(self) -> None:
        if self._triage_apart:
            self._triages.want([row.id for row in self._near_rows() if row.triage is None])

    def _triage_again(self, thread_ids: Sequence[str] | None = None) -> None:
        """Read triage state that may have changed: of some threads, or of all on screen."""
        if self._triage_apart:
            self._triages.again(thread_ids or [row.id for row in self._near_rows()])

    @property
    def _triage_apart(self) -> bool:
        able = self._state.capabilities
        return self._connected and able.triage and not able.triage_in_list

    def _near_rows(self) -> list[Thread]:
        """Return the rows on screen and those of the next page."""
        first, last = self._hits_shown if searching(self._state) else self._shown
        found = (visible_row(self._state, row) for row in range(first, 2 * last - first + 2))
        return [row for row in found if row is not None]

    async def _read_triage(self, thread_id: str) -> Triage:
        return await self._backend.triage(thread_id)

    def _triage_found(self, thread_id: str, triage: Triage) -> None:
        self._post(ev.TriageLoaded(thread_id, triage))
