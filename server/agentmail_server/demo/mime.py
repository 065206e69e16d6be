"""Builds the mail of the demo's people, byte for byte the same on every run."""

from __future__ import annotations

import hashlib
import random
import struct
import textwrap
import zlib
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING

from agentmail_server.demo.script import address_of

if TYPE_CHECKING:
    from agentmail_server.demo.script import Post

_QUOTE_WIDTH = 96


def compose(
    post: Post,
    *,
    to: str,
    subject: str,
    at: datetime,
    answers: tuple[str, ...] = (),
    quoted: str = "",
) -> tuple[str, bytes]:
    """Return Message-ID (bare) and bytes of a mail; `answers` are the ids before it."""
    message_id = _message_id(post, subject, len(answers))
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = post.sender or ""
    mail["To"] = to
    if post.cc:
        mail["Cc"] = ", ".join(post.cc)
    mail["Subject"] = subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{message_id}>"
    if answers:
        mail["In-Reply-To"] = f"<{answers[-1]}>"
        mail["References"] = " ".join(f"<{answer}>" for answer in answers)
    _mark(mail, post)
    _fill(mail, post, quoted)
    _fix_boundaries(mail, message_id)
    return message_id, mail.as_bytes()


def quote(text: str, *, by: str, at: datetime) -> str:
    """Return a text the way mail programs quote it below an answer."""
    quoted = "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines())
    return f"\nOn {at:%a, %d %b %Y at %H:%M}, {by} wrote:\n{quoted}\n"


def _message_id(post: Post, subject: str, depth: int) -> str:
    digest = hashlib.sha256(f"{post.sender}|{subject}|{depth}".encode()).hexdigest()[:16]
    return f"{digest}@{address_of(post.sender or '').partition('@')[2]}"


def _mark(mail: EmailMessage, post: Post) -> None:
    if post.bulk:
        domain = address_of(post.sender or "").partition("@")[2]
        mail["List-Unsubscribe"] = f"<https://{domain}/off>"
        mail["Precedence"] = "bulk"
    if post.auto:
        mail["Auto-Submitted"] = "auto-generated"


def _fill(mail: EmailMessage, post: Post, quoted: str) -> None:
    mail.set_content(post.text + quoted)
    if post.html:
        mail.add_alternative(post.html, subtype="html")
    for name in post.attachments:
        kind, content = _file(name, post)
        main, _, sub = kind.partition("/")
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name)


def _fix_boundaries(mail: EmailMessage, message_id: str) -> None:
    for number, part in enumerate(mail.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{message_id.partition('@')[0]}_{number}")


def _file(name: str, post: Post) -> tuple[str, bytes]:
    if name.endswith(".png"):
        return "image/png", _png(160, 100)
    if name.endswith(".csv"):
        return "text/csv", _table(name).encode()
    return "application/pdf", _pdf(textwrap.wrap(f"{name}. {post.text}", _QUOTE_WIDTH)[:40])


def _table(name: str) -> str:
    if name == "readings.csv":
        rows = ["shop,dH,mg_l_chlorine", "Pier 1,8.2,0.03", "Pier 2,9.1,0.02", "Pier 3,23.4,0.02"]
        return "\n".join([*rows, "Market,8.8,0.04", "Mill Lane,10.9,0.03", "Station,10.2,0.03"])
    return "shop,kg_summer,kg_winter\nVieux-Port,18,14\nPrado,14,12.5\nEstaque,9.5,9.5\n"


def _png(width: int, height: int) -> bytes:
    """Return a grainy grey picture with a dark oval: the dent of a lid, with some good will."""
    rows = bytearray()
    grain = random.Random(7)  # noqa: S311 - the same grain each time
    for y in range(height):
        rows.append(0)
        for x in range(width):
            far = ((x - width * 0.62) / 18) ** 2 + ((y - height * 0.45) / 9) ** 2
            rows.append((90 if far < 1 else 220 - y // 2) + grain.randrange(24))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _pdf(lines: list[str]) -> bytes:
    """Return a PDF of one page that shows some lines of text."""
    shown = "".join(f"({_pdf_text(line)}) Tj T*\n" for line in lines)
    page = f"BT /F1 10 Tf 14 TL 50 780 Td\n{shown}ET".encode("latin-1", "replace")
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n"
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(out)


def _pdf_text(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
