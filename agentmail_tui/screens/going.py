"""Keys that go somewhere: splits, inboxes, delivery, read-only, out of the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on

from agentmail_tui.mailbox import select
from agentmail_tui.mailbox.searches import SavedSearch
from agentmail_tui.mailbox.state import SNOOZED, SPLITS, Link, MailState, Split, Tone
from agentmail_tui.screens import present_search
from agentmail_tui.screens.context import Context
from agentmail_tui.screens.searching import SearchActions
from agentmail_tui.widgets.split_bar import SplitBar

if TYPE_CHECKING:
    from agentmail_tui.screens.delivery_acts import Picked

Tab = Split | SavedSearch


class GoActions(SearchActions):
    """Changes what the list shows, and what is shown beside it."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        # The inbox whose figures were asked for; None inside stands for all of them.
        self._figures_of: tuple[str | None] | None = None
        # The delivery event from which a thread was opened; the panel begins there again.
        self._event_id: str | None = None

    def action_split(self, number: int) -> None:
        """Show a split by its number, from 1; those of kept searches come last."""
        tabs = self._tabs()
        if number <= len(tabs):
            self._show_tab(tabs[number - 1])
        else:
            self.say(f"there is no split {number}", Tone.WARNING)

    def action_split_step(self, by: int) -> None:
        """Show the split beside this one; after the last comes the first."""
        tabs = self._tabs()
        shown: Tab = present_search.shown_search(self.state) or self.state.split
        at = tabs.index(shown) if shown in tabs else 0
        self._show_tab(tabs[(at + by) % len(tabs)])

    def _tabs(self) -> tuple[Tab, ...]:
        return (*self.own_splits(), *self.state.saved)

    def _show_tab(self, tab: Tab) -> None:
        if isinstance(tab, SavedSearch):
            self.show_saved(tab)
        else:
            self.show_split(tab)

    def action_go_split(self, key: str) -> None:
        """Show a split by its name."""
        asleep = (SNOOZED,) if self.state.capabilities.snooze else ()
        for split in (*select.splits(self.state), *asleep):
            if split.key == key:
                self.show_split(split)
                return
        label = next(split.label for split in (*SPLITS, SNOOZED) if split.key == key)
        self.say(f"this server has no list of {label.lower()}", Tone.WARNING)

    def show_split(self, split: Split) -> None:
        """Show a split from its top, without search and narrowing."""
        self.search_bar.clear()
        self.mailbox.show_split(split)
        self.focus_list()

    @on(SplitBar.Picked)
    def _tab_clicked(self, event: SplitBar.Picked) -> None:
        self.action_split(event.index + 1)

    def action_inboxes(self) -> None:
        """Pick another inbox."""
        from agentmail_tui.screens.pickers import InboxPicker

        self.app.push_screen(InboxPicker(self.context), self._inbox_picked)

    def action_manage_inboxes(self) -> None:
        """Make, rename and delete inboxes."""
        from agentmail_tui.screens.inboxes import InboxesScreen

        self.app.push_screen(InboxesScreen(self.context), self._inbox_picked)

    def _inbox_picked(self, inbox_id: str | None) -> None:
        from agentmail_tui.screens.pickers import NEW_INBOX

        if inbox_id is not None and inbox_id.startswith(NEW_INBOX):
            self.mailbox.create_inbox(inbox_id.removeprefix(NEW_INBOX).strip())
        elif inbox_id is not None:
            self.search_bar.clear()
            self.mailbox.show_inbox(inbox_id or None)
            self.focus_list()

    def want_figures(self, state: MailState) -> None:
        """Fetch the delivery figures of the inbox that is shown, once there is a connection."""
        online = state.link in {Link.LIVE, Link.POLLING}
        if online and state.capabilities.delivery and self._figures_of != (state.inbox_id,):
            self._figures_of = (state.inbox_id,)
            self.call_later(self.mailbox.load_delivery)

    def action_delivery(self, part: str = "events") -> None:
        """Show the delivery panel."""
        if not self.state.capabilities.delivery:
            self.say("this server tells nothing of delivery", Tone.WARNING)
            return
        from agentmail_tui.screens.delivery import DeliveryScreen

        self.app.push_screen(DeliveryScreen(self.context, part, self._event_id), self._event_picked)
        self._event_id = None

    def _event_picked(self, picked: Picked | None) -> None:
        if picked is not None:
            self._event_id = picked.event_id
            self.mailbox.open_thread(picked.thread_id)
            self.focus_reader()
            self.say("D leads back to the event")

    def action_sidebar(self) -> None:
        """Show or hide the triage bar."""
        self.toggle_class("-no-side")
        self.call_after_refresh(self.join_rules)

    def action_refresh_mail(self) -> None:
        """Fetch what is shown now, and draw everything again."""
        self.mailbox.refresh()
        self.refresh(repaint=True, layout=True)

    def action_read_only(self) -> None:
        """Switch read-only mode on, or off after a question."""
        if not self.state.read_only:
            self.mailbox.set_read_only(True)
            return
        if self.app.is_web:
            self.say("this page is read-only; agentmail-tui web --write serves others")
            return
        from agentmail_tui.screens.confirm import ConfirmScreen

        question = ConfirmScreen(
            self.context, "Switch writing on?", "Keys then change and send mail again."
        )
        self.app.push_screen(question, self._writing_confirmed)

    def _writing_confirmed(self, yes: bool | None) -> None:
        if yes:
            self.mailbox.set_read_only(False)

    async def action_theme(self) -> None:
        """Go to the next theme."""
        await self.app.run_action("theme")

    def action_leave(self) -> None:
        """Go out one level; at the root, quit."""
        state = self.state
        inside = self.search_bar.active or self.reading or bool(state.marked)
        if inside or state.search is not None or state.window.wanted.words:
            self.call_later(self.run_action, "out")
        else:
            self.call_later(self.action_quit_app)

    async def action_quit_app(self) -> None:
        """Quit; ask where something is left undone."""
        await self.app.run_action("quit")
