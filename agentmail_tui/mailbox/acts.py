"""What a person does to a thread, as a value: applied, turned round, told in words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from agentmail_tui.clean import Safe, clean_line
from agentmail_tui.domain import Status, Thread, Triage


class Keep(Enum):
    """Stands for an assignee that is left as it is, since None means nobody."""

    KEEP = "keep"


KEEP = Keep.KEEP


class Act(Struct, frozen=True):
    """One change of one thread; what is not named stays."""

    thread_id: str
    status: Status | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    assignee: str | Keep | None = KEEP
    unread: bool | None = None
    snooze: datetime | Keep | None = KEEP


class Patch(Struct, frozen=True):
    """An act shown before the server confirmed it.

    A confirmed one stays until the server's own row agrees, so that a late echo of an earlier
    act does not flicker through.
    """

    number: int
    act: Act
    confirmed: bool = False


def applied(act: Act, thread: Thread) -> Thread:
    """Return the thread as it is after the act."""
    if act.unread is not None and act.unread != thread.unread:
        thread = replace(thread, unread=act.unread)
    if act.snooze is not KEEP and act.snooze != thread.snoozed_until:
        thread = replace(thread, snoozed_until=act.snooze)
    triage = thread.triage or Triage()
    after = replace(
        triage,
        status=act.status or triage.status,
        tags=_retagged(triage.tags, act),
        assigned_to=triage.assigned_to if act.assignee is KEEP else _maybe(act.assignee),
    )
    return thread if after == triage else replace(thread, triage=after)


def all_applied(patches: Iterable[Patch], thread: Thread) -> Thread:
    """Return the thread with every patch of it on top, in order."""
    for patch in patches:
        if patch.act.thread_id == thread.id:
            thread = applied(patch.act, thread)
    return thread


def inverse(act: Act, before: Thread) -> Act | None:
    """Return the act that leads back to `before`; None where that is not known."""
    rest = Act(act.thread_id, unread=act.unread, snooze=act.snooze)
    if before.triage is None and act != rest:
        return None
    triage = before.triage or Triage()
    return Act(
        thread_id=act.thread_id,
        status=None if act.status is None else triage.status,
        add=tuple(tag for tag in act.remove if tag in triage.tags),
        remove=tuple(tag for tag in act.add if tag not in triage.tags),
        assignee=KEEP if act.assignee is KEEP else triage.assigned_to,
        unread=None if act.unread is None else before.unread,
        snooze=KEEP if act.snooze is KEEP else before.snoozed_until,
    )


def told(act: Act, what: str) -> str:
    """Return the act in the past tense about `what`, for notices and the undo list."""
    words: list[str] = []
    if act.status is not None:
        words.append(_STATUS_WORDS[act.status].format(what=what))
    if act.add or act.remove:
        tags = [f"+{tag}" for tag in act.add] + [f"-{tag}" for tag in act.remove]
        words.append(f"tagged {what} {' '.join(tags)}")
    if act.assignee is None:
        words.append(f"gave back {what}")
    elif act.assignee is not KEEP:
        words.append(f"assigned {what} to {act.assignee}")
    if act.snooze is None:
        words.append(f"woke {what}")
    elif act.snooze is not KEEP:
        words.append(f"snoozed {what} until {act.snooze:%a} {act.snooze.day} {act.snooze:%b %H:%M}")
    if act.unread is not None:
        words.append(f"marked {what} {'unread' if act.unread else 'read'}")
    return ", ".join(words)


_STATUS_WORDS = {
    Status.CLOSED: "closed {what}",
    Status.OPEN: "opened {what}",
    Status.WAITING: "set {what} to waiting",
    Status.NEEDS_REPLY: "set {what} to needs reply",
}


def _retagged(tags: tuple[Safe, ...], act: Act) -> tuple[Safe, ...]:
    kept = [tag for tag in tags if tag not in act.remove]
    return (*kept, *(clean_line(tag) for tag in act.add if tag not in kept))


def _maybe(text: str | None) -> Safe | None:
    return None if text is None else clean_line(text)
