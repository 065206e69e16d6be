import email
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage

from agentmail_server.demo.mime import compose, quote
from agentmail_server.demo.script import Post

AT = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)


def _parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=policy.default)


def _post(**more: object) -> Post:
    return Post(text="Grüße\n", sender="Jörg Böhme <joerg@talblick.test>", **more)  # type: ignore[arg-type]


def test_same_mail_has_the_same_bytes() -> None:
    post = _post(attachments=("a.pdf", "b.png", "c.csv"), html="<p>Grüße</p>")
    first = compose(post, to="support@northlight.test", subject="Siebträger", at=AT)
    again = compose(post, to="support@northlight.test", subject="Siebträger", at=AT)
    assert first == again


def test_reply_names_what_it_answers() -> None:
    message_id, raw = compose(
        _post(),
        to="support@northlight.test",
        subject="Re: x",
        at=AT,
        answers=("a@x.test", "b@x.test"),
    )
    mail = _parsed(raw)
    assert mail["Message-ID"] == f"<{message_id}>"
    assert mail["In-Reply-To"] == "<b@x.test>"
    assert mail["References"] == "<a@x.test> <b@x.test>"
    assert str(mail["From"]) == "Jörg Böhme <joerg@talblick.test>"


def test_attachments_are_files_of_their_kind() -> None:
    post = _post(attachments=("photo.png", "paper.pdf", "table.csv"))
    parts = list(_parsed(compose(post, to="a@b.test", subject="s", at=AT)[1]).iter_attachments())
    assert [part.get_content_type() for part in parts] == [
        "image/png",
        "application/pdf",
        "text/csv",
    ]
    assert parts[0].get_content()[:8] == b"\x89PNG\r\n\x1a\n"
    pdf = parts[1].get_content()
    start = int(pdf.split(b"startxref\n")[1].split(b"\n")[0])
    assert pdf[start : start + 4] == b"xref"


def test_bulk_mail_says_so() -> None:
    mail = _parsed(compose(_post(bulk=True), to="a@b.test", subject="s", at=AT)[1])
    assert mail["Precedence"] == "bulk"
    assert "talblick.test" in mail["List-Unsubscribe"]


def test_quotes_are_marked() -> None:
    assert quote("one\n\ntwo\n", by="Ada", at=AT).endswith("Ada wrote:\n> one\n>\n> two\n")
