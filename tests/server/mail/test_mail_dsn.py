"""What a mail reports of other mail: read right, believed elsewhere."""

from __future__ import annotations

import lzma
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agentmail_server.mail.model import Fate, ParsedMail
from agentmail_server.mail.parse import parse
from agentmail_server.mail.transfer import dump, load

Expected = Callable[[str], list[dict[str, Any]]]

# What the collection calls a report that is no bounce.
NO_BOUNCES = {"feedback", "vacation", "delivered"}


def report_mail(*groups: str, returned: str = "Message-ID: <m1@agents.test>") -> bytes:
    """Return an RFC 3464 report with these per-recipient groups."""
    status = "\n\n".join(("Reporting-MTA: dns; mx.far.test", *groups))
    return (
        "From: MAILER-DAEMON@far.test\nTo: agent@agents.test\nSubject: Returned mail\n"
        "MIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=B\n\n"
        f"--B\nContent-Type: text/plain\n\nSorry.\n--B\nContent-Type: message/delivery-status\n\n"
        f"{status}\n\n--B\nContent-Type: text/rfc822-headers\n\n{returned}\nSubject: Hi\n\n--B--\n"
    ).encode()


def group(address: str, action: str, status: str, diagnostic: str = "") -> str:
    return (
        f"Final-Recipient: rfc822; {address}\nAction: {action}\nStatus: {status}\n"
        f"Diagnostic-Code: smtp; {diagnostic}"
    )


def fates(raw: bytes) -> list[tuple[str, str, str]]:
    report = parse(raw).report
    return [(each.address, each.outcome, each.status) for each in report.fates] if report else []


def is_bounce(mail: ParsedMail) -> bool:
    report = mail.report
    return report is not None and any(
        each.outcome != "delivered" and report.kind in {"delivery", "text"} for each in report.fates
    )


def test_each_recipient_has_a_fate_of_its_own() -> None:
    raw = report_mail(
        group("ann@x.test", "failed", "5.1.1", "550 5.1.1 no such user"),
        group("bob@y.test", "delayed", "4.4.1"),
        group("cy@z.test", "relayed", "2.0.0"),
    )
    report = parse(raw).report
    assert report is not None
    assert report.kind == "delivery"
    assert report.fates[0] == Fate("ann@x.test", "failed", "5.1.1", "550 5.1.1 no such user")
    assert [(each.address, each.outcome) for each in report.fates] == [
        ("ann@x.test", "failed"),
        ("bob@y.test", "delayed"),
        ("cy@z.test", "delivered"),
    ]
    assert report.message_ids == ("m1@agents.test",)


def test_a_report_survives_the_way_from_the_worker() -> None:
    mail = parse(report_mail(group("ann@x.test", "failed", "5.1.1", "550 é")))
    assert mail.report is not None
    assert load(dump(mail)) == mail


@pytest.mark.parametrize(
    ("given", "diagnostic", "status"),
    [
        ("5.0.0", "550 5.1.1 unknown", "5.1.1"),
        ("5.0.0", "452 4.2.2 full", "5.0.0"),
        ("5.7.1 (policy)", "550 5.1.1 unknown", "5.7.1"),
        ("", "550 no such user", "5.0.0"),
        ("5.1.1", "host 10.5.1.2 said no", "5.1.1"),
    ],
)
def test_the_most_telling_code_of_the_class_counts(
    given: str, diagnostic: str, status: str
) -> None:
    raw = report_mail(group("ann@x.test", "failed", given, diagnostic))
    assert fates(raw) == [("ann@x.test", "failed", status)]


def complaint(kind: str) -> bytes:
    return (
        "From: fbl@far.test\nSubject: complaint\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=B\n\n"
        "--B\nContent-Type: text/plain\n\nDelivery failed? No: a complaint. 550 5.1.1\n"
        "--B\nContent-Type: message/feedback-report\n\n"
        f"Feedback-Type: {kind}\nVersion: 1\nOriginal-Rcpt-To: <ann@x.test>\n\n"
        "--B\nContent-Type: message/rfc822\n\nMessage-ID: <m1@agents.test>\nSubject: Hi\n\nText\n"
        "--B--\n"
    ).encode()


def test_a_complaint_names_who_complains() -> None:
    report = parse(complaint("abuse")).report
    assert report is not None
    assert (report.kind, report.feedback_type) == ("complaint", "abuse")
    assert [each.address for each in report.fates] == ["ann@x.test"]
    assert report.message_ids == ("m1@agents.test",)


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure"])
def test_what_praises_or_measures_is_no_complaint(kind: str) -> None:
    assert parse(complaint(kind)).report is None


@pytest.mark.parametrize(("what", "told"), [("displayed", True), ("deleted", False)])
def test_a_receipt_is_of_mail_that_was_seen(what: str, told: bool) -> None:
    raw = (
        "From: ann@x.test\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=B\n\n"
        "--B\nContent-Type: message/disposition-notification\n\n"
        "Final-Recipient: rfc822; ann@x.test\nOriginal-Message-ID: <m1@agents.test>\n"
        f"Disposition: manual-action/MDN-sent-manually; {what}\n\n--B--\n"
    )
    report = parse(raw.encode()).report
    assert (report is not None) is told
    if report is not None:
        assert (report.kind, report.message_ids) == ("receipt", ("m1@agents.test",))


def words(sender: str, subject: str, text: str, more: str = "") -> bytes:
    return f"From: {sender}\nSubject: {subject}\n{more}\n{text}\n".encode()


def test_a_bounce_in_words_is_read() -> None:
    raw = words(
        "Mail Delivery System <MAILER-DAEMON@far.test>",
        "failure notice",
        "I was not able to deliver your message to the following addresses.\n\n"
        "<ann@x.test>:\n550 5.1.1 no mailbox here by that name\n\n"
        "--- Below this line is a copy of the message.\n\n"
        "Message-ID: <m1@agents.test>\nTo: ann@x.test\n\nCall 4.2.1 <other@x.test>",
    )
    report = parse(raw).report
    assert report is not None
    assert report.kind == "text"
    assert [(each.address, each.outcome, each.status) for each in report.fates] == [
        ("ann@x.test", "failed", "5.1.1")
    ]
    assert report.message_ids == ("m1@agents.test",)


def test_a_warning_is_a_delay() -> None:
    raw = words(
        "Mail Delivery System <MAILER-DAEMON@far.test>",
        "Warning: message delayed 24 hours",
        "Your message to ann@x.test has not yet been delivered.\nNo action is required on your "
        "part. Delivery attempts will continue for some time: will be retried.",
    )
    assert fates(raw) == [("ann@x.test", "delayed", "4.0.0")]


@pytest.mark.parametrize(
    ("sender", "subject", "text", "more"),
    [
        ("ann@x.test", "Re: order", "The package could not be delivered, 550 euro lost.", ""),
        ("ann@x.test", "Delivery problem", "When does my parcel come?", ""),
        (
            "ann@x.test",
            "Out of office",
            "I am away; mail could not be delivered to me in person.",
            "Auto-Submitted: auto-replied\n",
        ),
        (
            "MAILER-DAEMON@far.test",
            "Successful Mail Delivery Report",
            "Your message was successfully delivered to ann@x.test. 2.0.0",
            "",
        ),
        (
            "list@x.test",
            "mail server talk",
            "how do I read 550 5.1.1 user unknown?",
            "List-Id: a\n",
        ),
    ],
)
def test_other_mail_is_no_bounce(sender: str, subject: str, text: str, more: str) -> None:
    assert parse(words(sender, subject, text, more)).report is None


@pytest.mark.parametrize(
    "text",
    [
        "-" * 200_000,
        "could not be" + " be" * 60_000,
        "a@" * 60_000,
        "message-id:" + " " * 100_000,
        "5." * 60_000,
        "delivery " * 20_000,
    ],
)
def test_hostile_words_cost_little(text: str) -> None:
    raw = words("MAILER-DAEMON@far.test", "failure notice", text)
    began = time.process_time()
    parse(raw)
    assert time.process_time() - began < 2


def test_the_bounces_of_the_world_are_found(corpus: Path, expected: Expected) -> None:
    found = wanted = right = coded = 0
    for row in expected("bounce"):
        mail = parse((corpus / row["file"]).read_bytes())
        people = row.get("recipients", [])
        if row.get("not_bounce") or all(each["reason"] in NO_BOUNCES for each in people):
            assert not is_bounce(mail), row["file"]
            continue
        wanted += 1
        if not is_bounce(mail):
            continue
        found += 1
        gold = {each["status"][0] for each in people if each["status"]}
        if gold and mail.report is not None:
            coded += 1
            said = {each.status[:1] for each in mail.report.fates if each.outcome != "delivered"}
            right += said == gold
    assert wanted > 300
    assert found / wanted >= 0.97, f"{found} of {wanted}"
    assert right / coded >= 0.97, f"{right} of {coded}"


@pytest.mark.slow
def test_no_ordinary_mail_is_taken_for_a_bounce(corpus: Path) -> None:
    with lzma.open(next((corpus / "bulk").glob("*.xz"))) as file:
        mails = re.split(rb"(?m)^From [^\n]*\n", file.read())[1:]
    assert len(mails) > 3000
    reports = [mail for mail in map(parse, mails) if mail.report is not None]
    # Three are what they say: two bounces and a delay that people sent on to their list.
    assert len(reports) <= 3
    assert all("@" in mail.sender.address for mail in reports)
