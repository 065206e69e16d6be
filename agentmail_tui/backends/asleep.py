"""Which threads sleep, in a SQLite file of this computer, for servers that do not keep it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from agentmail_tui.backends.tablefile import TableFile
from agentmail_tui.domain import Direction, Page, Thread, ThreadFilter
from agentmail_tui.errors import NotFound, Rejected

_TABLE = """
    CREATE TABLE IF NOT EXISTS asleep (
        account TEXT NOT NULL, thread_id TEXT NOT NULL,
        until TEXT NOT NULL, since TEXT NOT NULL,
        PRIMARY KEY (account, thread_id)
    )
"""


def default_file() -> Path:
    """Return where this user's sleeping threads are kept."""
    from platformdirs import user_data_path

    return user_data_path("agentmail-tui", appauthor=False) / "asleep.sqlite3"


class Nap(Struct, frozen=True):
    """How long a thread sleeps; `since` is its newest mail when that was asked."""

    until: datetime
    since: datetime


class Asleep:
    """The sleeping threads of one account; the file is used off the event loop."""

    def __init__(self, file: Path, account: str, now: Callable[[], datetime] | None = None) -> None:
        self._kept = TableFile(file, _TABLE)
        self._account = account
        self._now = now or (lambda: datetime.now(UTC))
        self._naps: dict[str, Nap] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def put(self, thread: Thread, until: datetime | None) -> None:
        """Let a thread sleep, or wake it with None; raises Rejected."""
        if until is not None and until <= self._now():
            raise Rejected("until must lie in the future")
        nap = None if until is None else Nap(until.astimezone(UTC), thread.last_message_at)
        async with self._one_at_a_time:
            await self._put(thread.id, nap)

    async def seen(self, threads: Iterable[Thread]) -> tuple[Thread, ...]:
        """Return rows as they are by now: asleep, or awake by the clock or by newer mail."""
        naps = await self._all()
        return tuple(self._row(thread, naps) for thread in threads)

    async def due(self) -> tuple[str, ...]:
        """Wake every thread whose time has come, and return their ids."""
        async with self._one_at_a_time:
            naps = await self._all()
            found = tuple(key for key, nap in naps.items() if nap.until <= self._now())
            for thread_id in found:
                await self._put(thread_id, None)
        return found

    async def sift(self, page: Page[Thread], wanted: ThreadFilter) -> Page[Thread]:
        """Return a page whose rows tell whether they sleep, without those not asked for."""
        rows = await self.seen(page.items)
        kept = (row for row in rows if wanted.snoozed in {None, row.snoozed_until is not None})
        return replace(page, items=tuple(kept))

    async def page(
        self, wanted: ThreadFilter, read: Callable[[str], Awaitable[Thread]]
    ) -> Page[Thread]:
        """Return all that sleep, newest first; `read` gives a row, and raises NotFound."""
        found = []
        for thread_id in await self.ids():
            with suppress(NotFound):
                found.append(await read(thread_id))
        mine = (row for row in found if wanted.inbox_id in {None, row.inbox_id})
        newest = sorted(mine, key=lambda row: (row.last_message_at, row.id), reverse=True)
        return await self.sift(Page(tuple(newest)), wanted)

    async def ids(self) -> tuple[str, ...]:
        """Return the threads that sleep."""
        naps = await self._all()
        return tuple(key for key, nap in naps.items() if nap.until > self._now())

    async def close(self) -> None:
        """Close the file."""
        await asyncio.to_thread(self._kept.close)

    def _row(self, thread: Thread, naps: dict[str, Nap]) -> Thread:
        nap = naps.get(thread.id)
        if nap is None or nap.until <= self._now():
            return replace(thread, snoozed_until=None)
        came = thread.last_direction is Direction.INBOUND and thread.last_message_at > nap.since
        return replace(thread, snoozed_until=None if came else nap.until)

    async def _all(self) -> dict[str, Nap]:
        if self._naps is None:
            query = "SELECT thread_id, until, since FROM asleep WHERE account = ?"
            rows = await asyncio.to_thread(self._kept.run, query, (self._account,))
            # They may have been read, and changed, meanwhile.
            if self._naps is None:
                self._naps = {
                    str(key): Nap(_moment(until), _moment(since)) for key, until, since in rows
                }
        return self._naps

    async def _put(self, thread_id: str, nap: Nap | None) -> None:
        naps = await self._all()
        if nap is None:
            query = "DELETE FROM asleep WHERE account = ? AND thread_id = ?"
            await asyncio.to_thread(self._kept.run, query, (self._account, thread_id))
            naps.pop(thread_id, None)
        else:
            values = (self._account, thread_id, nap.until.isoformat(), nap.since.isoformat())
            query = "INSERT OR REPLACE INTO asleep VALUES (?, ?, ?, ?)"
            await asyncio.to_thread(self._kept.run, query, values)
            naps[thread_id] = nap


def _moment(value: object) -> datetime:
    return datetime.fromisoformat(str(value))
