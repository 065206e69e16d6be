"""Whether the server can do its work now, and what is behind or broken."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

from sqlalchemy import literal, select

from agentmail_server.errors import ServiceError
from agentmail_server.service.diskroom import DiskRoom
from agentmail_server.store import outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from agentmail_server.service.indexing import Indexer
    from agentmail_server.store.engine import Store

_PATIENCE = 3.0
# Counting buried jobs goes through the whole outbox, and readiness is asked for often.
_RECOUNT = 60.0


class Buried:
    """How many jobs of each kind were given up, counted anew once a minute at most."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counted_at = -math.inf
        self._counts: dict[str, int] = {}

    async def __call__(self) -> dict[str, int]:
        """Return the counts."""
        now = asyncio.get_running_loop().time()
        if now - self._counted_at > _RECOUNT:
            self._counts = await self._store.read(outbox.buried)
            self._counted_at = now
        return self._counts


class Readiness:
    """Answers `GET /readyz`."""

    def __init__(
        self,
        store: Store,
        *,
        runner_alive: Callable[[], bool],
        relay_name: str | None,
        relay_error: Callable[[], str | None],
        indexer: Indexer | None = None,
        disk: DiskRoom | None = None,
    ) -> None:
        self._store = store
        self._runner_alive = runner_alive
        self._relay_name = relay_name
        self._relay_error = relay_error
        self._indexer = indexer
        self._disk = disk or DiskRoom()
        self._buried = Buried(store)

    async def __call__(self) -> dict[str, Any]:
        """Return the facts; `ready` is False when mail could not be stored or worked on."""
        store_error = await self._store_error()
        runner = self._runner_alive()
        full = self._disk.problem()
        backlog = {} if store_error else await self._store.read(outbox.backlog)
        return {
            "ready": store_error is None and runner and full is None,
            "store": store_error or "ok",
            "disk": full or "ok",
            "disk_free": self._disk.free(),
            "runner": "ok" if runner else "not running",
            "backlog": backlog,
            "buried": {} if store_error else await self._buried(),
            "relay": self._relay_name,
            "relay_error": self._relay_error(),
            **(await self._search() if store_error is None else {}),
        }

    async def _search(self) -> dict[str, Any]:
        if self._indexer is not None:
            return await self._indexer.facts()
        return {"search_engine": "text", "search_fallback": "there is no vector index"}

    async def _store_error(self) -> str | None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._store.write(_can_begin)
        except TimeoutError:
            return "does not answer"
        except ServiceError as error:
            return error.message
        return None


def _can_begin(conn: Connection) -> None:
    conn.execute(select(literal(1)))
