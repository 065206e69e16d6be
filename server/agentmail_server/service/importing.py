"""Bringing history in: each mail comes with its place in a thread, and never twice."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import select

from agentmail_server.errors import NotFound, ServiceError
from agentmail_server.ids import to_micros
from agentmail_server.mail.address import casefold_key
from agentmail_server.mail.parse import parse, salvage
from agentmail_server.mail.safety import Thresholds, verdict_of
from agentmail_server.service.mailsource import FORMATS, SourceMail, iter_mails
from agentmail_server.store import intake, outbox
from agentmail_server.store.inboxes import inboxes_for
from agentmail_server.store.records import AcceptedMail
from agentmail_server.store.tables import raw_mail_inboxes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

    from agentmail_server.ids import Clock, Ids
    from agentmail_server.mail.model import ParsedMail
    from agentmail_server.store.engine import Store
    from agentmail_server.store.records import InboxTarget

__all__ = ["FORMATS", "Imported", "SourceMail", "import_mails", "iter_mails"]

log = logging.getLogger(__name__)

# Few enough that a stop or a bad mail costs little, many enough that a commit costs little.
_BATCH = 50
_BATCH_BYTES = 32 * 1024 * 1024
USUAL = Thresholds()


@dataclass(frozen=True, slots=True)
class Imported:
    """Progress of an import: mails read so far, of which stored now, and there already."""

    read: int = 0
    stored: int = 0
    repeated: int = 0


class Parser(Protocol):
    """Parses mail somewhere that a hostile mail cannot harm."""

    async def parse(self, raw: bytes) -> ParsedMail:
        """Return the parsed mail; one that breaks the parser comes back with `parse_error`."""
        ...


Batch = list[tuple[AcceptedMail, "ParsedMail"]]


async def import_mails(
    store: Store,
    ids: Ids,
    clock: Clock,
    address: str,
    mails: Iterator[SourceMail],
    *,
    parser: Parser | None = None,
    thresholds: Thresholds = USUAL,
    on_progress: Callable[[Imported], None] = lambda _: None,
) -> Imported:
    """Store `mails` in the inbox called `address`; run again it stores only what is missing.

    Without a `parser` the mails are parsed in a thread. Raises NotFound when there is no such
    inbox; a mail that the store refuses as parsed is kept by its headers alone.
    """
    key = casefold_key(address)
    target = (await store.read(inboxes_for, [key])).get(key)
    if target is None:
        raise NotFound(f"no inbox {address} here; create it first")
    done = Imported()
    while chunk := await asyncio.to_thread(_next_chunk, mails):
        held = await store.read(held_keys, target.inbox_id, [mail.dedupe_key for mail in chunk])
        fresh = [mail for mail in chunk if mail.dedupe_key not in held]
        accepted = [_accepted(mail, target) for mail in fresh]
        batch = list(zip(accepted, await _parse_all(fresh, parser), strict=True))
        stored = 0
        if batch:
            now = to_micros(clock.now())
            stored = await _store_batch(store, ids, now, batch, thresholds)
        read = len(chunk)
        done = Imported(done.read + read, done.stored + stored, done.repeated + read - stored)
        on_progress(done)
    return done


def _next_chunk(mails: Iterator[SourceMail]) -> list[SourceMail]:
    chunk: list[SourceMail] = []
    size = 0
    for mail in islice(mails, _BATCH):
        chunk.append(mail)
        size += len(mail.raw)
        if size > _BATCH_BYTES:
            break
    return chunk


async def _parse_all(chunk: Sequence[SourceMail], parser: Parser | None) -> list[ParsedMail]:
    if parser is None:
        return await asyncio.to_thread(lambda: [parse(mail.raw) for mail in chunk])
    return list(await asyncio.gather(*(parser.parse(mail.raw) for mail in chunk)))


def _accepted(mail: SourceMail, target: InboxTarget) -> AcceptedMail:
    return AcceptedMail(
        content=mail.raw,
        envelope_from="",
        targets=((target, target.address),),
        peer="",
        source="import",
        dedupe_key=mail.dedupe_key,
        received_at=to_micros(mail.received_at),
        sha256=mail.sha256,
    )


async def _store_batch(
    store: Store, ids: Ids, now: int, batch: Batch, thresholds: Thresholds
) -> int:
    try:
        return await store.write(bring_in, ids, now, batch, thresholds)
    except Exception as error:  # whatever one mail did to the batch, the others are sound
        if not _is_its_own_fault(error):
            raise
        log.info("a batch was refused (%s); storing its mails one by one", error)
    return sum([await _store_one(store, ids, now, each, thresholds) for each in batch])


async def _store_one(
    store: Store,
    ids: Ids,
    now: int,
    one: tuple[AcceptedMail, ParsedMail],
    thresholds: Thresholds,
) -> int:
    mail = one[0]
    try:
        return await store.write(bring_in, ids, now, [one], thresholds)
    except Exception as error:  # kept by its headers alone rather than lost
        if not _is_its_own_fault(error):
            raise
        plain = salvage(mail.content, f"cannot be stored as parsed: {error}")
        return await store.write(bring_in, ids, now, [(mail, plain)], thresholds)


def _is_its_own_fault(error: Exception) -> bool:
    """Return whether the mail is to blame, not the moment nor a deleted inbox."""
    if isinstance(error, ServiceError):
        return not error.temporary and not isinstance(error, NotFound)
    return True


def held_keys(conn: Connection, inbox_id: str, keys: Sequence[str]) -> set[str]:
    """Unit: return those of `keys` whose mail the inbox holds already."""
    query = select(raw_mail_inboxes.c.dedupe_key).where(
        raw_mail_inboxes.c.inbox_id == inbox_id, raw_mail_inboxes.c.dedupe_key.in_(keys)
    )
    return set(conn.execute(query).scalars())


def bring_in(
    conn: Connection, ids: Ids, now: int, batch: Batch, thresholds: Thresholds = USUAL
) -> int:
    """Unit: keep and record each mail not held yet; return how many were new."""
    stored = 0
    for mail, parsed in batch:
        for raw_id in intake.accept_raw(conn, ids, now, mail):
            verdict = verdict_of(parsed.safety, thresholds)
            intake.record(conn, ids, now, raw_id, parsed, verdict=verdict)
            # The job that accepting it queued has nothing left to do.
            outbox.close(conn, now, outbox.job_key("parse", raw_id))
            stored += 1
    return stored
