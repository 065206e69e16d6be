"""Pickers of the main screen: tags, owner, inbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.mailbox.select import age
from agentmail_tui.mailbox.state import Tone
from agentmail_tui.mailbox.tag_change import TagChange, typed_change
from agentmail_tui.screens.fuzzy import best
from agentmail_tui.screens.known import known_owners, known_tags
from agentmail_tui.screens.modal import PickScreen
from agentmail_tui.widgets.lines import fit
from agentmail_tui.widgets.pick_list import Choice

if TYPE_CHECKING:
    from agentmail_tui.domain import Inbox, Thread
    from agentmail_tui.screens.context import Context

NOBODY = ""
ALL_INBOXES = ""
# Before what was typed, where that is to be a new inbox; no id begins so.
NEW_INBOX = "+ "


class TagPicker(PickScreen[TagChange]):
    """Picks tags to add and to remove."""

    heading = "Tags"
    placeholder = "type a tag, or +vip -urgent"
    note = "tab on/off · enter saves · esc cancels"

    def __init__(self, context: Context, thread: Thread) -> None:
        super().__init__(context)
        self._had = tuple(str(tag) for tag in thread.triage.tags) if thread.triage else ()
        self._marked = set(self._had)
        self._known = list(dict.fromkeys((*self._had, *known_tags(self.state))))

    def choices(self, query: str) -> list[Choice]:
        """Return the tags that fit, and a new one where none is called so."""
        if query.startswith(("+", "-")):
            return self._typed_choices(query)
        rows = [self._row(tag) for tag in best(query, self._known, str)]
        name = "-".join(query.split())
        if name and name not in self._known:
            new = Choice((("  + ", "good"), (name, "tag"), ("  new tag", "faint")), name)
            rows.append(new)
        return rows or [Choice((("  no tags yet: type one", "muted"),))]

    def _typed_choices(self, query: str) -> list[Choice]:
        change = typed_change(query)
        if change is None:
            return [Choice((("  +tag adds, -tag removes", "muted"),))]
        add, remove = change
        spans = [
            *((f"  + {tag}", "good") for tag in add),
            *((f"  - {tag}", "bad") for tag in remove),
        ]
        return [Choice(tuple(spans), query)]

    def _row(self, tag: str) -> Choice:
        mark = ("  ✓ ", "good") if tag in self._marked else ("    ", "")
        return Choice((mark, (tag, "tag")), tag)

    def action_mark(self) -> None:
        """Mark the tag under the cursor, or take its mark away, and stay."""
        tag = self.picks.value
        if tag is None or self.query_text.startswith(("+", "-")):
            return
        if tag in self._marked:
            self._marked.remove(tag)
        else:
            self._switch_on(tag)
        self.field.value = ""
        self.picks.show(self.choices(""), tag)

    def _switch_on(self, tag: str) -> None:
        self._marked.add(tag)
        if tag not in self._known:
            self._known.append(tag)

    def choose(self, value: str | None) -> None:
        """Save what is on; where nothing was switched, the tag under the cursor goes on too."""
        typed = typed_change(self.query_text)
        if typed is not None:
            self.dismiss(typed)
            return
        if value is not None and (self.query_text or self._marked == set(self._had)):
            self._switch_on(value)
        add = tuple(tag for tag in self._known if tag in self._marked and tag not in self._had)
        remove = tuple(tag for tag in self._had if tag not in self._marked)
        self.dismiss((add, remove))


class OwnerPicker(PickScreen[str]):
    """Picks who has a thread."""

    heading = "Assign to"
    placeholder = "a person or an agent"
    note = "enter assigns · esc leaves"

    def __init__(self, context: Context, thread: Thread) -> None:
        super().__init__(context)
        self._owner = thread.triage.assigned_to if thread.triage else None

    def choices(self, query: str) -> list[Choice]:
        """Return those who fit, a new name, and nobody."""
        owners = known_owners(self.state)
        rows = [self._row(owner) for owner in best(query, owners, str)]
        if query and query not in owners:
            rows.append(
                Choice((("  + ", "good"), (query, "accent"), ("  new name", "faint")), query)
            )
        if not query and self._owner:
            rows.append(Choice((("    nobody", "muted"), ("  no owner", "faint")), NOBODY))
        return rows

    def _row(self, owner: str) -> Choice:
        mark = ("  ✓ ", "good") if owner == self._owner else ("    ", "")
        note = ("  you", "faint") if owner == self.state.me else ("", "")
        return Choice((mark, (owner, "accent"), note), owner)

    def choose(self, value: str | None) -> None:
        """Take the name under the cursor."""
        if value is not None:
            self.dismiss(value)


class UndoPicker(PickScreen[str]):
    """Picks the act to take back; returns its number."""

    heading = "Undo"
    placeholder = "what was done"
    note = "enter takes that one back · esc leaves"

    def choices(self, query: str) -> list[Choice]:
        """Return the acts that fit, newest first."""
        found = best(query, reversed(self.state.undo), lambda entry: entry.label)
        return [
            Choice(
                ((f"  {age(entry.at, self.now):>4}  ", "faint"), (entry.label, "text")),
                str(entry.number),
            )
            for entry in found
        ] or [Choice((("    nothing was done so", "muted"),))]

    def choose(self, value: str | None) -> None:
        """Take the act under the cursor."""
        if value is not None:
            self.dismiss(value)


def _new_inbox(name: str) -> Choice:
    """Return the offer to make an inbox."""
    if not name:
        return Choice((("    no inbox yet: type a name for one", "muted"),))
    return Choice(
        (("  + ", "good"), (name, "text"), ("  new inbox", "faint")), f"{NEW_INBOX}{name}"
    )


class InboxPicker(PickScreen[str]):
    """Picks which inbox the list shows."""

    heading = "Inbox"
    placeholder = "address or name; a new name makes an inbox"
    note = "enter shows it · esc leaves, then g I manages inboxes"

    def choices(self, query: str) -> list[Choice]:
        """Return the inboxes that fit, and all of them together."""
        state = self.state
        found = best(query, state.inboxes, lambda inbox: f"{inbox.address} {inbox.name}")
        rows = [self._row(inbox) for inbox in found]
        if state.capabilities.all_inboxes and not query:
            current = ("  ✓ ", "good") if state.inbox_id is None else ("    ", "")
            rows.insert(0, Choice((current, ("all inboxes", "text")), ALL_INBOXES))
        if not found and state.capabilities.manage_inboxes and not state.read_only:
            rows.append(_new_inbox(query))
        return rows or [Choice((("    no inbox is called so", "muted"),))]

    def _row(self, inbox: Inbox) -> Choice:
        mark = ("  ✓ ", "good") if inbox.id == self.state.inbox_id else ("    ", "")
        return Choice(
            (mark, (fit(inbox.address, 34), "text"), (f" {inbox.name}", "muted")), inbox.id
        )

    def choose(self, value: str | None) -> None:
        """Take the inbox under the cursor."""
        if value is None:
            self.say("no inbox is called so", Tone.WARNING)
        else:
            self.dismiss(value)
