"""Deleting data: asked for with a preview, confirmed with a token, done by a job."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection

from agentmail_server.errors import BadRequest, Conflict, Forbidden, Gone
from agentmail_server.ids import Ids, to_micros
from agentmail_server.service.keys import Principal
from agentmail_server.store import erasures, inboxes, outbox
from agentmail_server.store.erasures import ErasureRow, Target
from agentmail_server.wire.erasure import ErasureNew

KIND = "erase"
_HOUR = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with the token that confirms it, given out this once."""

    row: ErasureRow
    token: str


def ask(conn: Connection, ids: Ids, now: int, org_id: str, wanted: ErasureNew) -> Asked:
    """Keep a request to delete; raises NotFound for an inbox, Conflict for one under way."""
    if wanted.inbox_id is not None:
        inboxes.get_inbox(conn, org_id, wanted.inbox_id)
    before = to_micros(wanted.before) if wanted.before is not None else None
    target = Target(org_id, wanted.wanted_scope or "", wanted.inbox_id, before)
    token = secrets.token_hex(32)
    row = ErasureRow(
        id=ids.make("del"), org_id=org_id, scope=target.scope, inbox_id=target.inbox_id,
        before=before, status=erasures.PENDING, preview=erasures.count_target(conn, target),
        deleted=None, token_digest=_digest(token), confirmed_by=None, confirm_by=now + _HOUR,
        requested_at=now, confirmed_at=None, completed_at=None, error=None,
    )  # fmt: skip
    if not erasures.add_erasure(conn, now, row):
        raise Conflict("a deletion request is under way already", code="deletion_request_active")
    return Asked(row, token)


def confirm(
    conn: Connection, now: int, caller: Principal, erasure_id: str, token: str
) -> ErasureRow:
    """Start what was asked for; raises Forbidden for a wrong token, Gone for a late one."""
    row = erasures.get_erasure(conn, caller.org_id, erasure_id)
    if not hmac.compare_digest(row.token_digest, _digest(token)):
        raise Forbidden("the confirmation token is wrong", code="invalid_token")
    if row.status == erasures.EXPIRED or (row.status == erasures.PENDING and row.confirm_by <= now):
        raise Gone("the request has expired: ask again", code="confirmation_expired")
    if row.status != erasures.PENDING:
        raise BadRequest(f"the request is {row.status}", code="not_pending")
    begun = erasures.begin_erasure(conn, now, row, caller.key_id)
    outbox.enqueue(conn, now, KIND, row.id)
    return begun


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
