"""The delivery panel: figures, events, suppressed addresses, webhook calls, DNS of domains."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on

from agentmail_tui.keys import Place
from agentmail_tui.mailbox import select
from agentmail_tui.screens import present_delivery as present
from agentmail_tui.screens.bindings import bindings
from agentmail_tui.screens.delivery_acts import DeliveryActs
from agentmail_tui.screens.frame import framed, noticed
from agentmail_tui.screens.present_domains import domain_choices, is_right
from agentmail_tui.screens.present_events import event_choices, event_count
from agentmail_tui.screens.present_hooks import webhook_choices
from agentmail_tui.screens.present_plot import plot
from agentmail_tui.screens.words import word
from agentmail_tui.widgets.key_footer import FooterKeys, KeyFooter
from agentmail_tui.widgets.one_line import OneLine, Stack
from agentmail_tui.widgets.pick_list import Choice, PickList
from agentmail_tui.widgets.rule import Joints, Rule
from agentmail_tui.widgets.split_bar import SplitBar, Tab, Tabs
from agentmail_tui.widgets.status_line import StatusInfo, StatusLine
from agentmail_tui.widgets.tiles import Tiles
from agentmail_tui.widgets.title_bar import Title, TitleBar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from agentmail_tui.mailbox.state import MailState
    from agentmail_tui.screens.context import Context

PARTS = ("events", "suppressions", "webhooks", "domains")
_SHORT = {"suppressions": "Supp.", "webhooks": "Hooks"}
# Acts of the footer that belong to one part alone.
_OF_PART = {
    "open": "events",
    "filter": "events",
    "suppress": "suppressions",
    "allow": "suppressions",
    "retry": "webhooks",
    "verify": "domains",
    "copy": "domains",
}


class DeliveryScreen(DeliveryActs):
    """Returns a thread to open, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.DELIVERY)
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual has it
        (0, "-flat"), (20, "-middle"), (30, "-high"),
    ]  # fmt: skip

    def __init__(self, context: Context, part: str, event_id: str | None = None) -> None:
        """Begin with a part; with the cursor on an event, if one is given."""
        super().__init__(context)
        self._event_id = event_id
        self._part = PARTS.index(part)
        self.title_bar = TitleBar(Title())
        self.periods = OneLine((), id="periods")
        self.figures = Tiles((), id="figures")
        self.plot = Stack((), id="plot")
        self.parts = SplitBar(Tabs(), id="parts")
        self.status_line = StatusLine(StatusInfo())
        self.footer = KeyFooter(FooterKeys())

    @property
    def part(self) -> str:
        """Which rows are shown."""
        return PARTS[self._part]

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
        yield self.footer

    def on_mount(self) -> None:
        """Show what is known, and fetch it anew."""
        self.show_state(self.state)
        self.mailbox.load_delivery()
        if self.state.capabilities.domains:
            self.mailbox.load_domains()

    def show_state(self, state: MailState) -> None:
        """Show figures, tabs and the rows of the current part."""
        inbox = select.current_inbox(state)
        place = inbox.address if inbox else "all inboxes"
        self.title_bar.show(framed(state, place, "Delivery"))
        self.periods.show(((" ", ""), *present.periods(state)))
        self.figures.show(present.tiles(state))
        self.plot.show(plot(state.delivery.data.metrics, self.now))
        self.parts.show(Tabs(tuple(self._tabs(state))))
        self.footer.show(self._keys())
        self._show_rows(state)
        self.status_line.show(noticed(state))

    def on_resize(self) -> None:
        """Give the rows the room that there is now."""
        self._show_rows(self.state)

    def _tabs(self, state: MailState) -> Iterator[Tab]:
        data, kind = state.delivery.data, state.delivery.kind
        domains = state.admin.domains or ()
        wrong = sum(not is_right(each) for each in domains)
        counts = (
            event_count(state, self.now),
            str(len(data.suppressions)),
            str(len(data.webhooks)),
            f"{len(domains)} ✗{wrong}" if wrong else str(len(domains)),
        )
        for number, (name, count) in enumerate(zip(PARTS, counts, strict=True)):
            label = f"Events: {word(kind)}" if kind and name == "events" else name.capitalize()
            yield Tab(label, count, current=number == self._part, short=_SHORT.get(name, ""))

    def _keys(self) -> FooterKeys:
        """Return the keys that do something in this part."""
        keys = self.footer_keys(Place.DELIVERY).keys
        return FooterKeys(tuple(k for k in keys if _OF_PART.get(k.action, self.part) == self.part))

    def _show_rows(self, state: MailState) -> None:
        self.rows.show(self._choices(state), self._event_id)
        if self._event_id == self.rows.value:
            # From here on the cursor is the reader's.
            self._event_id = None

    def _choices(self, state: MailState) -> list[Choice]:
        width = self.size.width
        if self.part == "events":
            return event_choices(state, self.now, width)
        if self.part == "domains":
            return domain_choices(state, self.now, width)
        calls = self.part == "webhooks"
        return (webhook_choices if calls else present.suppression_choices)(state, self.now)

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

    def action_part(self, by: int) -> None:
        """Show the part beside this one."""
        self._part = (self._part + by) % len(PARTS)
        self.show_state(self.state)
