from __future__ import annotations

import email
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from typing import cast

import pytest
from agentmail_server.errors import BadRequest
from agentmail_server.mail.compose import NewMessage, compose, new_message_id
from agentmail_server.mail.parse import Mailbox, parse
from hypothesis import given, settings
from hypothesis import strategies as st

NEW = NewMessage(
    sender=Mailbox("Support", "support@agents.test"),
    subject="Hello",
    message_id="m1@agents.test",
    date=datetime(2026, 1, 15, 9, tzinfo=UTC),
    to=(Mailbox("", "ann@a.test"),),
    text="Hi\n",
)
NAMES = ["from", "to", "subject", "date", "message-id", "mime-version", "content-type"]


def python_reads(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=policy.default)


def body_of(raw: bytes) -> str:
    part = python_reads(raw).get_body(("plain",))
    assert part is not None
    return cast(bytes, part.get_payload(decode=True)).decode().replace("\r\n", "\n")


def test_a_short_ascii_mail_is_plain_to_read() -> None:
    raw = compose(NEW)
    assert raw.endswith(b"Content-Transfer-Encoding: 7bit\r\n\r\nHi\r\n")
    assert b"\r\nSubject: Hello\r\n" in raw
    assert [name.lower() for name in python_reads(raw)] == [
        "from", "to", "subject", "date", "message-id", "mime-version", "content-type",
        "content-transfer-encoding",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "one\n.\n..\n.two\n",
        "From me\nFrom you\n",
        "trailing blanks  \nand a tab\t\nend\n",
        "x" * 5000 + "\nshort\n",
        "naïve café 🎉\n",
        "你好，世界\n" * 50,
        "=?utf-8?q?not_a_word?= and = signs =3D\n",
        "no end of line, ünicode",
        "no end of line, long " + "y" * 2000,
        "\n\n\nleading and trailing\n\n\n",
        "a lone \r inside\n",
        "--=_boundary\n--\n",
        "tab\tand \x1b[31m escape\n",
        "e" * 75 + "é" + "e" * 75 + "\n",
        "",
    ],
)
def test_the_body_comes_back_as_typed(text: str) -> None:
    raw = compose(replace(NEW, text=text))
    assert body_of(raw) == text
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    with_more = compose(replace(NEW, text=text, html="<p>ü</p>", attachments=(("a", "b/c", b"d"),)))
    assert body_of(with_more).rstrip("\n") == text.rstrip("\n")


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet=st.one_of(st.sampled_from("\n\r .=F\tü🎉-"), st.characters()), max_size=200)
)
def test_any_body_comes_back_or_is_refused(text: str) -> None:
    try:
        raw = compose(replace(NEW, text=text))
    except BadRequest:
        assert "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text)
        return
    wanted = text.replace("\r\n", "\n")
    assert body_of(raw) in {wanted, wanted + "\n"}
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")


def test_plain_and_html_are_alternatives_and_files_follow() -> None:
    data = bytes(range(256)) * 10
    raw = compose(
        replace(NEW, html="<b>Hi</b>", attachments=(("../ä.pdf", "application/pdf", data),))
    )
    read = python_reads(raw)
    assert read.get_content_type() == "multipart/mixed"
    assert [part.get_content_type() for part in read.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/pdf",
    ]  # fmt: skip
    (file,) = read.iter_attachments()
    assert file.get_filename() == "ä.pdf"
    assert file.get_payload(decode=True) == data


def test_a_forwarded_mail_keeps_its_bytes() -> None:
    original = b"Subject: x\r\n\r\n\xff\r\n" + b"y" * 2000
    raw = compose(replace(NEW, attachments=(("mail.eml", "message/rfc822", original),)))
    (file,) = parse(raw).attachments
    assert (file.filename, file.content) == ("mail.eml", original)


def test_a_reply_names_what_it_answers() -> None:
    long_id = "a" * 300 + "@far.test"
    raw = compose(replace(NEW, in_reply_to=long_id, references=("first@far.test", long_id)))
    assert f"In-Reply-To: <{long_id}>".encode() in raw
    parsed = parse(raw)
    assert parsed.in_reply_to == (long_id,)
    assert parsed.references == ("first@far.test", long_id)
    assert python_reads(raw)["References"].split() == ["<first@far.test>", f"<{long_id}>"]


def test_references_are_capped_at_the_first_and_the_last_99() -> None:
    ids = tuple(f"{n}@far.test" for n in range(500))
    references = parse(compose(replace(NEW, references=ids))).references
    assert references == (ids[0], *ids[401:])


def test_ids_that_could_break_a_line_are_left_out() -> None:
    bad = ("ok@x", "a>\r\nBcc: e@x", "with space@x", "é@x")
    raw = compose(replace(NEW, references=bad, in_reply_to="x>\r\nBcc: <e@x"))
    assert parse(raw).references == ("ok@x",)
    assert b"Bcc" not in raw
    assert b"In-Reply-To" not in raw


def test_bcc_is_never_written() -> None:
    raw = compose(replace(NEW, bcc=(Mailbox("Hidden", "secret@b.test"),)))
    assert b"secret" not in raw
    assert b"bcc" not in raw.lower()
    only_bcc = compose(replace(NEW, to=(), bcc=(Mailbox("", "secret@b.test"),)))
    assert b"To: undisclosed-recipients:;" in only_bcc


def test_text_that_looks_like_an_encoded_word_is_encoded_by_us() -> None:
    subject = "=?utf-8?q?a=0ABcc:_e@x?="
    raw = compose(replace(NEW, subject=subject, to=(Mailbox(subject, "ann@a.test"),)))
    assert parse(raw).subject == subject
    assert parse(raw).to == (Mailbox(subject, "ann@a.test"),)
    assert "bcc" not in [name.lower() for name in python_reads(raw)]


@pytest.mark.parametrize(
    "name", ["Bcc", "From", "Received", "MIME-Version", "Content-Type", "DKIM-Signature",
             "ARC-Seal", "Return-Path", "X: y", "X\r\nBcc", "", "X_y", "Ü", "A" * 65, "Resent-To"]
)  # fmt: skip
def test_headers_outside_the_allowed_are_refused(name: str) -> None:
    with pytest.raises(BadRequest):
        compose(replace(NEW, extra_headers={name: "v"}))


def test_allowed_headers_are_written() -> None:
    raw = compose(
        replace(NEW, extra_headers={"X-Ticket": "42", "List-Unsubscribe": "<https://x.test>"})
    )
    assert python_reads(raw)["X-Ticket"] == "42"
    assert b"\r\nList-Unsubscribe: <https://x.test>\r\n" in raw


@pytest.mark.parametrize(
    "address",
    ['"b\r\nRCPT TO:<c@x.test>"@x.test', "b\r\nX@x.test", "A@X.TEST", "a@x.test>", "é@x.test", ""],
)
def test_addresses_that_are_not_normal_are_refused(address: str) -> None:
    box = Mailbox("", address)
    for message in (
        replace(NEW, to=(box,)),
        replace(NEW, cc=(box,)),
        replace(NEW, reply_to=(box,)),
        replace(NEW, sender=box),
    ):
        with pytest.raises(BadRequest):
            compose(message)


TRICKY = st.text(
    alphabet=st.one_of(
        st.sampled_from("\r\n\0\x85\u2028=?q_0A:,"), st.sampled_from('"\\<>@();ü b')
    ),
    max_size=60,
)


@settings(max_examples=500, deadline=None)
@given(subject=TRICKY, name=TRICKY, value=TRICKY, filename=TRICKY, mime_type=TRICKY)
def test_no_field_makes_a_header(
    subject: str, name: str, value: str, filename: str, mime_type: str
) -> None:
    message = replace(
        NEW,
        subject=subject,
        to=(Mailbox(name, "ann@a.test"), Mailbox("", "bob@b.test")),
        bcc=(Mailbox(name, "hid@b.test"),),
        extra_headers={"X-Note": value},
        attachments=((filename, mime_type, b"x"),),
    )
    try:
        raw = compose(message)
    except BadRequest:
        return
    names = sorted(header.lower() for header in email.message_from_bytes(raw).keys())  # noqa: SIM118
    assert names == sorted([*NAMES, "x-note"])
    parsed = parse(raw)
    assert [box.address for box in parsed.to] == ["ann@a.test", "bob@b.test"]
    assert parsed.subject == " ".join(subject.split())
    assert len(parsed.attachments) == 1
    assert b"hid@b.test" not in raw


@pytest.mark.parametrize("sign", ["\r", "\n", "\0", "\x85", "\u2028", "\x1b", "\ud800"])
def test_controls_in_one_line_fields_are_refused(sign: str) -> None:
    for change in (
        {"subject": f"a{sign}b"},
        {"to": (Mailbox(f"a{sign}b", "ann@a.test"),)},
        {"extra_headers": {"X-A": f"a{sign}b"}},
        {"message_id": f"a{sign}b@x"},
    ):
        with pytest.raises(BadRequest):
            compose(replace(NEW, **change))


@given(st.text(alphabet="aü =?_\t🎉-", max_size=300))
def test_subjects_come_back(subject: str) -> None:
    if "\t" in subject:
        with pytest.raises(BadRequest):
            compose(replace(NEW, subject=subject))
        return
    raw = compose(replace(NEW, subject=subject))
    assert parse(raw).subject == " ".join(subject.split())
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_our_ids_stay_short() -> None:
    assert new_message_id("abc", "x.test") == "abc@x.test"
    assert len(new_message_id("m_" + "0" * 20, "a." * 100 + "test")) <= 60
