"""Deleting data: request, confirmation, status."""

from __future__ import annotations

from typing import cast

from agentmail_server.http.route import Call, PlainCall, Reply
from agentmail_server.ids import to_iso
from agentmail_server.service.erasing import ask, confirm
from agentmail_server.store import erasures
from agentmail_server.store.erasures import ErasureRow
from agentmail_server.wire.common import NoQuery
from agentmail_server.wire.erasure import (
    ErasureConfirm,
    ErasureFresh,
    ErasureNew,
    ErasureOut,
    ErasureStatus,
)

_WARNING = "Confirming deletes this for good. Nobody can bring it back."


async def request(call: Call[NoQuery, ErasureNew]) -> Reply:
    """Ask what a deletion would take, and get the token that confirms it."""
    deps = call.deps
    asked = await deps.store.write(ask, deps.ids, call.now(), call.org_id, call.body)
    out: ErasureFresh = {
        **_shown(asked.row, call.now()),
        "confirmation_token": asked.token,
        "token": asked.token,
        "warning": _WARNING,
    }
    return Reply({**out, "data": out}, headers={"Cache-Control": "no-store"})


async def confirm_request(call: Call[NoQuery, ErasureConfirm]) -> Reply:
    """Start a deletion; its status tells when it is done."""
    row = await call.deps.store.write(
        confirm, call.now(), call.principal, call.ids["request"], call.body.confirmation_token
    )
    call.keyring.forget()
    return _reply(row, call.now())


async def status(call: PlainCall) -> Reply:
    """Return how far a deletion is."""
    row = await call.deps.store.read(erasures.get_erasure, call.org_id, call.ids["request"])
    return _reply(row, call.now())


def _reply(row: ErasureRow, now: int) -> Reply:
    out = _shown(row, now)
    return Reply({**out, "data": out})


def _shown(row: ErasureRow, now: int) -> ErasureOut:
    late = row.status == erasures.PENDING and row.confirm_by <= now
    return {
        "id": row.id,
        "scope": row.scope,
        "inbox_id": row.inbox_id,
        "before": _time(row.before),
        "status": "expired" if late else cast("ErasureStatus", row.status),
        "preview": row.preview,
        "deleted_counts": row.deleted if row.status == erasures.COMPLETED else None,
        "confirm_by": to_iso(row.confirm_by),
        "requested_at": to_iso(row.requested_at),
        "confirmed_at": _time(row.confirmed_at),
        "completed_at": _time(row.completed_at),
        "error": row.error,
    }


def _time(micros: int | None) -> str | None:
    return to_iso(micros) if micros is not None else None
