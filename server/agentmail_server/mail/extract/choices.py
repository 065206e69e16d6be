"""Fields with few answers: one of a list, yes or no; and one sentence that says it all."""

from __future__ import annotations

import re
from collections.abc import Iterable

from agentmail_server.mail.extract.model import Field, Found

# What people write where they mean a value of this name.
_MEANS = {
    "shipping": "arrive arrived delivery deliver delivered parcel package shipment shipped courier "
    "tracking transit",
    "billing": "charge charged invoice payment paid card bill billed subscription overcharged",
    "refund": "refund refunded reimburse money-back",
    "return": "return returning exchange",
    "product": "broken defect defective damaged faulty cracked scratched quality",
    "technical": "error bug crash crashes login log-in password broken",
    "bug": "bug error crash crashes broken fails",
    "account": "account login log-in password username profile",
    "cancellation": "cancel cancelled cancellation",
    "feature": "feature wish suggestion",
    "sales": "pricing quote demo purchase",
    "high": "urgent urgently asap immediately emergency as-soon-as-possible",
    "critical": "outage critical down emergency",
    "urgent": "urgent urgently asap immediately",
    "low": "whenever no-rush no-hurry",
    "negative": "frustrating frustrated disappointed disappointing angry unacceptable terrible "
    "awful worst annoyed unhappy upset ridiculous",
    "positive": "great love wonderful perfect excellent happy delighted amazing pleased",
    "monthly": "month monthly",
    "annual": "year yearly annually annual",
    "enterprise": "enterprise",
}
_NOT = r"(?:not|n't|n’t|never|no|without|don't|nor|neither)"
_UNWANTED = re.compile(
    rf"\b{_NOT}\s+(?:\w+\s+)?$|(?:\bnot|n['’]t)\s+(?:want|need|wish|ask|expect)\s+(?:\w+\s+){{0,2}}$",
    re.IGNORECASE,
)
_DENIED = re.compile(rf"(?:\b{_NOT}|n['’]t)\b\W*(?:\s+\w+){{0,4}}\s*$", re.IGNORECASE)
_SENTENCE = re.compile(r"[^\s.!?][^.!?\n]*(?:[.](?=\w)[^.!?\n]*)*[.!?]*")
_GREETING = re.compile(
    r"^(?:hi|hello|dear|hey|good (?:morning|day|evening))\b[^.!?]{0,60}$", re.IGNORECASE
)
_YES = re.compile(r"^(?:yes|true|y|yep|required|ja|oui)\b", re.IGNORECASE)
_NO_ANSWER = re.compile(r"^(?:no|false|n|nope|none|not)\b", re.IGNORECASE)
_WISHES = ("want", "wants", "need", "needs", "request", "requests", "requested")
_WISHED = re.compile(
    r"\b(?:i|we)(?:['’]d)?\s+(?:\w+\s+){0,2}(?:want|need|like|love|request|ask|expect|prefer)"
    r"|\bwould be (?:useful|helpful|nice|good|great)\b|\bis (?:a|an|the) \w+ possible\b"
    r"|\bplease\b|\b(?:can|could|may) (?:i|we|you)\b|\binterested\b",
    re.IGNORECASE,
)
# Of a bill: what was done with it, not who paid for what, nor that something costs money.
_SETTLED = re.compile(
    r"\b(?:was|is|been|status\W{1,3})\s*(?:already\s+|now\s+|fully\s+)?paid\b(?!\s+(?:for|by you))"
    r"|\bpaid\s+in\s+full\b|\breceived\s+(?:your|the)\s+payment\b|\bpayment\s+received\b"
    r"|\byour payment\b.{0,60}\b(?:arrived|came in|was received)\b",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\bunpaid\b|(?:\bnot|n['’]t)\s+(?:yet\s+)?(?:been\s+)?(?:yet\s+)?paid\b", re.IGNORECASE
)
_PAYEE = re.compile(
    r"\b(?:i|we|he|she|they|us|you)\b[^,;]{0,30}\b(?:be|been|get|got|are|am|was|were)\s+(?:\w+\s+)?paid",
    re.IGNORECASE,
)
_WANTS = ("want", "wants", "need", "needs", "request", "requests", "requested", "is", "has")


def choose(field: Field, text: str) -> Found | None:
    """Return the value of an enum that the text speaks of most, if it speaks of any."""
    best: tuple[int, int, Found] | None = None
    values = [value for value in field.schema["enum"] if isinstance(value, str)]
    for place, value in enumerate(values):
        hits = _hits(value, text)
        if hits and (best is None or (len(hits), -place) > best[:2]):
            best = (len(hits), -place, Found(value, hits[0]))
    return best[2] if best else None


def exactly(field: Field, text: str) -> Found | None:
    """Return the value of an enum that a labelled text names."""
    said = _plain(text)
    for value in field.schema["enum"]:
        if isinstance(value, str) and re.match(rf"{re.escape(_plain(value))}\b", said):
            return Found(value, text)
    return None


def _hits(value: str, text: str) -> list[str]:
    plain = _plain(value)
    words = {plain, *plain.split(), *_MEANS.get(plain, "").split()}
    for word in plain.split():
        words |= set(_MEANS.get(word, "").split())
    return [hit for word in sorted(words - {"other", "none"}) for hit in _spoken(word, text)]


def _spoken(word: str, text: str) -> Iterable[str]:
    pattern = re.escape(word).replace(r"\-", r"[-\s]")
    for match in re.finditer(rf"(?<![\w-]){pattern}(?![\w-])", text, re.IGNORECASE):
        before = text[max(0, match.start() - 25) : match.start()]
        if not _UNWANTED.search(before):
            yield match[0]


def _plain(text: str) -> str:
    return re.sub(r"[_\W]+", " ", text).strip().casefold()


def decide(field: Field, text: str) -> Found | None:
    """Return yes or no where a sentence speaks of the field's subject; a negation counts."""
    if "paid" in field.words:
        return _settled(text)
    wish = any(word in field.words for word in _WISHES)
    for subject in (word for word in field.words if word not in _WANTS):
        stem = re.escape(subject.removesuffix("s"))
        for sentence in sentences(text):
            hit = re.search(rf"\b{stem}(?:s|d|ed|ing|ment)?\b", sentence, re.IGNORECASE)
            if hit is None:
                continue
            if _DENIED.search(sentence[: hit.start()]):
                return Found(False, sentence)
            # To speak of a demo is not to want one.
            if not wish or _WISHED.search(sentence):
                return Found(True, sentence)
    return None


def _settled(text: str) -> Found | None:
    told = [each for each in sentences(text) if "?" not in each and not _PAYEE.search(each)]
    for pattern, value in ((_OPEN, False), (_SETTLED, True)):
        for sentence in told:
            if pattern.search(sentence):
                return Found(value, sentence)
    return None


def answer(text: str) -> Found | None:
    """Return what a labelled yes or no says."""
    if _YES.match(text):
        return Found(True, text)
    return Found(False, text) if _NO_ANSWER.match(text) else None


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, greetings left out."""
    joined = re.sub(r"(?<![.!?:,\n])\n(?=[a-z])", " ", text)
    found = (match[0].strip() for match in _SENTENCE.finditer(joined))
    return [each for each in found if len(each.split()) > 1 and not _GREETING.match(each)]
