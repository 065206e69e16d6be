"""Threads: the lists people look at, and what they decide about each."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    tuple_,
    update,
)

from agentmail_server.errors import BadRequest, NotFound
from agentmail_server.store.log import append
from agentmail_server.store.records import UNASSIGNED, ThreadQuery, ThreadRow
from agentmail_server.store.rows import thread_rows
from agentmail_server.store.scope import within
from agentmail_server.store.tables import thread_redirects, thread_tags, threads
from agentmail_server.store.transaction import insert_into

STATUSES = ("open", "needs_reply", "waiting", "closed")

# More words than a person narrows a list by cost a scan each and find nothing more.
_MAX_WORDS = 8
_FREQUENT = 2000  # threads of one tag


def list_threads(conn: Connection, org_id: str, query: ThreadQuery) -> list[ThreadRow]:
    """Return a page of threads and one row more where there is one, so that callers see it.

    Raises `NotFound` for an inbox or domain that is not the organisation's.
    """
    page = select(threads).where(*_conditions(conn, org_id, query)).limit(query.limit + 1)
    page = _ordered(page, query)
    return thread_rows(conn, conn.execute(page).mappings().all())


def count_threads(conn: Connection, org_id: str, query: ThreadQuery) -> int:
    """Return how many threads the filters leave, whatever the page."""
    counted = select(func.count()).select_from(threads)
    return conn.execute(counted.where(*_conditions(conn, org_id, query))).scalar_one()


def thread_counts(
    conn: Connection, org_id: str, inbox_id: str | None = None, assigned_to: str | None = None
) -> dict[str, int]:
    """Return total, snoozed, and of those awake: unread, each status, and `assigned` if asked."""
    counts = _by_status(conn, org_id, inbox_id)
    if assigned_to is not None:
        theirs = ThreadQuery(inbox_id=inbox_id, assigned_to=assigned_to, snoozed=False)
        counts["assigned"] = count_threads(conn, org_id, theirs)
    return counts


def _by_status(conn: Connection, org_id: str, inbox_id: str | None) -> dict[str, int]:
    # Grouped by the status alone, in the order of the index, nothing has to be sorted.
    awake = threads.c.snoozed_until.is_(None)
    unread = func.count(case((and_(threads.c.unread.is_(True), awake), 1)))
    asleep = func.count(threads.c.snoozed_until)
    query = select(threads.c.status, func.count(), unread, asleep).group_by(threads.c.status)
    counts = dict.fromkeys(("total", "unread", "snoozed", *STATUSES), 0)
    for status, total, new, snoozed in conn.execute(
        query.where(*within(conn, threads, org_id, inbox_id, None))
    ):
        counts[status] = total - snoozed
        counts["total"] += total
        counts["unread"] += new
        counts["snoozed"] += snoozed
    return counts


def get_thread(conn: Connection, org_id: str, thread_id: str) -> ThreadRow:
    """Return a thread by its id, or by one it had before a merge; raises `NotFound`."""
    found = find_thread(conn, org_id, thread_id)
    if found is None:
        moved = select(thread_redirects.c.thread_id).where(thread_redirects.c.old_id == thread_id)
        survivor = conn.execute(moved).scalar()
        found = find_thread(conn, org_id, survivor) if survivor else None
    if found is None:
        raise NotFound(f"thread {thread_id} not found")
    return found


def find_thread(conn: Connection, org_id: str, thread_id: str) -> ThreadRow | None:
    """Return a thread by its present id alone."""
    query = select(threads).where(threads.c.id == thread_id, threads.c.org_id == org_id)
    rows = conn.execute(query).mappings().all()
    return thread_rows(conn, rows)[0] if rows else None


def set_status(conn: Connection, now: int, org_id: str, thread_id: str, status: str) -> ThreadRow:
    """Move a thread to another status."""
    if status not in STATUSES:
        raise BadRequest(f"status must be one of {', '.join(STATUSES)}")
    thread = get_thread(conn, org_id, thread_id)
    if thread.status == status:
        return thread
    return changed(conn, now, thread, "status", status=status)


def assign(
    conn: Connection, now: int, org_id: str, thread_id: str, assigned_to: str | None
) -> ThreadRow:
    """Give a thread to somebody, or with None to nobody."""
    thread = get_thread(conn, org_id, thread_id)
    if thread.assigned_to == assigned_to:
        return thread
    return changed(conn, now, thread, "assigned_to", assigned_to=assigned_to)


def set_unread(conn: Connection, now: int, org_id: str, thread_id: str, unread: bool) -> ThreadRow:
    """Mark a thread as unread or read."""
    thread = get_thread(conn, org_id, thread_id)
    if thread.unread == unread:
        return thread
    return changed(conn, now, thread, "unread", unread=unread)


def add_tags(
    conn: Connection, now: int, org_id: str, thread_id: str, tags: Collection[str]
) -> ThreadRow:
    """Add tags; those it has already stay."""
    thread = get_thread(conn, org_id, thread_id)
    missing = sorted(set(tags) - set(thread.tags))
    if not missing:
        return thread
    rows = [{"thread_id": thread.id, "tag": tag} for tag in missing]
    conn.execute(insert_into(conn, thread_tags).on_conflict_do_nothing(), rows)
    return changed(conn, now, thread, "tags")


def remove_tags(
    conn: Connection, now: int, org_id: str, thread_id: str, tags: Collection[str]
) -> ThreadRow:
    """Take tags away; those it has not are no error."""
    thread = get_thread(conn, org_id, thread_id)
    held = sorted(set(tags) & set(thread.tags))
    if not held:
        return thread
    conn.execute(
        delete(thread_tags).where(thread_tags.c.thread_id == thread.id, thread_tags.c.tag.in_(held))
    )
    return changed(conn, now, thread, "tags")


def _ordered(page: Select[Any], query: ThreadQuery) -> Select[Any]:
    key = tuple_(threads.c.last_message_at, threads.c.id)
    if query.order == "asc":
        page = page.order_by(threads.c.last_message_at, threads.c.id)
    else:
        page = page.order_by(threads.c.last_message_at.desc(), threads.c.id.desc())
    if query.cursor_key is not None:
        seen = tuple_(*query.cursor_key)
        page = page.where(key > seen if query.order == "asc" else key < seen)
    return page.offset(query.offset) if query.offset else page


def _conditions(conn: Connection, org_id: str, query: ThreadQuery) -> list[ColumnElement[bool]]:
    wanted = within(conn, threads, org_id, query.inbox_id, query.domain_id)
    if query.status is not None:
        wanted.append(threads.c.status == query.status)
    if query.unread is not None:
        wanted.append(threads.c.unread.is_(query.unread))
    if query.snoozed is not None:
        column = threads.c.snoozed_until
        wanted.append(column.is_not(None) if query.snoozed else column.is_(None))
    if query.direction is not None:
        wanted.append(threads.c.last_direction == query.direction)
    if query.assigned_to == UNASSIGNED:
        wanted.append(threads.c.assigned_to.is_(None))
    elif query.assigned_to is not None:
        wanted.append(threads.c.assigned_to == query.assigned_to)
    if query.tag is not None:
        wanted.append(_tagged(conn, query.tag))
    wanted.extend(_with_word(word) for word in (query.words or "").split()[:_MAX_WORDS])
    return wanted


def _tagged(conn: Connection, tag: str) -> ColumnElement[bool]:
    """Return the condition in the form that reads the fewest rows.

    The threads of a rare tag are looked up; of a frequent one, a page is soon full when the
    threads are walked in their order and each is asked for its tags.
    """
    held = select(thread_tags.c.thread_id).where(thread_tags.c.tag == tag)
    some = held.limit(_FREQUENT).subquery()
    if conn.execute(select(func.count()).select_from(some)).scalar_one() < _FREQUENT:
        return threads.c.id.in_(held)
    return held.where(thread_tags.c.thread_id == threads.c.id).exists()


def _with_word(word: str) -> ColumnElement[bool]:
    shown = (
        threads.c.party_name,
        threads.c.party_address,
        threads.c.subject,
        threads.c.snippet,
    )
    return or_(*(column.icontains(word, autoescape=True) for column in shown))


def changed(
    conn: Connection, now: int, thread: ThreadRow, what: str, **values: object
) -> ThreadRow:
    """Write columns of a thread, and into the log what of it is another now."""
    conn.execute(update(threads).where(threads.c.id == thread.id).values(updated_at=now, **values))
    append(
        conn,
        now,
        thread.org_id,
        "thread.updated",
        inbox_id=thread.inbox_id,
        thread_id=thread.id,
        data={"changed": what},
    )
    return get_thread(conn, thread.org_id, thread.id)
