"""What became of one recipient in one attempt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

# delivered: the next hop said 250. bounced: it said never. temporary: try again.
# unknown: the line broke after the whole mail was handed over, so it may have arrived.
# blocked: the way out refuses us or leads back here, whatever the mail is.
Outcome = Literal["delivered", "bounced", "temporary", "unknown", "blocked"]

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b\s*")
_UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_TEXT_LIMIT = 500
# Address or domain does not exist: writing there again harms our name.
SUPPRESSING = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})

# RFC 3463: nobody answers there; the line broke.
SILENT = "4.4.1"
BROKEN = "4.4.2"


@dataclass(frozen=True, slots=True)
class RecipientResult:
    """One recipient's outcome; `code` 0 where no server said anything."""

    address: str
    outcome: Outcome
    code: int
    enhanced: str
    text: str

    @property
    def suppresses(self) -> bool:
        """Whether the address itself is at fault, so that nobody should write there again."""
        return self.outcome == "bounced" and self.enhanced in SUPPRESSING

    @property
    def unreached(self) -> bool:
        """Whether there was no server to speak with."""
        return self.outcome == "temporary" and not self.code and self.enhanced == SILENT


class Keep(Protocol):
    """Writes results down, so that no crash makes them unknown again."""

    async def __call__(self, results: Sequence[RecipientResult], /) -> None:
        """Return once that is durable."""
        ...


class Relay(Protocol):
    """Something that takes mail for the outside world."""

    name: str
    # Whether all mail goes through one server, so that its failing is everybody's.
    one_way: bool

    async def reachable(self) -> bool:
        """Tell whether that one server answers; raises nothing."""
        ...

    def lanes(self, recipients: Sequence[str]) -> list[list[str]]:
        """Part recipients by where they are brought; lanes do not wait for each other."""
        ...

    def crowded(self, lane: Sequence[str]) -> bool:
        """Tell whether so many wait in a lane that more had better come later."""
        ...

    async def send(
        self, envelope_from: str, recipients: Sequence[str], raw: bytes, keep: Keep
    ) -> list[RecipientResult]:
        """Try each recipient once; every one gets exactly one result; raises what `keep` raises.

        `keep` is given the results that a mail handed over whole had, before another mail may be.
        """
        ...


def from_reply(address: str, code: int, message: str) -> RecipientResult:
    """Judge a server's reply: 5xx is for good, all else passes."""
    found = _ENHANCED.match(message)
    enhanced = found[1] if found else ""
    text = message[found.end() :] if found else message
    outcome: Outcome = "bounced" if 500 <= code <= 599 else "temporary"
    if 200 <= code <= 299:
        outcome = "delivered"
    return RecipientResult(address, outcome, code, enhanced, clean(text))


def temporary(address: str, text: str, enhanced: str = BROKEN) -> RecipientResult:
    """Return the outcome of a failure that no server's reply explains."""
    return RecipientResult(address, "temporary", 0, enhanced, clean(text))


def blocked(address: str, code: int, text: str) -> RecipientResult:
    """Return the outcome where nothing can be sent until somebody puts the relay right."""
    return RecipientResult(address, "blocked", code, "", clean(text))


def refused(address: str, code: int, enhanced: str, text: str) -> RecipientResult:
    """Return a refusal of our own."""
    return RecipientResult(address, "bounced", code, enhanced, clean(text))


def clean(text: str) -> str:
    """Return a stranger's text as one short line without controls."""
    return _UNSHOWABLE.sub(" ", text).strip()[:_TEXT_LIMIT]
