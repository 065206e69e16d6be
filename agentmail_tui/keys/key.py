"""What a row of the key table is, and where keys act."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Place(StrEnum):
    """Where keys act; the same stroke may mean different things in different places."""

    LIST = "list"
    READER = "reader"
    PREFIX = "prefix"  # the list or the reader while the choices of a prefix are shown
    ASLEEP = "asleep"  # the list of what sleeps; keys are those of the list
    HITS = "hits"  # the list while it shows what a search found; keys are those of the list
    FOUND = "found"  # the reader while words are looked for in it; keys are those of the reader
    FIELD = "field"  # of the search bar; it takes all but a few strokes
    OFFER = "offer"  # the field while completions hang below it; keys are those of the field
    CHOSEN = "chosen"  # the same, once one of them was gone to
    COMPOSER = "composer"
    REVIEW = "review"
    PICKER = "picker"
    DELIVERY = "delivery"
    INBOXES = "inboxes"
    DOMAINS = "domains"
    API_KEYS = "API keys"
    ORG = "organisation"
    SERVERS = "servers"
    SCHEMA = "schema"
    SECRET = "secret"  # noqa: S105 - a key that is shown once
    PAGE = "page"  # a text that is only read
    QUESTION = "question"


class Group(StrEnum):
    """Headings of the help screen and of the README table."""

    MOVE = "Move"
    READ = "Read"
    WRITE = "Write"
    TRIAGE = "Triage"
    FIND = "Find"
    GO = "Go"
    APP = "Application"


MAIL = (Place.LIST, Place.READER)


_SHORT = {
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
}


def short(stroke: str) -> str:
    """Return a stroke as it is shown."""
    return _SHORT.get(stroke, stroke)


class Key(Struct, frozen=True):
    """An act and the strokes that call it; `action` is the name of the screen's action."""

    id: str
    keys: tuple[str, ...]
    action: str
    label: str
    group: Group
    places: tuple[Place, ...] = MAIL
    writes: bool = False  # refused in read-only mode
    listed: bool = True  # has a row of its own in help and README
    shown: str = ""  # how the strokes are written where one row stands for several

    @property
    def strokes(self) -> str:
        """The keys as a person reads them."""
        return self.shown or "  ".join(short(stroke) for stroke in self.keys)
