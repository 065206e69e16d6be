"""The keys at the foot of the screen, as many as fit; each can be clicked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from textual.message import Message

from agentmail_tui.widgets.lines import Line, Span, width_of
from agentmail_tui.widgets.painted import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

_GAP = 2


class FooterKey(Struct, frozen=True):
    """Strokes, a word, and the action that a click runs."""

    strokes: str
    label: str
    action: str


class FooterKeys(Struct, frozen=True):
    """Keys by how much they are wanted, and one that always has its place at the end."""

    keys: tuple[FooterKey, ...] = ()
    last: FooterKey | None = None

    def relabelled(self, **labels: str) -> FooterKeys:
        """Return the keys with other words for some actions."""
        keys = (replace(key, label=labels.get(key.action, key.label)) for key in self.keys)
        return replace(self, keys=tuple(keys))


class KeyFooter(Shown[FooterKeys]):
    """One line of keys."""

    @dataclass
    class Picked(Message):
        """A key was clicked."""

        action: str

    def lay(self, width: int) -> Sequence[Line]:
        """Return the keys that fit."""
        spans: list[Span] = [(" ", "")]
        for key in self._fitting(width):
            spans.extend(_spans(key))
        return [tuple(spans)]

    def on_click(self, event: events.Click) -> None:
        """Post the action of the key under the mouse."""
        left = 1
        for key in self._fitting(self.size.width):
            right = left + width_of(_spans(key))
            if left <= event.x < right - _GAP:
                self.post_message(self.Picked(key.action))
            left = right

    def _fitting(self, width: int) -> list[FooterKey]:
        """Return the keys for which there is room."""
        last = [self.info.last] if self.info.last else []
        room = width - 1 - sum(width_of(_spans(key)) for key in last)
        kept = []
        for key in self.info.keys:
            room -= width_of(_spans(key))
            if room < 0:
                break
            kept.append(key)
        return [*kept, *last]


def _spans(key: FooterKey) -> Line:
    return ((key.strokes, "key"), (f" {key.label}", "muted"), (" " * _GAP, ""))
