"""Screens that are a list with a heading, and what is under the cursor below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on

from agentmail_tui.screens.frame import FramedScreen, framed, noticed
from agentmail_tui.screens.shown import Result
from agentmail_tui.widgets.key_footer import KeyFooter
from agentmail_tui.widgets.one_line import OneLine
from agentmail_tui.widgets.paragraph import Paragraph
from agentmail_tui.widgets.pick_list import PickList
from agentmail_tui.widgets.rule import Joints, Rule
from agentmail_tui.widgets.status_line import StatusInfo, StatusLine
from agentmail_tui.widgets.title_bar import Title, TitleBar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from textual.app import ComposeResult

    from agentmail_tui.keys import Place
    from agentmail_tui.mailbox.state import MailState
    from agentmail_tui.screens.context import Context
    from agentmail_tui.widgets.lines import Line
    from agentmail_tui.widgets.pick_list import Choice


class ListedScreen(FramedScreen[Result]):
    """Says what stands in it by `head`, `choices` and `details`."""

    PLACE: ClassVar[Place]
    HEADING: ClassVar[str]

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.title_bar = TitleBar(Title())
        self.head_line = OneLine((), id="head")
        self.rows = PickList(id="rows")
        self.lower_rule = Rule(Joints())
        self.detail = Paragraph((), id="detail")
        self.status_line = StatusLine(StatusInfo())

    def compose(self) -> ComposeResult:
        """Put the parts under one another."""
        yield self.title_bar
        yield Rule(Joints())
        yield self.head_line
        yield self.rows
        yield self.lower_rule
        yield self.detail
        yield Rule(Joints())
        yield self.status_line
        yield KeyFooter(self.footer_keys(self.PLACE))

    def on_mount(self) -> None:
        """Show what is known."""
        self.show_state(self.state)

    def show_state(self, state: MailState) -> None:
        """Show the rows, and what was said last."""
        self.title_bar.show(framed(state, self.HEADING))
        self.head_line.show(self.head(state))
        self.rows.show(self.choices(state))
        self.show_detail()
        self.status_line.show(noticed(state))

    def on_resize(self) -> None:
        """Give the rows the room that there is now."""
        self.rows.show(self.choices(self.state))

    def head(self, state: MailState) -> Line:
        """Return the line above the rows."""
        raise NotImplementedError

    def choices(self, state: MailState) -> Sequence[Choice]:
        """Return the rows."""
        raise NotImplementedError

    def details(self) -> tuple[Line, ...]:
        """Return what is to be said of the row under the cursor."""
        return ()

    def show_detail(self) -> None:
        """Show what is to be said of the row under the cursor."""
        lines = self.details()
        self.detail.show(lines)
        self.detail.display = self.lower_rule.display = bool(lines)

    @on(KeyFooter.Picked)
    async def _key_clicked(self, event: KeyFooter.Picked) -> None:
        await self.run_action(event.action)

    @on(PickList.Chosen)
    def _row_clicked(self) -> None:
        self.show_detail()

    def action_down(self) -> None:
        """Go to the next row."""
        self.rows.step(1)
        self.show_detail()

    def action_up(self) -> None:
        """Go to the previous row."""
        self.rows.step(-1)
        self.show_detail()

    def action_out(self) -> None:
        """Go back."""
        self.dismiss(None)
