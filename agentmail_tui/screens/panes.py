"""The parts of the main screen and what is true of them, for all the mixins that hold its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from msgspec.structs import replace

from agentmail_tui.keys import Place
from agentmail_tui.mailbox import select
from agentmail_tui.mailbox.state import Tone
from agentmail_tui.screens.shown import StateScreen
from agentmail_tui.widgets.choice_hint import ChoiceHint, Choices
from agentmail_tui.widgets.rule import Joints, Rule
from agentmail_tui.widgets.search_bar import SearchBar
from agentmail_tui.widgets.side import Sections, TriageSide
from agentmail_tui.widgets.thread_list import ThreadList
from agentmail_tui.widgets.thread_view import ReaderPlace, ThreadView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentmail_tui.domain import Thread
    from agentmail_tui.mailbox.drafts import KeptDraft
    from agentmail_tui.mailbox.state import MailState, Split
    from agentmail_tui.screens.context import Context
    from agentmail_tui.widgets.key_footer import FooterKeys


_LISTS = frozenset({Place.LIST, Place.HITS, Place.ASLEEP})
_TO_A_THREAD = frozenset(
    {"down", "open", "reply", "tag", "assign", "mine", "snooze", "like"}
    | {f"status('{name}')" for name in ("closed", "waiting")}
)  # acts that need a row


class Panes(StateScreen[None]):
    """Holds the widgets that keys act on, and the drafts that were left."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.search_bar = SearchBar(id="search")
        self.list = ThreadList(id="list")
        self.reader = ThreadView(id="reader")
        self.side = TriageSide(Sections(), id="side")
        self.upper_rule = Rule(Joints(), id="upper-rule")
        self.lower_rule = Rule(Joints(), id="lower-rule")
        self.hint = ChoiceHint(Choices(), id="hint")
        self.drafts: dict[str, KeptDraft] = {}
        # Where the reader was when a search was begun from it.
        self._came_from: ReaderPlace | None = None
        self._reading = False

    @property
    def reading(self) -> bool:
        """Whether keys go to the reader."""
        return self._reading

    @property
    def pane(self) -> Place:
        """Which pane keys go to."""
        return Place.READER if self.reading else Place.LIST

    @property
    def place(self) -> Place:
        """Where keys go."""
        if self.hint.info.choices:
            return Place.PREFIX
        if self.search_bar.active:
            return self._in_field
        if self.reading:
            return Place.FOUND if self.reader.finding else Place.READER
        if select.searching(self.state):
            return Place.HITS
        return Place.ASLEEP if self.state.split.snoozed else Place.LIST

    def footer_keys(self, place: Place) -> FooterKeys:
        """Return the keys that are shown, without those that can do nothing now."""
        found, state = super().footer_keys(place), self.state
        hidden = set() if state.undo else {"undo"}
        if place in _LISTS and select.selected_thread(state) is None:
            hidden |= _TO_A_THREAD
        if state.read_only:
            hidden |= {key.action for key in self.context.keymap.keys if key.writes}
        keys = tuple(key for key in found.keys if key.action not in hidden)
        return replace(found, keys=keys)

    def show_keys(self) -> None:
        """Show what keys do now."""

    @property
    def _in_field(self) -> Place:
        """What keys of the field act on: its words, or the completions below them."""
        offered = self.search_bar.completions
        if offered.chosen is not None:
            return Place.CHOSEN
        return Place.FIELD if offered.best is None else Place.OFFER

    @property
    def one_pane(self) -> bool:
        """Whether there is room for the list or the reader only."""
        return self.has_class("-one")

    def may_do(self, refused: str) -> bool:
        """Tell whether anything may be changed, and say what is not done where it may not."""
        if self.state.read_only:
            # A page in a browser stays as whoever serves it wants it.
            way = "" if self.app.is_web else "; g r switches it off"
            self.say(f"read-only: {refused}{way}", Tone.WARNING)
        return not self.state.read_only

    def shown_thread(self, state: MailState) -> Thread | None:
        """Return the thread in the reader: the open one while reading, else the cursor's."""
        if self.reading and state.open is not None:
            return state.open.thread
        return select.selected_thread(state)

    def read(self) -> None:
        """Open the thread under the cursor and put the focus into the reader."""
        if select.selected_thread(self.state) is not None:
            self.mailbox.open_selected()
            self.focus_reader()

    def focus_reader(self) -> None:
        """Put the focus into the reader, which a small screen shows in the place of the list."""
        self._turn_to(self.reader, reading=True)

    def focus_list(self) -> None:
        """Put the focus into the list."""
        self._turn_to(self.list, reading=False)

    def _turn_to(self, pane: ThreadList | ThreadView, *, reading: bool) -> None:
        self.turn(reading=reading)
        # At once: the next key is the pane's, though a small screen has yet to show it.
        self.set_focus(pane)

    def turn(self, *, reading: bool) -> None:
        """Note where keys go; only where one pane is shown that is a matter of style.

        A class more or less has the style sheets matched with every widget anew.
        """
        self._reading = reading
        self.set_class(reading and self.one_pane, "-reading")

    def update_classes(
        self, classes: Mapping[str, bool], update: bool = True, animate: bool = True
    ) -> Self:
        """Change classes as the terminal's size bids, and with them which pane is shown."""
        one = classes.get("-one", self.one_pane)
        classes = {**classes, "-reading": self._reading and one}
        return super().update_classes(classes, update, animate)

    def remember_place(self) -> None:
        """Remember where a search is begun, to come back there."""
        if self.state.search is None and not self.search_bar.active:
            self._came_from = self.reader.place() if self.reading else None

    def leave_search(self) -> None:
        """End the search and be where it was begun."""
        self.search_bar.clear()
        self.mailbox.end_search()
        place, self._came_from = self._came_from, None
        if place is not None and place.thread_id is not None:
            self.mailbox.open_thread(place.thread_id)
            self.reader.come_back(place)
            self.focus_reader()
        else:
            self.focus_list()

    def own_splits(self) -> tuple[Split, ...]:
        """Return the tabs of this list, before those of searches."""
        return select.splits(self.state)

    def join_rules(self) -> None:
        """Put joints where the panes' lines meet the rules."""
        panes = self.query("#reader-pane, #side")
        columns = tuple(pane.region.x for pane in panes if pane.display and pane.region.x > 0)
        self.upper_rule.show(Joints(down=columns))
        self.lower_rule.show(Joints(up=columns))
