"""Taking mail in: from bytes and envelope to a durable row, in one write."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentmail_server.ids import to_micros
from agentmail_server.mail.identity import Identity, identity_of
from agentmail_server.store.intake import accept_raw
from agentmail_server.store.records import AcceptedMail

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentmail_server.ids import Clock, Ids
    from agentmail_server.store.engine import Store
    from agentmail_server.store.records import InboxTarget

# Hashing more than this leaves the event loop.
_BIG = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Arrival:
    """A mail at the door: the inboxes it is for, each with the address that named it."""

    content: bytes
    envelope_from: str
    targets: tuple[tuple[InboxTarget, str], ...]
    peer: str = ""
    helo: str = ""
    source: str = "smtp"


async def accept(store: Store, ids: Ids, clock: Clock, arrival: Arrival) -> str:
    """Commit the mail and return its raw id; parsing is left to a job of the same commit."""
    identity = await identify(arrival.content)
    mail = AcceptedMail(
        content=arrival.content,
        envelope_from=arrival.envelope_from,
        targets=one_each(arrival.targets),
        peer=arrival.peer,
        helo=arrival.helo,
        source=arrival.source,
        dedupe_key=fold_key(ids, identity),
        received_at=to_micros(clock.now()),
        sha256=identity.sha256,
    )
    raw_ids = await store.write(accept_raw, ids, mail.received_at, mail)
    return raw_ids[0] if raw_ids else "duplicate"


async def identify(content: bytes) -> Identity:
    """Return by what a mail is known again."""
    if len(content) > _BIG:
        return await asyncio.to_thread(identity_of, content)
    return identity_of(content)


def fold_key(ids: Ids, identity: Identity) -> str:
    """Return what a sender's retry shares with its first try.

    Without a Message-ID nothing tells a retry from a second, equal mail: both are kept.
    """
    return identity.key if identity.message_id is not None else ids.make("once")


def one_each(
    targets: Iterable[tuple[InboxTarget, str]],
) -> tuple[tuple[InboxTarget, str], ...]:
    """Return the targets with each inbox once, by the address that named it first."""
    seen: dict[str, tuple[InboxTarget, str]] = {}
    for target, address in targets:
        seen.setdefault(target.inbox_id, (target, address))
    return tuple(seen.values())
