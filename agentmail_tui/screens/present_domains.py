"""From mail domains and their DNS records to rows; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.screens.dates import when
from agentmail_tui.widgets.lines import Line, Span, fit
from agentmail_tui.widgets.pick_list import Choice

if TYPE_CHECKING:
    from datetime import datetime

    from agentmail_tui.domain_admin import DnsRecord, MailDomain
    from agentmail_tui.mailbox.state import MailState

# What the look-up found, its sign and its ink.
_STATES = {
    "verified": ("✓", "right", "good"),
    "pending": ("…", "not there yet", "warn"),
    "failed": ("✗", "another one is there", "bad"),
}
_NAME = 32  # cells


def domain_choices(state: MailState, now: datetime) -> list[Choice]:
    """Return each domain with its records below it: the shared ones, then the rest by name."""
    admin = state.admin
    if not state.capabilities.domains:
        return [Choice((("This key may not see domains, or the server has none.", "muted"),))]
    if admin.error is not None:
        return [Choice(((f"✗ {admin.error}", "bad"),))]
    if admin.domains is None:
        return [Choice((("loading …", "muted"),))]
    rows: list[Choice] = []
    for domain in sorted(admin.domains, key=lambda each: (not each.shared, each.name)):
        rows.extend([Choice(())] if rows else [])
        rows.append(Choice(_head(domain, now), domain.id))
        rows.extend(
            Choice(_record(record), f"{domain.id} {number}")
            for number, record in enumerate(domain.records)
        )
    return rows or [Choice((("There is no domain yet; n brings one.", "muted"),))]


def domain_of(state: MailState, value: str | None) -> MailDomain | None:
    """Return the domain of a row."""
    wanted = (value or "").partition(" ")[0]
    return next((each for each in state.admin.domains or () if each.id == wanted), None)


def record_of(state: MailState, value: str | None) -> DnsRecord | None:
    """Return the record of a row; None for a domain's own row."""
    domain = domain_of(state, value)
    number = (value or "").partition(" ")[2]
    return domain.records[int(number)] if domain is not None and number else None


def record_details(record: DnsRecord) -> tuple[Line, ...]:
    """Return a record in full, as it goes into the DNS."""
    _, said, ink = _state_of(record.state)
    rank: tuple[Span, ...] = (
        ()
        if record.priority is None
        else (("   priority ", "faint"), (str(record.priority), "text"))
    )
    return (
        (("type  ", "faint"), (record.type, "text"), *rank, ("   look-up  ", "faint"), (said, ink)),
        (("name  ", "faint"), (record.name, "text")),
        (("value ", "faint"), (record.value, "text")),
    )


def _head(domain: MailDomain, now: datetime) -> Line:
    sign, _, ink = _state_of(domain.status)
    checked = (
        f"looked up {when(domain.checked_at, now)}" if domain.checked_at else "never looked up"
    )
    shared = "  shared" if domain.shared else ""
    return (
        (f"{sign} ", ink),
        (f"{fit(domain.name, _NAME)} ", "strong"),
        (checked, "faint"),
        (shared, "faint"),
    )


def _record(record: DnsRecord) -> Line:
    sign, _, ink = _state_of(record.state)
    return (
        ("  ", ""),
        (f"{sign} ", ink),
        (f"{fit(record.kind, 6)}", "text"),
        (f"{fit(record.name, _NAME)} ", "muted"),
        (record.value, "faint"),
    )


def _state_of(state: str) -> tuple[str, str, str]:
    return _STATES.get(state, ("·", state or "not known", "muted"))
