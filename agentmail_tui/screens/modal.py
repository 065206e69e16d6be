"""Boxes over the screen: a heading, a field, a list to pick from."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from agentmail_tui.keys import Place
from agentmail_tui.screens.bindings import bindings
from agentmail_tui.screens.shown import Result, StateScreen
from agentmail_tui.widgets.one_line import OneLine
from agentmail_tui.widgets.pick_list import PickList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from agentmail_tui.screens.context import Context
    from agentmail_tui.widgets.pick_list import Choice


class Modal(StateScreen[Result], ModalScreen[Result]):
    """A screen that leaves the one below in sight."""


class PickScreen(Modal[Result]):
    """A field and what fits it; enter chooses."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.PICKER)
    heading = ""
    placeholder = ""
    note = ""
    AUTO_FOCUS = "#pick-field"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.picks = PickList(id="picks")
        self.field = Input(placeholder=self.placeholder, compact=True, id="pick-field")
        self.field.cursor_blink = False

    def compose(self) -> ComposeResult:
        """Put heading, field, list and note into a box."""
        with Vertical(id="box"):
            yield OneLine(((self.heading, "strong"),), id="pick-heading")
            yield self.field
            yield self.picks
            yield OneLine(((self.note, "faint"),), id="pick-note")

    def on_mount(self) -> None:
        """Show everything there is to choose."""
        self.picks.can_focus = False
        self.on_resize()
        self.show_choices()

    def on_resize(self) -> None:
        """Leave half of the screen to the list; `vh` does not hold while a box is measured."""
        self.picks.styles.max_height = max(self.app.size.height // 2, 1)

    @property
    def query_text(self) -> str:
        """What stands in the field."""
        return self.field.value.strip()

    def show_choices(self) -> None:
        """Show what fits the field, with the cursor on the best."""
        choices = self.choices(self.query_text)
        first = next((choice.value for choice in choices if choice.value is not None), None)
        self.picks.show(choices, first)

    def choices(self, query: str) -> Sequence[Choice]:
        """Return what fits, best first."""
        raise NotImplementedError

    def choose(self, value: str | None) -> None:
        """Take what is under the cursor; None where nothing is."""
        raise NotImplementedError

    @on(Input.Changed)
    def _typed(self) -> None:
        self.show_choices()

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.choose(self.picks.value)

    @on(PickList.Chosen)
    def _clicked(self, event: PickList.Chosen) -> None:
        self.choose(event.value)

    def action_down(self) -> None:
        """Go to the next choice."""
        self.picks.step(1)

    def action_up(self) -> None:
        """Go to the previous choice."""
        self.picks.step(-1)

    def action_mark(self) -> None:
        """Take one more; only where several can be taken."""

    def action_rename(self) -> None:
        """Give what is under the cursor another name; only where that can be."""

    def action_delete(self) -> None:
        """Delete what is under the cursor; only where that can be."""

    def action_out(self) -> None:
        """Leave without a choice."""
        self.dismiss(None)
