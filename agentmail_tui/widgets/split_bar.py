"""The tabs above the list: queues by status, with their counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from textual.message import Message

from agentmail_tui.widgets.lines import Line, Span, clip, width_of
from agentmail_tui.widgets.painted import Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from textual import events

_LONGEST, _SHORTEST = 12, 3  # cells of a word where counts are left out


class Tab(Struct, frozen=True):
    """One queue; `count` is as it is to be shown, empty where nobody knows it."""

    label: str
    count: str = ""
    current: bool = False
    short: str = ""  # the label where there is little room
    spare: bool = False  # its count is the first to give way


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
        """Return the tabs; with little room shorter, the current one with its count to the last."""
        cells: list[tuple[Span, ...]] = []
        for words in _ways():
            cells = [_cell(number, words(tab)) for number, tab in enumerate(self.info.tabs, 1)]
            if sum(width_of(cell) for cell in cells) + len(cells) - 1 <= width:
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


def _ways() -> Iterator[Callable[[Tab], Tab]]:
    """Yield what can be done for want of room, the least first."""
    yield lambda tab: tab
    yield _short
    yield lambda tab: tab if tab.current else replace(_short(tab), count=_kept(tab))
    for cells in range(_LONGEST, _SHORTEST - 1, -1):
        yield partial(_shorter, cells=cells)
    yield lambda tab: _short(tab) if tab.current else Tab("")


def _short(tab: Tab) -> Tab:
    return replace(tab, label=tab.short or tab.label)


def _kept(tab: Tab) -> str:
    """Return the count of a tab for which there is room where all is tight."""
    return tab.count if tab.count.isalnum() and not tab.spare else ""


def _shorter(tab: Tab, cells: int) -> Tab:
    """Return a tab without its count: the words tell more."""
    return _short(tab) if tab.current else Tab(clip(tab.short or tab.label, cells))


def _cell(number: int, tab: Tab) -> tuple[Span, ...]:
    """Return one tab; the current one is marked by reverse or bold, not by colour alone."""
    label = tab.label
    words = " ".join(part for part in (label, tab.count) if part)
    if tab.current:
        return ((f" {number} {words} ", "chip"),)
    count: tuple[Span, ...] = ((f"{tab.count} ", "muted"),) if tab.count else ()
    name: tuple[Span, ...] = ((f"{label} ", "muted"),) if label else ()
    return ((f" {number} ", "faint"), *name, *count)
