"""A row of a table of keys: what is seen before the key is pressed, and after."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from agentmail_tui.keys import BY_ID, Key, Place
from tests.agentmail_tui.keys.desk import Desk, go_to
from tests.agentmail_tui.keys.world import until

Probe = Callable[[Desk], Awaitable[Any]]
Deed = Callable[[Desk], Awaitable[None]]
_UNASKED = object()


def more(first: Any) -> Callable[[Any], bool]:
    """Want a greater value than before."""
    return lambda found: bool(found > first)


def less(first: Any) -> Callable[[Any], bool]:
    """Want a smaller value than before."""
    return lambda found: bool(found < first)


def other(first: Any) -> Callable[[Any], bool]:
    """Want another value than before."""
    return lambda found: bool(found != first)


@dataclass(frozen=True)
class Row:
    """One key, and its effect as a probe sees it.

    `then` is the value that is seen after the key, or `more`, `less` or `other` than before.
    `before` and `after` are strokes around the key, as `Desk.press` reads them; `first` is what has
    to be seen before the key is pressed.  `places` are those of the key unless given.  Where
    `undone`, `u` brings back what was seen before, on a screen with `leads` on it.  A row that is
    `alone` has a run to itself.
    """

    key: str
    sees: Probe
    then: Any
    before: str = ""
    after: str = ""
    first: Any = _UNASKED
    places: tuple[Place, ...] = ()
    undone: bool = False
    leads: str = ""
    prepare: Deed | None = None
    alone: bool = False

    @property
    def entry(self) -> Key:
        """The key in the table of keys."""
        return BY_ID[self.key]

    @property
    def everywhere(self) -> tuple[Place, ...]:
        """The places in which this row presses its key."""
        return self.places or self.entry.places

    @property
    def strokes(self) -> tuple[str, ...]:
        """What calls the act; what has no key is called from the palette."""
        return self.entry.keys or (f': ~Commands "{self.entry.label.replace(" ", "_")} enter',)


async def walk(row: Row, place: Place, stroke: str, desk: Desk) -> None:
    """Press a key in its place, and see that it does what the row says; undo it if that is so."""
    if row.prepare is not None:
        await row.prepare(desk)
    await go_to(desk, place)
    await desk.press(row.before)
    if row.first is not _UNASKED:
        await until(lambda: row.sees(desk), lambda found: bool(found == row.first), "before")
    first = await row.sees(desk)
    wanted = row.then(first) if callable(row.then) else lambda found: bool(found == row.then)
    assert not wanted(first), f"the key would change nothing: it is {first!r} already"
    await desk.press(f"{stroke} {row.after}")
    await until(lambda: row.sees(desk), wanted, f"was {first!r}, wanted is {row.then!r}")
    if row.undone:
        await desk.press("u")
        await until(lambda: row.sees(desk), lambda found: bool(found == first), "after undo")
        await desk.press(f"~{row.leads}" if row.leads else "")
