"""Keys that find: in this list, in this thread, keys, commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.screens.find_words import FindWords
from agentmail_tui.screens.panes import Panes
from agentmail_tui.widgets.search_bar import Mode

if TYPE_CHECKING:
    from agentmail_tui.widgets.find_lines import FindLines


class FindActions(FindWords, Panes):
    """Finds what is at hand."""

    find_where = "in this thread"
    find_hint = "ctrl+f finds in this thread"

    def action_narrow(self) -> None:
        """Put the cursor into the field that narrows the list."""
        if self.state.search is not None:
            self.mailbox.end_search()
        self.search_bar.begin(Mode.NARROW)

    @property
    def found_in(self) -> FindLines:
        """The thread that is read."""
        return self.reader

    def action_find(self) -> None:
        """Find words in the thread that is read."""
        if not self.reading:
            self.read()
        self.ask_words()

    def action_help(self) -> None:
        """Show the keys of this place; the chosen one is run."""
        from agentmail_tui.screens.commands import CommandScreen

        self.app.push_screen(CommandScreen(self.context, self.pane, by_group=True), self._run)

    def action_palette(self) -> None:
        """Show all commands; the chosen one is run."""
        from agentmail_tui.screens.commands import CommandScreen

        self.app.push_screen(CommandScreen(self.context, self.pane, by_group=False), self._run)

    async def _run(self, key_id: str | None) -> None:
        if key_id is not None:
            await self.run_action(self.context.keymap.of(key_id).action)
