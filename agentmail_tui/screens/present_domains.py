"""From mail domains and their DNS records to rows; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.screens.dates import when
from agentmail_tui.widgets.lines import Line, Span, fit, width_of
from agentmail_tui.widgets.pick_list import Choice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentmail_tui.domain_admin import DnsRecord, MailDomain
    from agentmail_tui.mailbox.state import MailState

# What the look-up found, its sign and its ink.
_STATES = {
    "verified": ("✓", "right", "good"),
    "pending": ("…", "not there yet", "warn"),
    "failed": ("✗", "another one is there", "bad"),
}
_RIGHT = "verified"
_LEAST = 24  # cells of a name


def domain_choices(state: MailState, now: datetime, width: int) -> list[Choice]:
    """Return each domain with its records below it, what is wrong first."""
    admin = state.admin
    if not state.capabilities.domains:
        return [Choice((("This key may not see domains, or the server has none.", "muted"),))]
    if admin.error is not None:
        return [Choice(((f"✗ {admin.error}", "bad"),))]
    if admin.domains is None:
        return [Choice((("loading …", "muted"),))]
    rows: list[Choice] = []
    cells = _name_cells(admin.domains, width)
    for domain in sorted(admin.domains, key=_in_order):
        rows.extend([Choice(())] if rows else [])
        rows.append(Choice(_head(domain, now, cells), domain.id))
        rows.extend(
            Choice(_record(record, cells), f"{domain.id} {number}")
            for number, record in sorted(enumerate(domain.records), key=lambda p: _ok(p[1]))
        )
    return rows or [Choice((("There is no domain yet; n brings one.", "muted"),))]


def _in_order(domain: MailDomain) -> tuple[bool, bool, str]:
    """Return where a domain stands: what is wrong first, then the shared ones, then by name."""
    return is_right(domain), not domain.shared, domain.name


def is_right(domain: MailDomain) -> bool:
    """Tell whether the DNS has all that a domain needs."""
    return domain.status == _RIGHT and all(map(_ok, domain.records))


def _ok(record: DnsRecord) -> bool:
    return record.state == _RIGHT


def _name_cells(domains: Sequence[MailDomain], width: int) -> int:
    """Return the cells for names: of the longest, where that leaves room for values."""
    names = [name for each in domains for name in (each.name, *(r.name for r in each.records))]
    longest = max((width_of(((name, ""),)) for name in names), default=_LEAST)
    return max(min(longest, width * 9 // 20), _LEAST)


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


def _head(domain: MailDomain, now: datetime, cells: int) -> Line:
    sign, _, ink = _state_of(domain.status)
    checked = (
        f"looked up {when(domain.checked_at, now)}" if domain.checked_at else "never looked up"
    )
    shared = "  shared" if domain.shared else ""
    wrong = sum(not _ok(record) for record in domain.records)
    told = f"{wrong} of {len(domain.records)} records not right  " if wrong else ""
    return (
        (f"{sign} ", ink),
        (f"{fit(domain.name, cells + 8)} ", "strong"),
        (told, ink),
        (checked, "faint"),
        (shared, "faint"),
    )


def _record(record: DnsRecord, cells: int) -> Line:
    sign, said, ink = _state_of(record.state)
    return (
        ("  ", ""),
        (f"{sign} ", ink),
        (f"{fit(record.kind, 6)}", "text"),
        (f"{fit(record.name, cells)} ", "muted"),
        ("" if _ok(record) else f"{said}; needed: ", ink),
        (record.value, "faint"),
    )


def _state_of(state: str) -> tuple[str, str, str]:
    return _STATES.get(state, ("·", state or "not known", "muted"))
