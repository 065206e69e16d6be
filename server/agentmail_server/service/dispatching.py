"""Who of a sent message's recipients is still to be served, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, or_, select

from agentmail_server.store import delivery, messages, tables
from agentmail_server.store.inboxes import inboxes_for

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from agentmail_server.store.records import InboxTarget, MessageRow

# Nothing more is tried for a recipient in one of these.
FINAL: Final = frozenset(
    {"delivered", "bounced", "complained", "failed", "suppressed", "cancelled"}
)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A sent message with the recipients still to be served."""

    message: MessageRow
    raw: bytes
    # Inboxes of this server.
    inside: tuple[tuple[InboxTarget, str], ...]
    # Addresses on domains of this server that no inbox has.
    nowhere: tuple[str, ...]
    outside: tuple[str, ...]
    # Addresses that the inbox must not write to any more.
    suppressed: tuple[str, ...]

    @property
    def settles_here(self) -> bool:
        """Whether anything of it is done without a relay."""
        return bool(self.inside or self.nowhere or self.suppressed)


def load(conn: Connection, message_id: str, now: int) -> Dispatch:
    """Return what is left to do for a message; raises NotFound."""
    message, raw = messages.message_to_send(conn, message_id)
    rows = delivery.recipients_of(conn, message_id)
    left = [row.address for row in rows if row.status not in FINAL]
    # The message may have waited for days: whom it may go to is asked again.
    suppressed = delivery.is_suppressed(conn, message.inbox_id, left, now)
    wanted = [each for each in left if each not in suppressed]
    inside = _inboxes(conn, message.org_id, wanted)
    strangers = [each for each in wanted if each not in inside]
    ours = _own_domains(conn, {_domain(each) for each in strangers})
    return Dispatch(
        message=message,
        raw=raw,
        inside=tuple((inside[each], each) for each in wanted if each in inside),
        nowhere=tuple(each for each in strangers if _domain(each) in ours),
        outside=tuple(each for each in strangers if _domain(each) not in ours),
        suppressed=tuple(each for each in left if each in suppressed),
    )


def _inboxes(conn: Connection, org_id: str, addresses: list[str]) -> dict[str, InboxTarget]:
    """Return the inboxes that the organisation's mail goes to without leaving this server.

    Whoever has not proved a domain gets nobody's mail for it but their own.
    """
    found = inboxes_for(conn, addresses)
    foreign = {each.domain_id for each in found.values() if each.org_id != org_id}
    proved = _proved(conn, foreign)
    return {
        address: target
        for address, target in found.items()
        if target.org_id == org_id or target.domain_id in proved
    }


def _proved(conn: Connection, domain_ids: Collection[str]) -> set[str]:
    columns = tables.domains.c
    query = select(columns.id).where(
        columns.id.in_(domain_ids), or_(columns.status == "verified", columns.org_id.is_(None))
    )
    return set(conn.execute(query).scalars()) if domain_ids else set()


def _own_domains(conn: Connection, names: set[str]) -> set[str]:
    query = select(tables.domains.c.name).where(
        func.lower(tables.domains.c.name).in_(sorted(names)), tables.domains.c.status == "verified"
    )
    return set(conn.execute(query).scalars())


def _domain(address: str) -> str:
    return address.rpartition("@")[2].casefold()
