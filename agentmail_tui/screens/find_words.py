"""Finding words in the text on the screen, and going from hit to hit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.mailbox.state import Tone
from agentmail_tui.screens.shown import StateScreen

if TYPE_CHECKING:
    from agentmail_tui.widgets.find_lines import FindLines


class FindWords(StateScreen[None]):
    """Asks for words while they are marked in a text; `n` and `N` then go through the hits."""

    find_where = "on this page"
    find_hint = "/ finds on this page"

    @property
    def found_in(self) -> FindLines:
        """The text in which words are looked for."""
        raise NotImplementedError

    def tell(self, text: str, tone: Tone = Tone.INFO) -> None:
        """Say something where this screen says things."""
        self.say(text, tone)

    def ask_words(self) -> None:
        """Ask what to find, and show at once where it is."""
        from agentmail_tui.screens.ask import AskScreen

        screen = AskScreen(self.context, f"Find {self.find_where}", self._tell_found)
        self.app.push_screen(screen, self._words_found)

    def _tell_found(self, words: str) -> str:
        count = self.found_in.find(words)
        if not words:
            return "n and N go through the hits"
        return f"on {count} line{'' if count == 1 else 's'}"

    def _words_found(self, words: str | None) -> None:
        if words and self.found_in.find(words):
            self.action_find_step(0)
        else:
            self.found_in.find("")
            if words:
                self.tell(f"not {self.find_where}", Tone.WARNING)

    def action_find_step(self, by: int) -> None:
        """Go to another hit."""
        if not self.found_in.finding:
            self.tell(self.find_hint, Tone.WARNING)
            return
        number, count = self.found_in.step_hit(by)
        self.tell(f"hit {number} of {count} · n next, N previous")
