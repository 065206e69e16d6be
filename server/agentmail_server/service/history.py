"""One message of history, handed in over the API: kept at once, parsed by the job like any mail."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from agentmail_server.ids import Clock, Ids, to_micros
from agentmail_server.mail.dates import parse_date, sane_date
from agentmail_server.mail.headers import read_headers
from agentmail_server.mail.identity import Identity
from agentmail_server.service.inbound import identify
from agentmail_server.store import inboxes, intake
from agentmail_server.store.engine import Store
from agentmail_server.store.records import AcceptedMail, InboxTarget


@dataclass(frozen=True, slots=True)
class History:
    """A message for an inbox; `dedupe` names it, else its content does."""

    inbox_id: str
    raw: bytes
    dedupe: str | None


async def bring_one(store: Store, ids: Ids, clock: Clock, org_id: str, history: History) -> bool:
    """Keep the message; return whether it was new. Raises NotFound for a foreign inbox."""
    identity = await identify(history.raw)
    dated = parse_date(read_headers(history.raw).text("date"))
    received = sane_date(dated, clock.now()) or clock.now()
    return await store.write(
        _bring, ids, to_micros(clock.now()), org_id, (history, identity, to_micros(received))
    )


def _bring(
    conn: Connection, ids: Ids, now: int, org_id: str, what: tuple[History, Identity, int]
) -> bool:
    history, identity, received_at = what
    inbox = inboxes.get_inbox(conn, org_id, history.inbox_id)
    target = InboxTarget(inbox.id, org_id, inbox.domain_id, inbox.address, inbox.status)
    mail = AcceptedMail(
        content=history.raw,
        envelope_from="",
        targets=((target, inbox.address),),
        peer="",
        source="import",
        # Else by what the import from files and the SMTP side make of the same bytes.
        dedupe_key=history.dedupe or identity.key,
        received_at=received_at,
        sha256=identity.sha256,
    )
    return bool(intake.accept_raw(conn, ids, now, mail))
