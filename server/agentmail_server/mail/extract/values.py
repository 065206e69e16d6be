"""Recognisers: what in a text is a date, an amount, a number of an order, an address."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from agentmail_server.mail.extract.model import Field, Found

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATES = (
    re.compile(r"\b(?P<year>\d{4})[-/.](?P<number>\d{1,2})[-/.](?P<day>\d{1,2})\b"),
    re.compile(
        rf"\b{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(?P<year>\d{{4}}))?\b",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?{_MONTH}(?:,?\s+(?P<year>\d{{4}}))?\b",
        re.IGNORECASE,
    ),
    re.compile(r"\b(?P<day>\d{1,2})\.(?P<number>\d{1,2})\.(?P<year>\d{4})\b"),
)
_NEAR_DATES = {"today": 0, "tomorrow": 1, "yesterday": -1}
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR"}
_CODES = r"USD|EUR|GBP|CHF|JPY|CAD|AUD|INR|SEK|NOK|DKK|PLN|NZD|SGD"
_NUMBER = r"\d{1,3}(?:[,.' ]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?"
_MONEY = re.compile(
    rf"(?:(?P<sign>[$€£¥₹])|\b(?P<before>{_CODES})\b)\s?(?P<amount>{_NUMBER})"
    rf"|(?P<amount2>{_NUMBER})\s?(?:(?P<sign2>[$€£¥₹])|\b(?P<after>{_CODES})\b)"
)
_PLAIN_NUMBER = re.compile(rf"-?(?:{_NUMBER})")
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_URL = re.compile(r"https?://[^\s<>\"')\]]{3,500}", re.IGNORECASE)
_PHONE = re.compile(r"(?<![\w.-])\+?\(?\d[\d ()/.-]{6,18}\d(?![\w-])")
_CODE = r"(?P<code>(?=[A-Z0-9/_-]*\d)[A-Z0-9][A-Z0-9/_-]{2,39})"
_BARE_CODE = re.compile(r"(?<![\w#/-])#?(?P<code>[A-Z]{1,6}-?\d[A-Z0-9-]{2,30})(?![\w-])")
_COUNT = re.compile(r"(?<![\d.,-])(?P<count>\d{1,3}(?:[,.]\d{3})+|\d{1,7})(?![\d.,]*\d)")
_I = re.IGNORECASE
_COUNTED = (
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_ABOUT = r"(?:(?:about|around|roughly|some|approximately|currently|now|just|only)\s+){0,2}"
_MANY = rf"(?P<count>\d{{1,3}}(?:[,.]\d{{3}})+|\d{{1,7}}|{'|'.join(_COUNTED)})"
_HUMANS = r"(?:people|persons|employees|engineers|developers|colleagues|members|staff|users|agents)"
_PEOPLE = (
    re.compile(rf"\b(?:team|staff|company|crew)\s+(?:size\s+)?(?:of|is)\s+{_ABOUT}{_MANY}\b", _I),
    re.compile(rf"(?<![\d.,-]){_MANY}[- ](?:person|people|strong|member|employee)\b[- ]?(?:team|"
               rf"company|office|shop|business|start-?up|agency|firm)\b", _I),
    re.compile(rf"\b(?:we\s+are|we['’]re|we\s+have|we\s+employ|employs|employing)\s+{_ABOUT}{_MANY}"
               rf"\s+(?:\w+\s+)?{_HUMANS}\b", _I),
    re.compile(rf"\b(?:there\s+are|there['’]s)\s+{_ABOUT}{_MANY}\s+of\s+us\b", _I),
    re.compile(rf"(?<![\d.,-]){_MANY}\s+(?:full-time\s+)?employees\b", _I),
    re.compile(rf"\bfor\s+{_ABOUT}{_MANY}\s+(?:users|people|seats|employees)\b", _I),
)  # fmt: skip
_ROOTS = ("order", "invoice", "ticket", "tracking", "case", "account", "customer", "purchase")


def find_date(text: str, now: datetime) -> Found | None:
    """Return the first date of a text, as ISO; without a year it is the nearest to come."""
    hits = [match for each in _DATES for match in [each.search(text)] if match]
    for match in sorted(hits, key=lambda each: each.start()):
        found = _date_of(match, now)
        if found is not None:
            return Found(found.isoformat(), match[0])
    for word, days in _NEAR_DATES.items():
        if near := re.search(rf"\b{word}\b", text, re.IGNORECASE):
            return Found((now + timedelta(days=days)).date().isoformat(), near[0])
    return None


def _date_of(match: re.Match[str], now: datetime) -> date | None:
    parts = match.groupdict()
    name = parts.get("month")
    month = _MONTHS.index(name[:3].lower()) + 1 if name else int(parts["number"] or 0)
    try:
        if parts["year"]:
            return date(int(parts["year"]), month, int(parts["day"]))
        found = date(now.year, month, int(parts["day"]))
        return found if found >= now.date() else found.replace(year=now.year + 1)
    except ValueError:
        return None


def find_money(text: str) -> tuple[Found, Found] | None:
    """Return the first amount with its currency."""
    match = _MONEY.search(text)
    if match is None:
        return None
    written = match["amount"] or match["amount2"]
    sign = match["sign"] or match["sign2"]
    code = _SIGNS[sign] if sign else match["before"] or match["after"]
    return Found(as_number(written), match[0]), Found(code, match[0])


def find_number(text: str) -> Found | None:
    """Return the number that a text begins with or holds."""
    match = _PLAIN_NUMBER.search(text)
    return Found(as_number(match[0]), match[0]) if match else None


def as_number(written: str) -> float:
    """Return `1,299.50` and `1.299,50` alike as a number."""
    text = written.replace(" ", "").replace("'", "")
    last = max(text.rfind("."), text.rfind(","))
    cents = last >= 0 and len(text) - last - 1 in (1, 2)
    whole, rest = (text[:last], text[last + 1 :]) if cents else (text, "0")
    return float(f"{whole.replace(',', '').replace('.', '')}.{rest}")


def find_count(field: Field, text: str) -> Found | None:
    """Return the count that stands right before a word of the field's name or description."""
    heads = {*field.words, *re.findall(r"[a-z]{4,}", field.about)} - {"count", "number", "size"}
    heads |= {"people", "employees", "members"} if "size" in field.words else set()
    for head in sorted(heads):
        stem = re.escape(head.removesuffix("s"))
        hit = re.search(rf"{_COUNT.pattern}\s+(?:\w+\s+)?{stem}s?\b", text, re.IGNORECASE)
        if hit:
            return Found(as_number(hit["count"]), hit[0])
    return None


def find_people(text: str) -> Found | None:
    """Return how many people the writers say they are."""
    hits = [match for each in _PEOPLE for match in [each.search(text)] if match]
    for match in sorted(hits, key=lambda each: each.start()):
        said = match["count"].lower()
        count = _COUNTED.index(said) + 2 if said in _COUNTED else as_number(said)
        return Found(count, match[0])
    return None


def find_total(field: Field, text: str) -> tuple[Found, Found] | None:
    """Return the amount that stands behind a word of the field, else the first of the text."""
    for word in field.words:
        near = re.search(rf"\b{re.escape(word)}\b[^.!?\n\d]{{0,25}}(?={_MONEY.pattern})", text, _I)
        if near and (money := find_money(text[near.end() :])):
            return money
    return find_money(text)


def find_code(field: Field, text: str) -> Found | None:
    """Return the number of an order, an invoice…: after that word, or by its form alone."""
    roots = [word for word in field.words if word in _ROOTS] or [
        word for word in _ROOTS if word in field.about
    ]
    for root in roots:
        pattern = rf"\b{root}\b(?:\s+(?:no|nr|number|id|ref))?\W{{0,3}}{_CODE}(?![\w-])"
        if hit := re.search(pattern, text, re.IGNORECASE):
            return Found(hit["code"].rstrip("-/_"), hit[0])
    if len(roots) == 1 and (hit := _BARE_CODE.search(text)) and _fits(roots[0], hit["code"]):
        return Found(hit["code"], hit[0])
    return None


def _fits(root: str, code: str) -> bool:
    # INV-7 is no order: letters of a code say what it is the code of.
    letters = re.match(r"[A-Z]*", code.upper())
    return letters is not None and root.upper().startswith(letters[0][:2])


def find_pattern(kind: str, text: str) -> Found | None:
    """Return the first `email`, `url` or `phone` of a text."""
    match = {"email": _EMAIL, "url": _URL, "phone": _PHONE}[kind].search(text)
    return Found(match[0].rstrip(".,;"), match[0]) if match else None
