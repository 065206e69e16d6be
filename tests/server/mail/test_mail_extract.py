"""The extractor of rules on the three schemas of the docs, in mails of our own."""

from __future__ import annotations

import lzma
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from agentmail_server.mail.extract.model import MailView
from agentmail_server.mail.extract.rules import extract
from agentmail_server.mail.parse import parse

NOW = datetime(2026, 1, 15, 9, tzinfo=UTC)

SUPPORT = {
    "order_number": {"type": "string", "description": "Order number, if mentioned"},
    "intent": {"type": "string", "enum": ["shipping", "billing", "refund", "product", "other"]},
    "urgency": {"type": "string", "enum": ["low", "medium", "high"]},
    "sentiment": {"type": "string", "enum": ["positive", "neutral", "negative"]},
    "summary": {"type": "string", "description": "One-sentence summary"},
}
ONBOARDING = {
    "company_name": {"type": "string"},
    "team_size": {"type": "integer", "description": "How many people will use it"},
    "plan": {"type": "string", "enum": ["starter", "pro", "enterprise"]},
    "wants_demo": {"type": "boolean"},
    "start_date": {"type": "string", "format": "date"},
    "contact_email": {"type": "string", "format": "email"},
}
INVOICE = {
    "invoice_number": {"type": "string"},
    "vendor": {"type": "string"},
    "total_amount": {"type": "number"},
    "currency": {"type": "string"},
    "due_date": {"type": "string", "description": "ISO date"},
    "paid": {"type": "boolean"},
}
TICKET = {
    "order_id": {"type": "string"},
    "issue_type": {"type": "string", "enum": ["shipping", "billing", "product", "refund", "other"]},
    "urgency": {"type": "string", "enum": ["low", "medium", "high", "critical"]},
    "customer_name": {"type": "string"},
    "wants_refund": {"type": "boolean"},
}


def read(fields: dict[str, Any], text: str, subject: str = "", sender: str = "") -> dict[str, Any]:
    found = extract(MailView(subject, text, sender, NOW), {"type": "object", "properties": fields})
    assert set(found.evidence) == set(found.data)
    whole = f"{subject}\n{text}\n{sender}"
    assert all(
        " ".join(said.split()) in " ".join(whole.split()) for said in found.evidence.values()
    )
    return found.data


CASES: list[tuple[dict[str, Any], str, str, dict[str, Any]]] = [
    (
        SUPPORT,
        "Where is it?",
        "Hi, my order #ORD-5678 hasn't arrived and it's been two weeks. This is really "
        "frustrating. I need it urgently.",
        {
            "order_number": "ORD-5678",
            "intent": "shipping",
            "urgency": "high",
            "sentiment": "negative",
            "summary": "Hi, my order #ORD-5678 hasn't arrived and it's been two weeks.",
        },
    ),
    (
        SUPPORT,
        "Charged twice",
        "Hello,\n\nMy card was charged twice for order A-5577. No rush.\n\nThanks!",
        {
            "order_number": "A-5577",
            "intent": "billing",
            "urgency": "low",
            "summary": "My card was charged twice for order A-5577.",
        },
    ),
    (SUPPORT, "Hi", "Where are you on Sundays?", {"summary": "Where are you on Sundays?"}),
    (
        ONBOARDING,
        "New account",
        "Company: Lantern Works Ltd\nTeam size: 45 people\nPlan: Pro\nStart date: 3 February 2026\n"
        "Contact email: ida@lantern.example\nDemo: yes",
        {
            "company_name": "Lantern Works Ltd",
            "team_size": 45,
            "plan": "pro",
            "start_date": "2026-02-03",
            "contact_email": "ida@lantern.example",
            "wants_demo": True,
        },
    ),
    (
        ONBOARDING,
        "Trying it",
        "We are 12 people and think of the enterprise plan. We do not want a demo for now.",
        {"team_size": 12, "plan": "enterprise", "wants_demo": False},
    ),
    (ONBOARDING, "Hello", "Please tell me more about your product.", {}),
    (
        INVOICE,
        "Invoice INV-2026-041",
        "Invoice number: INV-2026-041\nVendor: Birch & Sons\nTotal due: EUR 1,299.50\n"
        "Due date: 2026-02-14\n",
        {
            "invoice_number": "INV-2026-041",
            "vendor": "Birch & Sons",
            "total_amount": 1299.5,
            "currency": "EUR",
            "due_date": "2026-02-14",
        },
    ),
    (
        INVOICE,
        "Your invoice",
        "Attached is invoice 88213 for $420, due on March 1st. It has not been paid yet.",
        {
            "invoice_number": "88213",
            "total_amount": 420,
            "currency": "USD",
            "due_date": "2026-03-01",
            "paid": False,
        },
    ),
    (INVOICE, "Lunch", "Shall we meet at noon?", {}),
    (
        TICKET,
        "Broken mug",
        "Order ID: HX-4410\nThe mug came broken and cracked. I do **not** want a refund, "
        "just another one.",
        {
            "order_id": "HX-4410",
            "issue_type": "product",
            "customer_name": "Ada Finch",
            "wants_refund": False,
        },
    ),
    (
        TICKET,
        "Refund",
        "I want a refund for order HX-4411.",
        {
            "order_id": "HX-4411",
            "issue_type": "refund",
            "customer_name": "Ada Finch",
            "wants_refund": True,
        },
    ),
]


@pytest.mark.parametrize(("fields", "subject", "text", "expected"), CASES)
def test_fields_are_read_where_they_stand_and_left_out_where_not(
    fields: dict[str, Any], subject: str, text: str, expected: dict[str, Any]
) -> None:
    sender = "Ada Finch" if fields is TICKET else ""
    assert read(fields, text, subject, sender) == expected


def test_objects_in_objects_are_read_too() -> None:
    fields = {"order": {"type": "object", "properties": {"order_id": {"type": "string"}}}}
    found = extract(
        MailView("", "Order ID: HX-1", "", NOW), {"type": "object", "properties": fields}
    )
    assert (found.data, found.evidence) == (
        {"order": {"order_id": "HX-1"}},
        {"order.order_id": "HX-1"},
    )


def test_a_value_that_breaks_the_schema_is_left_out() -> None:
    fields = {"quantity": {"type": "integer", "maximum": 10}}
    assert read(fields, "Quantity: 5") == {"quantity": 5}
    assert read(fields, "Quantity: 50") == {}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-02-03", "2026-02-03"),
        ("February 3rd, 2026", "2026-02-03"),
        ("3. Feb 2026", "2026-02-03"),
        ("03.02.2026", "2026-02-03"),
        ("January 2", "2027-01-02"),
        ("tomorrow", "2026-01-16"),
        ("31.02.2026", None),
        ("soon", None),
    ],
)
def test_dates_become_iso(written: str, expected: str | None) -> None:
    found = read({"due_date": {"type": "string"}}, f"Due date: {written}")
    assert found.get("due_date") == expected


def test_it_is_quick_on_text_that_is_made_to_be_slow() -> None:
    for text in ("a: " * 20_000, "order " * 10_000, "1,111" * 10_000, "not " * 10_000):
        start = datetime.now(UTC)
        read(SUPPORT | INVOICE | ONBOARDING, text)
        assert (datetime.now(UTC) - start).total_seconds() < 2


def test_to_speak_of_something_is_not_to_want_it() -> None:
    fields = {"wants_demo": {"type": "boolean"}, "paid": {"type": "boolean"}}
    assert read(fields, "There were two demos at the fair, quite painful to watch.") == {}
    assert read(fields, "Could we have a demo next week?") == {"wants_demo": True}


def test_no_value_is_invented_in_real_mail(corpus: Path) -> None:
    with lzma.open(corpus / "bulk" / "spamassassin.mbox.xz") as file:
        mails = file.read().split(b"\nFrom ")[::90]
    for raw in mails:
        mail = parse(raw.partition(b"\n")[2])
        # What was found must stand in the mail: `read` looks.
        read(SUPPORT | ONBOARDING | INVOICE | TICKET, mail.text[:40_000], mail.subject, "")
