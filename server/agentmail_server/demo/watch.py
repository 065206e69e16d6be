"""Waits until the server has done what was asked of it, by reading its store after each commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, func, select

from agentmail_server.store.engine import Store
from agentmail_server.store.tables import delivery_events, messages

T = TypeVar("T")
P = ParamSpec("P")

SETTLED = ("delivered", "bounced", "failed", "suppressed", "delivery_delayed")
_BOUND = 20.0  # seconds


@dataclass(frozen=True, slots=True)
class Known:
    """A message in the store."""

    thread_id: str
    rfc_message_id: str


class Watch:
    """Looks again each time the event log grows."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._grown = asyncio.Event()
        store.on("log", self._grown.set)

    async def received(self, rfc_message_id: str) -> Known:
        """Wait until an inbound mail is parsed and has its thread."""
        return await self._until(_by_rfc_id, rfc_message_id)

    async def settled(self, message_id: str, recipients: int) -> Known:
        """Wait until each recipient of a sent mail has an outcome, even if a temporary one."""
        return await self._until(_settled, message_id, recipients)

    async def _until(
        self,
        unit: Callable[Concatenate[Connection, P], T | None],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        async with asyncio.timeout(_BOUND):
            while True:
                self._grown.clear()
                found = await self._store.read(unit, *args, **kwargs)
                if found is not None:
                    return found
                await self._grown.wait()


def _by_rfc_id(conn: Connection, rfc_message_id: str) -> Known | None:
    wanted = messages.c.rfc_message_id == rfc_message_id
    row = conn.execute(select(messages.c.thread_id).where(wanted).limit(1)).first()
    return Known(row.thread_id, rfc_message_id) if row is not None else None


def _settled(conn: Connection, message_id: str, recipients: int) -> Known | None:
    done = conn.scalar(
        select(func.count(delivery_events.c.recipient.distinct())).where(
            delivery_events.c.message_id == message_id, delivery_events.c.event_type.in_(SETTLED)
        )
    )
    if (done or 0) < recipients:
        return None
    wanted = select(messages.c.thread_id, messages.c.rfc_message_id).where(
        messages.c.id == message_id
    )
    row = conn.execute(wanted).one()
    return Known(row.thread_id, row.rfc_message_id)
