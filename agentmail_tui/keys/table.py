"""The one table of keys: footer, hints, help, palette, README and the user's keymap come from it.

A key is written as it is typed (`?`, `ctrl+d`); two strokes with a space between (`g i`) are a
prefix and its choice.  Reversible acts are one lower-case letter; acts that leave the building
are upper case or come after a review.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.keys.beside import BESIDE
from agentmail_tui.keys.key import Group, Key, Place

if TYPE_CHECKING:
    from collections.abc import Mapping


def _go(name: str, stroke: str, action: str, label: str) -> Key:
    return Key(f"go.{name}", (f"g {stroke}",), action, label, Group.GO)


def _triage(name: str, keys: str, action: str, label: str, *, writes: bool = True) -> Key:
    strokes = tuple(keys.split(","))
    return Key(f"triage.{name}", strokes, action, label, Group.TRIAGE, writes=writes)


def _view(name: str, stroke: str, label: str) -> Key:
    return Key(f"view.{name}", (f"v {stroke}",), f"view('{name}')", label, Group.READ)


def _mark(name: str, stroke: str, action: str, label: str) -> Key:
    return Key(f"select.{name}", (stroke,), action, label, Group.TRIAGE)


def _split(number: int) -> Key:
    return Key(
        f"split.{number}",
        (str(number),),
        f"split({number})",
        "split by its number",
        Group.GO,
        listed=number == 1,
        shown="1 … 9",
    )


def _write(name: str, keys: tuple[str, ...], action: str, label: str, place: Place) -> Key:
    return Key(f"{place}.{name}", keys, action, label, Group.WRITE, (place,))


KEYS: tuple[Key, ...] = (
    Key("move.down", ("j", "down"), "down", "next thread, or a line down", Group.MOVE),
    Key("move.up", ("k", "up"), "up", "previous thread, or a line up", Group.MOVE),
    Key("thread.next", ("J",), "thread(1)", "next thread, also while reading", Group.MOVE),
    Key("thread.previous", ("K",), "thread(-1)", "previous thread, also while reading", Group.MOVE),
    Key("message.next", ("n",), "message(1)", "next message of the thread", Group.MOVE),
    Key("message.previous", ("p",), "message(-1)", "previous message of the thread", Group.MOVE),
    Key("page.down", ("space", "ctrl+d", "pagedown"), "page(1)", "page down", Group.MOVE),
    Key("page.up", ("ctrl+u", "pageup", "shift+space"), "page(-1)", "page up", Group.MOVE),
    Key("move.top", ("g g", "home"), "top", "top", Group.MOVE),
    Key("move.bottom", ("G", "end"), "bottom", "bottom", Group.MOVE),
    Key("pane.next", ("tab",), "pane(1)", "next pane", Group.MOVE),
    Key("pane.previous", ("shift+tab",), "pane(-1)", "previous pane", Group.MOVE),
    Key("thread.open", ("enter", "o", "l", "right"), "open", "open, unfold or fold", Group.READ),
    Key("app.out", ("escape", "h", "left"), "out", "out one level", Group.READ),
    _view("text", "t", "whole text of the message"),
    _view("markdown", "m", "as Markdown"),
    _view("html", "w", "HTML as text: links, hidden text"),
    _view("extracted", "e", "extracted facts"),
    Key("view.headers", ("v h", "H"), "view('headers')", "headers", Group.READ),
    _view("source", "r", "raw source"),
    Key("file.save", ("S",), "save", "save a file (asks where)", Group.READ),
    Key("file.open", ("O",), "open_file", "open a file (asks first)", Group.READ),
    *(
        Key(f"copy.{what}", (f"y {what[0]}",), f"copy('{what}')", f"copy the {label}", Group.READ)
        for what, label in (
            ("id", "id of the message"),
            ("address", "address of its writer"),
            ("message", "text"),
            ("link", "link"),
            ("curl", "call that fetches it, as curl"),
        )
    ),
    Key("view.sidebar", ("i",), "sidebar", "show or hide the triage bar", Group.READ),
    Key("view.delivery", ("D",), "delivery", "delivery panel", Group.READ),
    Key(
        "mail.reply",
        ("r",),
        "reply",
        "reply; on a failed send: try again",
        Group.WRITE,
        writes=True,
    ),
    Key("mail.reply_all", ("R",), "reply_all", "reply to all", Group.WRITE, writes=True),
    Key("mail.forward", ("f",), "forward", "forward", Group.WRITE, writes=True),
    Key("mail.compose", ("c",), "compose", "write a new mail", Group.WRITE, writes=True),
    _triage("close", "e,s c", "status('closed')", "close, go to next"),
    _triage("wait", "w,s w", "status('waiting')", "waiting, go to next"),
    _triage("open", "s o", "status('open')", "status open"),
    _triage("needs_reply", "s n", "status('needs_reply')", "status needs reply"),
    _triage("tag", "t", "tag", "tags: pick, or type +vip -urgent"),
    _triage("tag_again", "T", "tag_again", "same tags as last time"),
    _triage("assign", "a", "assign", "assign to a person or an agent"),
    _triage("mine", "m", "mine", "assign to me"),
    _triage("give_back", "M", "give_back", "assign to nobody"),
    _triage("snooze", "b", "snooze", "snooze: 3h, mon 9:00; or wake it"),
    _triage("unread", "U", "unread", "mark unread"),
    _triage("repeat", ".", "repeat", "last triage act again"),
    _triage("undo", "u,z", "undo", "undo"),
    _triage("redo", "ctrl+r", "redo", "redo"),
    _mark("one", "x", "mark", "select this one, or let it go"),
    _mark("range", "V", "mark_range", "select from the last one to here"),
    _mark("all", "* a", "mark_all", "select the whole list"),
    _mark("none", "* n", "mark_none", "select nothing"),
    _mark("words", "* m", "mark_words", "select those with some words"),
    _triage("suppress", "#", "suppress_sender", "write to this sender no more (asks)"),
    Key("guard.delete", ("d",), "no_delete", "nothing is deleted", Group.TRIAGE, listed=False),
    Key("find.search", ("/",), "search", "search by meaning or words", Group.FIND),
    Key("find.like", ("&",), "like", "more like this thread", Group.FIND),
    Key("find.exact", ("=",), "exact", "exact words, or again meaning", Group.FIND),
    Key("find.keep", ("+",), "keep_search", "keep this search as a tab", Group.FIND),
    Key("find.kept", ("g /",), "searches", "kept searches", Group.FIND),
    Key("find.narrow", ("\\",), "narrow", "narrow this list while typing", Group.FIND),
    Key("find.in_thread", ("ctrl+f",), "find", "find in this thread", Group.FIND),
    Key("find.previous", ("N",), "find_step(-1)", "previous hit (n next)", Group.FIND),
    Key("split.next", ("]",), "split_step(1)", "next split", Group.GO),
    Key("split.previous", ("[",), "split_step(-1)", "previous split", Group.GO),
    *(_split(number) for number in range(1, 10)),
    _go("needs_reply", "n", "go_split('needs_reply')", "needs reply"),
    _go("open", "o", "go_split('open')", "open"),
    _go("waiting", "w", "go_split('waiting')", "waiting"),
    _go("mine", "m", "go_split('mine')", "mine"),
    _go("closed", "c", "go_split('closed')", "closed"),
    _go("snoozed", "b", "go_split('snoozed')", "snoozed"),
    _go("delivery", "d", "delivery", "delivery"),
    _go("suppressions", "s", "delivery('suppressions')", "suppressed addresses"),
    _go("webhooks", "k", "delivery('webhooks')", "webhook calls"),
    _go("inboxes", "i", "inboxes", "switch inbox"),
    _go("manage", "I", "manage_inboxes", "manage inboxes"),
    _go("domains", "M", "domains", "mail domains and their DNS"),
    _go("api_keys", "K", "api_keys", "API keys"),
    _go("org", "O", "org", "the organisation"),
    _go("servers", "S", "servers", "servers (profiles)"),
    _go("drafts", "D", "drafts", "unsent drafts"),
    _go("undo_list", "u", "undo_list", "undo list"),
    _go("read_only", "r", "read_only", "read-only on or off"),
    _go("keys", "?", "help", "keys"),
    Key("app.refresh", ("ctrl+l",), "refresh_mail", "fetch now and redraw", Group.APP),
    Key("app.theme", (), "theme", "next theme", Group.APP),
    Key("app.palette", (":", "ctrl+p"), "palette", "command palette", Group.APP),
    Key("app.help", ("?", "f1"), "help", "keys for this place", Group.APP),
    Key("app.close", ("q",), "leave", "out one level; at the root quit", Group.APP),
    Key("app.quit", ("ctrl+q",), "quit_app", "quit", Group.APP),
    _write("review", ("ctrl+j", "ctrl+enter"), "review", "go to review", Place.COMPOSER),
    _write("editor", ("f4", "alt+e"), "editor", "write the body in $EDITOR", Place.COMPOSER),
    _write("attach", ("f9", "alt+a"), "attach", "attach a file", Place.COMPOSER),
    _write("detach", ("alt+d",), "detach", "take the last file off", Place.COMPOSER),
    _write("keep", ("escape", "ctrl+s"), "keep", "keep the draft and leave", Place.COMPOSER),
    _write("discard", ("f8", "alt+x"), "discard", "delete the draft", Place.COMPOSER),
    _write("send", ("enter",), "send", "send", Place.REVIEW),
    _write("edit", ("e", "escape", "q"), "edit", "back to the draft", Place.REVIEW),
    _write("down", ("j", "down", "space"), "down", "a line down", Place.REVIEW),
    _write("up", ("k", "up"), "up", "a line up", Place.REVIEW),
    Key("picker.down", ("down", "ctrl+n"), "down", "next", Group.APP, (Place.PICKER,)),
    Key("picker.up", ("up", "ctrl+p"), "up", "previous", Group.APP, (Place.PICKER,)),
    Key("picker.mark", ("tab",), "mark", "one more (tags)", Group.APP, (Place.PICKER,)),
    Key("picker.rename", ("f2",), "rename", "rename (searches)", Group.APP, (Place.PICKER,)),
    Key("picker.delete", ("f8",), "delete", "delete (searches)", Group.APP, (Place.PICKER,)),
    Key("picker.out", ("escape",), "out", "leave", Group.APP, (Place.PICKER,)),
    *BESIDE,
)

BY_ID: Mapping[str, Key] = {key.id: key for key in KEYS}
PREFIXES: Mapping[str, str] = {"g": "go", "s": "status", "*": "select", "v": "view as", "y": "copy"}
