"""What a new key may do, and until when."""

from __future__ import annotations

import re

from agentmail_tui.screens.fuzzy import best
from agentmail_tui.screens.modal import PickScreen
from agentmail_tui.widgets.lines import fit
from agentmail_tui.widgets.pick_list import Choice

_KINDS = ("messages", "threads", "inboxes", "attachments", "domains")
SCOPES: tuple[tuple[str, str], ...] = (
    *((f"{kind}:{verb}", "") for kind in _KINDS for verb in ("read", "write")),
    ("admin", "makes keys, renames the organisation"),
    ("data:delete", "asks for data to be deleted"),
)
_DAY = 86_400
_UNITS = {"h": 3_600, "d": _DAY, "w": 7 * _DAY}
_ENDS = (("never", "never"), ("1d", "in a day"), ("30d", "in 30 days"), ("90d", "in 90 days"))
_SPAN = re.compile(r"([1-9][0-9]{0,3})\s*([hdw])")


class ScopePicker(PickScreen[tuple[str, ...]]):
    """Returns the scopes that were marked."""

    heading = "What the key may do"
    placeholder = "messages, read, admin …"
    note = "tab on/off · enter saves · esc cancels"

    _marked: frozenset[str] = frozenset()

    def choices(self, query: str) -> list[Choice]:
        """Return the scopes that fit."""
        return [
            Choice(
                (
                    ("  ✓ " if name in self._marked else "    ", "good"),
                    (fit(name, 20), "text"),
                    (told, "faint"),
                ),
                name,
            )
            for name, told in best(query, SCOPES, lambda scope: scope[0])
        ] or [Choice((("    no scope is called so", "muted"),))]

    def action_mark(self) -> None:
        """Mark the scope under the cursor, or take its mark away, and go on to the next."""
        scope = self.picks.value
        if scope is not None:
            self._marked ^= {scope}
            self.picks.show(self.choices(self.query_text), scope)
            self.picks.step(1)

    def choose(self, value: str | None) -> None:
        """Take the marked scopes; with none marked, the one under the cursor."""
        chosen = self._marked or frozenset(() if value is None else (value,))
        if chosen:
            self.dismiss(tuple(name for name, _ in SCOPES if name in chosen))


class EndPicker(PickScreen[int]):
    """Returns the seconds after which a key ends, 0 for never."""

    heading = "When the key ends"
    placeholder = "never, 12h, 45d, 8w"
    note = "enter takes it · esc makes no key"

    def choices(self, query: str) -> list[Choice]:
        """Return what fits, or what was typed if it is a span of time."""
        if query and seconds_of(query) is not None:
            return [Choice((("    ", ""), (f"in {query}", "text")), query)]
        return [
            Choice((("    ", ""), (told, "text")), name)
            for name, told in best(query, _ENDS, lambda end: end[1])
        ] or [Choice((("    a number and h, d or w, as in 45d", "muted"),))]

    def choose(self, value: str | None) -> None:
        """Take it."""
        if value is not None:
            self.dismiss(seconds_of(value) or 0)


def seconds_of(text: str) -> int | None:
    """Return the seconds of a span such as `45d`; None for anything else."""
    match = _SPAN.fullmatch(text.strip())
    return int(match[1]) * _UNITS[match[2]] if match else None
