"""Keys: one table, from which footer, hints, help, palette, README and keymap are made."""

from agentmail_tui.keys.footers import FOOTERS
from agentmail_tui.keys.key import MAIL, Group, Key, Place
from agentmail_tui.keys.keymap import Chord, Chords, Keymap, keys_markdown, resolve, single_strokes
from agentmail_tui.keys.table import BY_ID, KEYS, PREFIXES

__all__ = [
    "BY_ID",
    "FOOTERS",
    "KEYS",
    "MAIL",
    "PREFIXES",
    "Chord",
    "Chords",
    "Group",
    "Key",
    "Keymap",
    "Place",
    "keys_markdown",
    "resolve",
    "single_strokes",
]
