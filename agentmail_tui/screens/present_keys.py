"""From API keys to rows; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.screens.dates import date, when
from agentmail_tui.widgets.lines import Line, fit
from agentmail_tui.widgets.pick_list import Choice

if TYPE_CHECKING:
    from datetime import datetime

    from agentmail_tui.domain_admin import ApiKey
    from agentmail_tui.mailbox.state import MailState

_STATES = {
    "active": ("✓", "good", ""),
    "inactive": ("–", "faint", "revoked"),
    "expired": ("✗", "warn", "expired"),
}
_NAME = 20  # cells
_PREFIX = 14
_MOMENT = 13


def key_choices(state: MailState, now: datetime) -> list[Choice]:
    """Return each key by its name, those at work first."""
    admin = state.admin
    if admin.error is not None:
        return [Choice(((f"✗ {admin.error}", "bad"),))]
    if admin.keys is None:
        return [Choice((("loading …", "muted"),))]
    rows = sorted(admin.keys, key=lambda key: (not key.active, key.name.casefold()))
    return [Choice(_row(key, now), key.id) for key in rows] or [
        Choice((("There is no key; n makes one.", "muted"),))
    ]


def heads() -> Line:
    """Return what stands in the columns of the rows."""
    names = (("key", _NAME + 1), ("begins with", _PREFIX + 1), ("last used", _MOMENT + 1))
    columns = ((fit(name, width), "faint") for name, width in names)
    return (("    ", ""), *columns, ("ends", "faint"))


def key_details(key: ApiKey, now: datetime) -> tuple[Line, ...]:
    """Return what a key may do."""
    made = f"made {date(key.created_at, now)}   " if key.created_at else ""
    return (
        ((made, "faint"), ("id ", "faint"), (key.id, "muted")),
        (("may  ", "faint"), (", ".join(key.scopes) or "nothing", "text")),
    )


def _row(key: ApiKey, now: datetime) -> Line:
    sign, ink, said = _STATES.get(key.status, ("·", "muted", str(key.status)))
    used = when(key.last_used_at, now) if key.last_used_at else "never"
    ends = said or (date(key.expires_at, now) if key.expires_at else "never")
    text = "text" if key.active else "faint"
    return (
        (f" {sign} ", ink),
        (f"{fit(key.name, _NAME)} ", text),
        (f"{fit(f'{key.prefix}…', _PREFIX)} ", "muted" if key.active else "faint"),
        (f"{fit(used, _MOMENT)} ", "muted" if key.active else "faint"),
        (ends, ink if said else "muted"),
    )
