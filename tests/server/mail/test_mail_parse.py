from __future__ import annotations

import base64
import time
from datetime import UTC, datetime

import pytest
from agentmail_server.mail import parse as parse_module
from agentmail_server.mail.parse import Mailbox, ParsedAttachment, parse, salvage
from agentmail_server.mail.transfer import dump, load
from hypothesis import given, settings
from hypothesis import strategies as st


def mail(headers: str = "", body: str | bytes = "hello") -> bytes:
    data = body if isinstance(body, bytes) else body.encode()
    return headers.replace("\n", "\r\n").encode() + b"\r\n" + data


def multipart(kind: str, *parts: str, boundary: str = "b") -> bytes:
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"
    head = f"From: ann@a.test\r\nContent-Type: multipart/{kind}; boundary={boundary}\r\n\r\n"
    return (head + body).encode()


PLAIN = "Content-Type: text/plain\r\n\r\n"
HTML = "Content-Type: text/html\r\n\r\n"


def test_a_plain_mail_is_read_whole() -> None:
    parsed = parse(
        mail(
            "From: Ann Ash <ann@a.test>\nTo: bob@b.test, Cy <cy@c.test>\nCc: dee@d.test\n"
            "Reply-To: desk@a.test\nSubject: Lunch\n on Friday\nMessage-ID: <1@a.test>\n"
            "In-Reply-To: <0@b.test>\nReferences: <z@b.test>\n <0@b.test>\n"
            "Date: Mon, 2 Mar 2026 10:00:00 +0100\nReceived: by x\nReceived: by y\n",
            "Are you free?\r\n",
        )
    )
    assert parsed.sender == Mailbox("Ann Ash", "ann@a.test")
    assert parsed.to == (Mailbox("", "bob@b.test"), Mailbox("Cy", "cy@c.test"))
    assert parsed.cc == (Mailbox("", "dee@d.test"),)
    assert parsed.reply_to == (Mailbox("", "desk@a.test"),)
    assert parsed.subject == "Lunch on Friday"
    assert parsed.message_id == "1@a.test"
    assert parsed.in_reply_to == ("0@b.test",)
    assert parsed.references == ("z@b.test", "0@b.test")
    assert parsed.date == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert parsed.date_header == "Mon, 2 Mar 2026 10:00:00 +0100"
    assert parsed.text == "Are you free?\n"
    assert parsed.snippet == "Are you free?"
    assert (parsed.received_count, parsed.headers_seen["received"]) == (2, 2)
    assert parsed.parse_error is None
    assert not parsed.auto_submitted


def test_alternatives_give_plain_text_and_keep_the_html() -> None:
    parsed = parse(multipart("alternative", PLAIN + "plain", HTML + "<p>rich</p>"))
    assert parsed.text == "plain"
    assert parsed.html == "<p>rich</p>"
    assert parsed.attachments == ()


def test_a_blank_plain_part_gives_way_to_the_html() -> None:
    parsed = parse(multipart("alternative", PLAIN + " \r\n", HTML + "<p>rich</p>"))
    assert parsed.text == "rich"


def test_a_footer_of_a_list_is_shown_below_the_body() -> None:
    parsed = parse(multipart("mixed", HTML + "<p>news</p>", PLAIN + "sent by a list"))
    assert parsed.text == "news\nsent by a list"


def test_hidden_html_text_is_not_shown() -> None:
    hidden = (
        "<div style='display:none'>ignore all</div><p style='font-size: 0px'>tiny</p>"
        "<p hidden>gone</p><span style='opacity:0'>ghost</span><script>x()</script><p>seen</p>"
    )
    assert parse(mail("Content-Type: text/html\n", hidden)).text.split() == ["seen"]


def test_files_are_kept_with_clean_names() -> None:
    data = base64.b64encode(b"%PDF").decode()
    parsed = parse(
        multipart(
            "mixed",
            PLAIN + "see file",
            "Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
            f'Content-Disposition: attachment; filename="../../etc/../a b.pdf"\r\n\r\n{data}',
            "Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR",
            "Content-Type: message/rfc822\r\n\r\nSubject: Old news\r\n\r\nold",
            "Content-Type: image/png; name*0*=utf-8''%C3%A4; name*1=.png\r\nContent-ID: <i1@a>\r\n"
            "Content-Disposition: inline\r\n\r\nPNG",
        )
    )
    assert parsed.text == "see file"
    assert [file.filename for file in parsed.attachments] == [
        "a b.pdf",
        "attachment-2.ics",
        "Old news.eml",
        "ä.png",
    ]
    assert parsed.attachments[0] == ParsedAttachment("a b.pdf", "application/pdf", b"%PDF")
    assert parsed.attachments[3].content_id == "i1@a"
    assert parsed.attachments[3].inline


def test_bytes_before_any_header_are_the_body() -> None:
    assert parse(b"no header here\r\nat all").text == "no header here\nat all"


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        ("=?utf-8?q?caf=C3=A9?=", "café"),
        ("=?UTF-8?B?Y2Fmw6k=?= =?utf-8?q?_au?= lait", "café au lait"),
        ("=?utf-8?b?ww==?= =?utf-8?b?qQ==?=", "é"),  # cut inside a sign
        ("=?utf-8?q?\u201cx?=", "“x"),  # raw 8-bit inside an encoded word
        ("=?utf-8*en?q?hi?=", "hi"),
        ("=?x-none-such?q?=E9?=", "é"),
        ("=?hex?q?6869?=", "6869"),
        ("=?utf-7?q?+ACI-x?=", '"x'),
        ("=?utf-8?q?a=0D=0ABcc:_x?=", "a Bcc: x"),
        ("=?utf-8?q?=1B]52;c;eA=07?=", "␛]52;c;eA␇"),
        ("a\u202eb\u200bc\U000e0041d", "abcd"),
        ("=?gb2312?b?xOO6ww==?=", "你好"),
    ],
)
def test_subjects_are_decoded_leniently(header: str, subject: str) -> None:
    assert parse(mail(f"Subject: {header}\n")).subject == subject


def test_raw_windows_1252_is_read_where_it_is_no_utf_8() -> None:
    assert parse(b"Subject: Fr\xf6sche\r\n\r\nq\xfcak").text == "qüak"
    assert parse(b"Subject: Fr\xf6sche\r\n\r\nq\xfcak").subject == "Frösche"


def test_ids_that_are_no_ids_are_dropped() -> None:
    assert parse(mail("Message-ID: <a b@x>\n")).message_id is None
    assert parse(mail(f"Message-ID: <{'a' * 600}@x>\n")).message_id is None
    assert parse(mail("Message-ID: bare@x.test\n")).message_id == "bare@x.test"


def test_references_keep_the_first_and_the_last_99() -> None:
    ids = " ".join(f"<{n}@x>" for n in range(300))
    references = parse(mail(f"References: {ids}\n")).references
    assert len(references) == 100
    assert (references[0], references[1], references[-1]) == ("0@x", "201@x", "299@x")


@pytest.mark.parametrize(
    "value",
    [
        "", "0", "Mon, 32 Foo 2026 25:61:61 +0000", "Thu, 01 Jan 1970 00:00:00 +9999",
        "Fri, 31 Dec 9999 23:59:59 -1200", "Mon, 02 Mar 2026 10:00:00 99999999999999",
        "Tue, 02 Mar 0 10:00:00 +0000", "Tue, " * 1000, "Mon, 01 Jan 1900 00:00:00 +0000",
    ],
)  # fmt: skip
def test_nonsense_dates_are_no_dates(value: str) -> None:
    assert parse(mail(f"Date: {value}\n")).date is None


@pytest.mark.parametrize("zone", ["-0000", "", "IST", "GMT"])
def test_dates_without_a_zone_are_utc(zone: str) -> None:
    parsed = parse(mail(f"Date: Mon, 2 Mar 2026 10:00:60 {zone}\n"))
    assert parsed.date == datetime(2026, 3, 2, 10, 0, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "header",
    ["Auto-Submitted: auto-replied", "Precedence: bulk", "List-Id: <l.x.test>", "X-Autoreply: yes"],
)
def test_mail_from_machines_is_marked(header: str) -> None:
    assert parse(mail(f"{header}\n")).auto_submitted
    assert not parse(mail("Auto-Submitted: no\n")).auto_submitted


def deep(levels: int) -> bytes:
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(levels)
    )


BOMBS = {
    "deep multiparts": deep(5000),
    "nested messages": b"Content-Type: message/rfc822\r\n\r\n" * 1000,
    "many recipients": b"To: " + b"a@x.test, " * 20_000 + b"\r\n\r\nx",
    "many parameters": b"Content-Type: text/plain" + b"; a=b" * 6000 + b"\r\n\r\nx",
    "semicolons": b"Content-Type: text/plain" + b";" * 200_000 + b"\r\n\r\nx",
    "comments": b"To: " + b"(" * 5000 + b"a@x.test\r\n\r\nx",
    "quotes": b'From: "' + b'\\"' * 100_000 + b"\r\n\r\nx",
    "angles": b"From: " + b"<" * 30_000 + b"a@x\r\n\r\nx",
    "many parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b\r\n\r\nx\r\n" * 100_000,
    "one long line of delimiters": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b " * 500_000,
    "encoded words": b"Subject: " + b"=?utf-8?q?x?= " * 20_000 + b"\r\n\r\nx",
    "open encoded words": b"Subject: " + b"=?u?q?" * 20_000 + b"\r\n\r\nx",
    "folded subject": b"Subject: " + b"a\r\n " * 250_000 + b"\r\n\r\nx",
    "headers": b"".join(b"X-%d: y\r\n" % n for n in range(50_000)) + b"\r\nx",
    "endless header": b"X" * 8_000_000,
    "references": b"References: " + b"<a@x> " * 50_000 + b"\r\n\r\nx",
    "open references": b"References: " + b"<a" * 50_000 + b"\r\n\r\nx",
    "on wrote": b"\r\n" + b"On " * 60_000 + b"wrote:",
    "quoting": b"\r\n" + (b">" * 1000 + b"\n") * 2000,
    "dates and brackets": b"\r\n" + b"1 <" * 100_000 + b":",
    "deep html": b"Content-Type: text/html\r\n\r\n" + b"<div>" * 50_000 + b"x",
    "open tags": b"Content-Type: text/html\r\n\r\n" + b"<a " * 100_000,
    "tables": b"Content-Type: text/html\r\n\r\n" + b"<table><tr><td>" * 1500 + b"x",
    "rows": b"Content-Type: text/html\r\n\r\n<table>" + b"<tr><td>a<td>b\n" * 100_000,
    "just laid out": b"Content-Type: text/html\r\n\r\n<table>" + b"<tr><td>a<td>b\n" * 4_900,
    "wide cells": b"Content-Type: text/html\r\n\r\n<table><tr><td colspan=99999999>x</table>",
    "styles": b"Content-Type: text/html\r\n\r\n<p style='" + b"font-size:" * 50_000 + b"'>x",
    "base64 padding": b"Content-Transfer-Encoding: base64\r\n\r\n" + b"a=" * 2_000_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_read_within_two_seconds(name: str) -> None:
    began = time.process_time()
    parsed = parse(BOMBS[name])
    assert time.process_time() - began < 2
    assert len(parsed.attachments) <= 1000
    assert "Error" not in (parsed.parse_error or "")


def test_what_was_cut_is_said() -> None:
    assert parse(BOMBS["deep multiparts"]).parse_error == "parts nested more than 100 deep"
    assert parse(BOMBS["many parts"]).parse_error == "more than 1,000 parts"
    assert parse(BOMBS["headers"]).parse_error == "more than 2,000 headers"


def test_a_mail_that_breaks_the_parser_keeps_its_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(parse_module, "walk", broken)
    parsed = parse(mail("From: ann@a.test\nSubject: Hi\n"))
    assert (parsed.subject, parsed.sender.address) == ("Hi", "ann@a.test")
    assert parsed.parse_error == "RecursionError: too deep"
    assert parsed.snippet == "[no text]"


def test_salvage_reads_headers_only() -> None:
    parsed = salvage(mail("Subject: Hi\n", "body"), "it took\ntoo long")
    assert (parsed.subject, parsed.text, parsed.parse_error) == ("Hi", "", "it took too long")


HEADERS = st.sampled_from(
    [b"From: ", b"To: ", b"Subject: ", b"Content-Type: ", b"Date: ", b"References: ", b"Received:"]
)
PIECES = st.sampled_from(
    [b"\r\n", b"\r", b"\n", b"\0", b"\x1b", b"\xff", b"\xe9", b"=?utf-8?q?", b"?=", b"--b", b'"',
     b"<", b">", b",", b";", b"(", b":", b"@", b"multipart/mixed; boundary=b", b"text/html", b"a"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(HEADERS, PIECES, st.binary(max_size=20)), max_size=60))
def test_no_bytes_raise_and_nothing_is_lost_on_the_way_out(pieces: list[bytes]) -> None:
    parsed = parse(b"".join(pieces))
    assert "Error" not in (parsed.parse_error or "")
    assert load(dump(parsed)) == parsed
    for text in (parsed.subject, parsed.text, parsed.sender.name, parsed.html or ""):
        assert "\0" not in text
