"""Textual bindings made from the key table; each carries its id, so a keymap can replace it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding, BindingType

from agentmail_tui.keys import BY_ID, KEYS, Place, single_strokes

if TYPE_CHECKING:
    from agentmail_tui.keys import Keymap


def bindings(*places: Place) -> list[BindingType]:
    """Return the bindings of some places; acts without a single stroke have none."""
    return [
        Binding(",".join(strokes), key.action, key.label, id=key.id, show=False)
        for key in KEYS
        if set(key.places) & set(places) and (strokes := single_strokes(key))
    ]


def textual_keymap(keymap: Keymap) -> dict[str, str]:
    """Return the strokes that differ from the table's, by id, for `App.set_keymap`."""
    changed = [key for key in keymap.keys if key.keys != BY_ID[key.id].keys]
    # Textual takes an empty entry for no entry: a name that no key has takes the stroke away.
    return {key.id: ",".join(single_strokes(key)) or f"unbound-{key.id}" for key in changed}
