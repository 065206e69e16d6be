"""Keys of two strokes: the first waits for the second as long as it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Input

from agentmail_tui.keys import PREFIXES, Chord, Chords
from agentmail_tui.mailbox.state import Tone
from agentmail_tui.screens.panes import Panes
from agentmail_tui.widgets.choice_hint import Choices

if TYPE_CHECKING:
    from textual import events
    from textual.timer import Timer

    from agentmail_tui.screens.context import Context

HINT_AFTER = 0.3  # seconds after which the choices are shown


class PrefixKeys(Panes):
    """Takes strokes before the bindings see them while a prefix is pending."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._chords = Chords(context.keymap)
        self._hint_timer: Timer | None = None

    async def take_key(self, key: events.Key) -> bool:
        """Start a prefix, or end it with a choice; else do what the key does."""
        return await self._chord(key) or await super().take_key(key)

    async def on_key(self, event: events.Key) -> None:
        """Start a prefix, or end it with a choice."""
        if not isinstance(self.focused, Input) and await self._chord(event):
            event.stop()
            event.prevent_default()

    async def _chord(self, event: events.Key) -> bool:
        """Return whether a key belongs to a prefix; do what it does there."""
        stroke = event.character if event.is_printable and event.character else event.key
        was = self._chords.pending
        chord, key = self._chords.feed("space" if stroke == " " else stroke)
        if chord is Chord.NONE:
            return False
        if chord is Chord.STARTED:
            self._hint_timer = self.set_timer(HINT_AFTER, self._show_hint)
            return True
        self._hide_hint()
        if key is not None:
            await self.run_action(key.action)
        elif stroke != "escape":
            self.say(f"{was} {stroke} is no key", Tone.WARNING)
        return True

    def _show_hint(self) -> None:
        prefix = self._chords.pending
        if prefix is not None:
            choices = self.context.keymap.choices(prefix)
            rows = tuple((stroke, key.label) for stroke, key in choices)
            self.hint.show(Choices(prefix, PREFIXES[prefix], rows))
            self.show_keys()

    def _hide_hint(self) -> None:
        if self._hint_timer is not None:
            self._hint_timer.stop()
        if self.hint.info.choices:
            self.hint.show(Choices())
            self.show_keys()
