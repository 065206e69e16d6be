"""Updates by acts: shown at once, confirmed or taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType

from msgspec.structs import replace

from agentmail_tui.clean import Safe, clean_line
from agentmail_tui.domain import Thread, Triage
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox.acts import Act, Patch, all_applied, applied
from agentmail_tui.mailbox.select import row_count, visible_row
from agentmail_tui.mailbox.showing import known, show
from agentmail_tui.mailbox.state import MailState, Notice, Tone, UndoEntry

UNDO_KEPT = 100


def acted(state: MailState, event: ev.Acted) -> MailState:
    """Show acts before the server knows of them."""
    given = {thread.id: thread for thread in event.threads}
    for patch in event.patches:
        state = _patched(state, patch, given.get(patch.act.thread_id))
    begun = len(event.patches) + (state.batch if state.pending else 0)
    pending = state.pending + len(event.patches)
    state = replace(state, pending=pending, batch=max(begun, pending))
    state = _remembered(state, event)
    if event.undoing and event.patches:
        state = _cursor_on(state, event.patches[0].act.thread_id)
    return state


def _patched(state: MailState, patch: Patch, given: Thread | None) -> MailState:
    thread_id = patch.act.thread_id
    base = state.base.get(thread_id) or known(state, thread_id) or given
    if base is None:
        return state
    before = all_applied(state.patches, base)
    state = replace(
        state,
        patches=(*state.patches, patch),
        base=MappingProxyType({**state.base, thread_id: base}),
    )
    return show(state, applied(patch.act, before), before=before)


def _remembered(state: MailState, event: ev.Acted) -> MailState:
    entry = event.entry
    if entry is None:
        return state
    if event.undoing:
        undo = tuple(each for each in state.undo if each.number != entry.number)
        state = replace(state, undo=undo, redo=_with_entry(state.redo, entry))
        return said(state, clean_line(f"undone: {entry.label}"), Tone.INFO)
    left = tuple(each for each in state.redo if each.number != entry.number)
    redo = left if event.redoing else ()
    state = replace(state, undo=_with_entry(state.undo, entry), redo=redo)
    return said(state, clean_line(entry.label), Tone.INFO)


def _cursor_on(state: MailState, thread_id: str) -> MailState:
    for index in range(row_count(state)):
        row = visible_row(state, index)
        if row is not None and row.id == thread_id:
            return replace(state, selected=index, selected_id=thread_id)
    return state


def act_confirmed(state: MailState, event: ev.ActConfirmed) -> MailState:
    """Take the server's word for what was shown."""
    patch = _patch(state.patches, event.number)
    state = replace(state, pending=max(state.pending - 1, 0))
    if patch is None:
        return state
    thread_id = patch.act.thread_id
    base = state.base.get(thread_id)
    if base is not None:
        base = _told(applied(patch.act, base), event.triage)
        state = replace(state, base=MappingProxyType({**state.base, thread_id: base}))
    if event.linger:
        patches = tuple(
            replace(each, confirmed=True) if each.number == event.number else each
            for each in state.patches
        )
        return _refolded(replace(state, patches=patches), thread_id)
    return _without(state, patch)


def _told(thread: Thread, triage: Triage | None) -> Thread:
    return thread if triage is None else replace(thread, triage=triage)


def patch_expired(state: MailState, event: ev.PatchExpired) -> MailState:
    """Show the server's row again where it never agreed with a confirmed act."""
    patch = _patch(state.patches, event.number)
    return state if patch is None or not patch.confirmed else _without(state, patch)


def act_refused(state: MailState, event: ev.ActRefused) -> MailState:
    """Take back what was shown, and say why."""
    patch = _patch(state.patches, event.number)
    state = replace(state, pending=max(state.pending - 1, 0))
    state = said(state, event.error, Tone.ERROR)
    if patch is None:
        return state
    state = _without(state, patch)
    stays = [
        part for each in state.redo if (part := _only(each, lambda _, back: back is patch.act))
    ]
    undo = tuple(_forgetting(state.undo, patch))
    for entry in stays:
        # What was not undone can still be.
        undo = _with_entry(undo, entry, in_order=True)
    return replace(state, undo=undo, redo=tuple(_forgetting(state.redo, patch)))


def _forgetting(entries: Iterable[UndoEntry], patch: Patch) -> Iterable[UndoEntry]:
    """Yield the entries without the act that never happened (or was never undone)."""
    for entry in entries:
        left = _only(entry, lambda act, back: patch.act is not act and patch.act is not back)
        if left is not None:
            yield left


def _only(entry: UndoEntry, holds: Callable[[Act, Act], bool]) -> UndoEntry | None:
    """Return an entry with those of its acts for which something holds; None without any."""
    pairs = zip(entry.acts, entry.inverse, strict=True)
    places = [place for place, (act, back) in enumerate(pairs) if holds(act, back)]
    if len(places) == len(entry.acts):
        return entry
    return (
        replace(
            entry,
            acts=tuple(entry.acts[place] for place in places),
            inverse=tuple(entry.inverse[place] for place in places),
            threads=tuple(entry.threads[place] for place in places),
        )
        if places
        else None
    )


def _with_entry(
    entries: tuple[UndoEntry, ...], entry: UndoEntry, *, in_order: bool = False
) -> tuple[UndoEntry, ...]:
    """Return the entries with another one, last or by its number; the same one is one again."""
    rest = tuple(each for each in entries if each.number != entry.number)
    for same in (each for each in entries if each.number == entry.number):
        entry = replace(
            entry,
            acts=same.acts + entry.acts,
            inverse=same.inverse + entry.inverse,
            threads=same.threads + entry.threads,
        )
    place = len(rest)
    while in_order and place and rest[place - 1].number > entry.number:
        place -= 1
    return (*rest[:place], entry, *rest[place:])[-UNDO_KEPT:]


def agreed(state: MailState, row: Thread) -> MailState:
    """Drop confirmed acts up to the first with which the server's own row agrees."""
    mine = [patch for patch in state.patches if patch.act.thread_id == row.id]
    for place, patch in enumerate(mine):
        if not patch.confirmed:
            return state
        if applied(patch.act, row) == row:
            dropped = {each.number for each in mine[: place + 1]}
            kept = tuple(each for each in state.patches if each.number not in dropped)
            return replace(state, patches=kept)
    return state


def _without(state: MailState, patch: Patch) -> MailState:
    left = tuple(each for each in state.patches if each.number != patch.number)
    return _refolded(replace(state, patches=left), patch.act.thread_id)


def _refolded(state: MailState, thread_id: str) -> MailState:
    """Return the state with the thread shown anew: its server row under the acts that are left."""
    base = state.base.get(thread_id)
    if base is None:
        return state
    shown = all_applied(state.patches, base)
    if not any(patch.act.thread_id == thread_id for patch in state.patches):
        rest = {key: row for key, row in state.base.items() if key != thread_id}
        state = replace(state, base=MappingProxyType(rest))
    before = known(state, thread_id)
    return state if shown == before else show(state, shown, before=before)


def _patch(patches: Iterable[Patch], number: int) -> Patch | None:
    return next((patch for patch in patches if patch.number == number), None)


def said(state: MailState, text: Safe, tone: Tone) -> MailState:
    """Return the state with a notice."""
    number = 1 if state.notice is None else state.notice.number + 1
    return replace(state, notice=Notice(text, tone, number))
