"""`update(state, event)`: the only maker of states; pure, one function an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox import update_acts as acts
from agentmail_tui.mailbox import update_beside as beside
from agentmail_tui.mailbox import update_list as listing
from agentmail_tui.mailbox import update_live as live
from agentmail_tui.mailbox import update_mail as mail
from agentmail_tui.mailbox import update_marks as marks
from agentmail_tui.mailbox import update_search as search
from agentmail_tui.mailbox.state import MailState


def update(state: MailState, event: ev.Event) -> MailState:
    """Return the state after an event."""
    return _TABLE[type(event)](state, event)


def _connected(state: MailState, event: ev.Connected) -> MailState:
    return replace(state, server=event.server, capabilities=event.capabilities)


def _link_changed(state: MailState, event: ev.LinkChanged) -> MailState:
    return replace(state, link=event.link, link_detail=event.detail)


def _inboxes_loaded(state: MailState, event: ev.InboxesLoaded) -> MailState:
    return replace(state, inboxes=event.inboxes)


def _counts_loaded(state: MailState, event: ev.CountsLoaded) -> MailState:
    if event.inbox_id != state.inbox_id:
        return state
    return replace(state, counts=event.counts)


def _read_only_set(state: MailState, event: ev.ReadOnlySet) -> MailState:
    return replace(state, read_only=event.on)


def _said(state: MailState, event: ev.Said) -> MailState:
    return acts.said(state, event.text, event.tone)


# The key fixes the type of the event that its function takes; no checker can say that of a dict.
_TABLE: dict[type[Any], Callable[[MailState, Any], MailState]] = {
    ev.Connected: _connected,
    ev.LinkChanged: _link_changed,
    ev.InboxesLoaded: _inboxes_loaded,
    ev.CountsLoaded: _counts_loaded,
    ev.ReadOnlySet: _read_only_set,
    ev.Said: _said,
    ev.ListAsked: listing.list_asked,
    ev.PageWanted: listing.page_wanted,
    ev.PageLoaded: listing.page_loaded,
    ev.PageFailed: listing.page_failed,
    ev.RangeShown: listing.range_shown,
    ev.Selected: listing.selected,
    ev.ThreadSeen: listing.thread_seen,
    ev.ThreadGone: listing.thread_gone,
    ev.TriageLoaded: listing.triage_loaded,
    ev.ThreadOpened: mail.thread_opened,
    ev.MessagesLoaded: mail.messages_loaded,
    ev.MessagesFailed: mail.messages_failed,
    ev.ThreadClosed: mail.thread_closed,
    ev.SearchStarted: search.search_started,
    ev.SearchDone: search.search_done,
    ev.SearchFailed: search.search_failed,
    ev.SearchEnded: search.search_ended,
    ev.SavedChanged: search.saved_changed,
    ev.SendStarted: mail.send_started,
    ev.SendAccepted: mail.send_accepted,
    ev.SendFailed: mail.send_failed,
    ev.SendDiscarded: mail.send_discarded,
    ev.Acted: acts.acted,
    ev.ActConfirmed: acts.act_confirmed,
    ev.PatchExpired: acts.patch_expired,
    ev.ActRefused: acts.act_refused,
    ev.Marked: marks.marked,
    ev.MarksCleared: marks.marks_cleared,
    ev.LiveBatch: live.live_batch,
    ev.DeliveryAsked: beside.delivery_asked,
    ev.DeliveryLoaded: beside.delivery_loaded,
    ev.DeliveryFailed: beside.delivery_failed,
    ev.EventsAsked: beside.events_asked,
    ev.EventsRead: beside.events_read,
    ev.EventsFailed: beside.events_failed,
    ev.AdminAsked: beside.admin_asked,
    ev.AdminRead: beside.admin_read,
    ev.AdminFailed: beside.admin_failed,
}
