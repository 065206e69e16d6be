"""What the keys of the delivery panel do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from textual import on

from agentmail_tui.mailbox import select
from agentmail_tui.screens import clipboard
from agentmail_tui.screens.ask import AskScreen
from agentmail_tui.screens.confirm import ConfirmScreen
from agentmail_tui.screens.frame import FramedScreen
from agentmail_tui.screens.pick_kind import KindPicker
from agentmail_tui.screens.present_delivery import PERIODS
from agentmail_tui.screens.present_domains import domain_of, record_of
from agentmail_tui.widgets.pick_list import PickList

if TYPE_CHECKING:
    from agentmail_tui.domain import Suppression
    from agentmail_tui.screens.context import Context

_NEAR = 20  # rows before the end of the log, from which on it is read further


class Picked(Struct, frozen=True):
    """A thread to open, and the event that led there."""

    thread_id: str
    event_id: str


class DeliveryActs(FramedScreen[Picked]):
    """Acts on the row under the cursor."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.rows = PickList(id="rows")

    @property
    def part(self) -> str:
        """Which rows are shown."""
        raise NotImplementedError

    def action_down(self) -> None:
        """Go to the next row."""
        self.rows.step(1)
        near = select.delivery_events(self.state)[-_NEAR:]
        if self.part == "events" and any(event.id == self.rows.value for event in near):
            self.mailbox.load_older_events()

    @on(PickList.Scrolled)
    def _scrolled(self, event: PickList.Scrolled) -> None:
        if self.part == "events" and event.below < _NEAR:
            self.mailbox.load_older_events()

    def action_up(self) -> None:
        """Go to the previous row."""
        self.rows.step(-1)

    def action_period(self) -> None:
        """Show the next period."""
        shown = self.state.delivery.period
        at = PERIODS.index(shown) if shown in PERIODS else 0
        self.mailbox.load_delivery(PERIODS[(at + 1) % len(PERIODS)])

    def action_filter(self) -> None:
        """Pick which events are listed."""
        if self._is("events", "only events are filtered: tab leads to them"):
            self.app.push_screen(KindPicker(self.context), self._filtered)

    def _filtered(self, kind: str | None) -> None:
        if kind is not None:
            self.mailbox.load_delivery(kind=kind)

    def action_open(self) -> None:
        """Go to the thread of the event under the cursor."""
        delivery = self.state.delivery
        events = (*(delivery.log or ()), *delivery.data.events) if self.part == "events" else ()
        event = next((each for each in events if each.id == self.rows.value), None)
        if event is not None and event.thread_id is None:
            self.say("the server does not say to which thread this belongs")
        elif event is not None and event.thread_id is not None:
            self.dismiss(Picked(event.thread_id, event.id))

    def action_suppress(self) -> None:
        """Ask for an address to which nothing is to be sent."""
        if self._is("suppressions", "addresses are added under suppressions: tab leads there"):
            if not self.may(able=self.state.capabilities.suppress, what="suppressions"):
                return
            inbox = self.state.inbox_id
            whose = "this inbox" if inbox else "every inbox"
            ask = AskScreen(
                self.context, "Write no more to", lambda _: f"{whose} will send nothing to it"
            )
            self.app.push_screen(ask, self._named)

    def _named(self, address: str | None) -> None:
        if address:
            self.mailbox.suppress(address, self.state.inbox_id)

    def action_allow(self) -> None:
        """Take the address under the cursor off the list, after a question."""
        if not self._is("suppressions", "tab leads to the suppressed addresses"):
            return
        listed = self.state.delivery.data.suppressions
        item = next((each for each in listed if each.id == self.rows.value), None)
        if item is None or not self.may(able=self.state.capabilities.suppress, what="suppressions"):
            return
        ask = ConfirmScreen(
            self.context,
            f"Write to {item.address} again?",
            "One more bounce harms the name of your domain.",
        )
        self.app.push_screen(ask, lambda sure: self._allowed(item, sure=bool(sure)))

    def _allowed(self, item: Suppression, *, sure: bool) -> None:
        if sure:
            self.mailbox.allow(item.id, item.address)

    def action_retry(self) -> None:
        """Have the webhook under the cursor called again."""
        here = self._is("webhooks", "only a webhook call can be made again: tab leads to them")
        if here and self.rows.value is not None:
            self.mailbox.retry_webhook(self.rows.value)

    def action_verify(self) -> None:
        """Have the server look the records of the domain up."""
        if self._is("domains", "tab leads to the domains"):
            domain = domain_of(self.state, self.rows.value)
            able = self.state.capabilities.manage_domains
            if domain is not None and self.may(able=able, what="domains"):
                self.mailbox.verify_domain(domain.id)

    def action_copy(self) -> None:
        """Copy the value of the record under the cursor."""
        self._copy(name=False)

    def action_copy_name(self) -> None:
        """Copy the name of the record under the cursor."""
        self._copy(name=True)

    def action_out(self) -> None:
        """Go back."""
        self.dismiss(None)

    def _copy(self, *, name: bool) -> None:
        if not self._is("domains", "DNS records are copied: tab leads to the domains"):
            return
        record = record_of(self.state, self.rows.value)
        if record is None:
            self.say("j leads to a record of this domain")
            return
        what = "name" if name else "value"
        clipboard.copy(self, f"{what} of {record.kind}", record.name if name else record.value)

    def _is(self, part: str, otherwise: str) -> bool:
        if self.part != part:
            self.say(otherwise)
        return self.part == part
