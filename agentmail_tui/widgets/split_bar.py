"""The tabs above the list: queues by status, with their counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Struct
from textual.message import Message

from agentmail_tui.widgets.lines import Line, Span, width_of
from agentmail_tui.widgets.painted import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events


class Tab(Struct, frozen=True):
    """One queue; `count` is as it is to be shown, empty where nobody knows it."""

    label: str
    count: str = ""
    current: bool = False
    short: str = ""  # the label where there is little room


class Tabs(Struct, frozen=True):
    """All queues in the order of their numbers."""

    tabs: tuple[Tab, ...] = ()


class SplitBar(Shown[Tabs]):
    """One line of tabs; a click on one posts its number."""

    @dataclass
    class Picked(Message):
        """Tab number `index` was clicked, from 0."""

        index: int

    def lay(self, width: int) -> Sequence[Line]:
        """Return the tabs; with little room with shorter words, or none but the current one's."""
        cells: list[tuple[Span, ...]] = []
        for words in (_full, _short, _none):
            cells = [_cell(number, tab, words(tab)) for number, tab in enumerate(self.info.tabs, 1)]
            if sum(width_of(cell) for cell in cells) + len(cells) <= width:
                break
        spans: list[Span] = []
        for number, cell in enumerate(cells):
            spans.extend((("│", "line"), *cell) if number else cell)
        return [tuple(spans)]

    def on_click(self, event: events.Click) -> None:
        """Post the tab under the mouse."""
        left = 0
        index = 0
        for text, ink in self.lay(self.size.width)[0]:
            if ink == "line":
                index += 1
            left += width_of(((text, ink),))
            if event.x < left:
                self.post_message(self.Picked(index))
                return


def _full(tab: Tab) -> str:
    return tab.label


def _short(tab: Tab) -> str:
    return tab.short or tab.label


def _none(tab: Tab) -> str:
    return _short(tab) if tab.current else ""


def _cell(number: int, tab: Tab, label: str) -> tuple[Span, ...]:
    """Return one tab; the current one is marked by reverse or bold, not by colour alone."""
    words = " ".join(part for part in (label, tab.count) if part)
    if tab.current:
        return ((f" {number} {words} ", "chip"),)
    count: tuple[Span, ...] = ((f"{tab.count} ", "muted"),) if tab.count else ()
    name: tuple[Span, ...] = ((f"{label} ", "muted"),) if label else ()
    return ((f" {number} ", "faint"), *name, *count)
