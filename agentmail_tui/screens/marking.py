"""Keys that select several threads."""

from __future__ import annotations

from agentmail_tui.domain import ThreadFilter
from agentmail_tui.mailbox import rows
from agentmail_tui.screens.panes import Panes


class MarkActions(Panes):
    """Selects threads, to be acted on together."""

    def action_mark(self) -> None:
        """Select the thread under the cursor, or let it go, and step on."""
        self.mailbox.toggle_mark()

    def action_mark_range(self) -> None:
        """Select from the last selected thread to this one."""
        self.mailbox.mark_range()

    def action_mark_all(self) -> None:
        """Select the whole list."""
        self.mailbox.mark_all()

    def action_mark_none(self) -> None:
        """Let all go."""
        self.mailbox.clear_marks()

    def action_mark_words(self) -> None:
        """Select those that hold some words."""
        from agentmail_tui.screens.ask import AskScreen

        screen = AskScreen(self.context, "Select those with", self._fitting)
        self.app.push_screen(screen, self._words_typed)

    def _words_typed(self, words: str | None) -> None:
        if words:
            self.mailbox.mark_all(words)

    def _fitting(self, words: str) -> str:
        """Say how many of the rows that are held would be selected."""
        if not words:
            return "words in name, address, subject or the first lines"
        sieve = ThreadFilter(words=words)
        held = self.state.window.rows.values()
        count = sum(rows.lets_through(sieve, thread) for thread in held)
        return f"{count} of the {len(held)} threads that are loaded, and all others that fit"
