"""The inboxes of this server: made, renamed, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on

from agentmail_tui.keys import Place
from agentmail_tui.mailbox import select
from agentmail_tui.mailbox.state import MailState, Tone
from agentmail_tui.screens.bindings import bindings
from agentmail_tui.screens.present import LINKS
from agentmail_tui.screens.shown import StateScreen
from agentmail_tui.widgets.key_footer import KeyFooter
from agentmail_tui.widgets.lines import fit
from agentmail_tui.widgets.one_line import OneLine
from agentmail_tui.widgets.pick_list import Choice, PickList
from agentmail_tui.widgets.rule import Joints, Rule
from agentmail_tui.widgets.status_line import StatusInfo, StatusLine
from agentmail_tui.widgets.title_bar import Title, TitleBar

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from agentmail_tui.domain import Inbox
    from agentmail_tui.screens.context import Context

_ADDRESS = 40  # cells


class InboxesScreen(StateScreen[str]):
    """Returns the id of the inbox to show, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.INBOXES)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.title_bar = TitleBar(Title())
        self.head = OneLine((), id="inboxes-head")
        self.rows = PickList(id="rows")
        self.status_line = StatusLine(StatusInfo())

    def compose(self) -> ComposeResult:
        """Put the parts under one another."""
        yield self.title_bar
        yield Rule(Joints())
        yield self.head
        yield self.rows
        yield Rule(Joints())
        yield self.status_line
        yield KeyFooter(self.footer_keys(Place.INBOXES))

    def on_mount(self) -> None:
        """Show what is known."""
        self.show_state(self.state)

    def show_state(self, state: MailState) -> None:
        """Show every inbox, and what was said last."""
        self.title_bar.show(Title((state.server, "Inboxes"), LINKS[state.link]))
        count = len(state.inboxes)
        noun = "inbox" if count == 1 else "inboxes"
        self.head.show(((f" {count} {noun}", "muted"),))
        empty = Choice((("There is no inbox yet; n makes one.", "muted"),))
        self.rows.show([_row(each, state) for each in state.inboxes] or [empty])
        notice = state.notice
        self.status_line.show(
            StatusInfo(notice.text, notice.tone.value) if notice else StatusInfo()
        )

    @on(KeyFooter.Picked)
    async def _key_clicked(self, event: KeyFooter.Picked) -> None:
        await self.run_action(event.action)

    @property
    def inbox(self) -> Inbox | None:
        """The inbox under the cursor."""
        return select.inbox(self.state, self.rows.value)

    def action_down(self) -> None:
        """Go to the next inbox."""
        self.rows.step(1)

    def action_up(self) -> None:
        """Go to the previous inbox."""
        self.rows.step(-1)

    def action_open(self) -> None:
        """Show the mail of the inbox under the cursor."""
        if self.inbox is not None:
            self.dismiss(self.inbox.id)

    def action_out(self) -> None:
        """Go back."""
        self.dismiss(None)

    def action_new(self) -> None:
        """Ask for a name and make an inbox."""
        if self._may():
            from agentmail_tui.screens.ask import AskScreen

            tell = "what stands before the @, such as support"
            self.app.push_screen(AskScreen(self.context, "New inbox", lambda _: tell), self._named)

    def _named(self, local_part: str | None) -> None:
        if local_part:
            self.mailbox.create_inbox(local_part.partition("@")[0])

    def action_rename(self) -> None:
        """Ask for the name that recipients see."""
        inbox = self.inbox
        if inbox is None or not self._may():
            return
        from agentmail_tui.screens.ask import AskScreen

        ask = AskScreen(
            self.context,
            f"Name of {inbox.address}",
            lambda name: f"From: {name} <{inbox.address}>",
            inbox.name,
        )
        self.app.push_screen(ask, lambda name: self._renamed(inbox, name))

    def _renamed(self, inbox: Inbox, name: str | None) -> None:
        if name:
            self.mailbox.rename_inbox(inbox.id, name)

    def action_delete(self) -> None:
        """Delete an inbox and its mail, once its address is typed."""
        inbox = self.inbox
        if inbox is None or not self._may():
            return
        from agentmail_tui.screens.typed import TypedScreen

        ask = TypedScreen(
            self.context,
            f"Delete {inbox.address}?",
            str(inbox.address),
            "All of its mail goes with it, for good.",
        )
        self.app.push_screen(ask, lambda sure: self._deleted(inbox, sure=bool(sure)))

    def _deleted(self, inbox: Inbox, *, sure: bool) -> None:
        if sure:
            self.mailbox.delete_inbox(inbox.id)

    def action_schema(self) -> None:
        """Edit what the inbox under the cursor reads out of its mail."""
        if self.inbox is not None and self._may():
            from agentmail_tui.screens.schema import SchemaScreen

            self.app.push_screen(SchemaScreen(self.context, self.inbox))

    def _may(self) -> bool:
        state = self.state
        if state.read_only:
            self.say("read-only: nothing was changed", Tone.WARNING)
        elif not state.capabilities.manage_inboxes:
            self.say("this key may not change inboxes", Tone.WARNING)
        return state.capabilities.manage_inboxes and not state.read_only


def _row(inbox: Inbox, state: MailState) -> Choice:
    mark = ("  ✓ ", "good") if inbox.id == state.inbox_id else ("    ", "")
    active = inbox.status in {"", "active"}
    note = ("", "") if active else (f"  {inbox.status}", "warn")
    return Choice(
        (mark, (f"{fit(inbox.address, _ADDRESS)} ", "text"), (inbox.name, "muted"), note), inbox.id
    )
