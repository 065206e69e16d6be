"""What the screen wants to know of the state; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from agentmail_tui.clean import Safe, clean, clean_line
from agentmail_tui.domain import (
    Address,
    DeliveryEvent,
    Direction,
    Hit,
    Inbox,
    Message,
    Thread,
)
from agentmail_tui.mailbox.state import (
    EVENTS_LISTED,
    SNOOZED,
    SPLITS,
    Link,
    MailState,
    Outgoing,
    SendPhase,
    Split,
)

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_WEEKS_FROM = 14 * _DAY
_YEAR = 365 * _DAY


def searching(state: MailState) -> bool:
    """Tell whether the hits of a search stand in the place of the list."""
    search = state.search
    return search is not None and (bool(search.hits) or search.engine is not None)


def search_waits(state: MailState) -> bool:
    """Tell whether the search is asked again by itself, once the server is found again."""
    search = state.search
    return search is not None and search.waiting and state.link not in {Link.LIVE, Link.POLLING}


def row_count(state: MailState) -> int:
    """Return how many rows the list has, held or not."""
    if state.search is not None and searching(state):
        return len(state.search.hits)
    return state.window.total


def visible_row(state: MailState, index: int) -> Thread | None:
    """Return the thread of a row; None where it is not held yet."""
    if state.search is not None and searching(state):
        hits = state.search.hits
        return hits[index].thread if 0 <= index < len(hits) else None
    return state.window.rows.get(index)


def hit_at(state: MailState, index: int) -> Hit | None:
    """Return the hit of a search that a row shows."""
    if state.search is None or not 0 <= index < len(state.search.hits):
        return None
    return state.search.hits[index]


def selected_thread(state: MailState) -> Thread | None:
    """Return the thread under the cursor."""
    return visible_row(state, state.selected)


def target_thread(state: MailState) -> Thread | None:
    """Return the thread that acts apply to: the open one, else the one under the cursor."""
    return state.open.thread if state.open is not None else selected_thread(state)


def delivery_events(state: MailState) -> tuple[DeliveryEvent, ...]:
    """Return the events that the delivery panel lists: all, or those of the chosen type."""
    delivery = state.delivery
    if delivery.log is None and not delivery.kind:
        return delivery.data.events
    return delivery.log or ()


def has_older_events(state: MailState) -> bool:
    """Tell whether there may be older events than those that the delivery panel lists."""
    delivery, listed = state.delivery, len(delivery_events(state))
    begun = delivery.log is not None or delivery.kind
    return 0 < listed < EVENTS_LISTED and (delivery.older is not None if begun else True)


def current_inbox(state: MailState) -> Inbox | None:
    """Return the inbox that is shown; None for all of them."""
    return inbox(state, state.inbox_id)


def inbox(state: MailState, inbox_id: str | None) -> Inbox | None:
    """Return an inbox by its id."""
    return next((each for each in state.inboxes if each.id == inbox_id), None)


def title(state: MailState) -> Safe:
    """Return where the reader is: server, inbox, split."""
    shown = current_inbox(state)
    place = "all inboxes" if shown is None else shown.address
    return clean_line(f"{state.server} ▸ {place} ▸ {state.split.label}")


def splits(state: MailState) -> tuple[Split, ...]:
    """Return the tabs that the server can fill."""
    found = SPLITS
    if not state.capabilities.triage_in_list:
        found = tuple(split for split in SPLITS if split.status is None and not split.mine)
    return (*found, SNOOZED) if _shows_snoozed(state) else found


def _shows_snoozed(state: MailState) -> bool:
    """Tell whether there is a tab of what sleeps; where nobody counts there always is."""
    able = state.capabilities
    if not able.snooze:
        return False
    asleep = not able.counts or (state.counts is not None and state.counts.snoozed > 0)
    return asleep or state.split.snoozed


def split_counts(state: MailState) -> Mapping[str, int | None]:
    """Return the number of threads by split key; None where nobody told."""
    found: dict[str, int | None] = {split.key: None for split in SPLITS}
    if state.counts is not None:
        by_status = dict(state.counts.by_status)
        for split in SPLITS:
            if split.status is not None:
                found[split.key] = by_status.get(split.status, 0)
        found["all"] = state.counts.total - state.counts.snoozed
        found["snoozed"] = state.counts.snoozed
        found["mine"] = state.counts.mine
    if state.window.complete and not state.window.wanted.words:
        found.setdefault(state.split.key, state.window.total)
        if found[state.split.key] is None:
            found[state.split.key] = state.window.total
    return found


def conversation(state: MailState) -> tuple[Message, ...]:
    """Return what the reader shows: the messages, then those still on their way out."""
    if state.open is None:
        return ()
    thread_id = state.open.thread.id
    waiting = [item for item in state.outgoing if item.draft.thread_id == thread_id]
    return (state.open.messages or ()) + tuple(_on_its_way(state, item) for item in waiting)


def outgoing(state: MailState, local_id: str | None) -> Outgoing | None:
    """Return the mail on its way out with that id."""
    return next((item for item in state.outgoing if item.draft.local_id == local_id), None)


def failed_sends(state: MailState) -> tuple[Outgoing, ...]:
    """Return mail that did not go, or of which nobody knows."""
    return tuple(item for item in state.outgoing if item.phase is not SendPhase.SENDING)


def age(moment: datetime, now: datetime) -> str:
    """Return how long ago, in at most four signs: `now`, `5m`, `3h`, `2d`, `6w`, `2y`."""
    seconds = (now - moment).total_seconds()
    if seconds < _MINUTE:
        return "now"
    for limit, unit, sign in (
        (_HOUR, _MINUTE, "m"),
        (_DAY, _HOUR, "h"),
        (_WEEKS_FROM, _DAY, "d"),
        (_YEAR, 7 * _DAY, "w"),
    ):
        if seconds < limit:
            return f"{int(seconds // unit)}{sign}"
    return f"{int(seconds // _YEAR)}y"


def _on_its_way(state: MailState, item: Outgoing) -> Message:
    draft = item.draft
    sender = inbox(state, draft.inbox_id)
    return Message(
        id=draft.local_id,
        thread_id=draft.thread_id or "",
        inbox_id=draft.inbox_id,
        direction=Direction.OUTBOUND,
        sender=_written("" if sender is None else sender.address),
        to=tuple(_written(address) for address in draft.to),
        cc=tuple(_written(address) for address in draft.cc),
        reply_to=(),
        subject=clean_line(draft.subject),
        text=clean(draft.body),
        html=None,
        created_at=item.at,
        attachments=(),
        delivery_status=clean_line(item.phase),
        parse_error=None,
        local_id=draft.local_id,
    )


def _written(address: str) -> Address:
    return Address(name=Safe(), shown=clean_line(address), exact=address)
