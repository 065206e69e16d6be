"""Help and command palette: the key table as a list to search and to run from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.keys import Group, Key
from agentmail_tui.screens.fuzzy import best
from agentmail_tui.screens.modal import PickScreen
from agentmail_tui.widgets.lines import fit
from agentmail_tui.widgets.pick_list import Choice

if TYPE_CHECKING:
    from agentmail_tui.keys import Place
    from agentmail_tui.screens.context import Context

_STROKES = 20  # cells
_BETWEEN = "  "
_NOT_FROM_HERE = frozenset({"app.palette", "app.help", "go.keys", "app.close"})
_SIGNS = (
    ("●", "unread"),
    ("◆ ○ ◌ ✓", "needs reply, open, waiting, closed"),
    ("·", "not known yet"),
    ("↙ ↗", "last mail came in, went out"),
    ("@", "has files; before a name: the owner"),
    ("✗", "did not arrive"),
    ("■", "selected"),
    ("z", "snoozed until then"),
)


class CommandScreen(PickScreen[str]):
    """Everything that can be done here; returns the id of what is to be run."""

    placeholder = "type to find · enter runs it"
    note = "enter runs it · esc leaves"

    def __init__(self, context: Context, place: Place, *, by_group: bool) -> None:
        self.heading = "Keys" if by_group else "Commands"
        super().__init__(context)
        self._place = place
        self._by_group = by_group

    def choices(self, query: str) -> list[Choice]:
        """Return the acts that fit; in the help under headings, with the signs of the list."""
        keys = [key for key in self.context.keymap.at(self._place) if key.listed]
        if query or not self._by_group:
            found = best(query, keys, _told)
            found.sort(key=lambda key: (query.casefold() not in _told(key), key.group is Group.GO))
            return [_row(key) for key in found] or [
                Choice((("    nothing is called so", "muted"),))
            ]
        rows: list[Choice] = []
        for group in Group:
            members = [key for key in keys if key.group is group]
            if members:
                rows.extend((Choice(()), Choice(((f" {group.value}", "strong"),))))
                rows.extend(_row(key) for key in members)
        signs = [
            Choice(((f"  {fit(sign, _STROKES)}", "key"), (text, "muted"))) for sign, text in _SIGNS
        ]
        return [*rows[1:], Choice(()), Choice(((" Signs", "strong"),)), *signs]

    def choose(self, value: str | None) -> None:
        """Run the act under the cursor, once the box is gone."""
        if value is not None:
            self.dismiss(None if value in _NOT_FROM_HERE else value)


def _told(key: Key) -> str:
    return f"{key.label} {key.id}".casefold()


def _row(key: Key) -> Choice:
    return Choice(((f"  {fit(_strokes(key), _STROKES)}", "key"), (key.label, "text")), key.id)


def _strokes(key: Key) -> str:
    """Return the strokes of a key, as many as there is room for, with a gap behind them."""
    kept = key.strokes.split(_BETWEEN)
    while len(kept) > 1 and len(_BETWEEN.join(kept)) >= _STROKES:
        kept.pop()
    return _BETWEEN.join(kept)
