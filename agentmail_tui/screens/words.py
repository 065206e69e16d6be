"""The one table of words for what servers name with underscores: no raw name is on screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentmail_tui.widgets.lines import Span


class Step(Struct, frozen=True):
    """How a step of a mail on its way out is shown; `over` once nothing comes after it."""

    word: str
    sign: str
    ink: str
    over: bool = False


STEPS: Mapping[str, Step] = {
    "scheduled": Step("scheduled", "…", "muted"),
    "queued": Step("queued", "…", "muted"),
    "sent": Step("sent", "✓", "muted"),
    "delivery_delayed": Step("delayed", "…", "warn"),
    "delivered": Step("delivered", "✓", "good", over=True),
    "opened": Step("opened", "✓", "good", over=True),
    "clicked": Step("clicked", "✓", "good", over=True),
    "bounced": Step("bounced", "✗", "bad", over=True),
    "complained": Step("complained", "✗", "bad", over=True),
    "failed": Step("failed", "✗", "bad", over=True),
    "suppressed": Step("suppressed", "✗", "bad", over=True),
    "cancelled": Step("cancelled", "–", "muted", over=True),
}
_WORDS: Mapping[str, str] = {
    "needs_reply": "needs reply",
    "hard_bounce": "address is gone",
    "soft_bounce": "refused for now",
    "unsubscribe": "wants no mail",
    "complaint": "called it spam",
    "manual": "by hand",
    "email.received": "mail in",
    "email.sent": "mail out",
    "auto_reply": "written by a machine",
}


def word(name: str) -> str:
    """Return what a server calls something in the words of the screen."""
    step = STEPS.get(name)
    return step.word if step else _WORDS.get(name) or name.replace("_", " ")


def step_of(name: str) -> Step:
    """Return how a step is shown, also one that is not known here."""
    return STEPS.get(name) or Step(word(name), "·", "muted")


def step_span(name: str, width: int = 0) -> Span:
    """Return sign and word of a step, the word in `width` cells at least."""
    step = step_of(name)
    return (f"{step.sign} {step.word:<{width}}", step.ink)
