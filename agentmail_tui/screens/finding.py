"""Keys that find: search, narrow, help, palette."""

from __future__ import annotations

from textual import on

from agentmail_tui.mailbox.state import Tone
from agentmail_tui.screens.panes import Panes
from agentmail_tui.widgets.search_bar import Mode, SearchBar


class FindActions(Panes):
    """Finds mail, keys and commands."""

    def action_search(self) -> None:
        """Put the cursor into the search field."""
        if not self.state.capabilities.search:
            self.say("this server cannot search", Tone.WARNING)
            return
        self.search_bar.begin(Mode.SEARCH)

    def action_narrow(self) -> None:
        """Put the cursor into the field that narrows the list."""
        if self.state.search is not None:
            self.mailbox.end_search()
        self.search_bar.begin(Mode.NARROW)

    def action_find(self) -> None:
        """Find words in the thread that is read."""
        if not self.reading:
            self.read()
        from agentmail_tui.screens.ask import AskScreen

        screen = AskScreen(self.context, "Find in this thread", self._tell_found)
        self.app.push_screen(screen, self._find)

    def _tell_found(self, words: str) -> str:
        count = self.reader.find(words)
        if not words:
            return "n and N go through the hits, esc ends it"
        return f"on {count} line{'' if count == 1 else 's'}"

    def _find(self, words: str | None) -> None:
        if words and self.reader.find(words):
            self.action_find_step(0)
        else:
            self.reader.find("")
            if words:
                self.say("not in this thread", Tone.WARNING)

    def action_find_step(self, by: int) -> None:
        """Go to another hit."""
        if not self.reader.finding:
            self.say("ctrl+f finds in this thread", Tone.WARNING)
            return
        number, count = self.reader.step_hit(by)
        self.say(f"hit {number} of {count} · n next, N previous, esc ends it")

    @on(SearchBar.Asked)
    def _asked(self, event: SearchBar.Asked) -> None:
        if event.mode is Mode.NARROW:
            self.mailbox.narrow(event.words)
        elif event.words:
            self.mailbox.search(event.words)
        else:
            self.mailbox.end_search()

    @on(SearchBar.Left)
    def _field_left(self) -> None:
        self.focus_list()

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
