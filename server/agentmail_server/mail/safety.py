"""Signals of an attack on agents that read a mail, found offline; signals, never proof.

What is hidden from a person, and what differs between what a person and a machine read, weighs
most; phrases weigh less, for they can be told of and be written in other words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agentmail_server.mail import safetyphrases as phrases
from agentmail_server.mail import safetytext as texts
from agentmail_server.mail.auth import UNCHECKED
from agentmail_server.mail.model import Mailbox, Safety, Signal
from agentmail_server.mail.quotes import visible_text
from agentmail_server.mail.safetyhtml import Seen, hidden_ways, look
from agentmail_server.mail.safetyspam import Evidence, claimed_address, spam_signals
from agentmail_server.mail.text import one_line
from agentmail_server.mail.words import decode_words

if TYPE_CHECKING:
    from agentmail_server.config import Settings
    from agentmail_server.mail.headers import Headers

# A mail of two parts that says another thing in each.
_FEWEST_WORDS = 12
_SHARED = 0.25
_SPLIT_WORDS = 3
_MOST_SIGNALS = 20


@dataclass(frozen=True, slots=True)
class Mail:
    """What is looked at; `plain` and `html` still hold their invisible signs, `text` is shown."""

    headers: Headers
    subject: str
    sender: Mailbox
    plain: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which score, 0 to 1, a risk has a name and spam an action."""

    low: float = 0.2
    medium: float = 0.4
    high: float = 0.6
    critical: float = 0.8
    spam_flag: float = 0.5
    spam_reject: float = 0.8

    @classmethod
    def of(cls, settings: Settings) -> Thresholds:
        """Read the part of the settings that is about judging mail."""
        return cls(
            settings.injection_low,
            settings.injection_medium,
            settings.injection_high,
            settings.injection_critical,
            settings.spam_flag,
            settings.spam_reject,
        )


@dataclass(slots=True)
class _Found:
    """Signals by code, the strongest of each."""

    signals: dict[str, Signal] = field(default_factory=dict)

    def add(self, code: str, label: str, weight: float) -> None:
        held = self.signals.get(code)
        if held is None or held.weight < weight:
            self.signals[code] = Signal(code, label, weight)

    def add_phrases(self, weights: dict[str, float], part: float = 1.0) -> None:
        for code, weight in weights.items():
            self.add(code, phrases.LABELS[code], round(weight * part, 3))

    def strongest_first(self) -> tuple[Signal, ...]:
        ordered = sorted(self.signals.values(), key=lambda each: -each.weight)
        return tuple(ordered[:_MOST_SIGNALS])


def examine(mail: Mail) -> Safety:
    """Return the signals in a mail."""
    found = _Found()
    seen = look(mail.html) if mail.html else Seen()
    read = texts.cut(f"{mail.subject}\n{mail.plain or seen.shown}")
    _judge_hidden(found, seen)
    _judge_signs(found, mail, read, seen)
    _judge_difference(found, mail.plain, seen)
    _judge_phrases(found, mail, read)
    _judge_codes(found, read)
    if claimed := claimed_address(mail.sender):
        label = f"the sender's name claims to be {one_line(claimed, 80)}"
        found.add("display_name_spoof", label, 0.25)
    evidence = Evidence(mail.headers, mail.subject, mail.sender, texts.plain_form(read), seen)
    return Safety(True, found.strongest_first(), spam_signals(evidence))


def _judge_hidden(found: _Found, seen: Seen) -> None:
    """Weigh text that style hides: previews of newsletters are hidden too, but bid nobody."""
    hidden = texts.cut(seen.concealed)
    if hidden:
        ways = ", ".join(hidden_ways(seen))
        form = texts.plain_form(hidden)
        words = set(form.split())
        unseen = words - set(texts.plain_form(texts.cut(seen.shown)).split())
        if phrases.speaks_to_a_machine(form):
            found.add("hidden_text", f"text hidden {ways} that bids a machine do something", 0.65)
        elif len(unseen) * 2 > len(words):
            found.add("hidden_text", f"text hidden {ways}", 0.1)
        found.add_phrases(phrases.found(form))
    silent = texts.plain_form(texts.cut(seen.silent))
    if weights := phrases.found(silent):
        found.add("hidden_text", "a comment or description that bids a machine do something", 0.5)
        found.add_phrases(weights)


def _judge_signs(found: _Found, mail: Mail, read: str, seen: Seen) -> None:
    """Weigh signs that no font shows and signs that reorder text."""
    name = decode_words(mail.headers.raw("from")[:2000])
    subject = decode_words(mail.headers.raw("subject")[:4000])
    whole = "\n".join((name, subject, read, seen.shown if mail.plain else ""))
    if message := texts.smuggled(whole):
        found.add("invisible_characters", "words in signs that no font shows", 0.65)
        found.add_phrases(phrases.found(texts.plain_form(message)))
    elif texts.split_words(whole) >= _SPLIT_WORDS:
        found.add("invisible_characters", "invisible signs within words", 0.35)
    if texts.turns_around(whole):
        found.add("bidi_override", "signs that show text in another order than it has", 0.35)


def _judge_difference(found: _Found, plain: str, seen: Seen) -> None:
    """Weigh a plain part that says something else than the HTML beside it."""
    if not plain.strip() or not seen.shown:
        return
    one, other = (texts.plain_form(texts.cut(each)) for each in (plain, seen.shown))
    mine, theirs = set(one.split()), set(other.split())
    fewer = min(len(mine), len(theirs))
    odd = [weights for form, beside in ((one, other), (other, one))
           if (weights := _only_in(form, beside))]  # fmt: skip
    if odd:
        found.add("text_unlike_html", "the plain part and the HTML bid different things", 0.5)
        for weights in odd:
            found.add_phrases(weights)
    elif fewer >= _FEWEST_WORDS and len(mine & theirs) < _SHARED * fewer:
        found.add("text_unlike_html", "the plain part says something else than the HTML", 0.1)


def _only_in(form: str, beside: str) -> dict[str, float]:
    there = phrases.found(beside)
    return {code: says for code, says in phrases.found(form).items() if code not in there}


def _judge_phrases(found: _Found, mail: Mail, read: str) -> None:
    form = texts.plain_form(read)
    weights = phrases.found(form)
    if weights:
        # What is only quoted was written by somebody else, earlier.
        own = phrases.found(
            texts.plain_form(f"{mail.subject}\n{visible_text(texts.cut(mail.text))}")
        )
        for code, says in weights.items():
            found.add_phrases({code: says}, 1.0 if code in own or mail.html else 0.5)
    for disguised in texts.disguises(read, form):
        new = {code: says for code, says in phrases.found(disguised).items() if code not in weights}
        if new:
            found.add("obfuscation", "words written in look-alike signs or with gaps", 0.35)
            found.add_phrases(new)
    if _is_staged(read):
        found.add("many_shot", "a made-up talk between user and assistant", 0.35)


def _is_staged(read: str) -> bool:
    starts = [line.lstrip(" \t>*#")[:12].casefold() for line in read.split("\n")[:5000]]
    said = sum(start.startswith(("user:", "human:")) for start in starts)
    answered = sum(start.startswith(("assistant:", "ai:")) for start in starts)
    return min(said, answered) >= 2


def _judge_codes(found: _Found, read: str) -> None:
    for message in texts.decoded(read):
        weights = phrases.found(texts.plain_form(message[:20_000]))
        if weights:
            found.add("encoded_instructions", "instructions written in a code", 0.6)
            found.add_phrases(weights)


def score(signals: Iterable[Signal]) -> float:
    """Return how likely at least one of independent signals is right, 0 to 0.99."""
    doubt = 1.0
    for signal in signals:
        doubt *= 1.0 - min(max(signal.weight, 0.0), 1.0)
    return round(min(1.0 - doubt, 0.99), 3)


def metadata_of(safety: Safety, thresholds: Thresholds) -> dict[str, Any]:
    """Return the fields of a message's metadata, as the API names them."""
    if not safety.checked:
        return {"prompt_injection_checked": False, "spam_checked": False}
    injection, spam = score(safety.injection), score(safety.spam)
    action = _action(spam, thresholds)
    fields: dict[str, Any] = {
        "prompt_injection_checked": True,
        "prompt_injection_detected": injection >= thresholds.medium,
        "prompt_injection_risk": _risk(injection, thresholds),
        "prompt_injection_score": injection,
        "prompt_injection_signals": "; ".join(each.label for each in safety.injection),
        "prompt_injection_reason_codes": [each.code for each in safety.injection],
        "spam_checked": True,
        "spam_score": spam,
        "spam_action": action,
        "spam_flagged": action != "accept",
        "spam_reasons": [each.label for each in safety.spam],
    }
    return fields


def _risk(value: float, thresholds: Thresholds) -> str:
    bands = (("critical", thresholds.critical), ("high", thresholds.high),
             ("medium", thresholds.medium), ("low", thresholds.low))  # fmt: skip
    return next((name for name, least in bands if value >= least), "none")


def _action(value: float, thresholds: Thresholds) -> str:
    if value >= thresholds.spam_reject:
        return "reject"
    return "flag" if value >= thresholds.spam_flag else "accept"


def verdict_of(
    safety: Safety, thresholds: Thresholds, auth: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return all that is thought of a mail; without `auth` its sender was not checked."""
    return {**metadata_of(safety, thresholds), "auth": dict(auth or UNCHECKED)}
