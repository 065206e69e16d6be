"""Threads: lists, conversations, triage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from sqlalchemy import Connection

from agentmail_server.errors import BadRequest
from agentmail_server.http.route import AnyCall, Call, PlainCall, Reply, data
from agentmail_server.http.rows.mail import message_out, metadata_out, thread_out
from agentmail_server.ids import to_micros
from agentmail_server.service.conversations import conversation, page_of_threads
from agentmail_server.store import snooze, threads
from agentmail_server.store.records import ThreadQuery, ThreadRow
from agentmail_server.wire.common import NoBody, NoQuery
from agentmail_server.wire.threads import (
    AssignIn,
    ConversationQuery,
    CountsQuery,
    ReadIn,
    SnoozeIn,
    StatusIn,
    TagsIn,
    ThreadPatch,
    ThreadsQuery,
)

P = ParamSpec("P")

NEEDS_SCOPE = "inbox_id or domain_id is required (or all=true)"


async def list_threads(call: Call[ThreadsQuery, NoBody]) -> Reply:
    """List threads, newest first, filtered and paged."""
    asked = call.query
    if asked.inbox_id is None and asked.domain_id is None and not asked.all:
        raise BadRequest(NEEDS_SCOPE)
    filters = asked.model_dump(exclude={"all", "limit", "cursor", "offset", "with_total"})
    sealed = [call.org_id, "threads", filters]
    key = call.cursors.read(asked.cursor, sealed) if asked.cursor is not None else None
    query = ThreadQuery(**filters, limit=asked.limit, cursor_key=key, offset=asked.offset)
    page = await call.deps.store.read(
        page_of_threads, call.org_id, query, with_total=asked.with_total
    )
    beside: dict[str, Any] = {"next_cursor": None, "has_more": page.has_more}
    if page.has_more:
        last = page.rows[-1]
        beside["next_cursor"] = call.cursors.make((last.last_message_at, last.id), sealed)
    if page.total is not None:
        beside["total"] = page.total
    return data([thread_out(row) for row in page.rows], **beside)


async def counts(call: Call[CountsQuery, NoBody]) -> Reply:
    """Count threads by status and of one owner, in one inbox or in all."""
    asked = call.query
    if asked.inbox_id is None and not asked.all:
        raise BadRequest("inbox_id is required (or all=true)")
    found = await call.deps.store.read(
        threads.thread_counts, call.org_id, asked.inbox_id, asked.assigned_to
    )
    return data(found)


async def get(call: PlainCall) -> Reply:
    """Return one row of the list."""
    row = await call.deps.store.read(threads.get_thread, call.org_id, call.ids["thread"])
    return data(thread_out(row))


async def list_messages(call: Call[ConversationQuery, NoBody]) -> Reply:
    """Return the conversation, oldest first unless asked otherwise."""
    found = await call.deps.store.read(
        conversation, call.org_id, call.ids["thread"], call.query.limit, call.query.order
    )
    return data([message_out(row, found.addresses[row.inbox_id]) for row in found.rows])


async def metadata(call: PlainCall) -> Reply:
    """Return tags, status and assignee."""
    row = await call.deps.store.read(threads.get_thread, call.org_id, call.ids["thread"])
    return data(metadata_out(row))


async def set_status(call: Call[NoQuery, StatusIn]) -> Reply:
    """Move the thread to another status."""
    return data(metadata_out(await _change(call, threads.set_status, call.body.status)))


async def add_tags(call: Call[NoQuery, TagsIn]) -> Reply:
    """Add tags; those it has stay."""
    return data(metadata_out(await _change(call, threads.add_tags, call.body.tags)))


async def remove_tags(call: Call[NoQuery, TagsIn]) -> Reply:
    """Take tags away; those it has not are no error."""
    return data(metadata_out(await _change(call, threads.remove_tags, call.body.tags)))


async def assign(call: Call[NoQuery, AssignIn]) -> Reply:
    """Assign the thread, or give it back with null."""
    return data(metadata_out(await _change(call, threads.assign, call.body.assigned_to)))


async def set_read(call: Call[NoQuery, ReadIn]) -> Reply:
    """Mark the thread read, or unread."""
    return data(thread_out(await _change(call, threads.set_unread, call.body.unread)))


async def set_snooze(call: Call[NoQuery, SnoozeIn]) -> Reply:
    """Let the thread sleep until a moment; null wakes it."""
    until = None if call.body.until is None else to_micros(call.body.until)
    return data(thread_out(await _change(call, snooze.snooze, until)))


async def patch(call: Call[NoQuery, ThreadPatch]) -> Reply:
    """Set status and assignee in one call."""
    row = await call.deps.store.write(
        _patch, call.now(), call.org_id, call.ids["thread"], call.body
    )
    return data(thread_out(row))


def _patch(
    conn: Connection, now: int, org_id: str, thread_id: str, wanted: ThreadPatch
) -> ThreadRow:
    if wanted.status is not None:
        threads.set_status(conn, now, org_id, thread_id, wanted.status)
    if "assigned_to" in wanted.model_fields_set:
        threads.assign(conn, now, org_id, thread_id, wanted.assigned_to)
    return threads.get_thread(conn, org_id, thread_id)


async def _change(
    call: AnyCall,
    unit: Callable[Concatenate[Connection, int, str, str, P], ThreadRow],
    *args: P.args,
    **kwargs: P.kwargs,
) -> ThreadRow:
    return await call.deps.store.write(
        unit, call.now(), call.org_id, call.ids["thread"], *args, **kwargs
    )
