"""The keys of the screens of an operator: domains, API keys, organisation, servers, schema."""

from __future__ import annotations

from agentmail_tui.keys.key import Group, Key, Place


def _admin(
    place: Place, name: str, keys: str, action: str, label: str, *, writes: bool = False
) -> Key:
    prefix = place.name.lower()
    return Key(
        f"{prefix}.{name}", tuple(keys.split(",")), action, label, Group.APP, (place,), writes
    )


def _list(place: Place) -> tuple[Key, ...]:
    """Return the keys that every list has."""
    return (
        _admin(place, "down", "j,down", "down", "next"),
        _admin(place, "up", "k,up", "up", "previous"),
        _admin(place, "out", "escape,q,h", "out", "back"),
    )


ADMIN: tuple[Key, ...] = (
    *_list(Place.DOMAINS),
    _admin(Place.DOMAINS, "verify", "v", "verify", "look the records up", writes=True),
    _admin(Place.DOMAINS, "copy", "y", "copy", "copy the value of a record"),
    _admin(Place.DOMAINS, "copy_name", "Y", "copy_name", "copy the name of a record"),
    _admin(Place.DOMAINS, "new", "n", "new", "new domain", writes=True),
    _admin(Place.DOMAINS, "delete", "X", "delete", "delete the domain", writes=True),
    *_list(Place.API_KEYS),
    _admin(Place.API_KEYS, "new", "n", "new", "new key", writes=True),
    _admin(Place.API_KEYS, "rotate", "R", "rotate", "new secret; the old one dies", writes=True),
    _admin(Place.API_KEYS, "revoke", "X", "revoke", "revoke the key", writes=True),
    _admin(Place.API_KEYS, "copy", "y", "copy", "copy the id of the key"),
    _admin(Place.SECRET, "copy", "y", "copy", "copy the key"),
    _admin(Place.SECRET, "out", "escape,q,enter", "out", "it is kept elsewhere now"),
    _admin(Place.ORG, "rename", "r", "rename", "rename the organisation", writes=True),
    _admin(Place.ORG, "copy", "y", "copy", "copy its id"),
    _admin(Place.ORG, "out", "escape,q,h", "out", "back"),
    *_list(Place.SERVERS),
    _admin(Place.SERVERS, "open", "enter,o", "open", "connect to this server"),
    _admin(Place.SERVERS, "new", "n", "new", "new server"),
    _admin(Place.SERVERS, "remove", "X", "remove", "delete the server from the list"),
    _admin(Place.SCHEMA, "save", "ctrl+s,ctrl+j", "save", "save it", writes=True),
    _admin(
        Place.SCHEMA,
        "remove",
        "f8,alt+x",
        "remove",
        "delete the schema: extract nothing more",
        writes=True,
    ),
    _admin(Place.SCHEMA, "out", "escape", "out", "leave it as it was"),
)
