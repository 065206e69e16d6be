"""From database errors to the server's own: which are the moment's fault, and so temporary."""

from __future__ import annotations

import logging
import sqlite3

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from agentmail_server.errors import OutOfRoom, Unavailable

log = logging.getLogger(__name__)

# Primary result codes: busy, locked, nomem, readonly, ioerr, full, cantopen, protocol.
_SQLITE_MOMENT = frozenset({5, 6, 7, 8, 10, 13, 14, 15})
# SQLSTATE classes: connection, resources, operator intervention, system, lock not available.
_POSTGRES_MOMENT = ("08", "53", "57", "58", "55P03")
_POSTGRES_FULL = "53100"
_POSTGRES_RETRY = frozenset({"40001", "40P01"})


def translate(error: Exception) -> Exception:
    """Return `Unavailable` for a fault that may pass by itself, else the error unchanged."""
    if isinstance(error, PoolTimeoutError):
        return Unavailable("the database is busy; try again")
    if isinstance(error, (ConnectionError, TimeoutError)):
        return Unavailable("the database does not answer; try again")
    if isinstance(error, DBAPIError) and _is_full(error):
        _note(error)
        return OutOfRoom("the disk is full; try again when there is room")
    if isinstance(error, DBAPIError) and _is_moment(error):
        _note(error)
        return Unavailable("the store cannot answer now; try again")
    return error


def worth_retrying(error: Exception) -> bool:
    """Tell whether PostgreSQL gave up a transaction only because of another one."""
    return isinstance(error, DBAPIError) and _sqlstate(error) in _POSTGRES_RETRY


def _note(error: DBAPIError) -> None:
    """Log what the database said, once: it may name places that are no caller's business."""
    if not error.detail:
        error.add_detail("logged")
        log.warning("the database cannot be used now", extra={"reason": str(error.orig)})


def _is_moment(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorcode", None)
        return code is not None and code & 0xFF in _SQLITE_MOMENT
    state = _sqlstate(error)
    return error.connection_invalidated or state.startswith(_POSTGRES_MOMENT)


def _is_full(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return _sqlstate(error) == _POSTGRES_FULL


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")
