"""The main screen: list, reader, triage bar, delivery strip; what keys do is in the mixins."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Horizontal, Vertical

from agentmail_tui.keys import Place
from agentmail_tui.mailbox import select
from agentmail_tui.screens import present, present_delivery, present_search, present_thread
from agentmail_tui.screens.administering import AdminActions
from agentmail_tui.screens.bindings import bindings
from agentmail_tui.screens.copying import CopyActions
from agentmail_tui.screens.finding import FindActions
from agentmail_tui.screens.going import GoActions
from agentmail_tui.screens.marking import MarkActions
from agentmail_tui.screens.moving import MoveActions
from agentmail_tui.screens.prefixes import PrefixKeys
from agentmail_tui.screens.writing import WriteActions
from agentmail_tui.widgets.completion_list import CompletionList
from agentmail_tui.widgets.delivery_strip import DeliveryBrief, DeliveryStrip
from agentmail_tui.widgets.key_footer import FooterKey, FooterKeys, KeyFooter
from agentmail_tui.widgets.one_line import Ends, OneLine, TwoEnds
from agentmail_tui.widgets.rule import Joints, Rule
from agentmail_tui.widgets.side import Brief, TriageBrief
from agentmail_tui.widgets.split_bar import SplitBar, Tabs
from agentmail_tui.widgets.status_line import StatusInfo, StatusLine
from agentmail_tui.widgets.thread_list import ThreadList
from agentmail_tui.widgets.thread_view import ThreadView
from agentmail_tui.widgets.title_bar import Title, TitleBar

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from agentmail_tui.mailbox.state import MailState
    from agentmail_tui.screens.context import Context
    from agentmail_tui.widgets.lines import Line

_MINUTE = 60.0  # seconds after which ages in the list are drawn anew
_TOO_SMALL: Line = (("agentmail needs 60 × 15 cells", "muted"),)


class MailScreen(
    PrefixKeys,
    CopyActions,
    MarkActions,
    WriteActions,
    MoveActions,
    FindActions,
    GoActions,
    AdminActions,
):
    """Shows the state of the mailbox and turns keys into its verbs."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.LIST, Place.READER)
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual has it
        (0, "-tiny-width"), (60, "-one"), (100, "-two"), (118, "-three"), (140, "-roomy"),
    ]  # fmt: skip
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual has it
        (0, "-tiny-height"), (15, "-flat"), (17, "-low"), (20, "-middle"), (30, "-high"),
    ]  # fmt: skip
    AUTO_FOCUS = "#list"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.title_bar = TitleBar(Title(), id="title")
        self.banner = OneLine((), id="banner")
        self.search_note = OneLine((), id="search-note")
        self.split_bar = SplitBar(Tabs(), id="splits")
        self.list_head = TwoEnds(Ends(), id="list-head")
        self.reader_head = TwoEnds(Ends(), id="reader-head")
        self.brief = TriageBrief(Brief(), id="brief")
        self.delivery_strip = DeliveryStrip(DeliveryBrief(), id="delivery")
        self.last_rule = Rule(Joints(), id="last-rule")
        self.status_line = StatusLine(StatusInfo(), id="status")
        self.footer = KeyFooter(FooterKeys(), id="keys")

        self._shown_parts: tuple[object, ...] = ()
        self._rest_due = False

    def compose(self) -> ComposeResult:
        """Put the parts in their places; the style sheets say which are seen at which size."""
        with Vertical(id="frame"):
            yield from (self.title_bar, self.banner, self.search_bar, self.search_note)
            yield self.split_bar
            yield self.upper_rule
            with Horizontal(id="body"):
                with Vertical(id="list-pane"):
                    yield from (self.list_head, self.list)
                with Vertical(id="reader-pane"):
                    yield from (self.reader_head, self.reader)
                yield self.side
            yield from (self.lower_rule, self.brief, self.delivery_strip, self.last_rule)
            yield from (self.status_line, self.footer)
        yield self.search_bar.completions
        yield self.hint
        yield OneLine(_TOO_SMALL, id="too-small")

    def on_mount(self) -> None:
        """Show what there is, and keep the ages right."""
        self.set_interval(_MINUTE, self._show_ages)
        self._show_ages()
        self._show_rest()
        self.run_worker(self.load_searches(), group="searches")

    def show_state(self, state: MailState) -> None:
        """Bring every part up to the state; each draws only what is new to it.

        The list is painted by itself before the rest, so that the cursor moves at once.
        """
        self.list.show(present.rows(state, self.now, self.context.limits))
        self.paint_now(self.list)
        if not self._rest_due:
            self._rest_due = True
            self.call_after_refresh(self._show_rest)

    def _show_rest(self) -> None:
        """Show all that is not the list, of the newest state."""
        self._rest_due = False
        state = self.state
        self.title_bar.show(present.title(state))
        banner = present.banner(state)
        self.banner.show((("! ", "warn"), (banner, "warn")) if banner else ())
        self.banner.display = bool(banner)
        self._show_search(state)
        self.split_bar.show(present.tabs(state))
        self._show_thread(state)
        self.delivery_strip.show(present_delivery.strip(state, self.now))
        self.status_line.show(present.status(state))
        self.follow_cursor(state)
        self.want_figures(state)
        self.go_on_waiting(state)
        self.offer_drafts(state)
        self.forget_sent(state)
        self.list.foresee()

    def _show_search(self, state: MailState) -> None:
        """Show what came of the search, and what is to be known of its answer."""
        self.search_bar.show(present_search.info(state))
        note = present_search.note(state)
        self.search_note.show(note)
        self.search_note.display = bool(note)
        self.reader.light(present_search.wanted(state))
        self.show_keys()

    def _show_thread(self, state: MailState) -> None:
        """Show the thread in the reader and beside it, where any of it is another than before."""
        thread = self.shown_thread(state)
        self.list_head.show(Ends(*present.list_head(state, focused=not self.reading)))
        data = state.delivery.data
        parts = (
            self.reading,
            thread,
            state.open,
            data,
            state.outgoing,
            state.inboxes,
            f"{self.now:%F %H:%M}",
        )
        if parts == self._shown_parts:
            return
        self._shown_parts = parts
        head = present_thread.reader_head(state, thread, focused=self.reading)
        self.reader_head.show(Ends(*head))
        cards = present_thread.cards(state, thread, self.now)
        self.reader.show(thread.id if thread else None, cards)
        self.side.show(present_thread.side(state, thread, self.now, self.context.limits))
        self.brief.show(present_thread.brief(state, thread, self.now, self.context.limits))

    def _show_ages(self) -> None:
        self.list.show(present.rows(self.state, self.now, self.context.limits))

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Follow the focus, which a click may have moved."""
        reading = event.widget is self.reader
        self.turn(reading=reading)
        thread = select.selected_thread(self.state)
        if reading and self.state.open is None and thread is not None:
            self.mailbox.open_selected()
        self.show_keys()
        self._show_thread(self.state)

    def show_keys(self) -> None:
        """Show the keys of where the reader is, and the one that shows them all."""
        keys = self.footer_keys(self.place)
        stroke = self.context.keymap.of("app.help").keys
        typing = self.search_bar.active or self.place is Place.PREFIX
        last = FooterKey(stroke[0], "keys", "help") if stroke and not typing else None
        self.footer.show(FooterKeys(keys.keys, last))

    def on_resize(self, _event: events.Resize) -> None:
        """Join the rules with the lines between panes, once these have their new places."""
        self.call_after_refresh(self.join_rules)

    @on(ThreadList.VisibleRange)
    def _rows_on_screen(self, event: ThreadList.VisibleRange) -> None:
        self.mailbox.show_range(event.first, event.last)

    @on(CompletionList.Turned)
    @on(ThreadView.Turned)
    def _keys_turned(self) -> None:
        self.show_keys()

    @on(KeyFooter.Picked)
    async def _key_clicked(self, event: KeyFooter.Picked) -> None:
        await self.run_action(event.action)
