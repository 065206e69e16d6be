"""Which leaves of a mail are its text and which are files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentmail_server.mail.charset import decode
from agentmail_server.mail.filename import clean_filename, fallback_filename
from agentmail_server.mail.headers import read_headers
from agentmail_server.mail.html import MAX_HTML, MAX_TEXT, html_to_text
from agentmail_server.mail.model import ParsedAttachment
from agentmail_server.mail.text import clean_text, storable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentmail_server.mail.mime import Leaf

_META = re.compile(
    rb"<meta[^>]{0,200}charset\s{0,9}=\s{0,9}[\"']?([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE
)
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True, slots=True)
class Body:
    """The text to show, the HTML as it came, and everything else as files.

    `plain` is what the plain parts say, with the invisible signs that `text` is without.
    """

    text: str
    html: str | None
    attachments: tuple[ParsedAttachment, ...]
    plain: str = ""


def read_body(raw: bytes, leaves: Sequence[Leaf]) -> Body:
    """Sort the leaves of mail `raw`."""
    shown: list[Leaf] = []
    files: list[Leaf] = []
    for number, leaf in enumerate(leaves):
        (shown if _is_text(leaf, number) else files).append(leaf)
    groups: dict[tuple[bool, int], list[Leaf]] = {}
    for leaf in shown:
        alone = leaf.alternative is None
        groups.setdefault((alone, leaf.alternative or leaf.start), []).append(leaf)
    texts: list[str] = []
    htmls: list[str] = []
    plains: list[str] = []
    for group in groups.values():
        plain, html = _read_group(raw, group)
        texts.append(clean_text(plain) or "\n".join(html_to_text(each) for each in html))
        htmls.extend(html)
        plains.append(plain)
    return Body(
        text=_capped("\n".join(text for text in texts if text.strip())),
        html=storable("\n".join(htmls)) if htmls else None,
        attachments=tuple(_file(raw, leaf, n) for n, leaf in enumerate(files, 1)),
        plain="\n".join(plains),
    )


def _is_text(leaf: Leaf, number: int) -> bool:
    if leaf.mime_type.startswith("multipart/"):
        return True  # its boundary never came: whatever it holds is shown
    if leaf.mime_type not in {"text/plain", "text/html"} or leaf.disposition == "attachment":
        return False
    return leaf.filename is None or number == 0


def _read_group(raw: bytes, group: list[Leaf]) -> tuple[str, list[str]]:
    """Return the plain text of one choice unless it is blank, and its HTML."""
    htmls = [_text_of(raw, leaf) for leaf in group if leaf.mime_type == "text/html"]
    plains = (_text_of(raw, leaf) for leaf in group if leaf.mime_type != "text/html")
    return next((plain for plain in plains if clean_text(plain).strip()), ""), htmls


def _text_of(raw: bytes, leaf: Leaf) -> str:
    data = leaf.content(raw)[: 2 * MAX_HTML]
    charset = leaf.charset
    mark = next((codec for sign, codec in _MARKS if data.startswith(sign)), None)
    if mark and (charset is None or charset.lower().startswith("utf")):
        charset = mark
    elif charset is None and leaf.mime_type == "text/html":
        hit = _META.search(data[:4096])
        charset = hit[1].decode("ascii") if hit else None
    return storable(decode(data, charset)[:MAX_HTML])


def _capped(text: str) -> str:
    if len(text) <= MAX_TEXT:
        return text
    return f"{text[:MAX_TEXT]}\n[cut here: {len(text):,} signs in all, see the source]\n"


def _file(raw: bytes, leaf: Leaf, number: int) -> ParsedAttachment:
    content = leaf.content(raw)
    name = leaf.filename
    if name is None and leaf.mime_type == "message/rfc822":
        subject = read_headers(content).text("subject")
        name = clean_filename(f"{subject[:100]}.eml") if subject.strip() else None
    return ParsedAttachment(
        filename=name or fallback_filename(number, leaf.mime_type),
        mime_type=leaf.mime_type,
        content=content,
        content_id=leaf.content_id,
        inline=leaf.disposition == "inline" or (leaf.related and leaf.content_id is not None),
    )
