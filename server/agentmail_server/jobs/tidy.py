"""Tidies the store at the start and once a day."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from agentmail_server.errors import ServiceError
from agentmail_server.ids import to_micros
from agentmail_server.store import tidying

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agentmail_server.ids import Clock
    from agentmail_server.store.engine import Store

log = logging.getLogger(__name__)

_DAY_SECONDS: Final = 86_400
_DAY: Final = _DAY_SECONDS * 1_000_000
# So long after its end a job is only history.
JOB_DAYS: Final = 30
# In one commit: other writes wait for it.
_PORTION: Final = 500


@asynccontextmanager
async def tidying_daily(store: Store, clock: Clock, payload_days: int) -> AsyncIterator[None]:
    """Tidy beside everything else for as long as the block runs."""
    task = asyncio.create_task(_for_ever(store, clock, payload_days), name="tidy")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def tidy(store: Store, now: int, payload_days: int) -> None:
    """Forget what is old; `payload_days` 0 keeps the bytes of webhook calls for ever."""
    while await store.write(tidying.forget_jobs, now - JOB_DAYS * _DAY, _PORTION):
        pass
    if payload_days:
        before = now - payload_days * _DAY
        while await store.write(tidying.forget_payloads, before, _PORTION):
            pass


async def _for_ever(store: Store, clock: Clock, payload_days: int) -> None:
    while True:
        try:
            await tidy(store, to_micros(clock.now()), payload_days)
        except ServiceError as error:
            log.warning("the store could not be tidied", extra={"reason": error.code})
        await asyncio.sleep(_DAY_SECONDS)
