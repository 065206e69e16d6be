"""Keys that move: in the list, in the reader, between panes, in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on

from agentmail_tui.keys import Place
from agentmail_tui.mailbox import select
from agentmail_tui.screens.panes import Panes
from agentmail_tui.widgets.search_bar import Mode
from agentmail_tui.widgets.thread_list import ThreadList

if TYPE_CHECKING:
    from textual.timer import Timer

    from agentmail_tui.mailbox.state import MailState
    from agentmail_tui.screens.context import Context
    from agentmail_tui.widgets.key_footer import FooterKeys

_FOLLOW_AFTER = 0.12  # seconds on one row before its messages are fetched for the preview


class MoveActions(Panes):
    """Moves the cursor, the reader and the focus."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._follow: Timer | None = None

    def footer_keys(self, place: Place) -> FooterKeys:
        """Return the keys that are shown; enter does what the message in the reader lets it."""
        found = super().footer_keys(place)
        if place is Place.READER:
            return found.relabelled(open=self.reader.enter_does)
        count = len(self.state.marked)
        return found.relabelled(**{"status('closed')": f"close {count}"}) if count else found

    def follow_cursor(self, state: MailState) -> None:
        """Fetch the thread under the cursor for the preview, once the cursor rests."""
        thread = select.selected_thread(state)
        opened = state.open.thread.id if state.open else None
        if self._follow is not None:
            self._follow.stop()
            self._follow = None
        if thread is not None and thread.id != opened and not self.reading and not self.one_pane:
            self._follow = self.set_timer(_FOLLOW_AFTER, self._peek)

    def _peek(self) -> None:
        thread = select.selected_thread(self.state)
        if thread is not None and not self.reading and not self.one_pane:
            self.mailbox.peek(thread.id)

    def action_down(self) -> None:
        """Go to the next thread, or a line down."""
        self._line(1)

    def action_up(self) -> None:
        """Go to the previous thread, or a line up."""
        self._line(-1)

    def _line(self, by: int) -> None:
        if self.reading:
            self.reader.scroll_relative(y=by, animate=False)
        else:
            self.mailbox.move(by)

    def action_thread(self, by: int) -> None:
        """Go to another thread, and read on there if the reader has the focus."""
        self.mailbox.move(by)
        if self.reading:
            self.mailbox.open_selected()

    def action_message(self, by: int) -> None:
        """Go to another message of the thread in the reader; while finding, n is the next hit."""
        if by > 0 and self.reader.finding:
            self.call_later(self.run_action, "find_step(1)")
        else:
            self.reader.step(by)

    def action_page(self, by: int) -> None:
        """Page the reader; in the list of a small screen, the list."""
        if self.one_pane and not self.reading:
            self.mailbox.move(by * self.list.page)
        else:
            lines = max(self.reader.size.height - 2, 1)
            self.reader.scroll_relative(y=by * lines, animate=False)

    def action_top(self) -> None:
        """Go to the top."""
        if self.reading:
            self.reader.scroll_home(animate=False)
        else:
            self.mailbox.select(0)
            self.list.reveal()

    def action_bottom(self) -> None:
        """Go to the bottom."""
        if self.reading:
            self.reader.scroll_end(animate=False)
        else:
            self.mailbox.select(max(select.row_count(self.state) - 1, 0))
            self.list.reveal()

    def action_pane(self, _by: int) -> None:
        """Go to the other pane."""
        if self.reading:
            self.focus_list()
        else:
            self.read()

    def action_open(self) -> None:
        """Open the thread; in the reader unfold or fold the message, or edit one that failed."""
        if not self.reading:
            self.read()
        elif not self.edit_unsent():
            self.reader.toggle()

    def edit_unsent(self) -> bool:
        """Open the current message as a draft if it is one that was not sent."""
        return False

    def action_out(self) -> None:
        """Go out one level: of the field, the reader, the search, the narrowing."""
        if self.search_bar.active:
            self._leave_field()
        elif self.reading and self.reader.finding:
            self.reader.find("")
            self.say("")
        elif self.reading:
            self.focus_list()
        elif self.state.marked:
            self.mailbox.clear_marks()
        elif self.state.search is not None:
            self.leave_search()
        elif self.state.window.wanted.words:
            self._widen()

    def _leave_field(self) -> None:
        if self.search_bar.close_completions():
            return
        if self.search_bar.mode is Mode.NARROW:
            self._widen()
            self.focus_list()
        else:
            self.leave_search()

    def _widen(self) -> None:
        self.search_bar.clear()
        self.mailbox.narrow("")

    @on(ThreadList.Clicked)
    def _row_clicked(self, event: ThreadList.Clicked) -> None:
        self.mailbox.select(event.index)
        if event.again:
            self.read()
