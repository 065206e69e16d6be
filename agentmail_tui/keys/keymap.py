"""The table as the user has it, the machine for prefixes, and the table as Markdown."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from agentmail_tui.keys.footers import FOOTERS
from agentmail_tui.keys.key import MAIL, Group, Key, Place, short
from agentmail_tui.keys.table import BY_ID, KEYS, PREFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


# Places with a part in the README beside mail itself; in the others, keys are on screen.
_TOLD = (
    Place.FIELD,
    Place.PAGE,
    Place.COMPOSER,
    Place.REVIEW,
    Place.DELIVERY,
    Place.INBOXES,
    Place.DOMAINS,
    Place.API_KEYS,
    Place.ORG,
    Place.SERVERS,
    Place.SCHEMA,
)


class Keymap(Struct, frozen=True):
    """The table with the user's changes, and what was wrong with those."""

    keys: tuple[Key, ...] = KEYS
    problems: tuple[str, ...] = ()

    def of(self, key_id: str) -> Key:
        """Return the entry of an act."""
        return next(key for key in self.keys if key.id == key_id)

    def at(self, place: Place) -> tuple[Key, ...]:
        """Return what acts in a place."""
        return tuple(key for key in self.keys if place in key.places)

    def choices(self, prefix: str) -> tuple[tuple[str, Key], ...]:
        """Return the strokes that may follow a prefix."""
        start = f"{prefix} "
        return tuple(
            (stroke.removeprefix(start), key)
            for key in self.keys
            for stroke in key.keys
            if stroke.startswith(start)
        )

    def footer(self, place: Place) -> tuple[tuple[str, str, str], ...]:
        """Return (strokes, label, action of the first) of the footer, most wanted first."""
        rows = []
        for ids, label in FOOTERS[place]:
            entries = [self.of(key_id) for key_id in ids.split()]
            if all(entry.keys for entry in entries):
                rows.append(
                    ("/".join(short(entry.keys[0]) for entry in entries), label, entries[0].action)
                )
        return tuple(rows)


def single_strokes(key: Key) -> tuple[str, ...]:
    """Return the strokes that need no prefix, in Textual's words where those differ."""
    return tuple("comma" if stroke == "," else stroke for stroke in key.keys if " " not in stroke)


def resolve(overrides: Mapping[str, str | Sequence[str]]) -> Keymap:
    """Return the table with a user's keys by id; what cannot be had is told, and left out."""
    problems = [f"keymap: there is no act called {name}" for name in overrides if name not in BY_ID]
    wanted = {name: _strokes(keys) for name, keys in overrides.items() if name in BY_ID}
    while True:
        keys = [
            replace(key, keys=wanted[key.id], shown="") if key.id in wanted else key for key in KEYS
        ]
        # A key left out gets its old strokes back, which may be in the way of another one.
        trouble = {key.id: list(_clashes(key, keys)) for key in keys if key.id in wanted}
        refused = [key_id for key_id, told in trouble.items() if told]
        if not refused:
            return Keymap(tuple(keys), tuple(problems))
        problems.extend(trouble[refused[-1]])
        del wanted[refused[-1]]


def _strokes(keys: str | Sequence[str]) -> tuple[str, ...]:
    """Return strokes as the table has them."""
    each = keys.split(",") if isinstance(keys, str) else keys
    return tuple(" ".join(stroke.split()) for stroke in each if stroke.strip())


def _clashes(changed: Key, others: Iterable[Key]) -> Iterable[str]:
    """Say what stands in the way of a changed entry."""
    neighbours = [
        other
        for other in others
        if other.id != changed.id and set(other.places) & set(changed.places)
    ]
    for stroke in changed.keys:
        first, _, rest = stroke.partition(" ")
        if rest and first not in PREFIXES:
            yield f"keymap: {changed.id} wants {stroke}, but {first} is no prefix"
        if not rest and first in PREFIXES and set(changed.places) & set(MAIL):
            yield f"keymap: {changed.id} wants {stroke}, which starts the {PREFIXES[first]} keys"
        for other in neighbours:
            if stroke in other.keys:
                yield f"keymap: {changed.id} wants {stroke}, which is {other.id}"


class Chord(StrEnum):
    """What a stroke was to the prefix machine."""

    NONE = "none"
    STARTED = "started"
    CHOSEN = "chosen"
    LOST = "lost"


class Chords:
    """Remembers a prefix until the next stroke; no time limit ends it."""

    def __init__(self, keymap: Keymap) -> None:
        self._choices = {prefix: dict(keymap.choices(prefix)) for prefix in PREFIXES}
        self.pending: str | None = None

    def feed(self, stroke: str) -> tuple[Chord, Key | None]:
        """Take one stroke and say what it did; CHOSEN comes with the act."""
        if self.pending is None:
            if stroke not in self._choices:
                return Chord.NONE, None
            self.pending = stroke
            return Chord.STARTED, None
        key = self._choices[self.pending].get(stroke)
        self.pending = None
        return (Chord.CHOSEN, key) if key else (Chord.LOST, None)


def keys_markdown(keymap: Keymap | None = None) -> str:
    """Return the table of the README: mail first, by group, then the other screens that act."""
    keys = [key for key in (keymap or Keymap()).keys if key.listed and key.keys]
    rows = [key for group in Group for key in keys if key.group is group and key.places == MAIL]
    rows += [key for place in _TOLD for key in keys if key.places == (place,)]
    lines = ["| Keys | Does | |", "|---|---|---|"]
    for key in rows:
        where = key.group.value.lower() if key.places == MAIL else key.places[0]
        lines.append(f"| {_code(key)} | {key.label} | {where} |")
    return "\n".join(lines) + "\n"


def _code(key: Key) -> str:
    """Return the strokes as Markdown code; a bar would end the table's cell."""
    strokes = (key.shown,) if key.shown else tuple(map(short, key.keys))
    return " ".join(f"`{stroke}`".replace("|", "\\|") for stroke in strokes)
