"""The extractor without a model: labels first, then recognisers; what is not there is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import jsonschema
from referencing import Registry

from agentmail_server.mail.extract import choices, values
from agentmail_server.mail.extract.labels import labelled
from agentmail_server.mail.extract.model import Extraction, Field, Found, MailView

_LONGEST = 40_000
_DATES = ("date", "deadline", "due", "by", "when", "timeline")
_MONEY = ("amount", "total", "price", "cost", "tax", "subtotal", "budget", "fee", "balance")
_CODES = ("id", "number", "no", "ref", "reference", "code", "tracking")
_COMPANY = ("company", "vendor", "supplier", "organization", "organisation", "seller", "merchant")
_PERSON = ("customer", "contact", "person", "sender", "requester", "name")
# What people write of a date of this name.
_SAID = {
    "start": ("begin", "go live", "going live", "launch", "kick off", "kick-off"),
    "due": ("payable by", "pay by", "pay before", "payment by"),
}
_SENTENCES = re.compile(r"[!?]\s|\n\s*\n|(?<=[a-z)])\.\s")
_SUMMARY = ("summary", "overview", "gist")


def extract(view: MailView, schema: Mapping[str, Any]) -> Extraction:
    """Return what a mail holds of an object schema."""
    found = Extraction()
    for name, wanted in schema.get("properties", {}).items():
        if not isinstance(wanted, dict):
            continue
        if _kind(wanted) == "object":
            inner = extract(view, wanted)
            found.data.update({name: inner.data} if inner.data else {})
            found.evidence.update({f"{name}.{key}": said for key, said in inner.evidence.items()})
            continue
        hit = _one(Field.of(name, wanted), view)
        if hit is not None:
            found.data[name] = hit.value
            found.evidence[name] = hit.evidence[:300]
    return found


def fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Tell whether a value is one of the schema; nothing is ever fetched for that."""
    checker = jsonschema.Draft202012Validator(schema, registry=Registry())
    return bool(checker.is_valid(value))


def _one(field: Field, view: MailView) -> Found | None:
    text = view.text[:_LONGEST]
    for said in labelled(field, text):
        hit = _read(field, said, view)
        if hit is not None and fits(hit.value, field.schema):
            return hit
    hit = _recognised(field, MailView(view.subject, text, view.sender_name, view.date))
    return hit if hit is not None and fits(hit.value, field.schema) else None


def _read(field: Field, said: str, view: MailView) -> Found | None:
    """Read a value whose label names the field."""
    kind = _kind(field.schema)
    if "enum" in field.schema:
        return choices.exactly(field, said)
    if kind == "boolean":
        return choices.answer(said)
    if kind in ("number", "integer"):
        return _as(kind, values.find_number(said))
    if kind == "array":
        return _listed(field, said)
    if kind != "string":
        return None
    if _is_date(field):
        return values.find_date(said, view.date)
    if field.named("currency"):
        money = values.find_money(said)
        return money[1] if money else Found(said[:3], said) if len(said) == 3 else None
    if pattern := _pattern(field):
        return values.find_pattern(pattern, said)
    if field.named(*_CODES):
        # What stands behind the number is not part of it.
        return Found(said.split()[0].strip("#,;."), said)
    return Found(said, said)


def _recognised(field: Field, view: MailView) -> Found | None:
    """Find a value that no label names."""
    kind, text = _kind(field.schema), view.whole
    if "enum" in field.schema:
        return choices.choose(field, text)
    if kind == "boolean":
        return choices.decide(field, text)
    if kind in ("number", "integer"):
        if field.counts_people:
            return _as(kind, values.find_people(text))
        if field.named(*_MONEY):
            money = values.find_total(field, text)
            return _as(kind, money[0]) if money else None
        return _as(kind, values.find_count(field, text))
    return _string(field, view) if kind == "string" else None


def _string(field: Field, view: MailView) -> Found | None:
    text = view.whole
    if field.named(*_SUMMARY):
        said = choices.sentences(view.text)
        return Found(said[0], said[0]) if said else None
    if field.named("currency"):
        money = values.find_money(text)
        return money[1] if money else None
    if pattern := _pattern(field):
        return values.find_pattern(pattern, text)
    if field.named(*_CODES):
        return values.find_code(field, text)
    if _is_date(field):
        return _date_told(field, text, view)
    if field.named(*_PERSON) and not field.named(*_COMPANY, "product", "plan", "item"):
        return _signed(view)
    return None


def _date_told(field: Field, text: str, view: MailView) -> Found | None:
    # Without a label it must be said in the same sentence what the date is of.
    words = [
        each for word in field.words if word != "date" for each in (word, *_SAID.get(word, ()))
    ]
    for sentence in _SENTENCES.split(text):
        said = [sentence.casefold().find(word) for word in words]
        if hints := [at for at in said if at >= 0]:
            after = values.find_date(sentence[min(hints) :], view.date)
            if found := after or values.find_date(sentence, view.date):
                return found
    return None


def _signed(view: MailView) -> Found | None:
    name = view.sender_name.strip()
    return Found(name, name) if name and "@" not in name else None


def _listed(field: Field, said: str) -> Found | None:
    items = field.schema.get("items", {})
    if not isinstance(items, dict) or items.get("type", "string") != "string":
        return None
    parts = [part.strip() for part in said.replace(";", ",").split(",")]
    return Found([part for part in parts if part], said)


def _as(kind: str, found: Found | None) -> Found | None:
    if found is None:
        return None
    whole = float(found.value).is_integer()
    if kind == "integer" and not whole:
        return None
    return Found(int(found.value) if whole else found.value, found.evidence)


def _pattern(field: Field) -> str | None:
    told = field.schema.get("format")
    if told == "email" or field.named("email"):
        return "email"
    if told == "uri" or field.named("url", "link", "website"):
        return "url"
    return "phone" if field.named("phone", "telephone", "mobile") else None


def _is_date(field: Field) -> bool:
    return field.schema.get("format") in ("date", "date-time") or field.named(*_DATES[:3])


def _kind(schema: Mapping[str, Any]) -> str:
    told = schema.get("type", "string")
    if isinstance(told, list):
        return next((str(each) for each in told if each != "null"), "string")
    return str(told)
