"""What is shown of a mail's sender and of attacks in it; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentmail_tui.domain import Safety
    from agentmail_tui.widgets.lines import Line, Span

RISKY = frozenset({"medium", "high", "critical"})
_BAD = frozenset({"fail", "softfail", "permerror", "hardfail", "invalid"})


def safety_lines(safety: Safety | None) -> tuple[Line, ...]:
    """Return the checks of the sender on one line; what is risky has a note of its own."""
    if safety is None:
        return ()
    spans: list[Span] = []
    for name, verdict in safety.checks:
        spans.extend(_check(name, verdict))
    if safety.risk and safety.risk not in RISKY:
        ink = "good" if safety.risk == "none" else "muted"
        sign = "✓" if safety.risk == "none" else "–"
        spans.append((_unbroken(f"injection {sign} {safety.risk}"), ink))
    return (tuple(spans),) if spans else ()


def _unbroken(text: str) -> str:
    """Return a text that no line ends within."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _check(name: str, verdict: str) -> tuple[Span, Span]:
    if verdict == "pass":
        return ((f"{name} ", "faint"), ("✓  ", "good"))
    if verdict in _BAD:
        return ((f"{name} ", "faint"), (f"✗ {verdict}  ", "bad"))
    return ((f"{name} ", "faint"), (f"– {verdict}  ", "muted"))


def injection_line(safety: Safety) -> Line:
    """Return how risky a mail is to an agent, and what shows it."""
    signals = f": {', '.join(safety.signals)}" if safety.signals else ""
    return (("! ", "warn"), (f"injection risk {safety.risk}{signals}", "warn"))
