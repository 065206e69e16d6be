"""The delivery panel: figures of a period, events, suppressed addresses, webhook calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on

from agentmail_tui.keys import Place
from agentmail_tui.mailbox import select
from agentmail_tui.screens import present_delivery as present
from agentmail_tui.screens.bindings import bindings
from agentmail_tui.screens.present import LINKS
from agentmail_tui.screens.present_hooks import webhook_choices
from agentmail_tui.screens.present_plot import plot
from agentmail_tui.screens.shown import StateScreen
from agentmail_tui.widgets.key_footer import KeyFooter
from agentmail_tui.widgets.one_line import Flow, OneLine, Stack
from agentmail_tui.widgets.pick_list import PickList
from agentmail_tui.widgets.rule import Joints, Rule
from agentmail_tui.widgets.split_bar import SplitBar, Tab, Tabs
from agentmail_tui.widgets.status_line import StatusInfo, StatusLine
from agentmail_tui.widgets.title_bar import Title, TitleBar

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from agentmail_tui.mailbox.state import MailState
    from agentmail_tui.screens.context import Context

PARTS = ("events", "suppressions", "webhooks")


@dataclass(frozen=True, slots=True)
class Picked:
    """A thread to open, and the event that led there."""

    thread_id: str
    event_id: str


class DeliveryScreen(StateScreen[Picked]):
    """Returns a thread to open, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.DELIVERY)

    def __init__(self, context: Context, part: str, event_id: str | None = None) -> None:
        """Begin with a part; with the cursor on an event, if one is given."""
        super().__init__(context)
        self._event_id = event_id
        self._part = PARTS.index(part)
        self.title_bar = TitleBar(Title())
        self.periods = OneLine((), id="periods")
        self.figures = Flow((), id="figures")
        self.plot = Stack((), id="plot")
        self.parts = SplitBar(Tabs(), id="parts")
        self.rows = PickList(id="rows")
        self.status_line = StatusLine(StatusInfo())

    def compose(self) -> ComposeResult:
        """Put the parts under one another."""
        yield self.title_bar
        yield self.periods
        yield self.figures
        yield self.plot
        yield Rule(Joints())
        yield self.parts
        yield self.rows
        yield Rule(Joints())
        yield self.status_line
        yield KeyFooter(self.footer_keys(Place.DELIVERY))

    def on_mount(self) -> None:
        """Show what is known, and fetch it anew."""
        self.show_state(self.state)
        self.mailbox.load_delivery()

    def show_state(self, state: MailState) -> None:
        """Show figures, tabs and the rows of the current part."""
        inbox = select.current_inbox(state)
        place = inbox.address if inbox else "all inboxes"
        self.title_bar.show(Title((state.server, place, "Delivery"), LINKS[state.link]))
        periods, figures = present.tiles(state)
        self.periods.show(((" ", ""), *periods))
        self.figures.show(figures)
        data = state.delivery.data
        lines = plot(data.metrics)
        self.plot.show(lines)
        self.plot.display = bool(lines)
        counts = (len(data.events), len(data.suppressions), len(data.webhooks))
        tabs = [
            Tab(name.capitalize(), str(count), current=n == self._part)
            for n, (name, count) in enumerate(zip(PARTS, counts, strict=True))
        ]
        self.parts.show(Tabs(tuple(tabs)))
        self._show_rows(state)
        notice = state.notice
        self.status_line.show(
            StatusInfo(notice.text, notice.tone.value) if notice else StatusInfo()
        )

    def _show_rows(self, state: MailState) -> None:
        make = (present.event_choices, present.suppression_choices, webhook_choices)
        self.rows.show(make[self._part](state, self.now), self._event_id)
        if self._event_id == self.rows.value:
            # From here on the cursor is the reader's.
            self._event_id = None

    @on(SplitBar.Picked)
    def _part_clicked(self, event: SplitBar.Picked) -> None:
        self._part = event.index
        self.show_state(self.state)

    @on(KeyFooter.Picked)
    async def _key_clicked(self, event: KeyFooter.Picked) -> None:
        await self.run_action(event.action)

    @on(PickList.Chosen)
    def _row_clicked(self) -> None:
        self.action_open()

    def action_down(self) -> None:
        """Go to the next row."""
        self.rows.step(1)

    def action_up(self) -> None:
        """Go to the previous row."""
        self.rows.step(-1)

    def action_part(self) -> None:
        """Show the next part."""
        self._part = (self._part + 1) % len(PARTS)
        self.show_state(self.state)

    def action_period(self) -> None:
        """Show the next period."""
        shown = self.state.delivery.period
        at = present.PERIODS.index(shown) if shown in present.PERIODS else 0
        self.mailbox.load_delivery(present.PERIODS[(at + 1) % len(present.PERIODS)])

    def action_open(self) -> None:
        """Go to the thread of the event under the cursor."""
        value = self.rows.value
        events = self.state.delivery.data.events if self._part == 0 else ()
        event = next((each for each in events if each.id == value), None)
        if event is not None and event.thread_id is None:
            self.say("the server does not say to which thread this belongs")
        elif event is not None and event.thread_id is not None:
            self.dismiss(Picked(event.thread_id, event.id))

    def action_retry(self) -> None:
        """Have the webhook under the cursor called again."""
        if PARTS[self._part] == "webhooks" and self.rows.value is not None:
            self.mailbox.retry_webhook(self.rows.value)
        else:
            self.say("only a webhook call can be made again: tab leads to them")

    def action_out(self) -> None:
        """Go back."""
        self.dismiss(None)
