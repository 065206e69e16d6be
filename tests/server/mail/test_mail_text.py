"""Text, quotes, snippets, file names and the scans before the 250."""

from __future__ import annotations

import time

import pytest
from agentmail_server.mail.charset import codec_for, decode
from agentmail_server.mail.filename import clean_filename, fallback_filename
from agentmail_server.mail.headers import count_received, message_id_of
from agentmail_server.mail.html import html_to_text
from agentmail_server.mail.parse import parse
from agentmail_server.mail.quotes import visible_text
from agentmail_server.mail.snippet import make_snippet
from agentmail_server.mail.text import clean_text, one_line
from hypothesis import given
from hypothesis import strategies as st


def test_controls_are_shown_and_hiding_signs_dropped() -> None:
    assert clean_text("a\x1b[31mb\x07\x9b\0") == "a␛[31mb␇\ufffd\ufffd"
    assert clean_text("a\r\nb\rc\x0bd\te") == "a\nb\nc\nd\te"
    assert clean_text("x\u202ey\u200bz\ufeff\U000e0041") == "xyz"
    assert clean_text("a\ud800b") == "a\ufffdb"
    assert clean_text("👩\u200d💻 ok") == "👩\u200d💻 ok"
    assert one_line("  a\n b\u2028c\x85 ") == "a b c"


@given(st.text())
def test_clean_text_can_always_be_encoded(text: str) -> None:
    cleaned = clean_text(text)
    cleaned.encode()
    assert not any(sign < " " and sign not in "\n\t" for sign in cleaned)
    assert clean_text(cleaned) == cleaned


@pytest.mark.parametrize(
    "name",
    ["hex", "base64", "rot13", "zlib", "undefined", "idna", "punycode", "unicode_escape", "", "\0",
     "x-bogus", "utf-8;evil", "a" * 1000, "ascii\0", "raw-unicode-escape"],
)  # fmt: skip
def test_codecs_that_are_no_charset_are_not_used(name: str) -> None:
    assert codec_for(name) is None
    assert decode("é".encode(), name) == "é"


def test_charsets_mean_what_senders_mean() -> None:
    assert decode(b"\x93x\x94", "iso-8859-1") == "“x”"
    assert decode("、€".encode("gb18030"), "GB2312") == "、€"
    assert decode("①".encode("cp932"), "shift_jis") == "①"
    assert decode(b"caf\xe9", "us-ascii") == "café"


QUOTED = {
    "On Mon, 2 Mar 2026 at 10:00, Ann <ann@a.test> wrote:\n> old": "Sure",
    "On Mon, Mar 2, 2026 at 10:00 AM Some Very Long Name <\nann@a.test> wrote:\n\n> old": "Sure",
    "Am 02.03.2026 um 10:00 schrieb Ann Ash:\n> alt": "Sure",
    "Le lun. 2 mars 2026 à 10:00, Ann <ann@a.test>\na écrit :\n\nvieux": "Sure",
    "El lun, 2 mar 2026 a las 10:00, Ann (<ann@a.test>) escribió:\n> viejo": "Sure",
    "W dniu 2026-03-02 użytkownik Ann <ann@a.test> napisał:\n\nstare": "Sure",
    "2026年3月2日 10:00，Ann <ann@a.test> 写道：\n> 旧": "Sure",
    "пн, 2 мар. 2026 г. в 10:00, Ann <ann@a.test>:\n\nстарое": "Sure",
    "-----Original Message-----\nFrom: Ann\nSent: Monday\nSubject: x\n\nold": "Sure",
    "-------- Ursprüngliche Nachricht --------\nVon: Ann\n\nalt": "Sure",
    "____________\nFrom: Ann <ann@a.test>\nSent: Mon\nTo: Bob\nSubject: x\n\nold": "Sure",
    "> quoted alone\n> and more": "Sure",
}  # fmt: skip


@pytest.mark.parametrize("quote", QUOTED)
def test_quotes_are_left_out(quote: str) -> None:
    assert visible_text(f"Sure\n\n{quote}\n") == QUOTED[quote]


@pytest.mark.parametrize(
    "text",
    [
        "On the whole I agree.\nShe wrote a book in 2019.",
        "From: here to there, 3 miles\nthat is all",
        "Note: the meeting is at 10:00:\n- one\n- two",
        "--- snip ---\ncode\n--- snap ---",
        "See https://x.test/on/2026/wrote for more",
    ],
)
def test_own_text_is_not_taken_for_a_quote(text: str) -> None:
    assert visible_text(text) == text


def test_answers_between_quotes_stay() -> None:
    text = "On Mon, 2 Mar 2026, Ann <a@x.test> wrote:\n> one?\nyes\n> two?\nno"
    assert visible_text(text) == "yes\nno"


def test_snippets_are_one_short_line() -> None:
    assert make_snippet("Hi\n\nthere\n> old") == "Hi there"
    assert make_snippet("> only\n> quoted") == "only quoted"
    assert make_snippet(" \n") == "[no text]"
    assert len(make_snippet("x" * 500)) == 140
    assert len(make_snippet("你" * 500)) == 70
    assert len(make_snippet("e\u0301" * 500)) <= 200


@pytest.mark.parametrize(
    ("text", "snippet"),
    [
        ("x" * 140, "x" * 140),
        ("x" * 141, "x" * 139 + "…"),
        ("x" * 138 + " yy", "x" * 138 + "…"),
        ("你" * 71, "你" * 69 + "…"),
    ],
)
def test_a_snippet_tells_that_it_was_cut(text: str, snippet: str) -> None:
    assert make_snippet(text) == snippet


def test_html_reads_as_it_looks() -> None:
    text = html_to_text("<h1>Hi</h1><p>a&nbsp;b &lt;c&gt;</p><ul><li>one<li>two</ul>&#27;[31m")
    assert "a b <c>" in text
    assert "* one" in text
    assert "\x1b" not in text


def test_layout_tables_do_not_pad() -> None:
    text = html_to_text(
        "<table width=600><tr><td>a</td><td>" + "&nbsp;" * 500 + "b</td></tr></table>"
    )
    assert len(text) < 50


ORDER = """<table width=600><tr><td> </td><td>
<table><caption>Order 77</caption><tr><th>Item</th><th>Count</th><th>Price</th></tr>
<tr><td>Mug, <a href="https://shop.test">blue</a></td><td>2</td><td>18.00</td></tr>
<tr><td>Tea pot<br>green</td><td>10</td><td>1240.50</td></tr>
<tr><td colspan=3>&nbsp;</td></tr><tr><td colspan=2>Total</td><td>1258.50</td></tr>
</table> Thanks</td></tr></table>"""
ALIGNED = """\
  Order 77
  Item       Count  Price
  Mug, blue  2      18.00
  Tea pot    10     1240.50
  green
  Total             1258.50"""


def test_order_lines_stand_in_columns_inside_a_layout() -> None:
    text = html_to_text(ORDER)
    assert "\n".join(text.split("\n")[:6]) == ALIGNED
    assert text.endswith("Thanks")
    assert text.count("Thanks") == 1


@pytest.mark.parametrize(
    "table",
    [
        "<table role=presentation><tr><td>Mug, large, blue<td>9<tr><td>Pot<td>8</table>",
        f"<table><tr><td>Mug {'blue ' * 12}<td>9<tr><td>Pot<td>8</table>",
        "<table><tr><td>Mug, large, blue<td>9<tr><td><table><tr><td>Pot</table><td>8</table>",
        "<table>" + "<tr><td>Mug, large, blue<td>9<tr><td>Pot<td>8" * 200 + "</table>",
    ],
    ids=["told", "wide", "nested", "large"],
)
def test_what_only_places_blocks_is_not_padded(table: str) -> None:
    text = html_to_text(table)
    assert "Pot  8" in text
    assert "   " not in text.strip()


def test_html_too_deep_for_a_layout_still_shows_its_text() -> None:
    text = html_to_text(
        "<div>" * 3000 + "deep<p style='display: none'>hidden</p>" + "</div>" * 3000
    )
    assert "deep" in text
    assert "hidden" not in text


def test_html_too_large_for_a_layout_still_reads_well() -> None:
    soup = (
        "<!-- a <b> comment --><style>p { x }</style><script>if (a<b) f()</script>"
        "<p>1 &lt; 2 &amp; 3 < 4</p><br><div STYLE='x:1;display:none'>no<div>no</div>no</div>"
        "<span hidden>no</span><img hidden src=x>yes<p>&#27;[0m&#" + "9" * 5000
    )
    text = html_to_text(soup + "<b>x</b>" * 40_000)
    assert text.startswith("1 < 2 & 3 < 4\n")
    assert "yes" in text
    assert "no" not in text
    assert "comment" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("../../../../etc/cron.d/x", "x"),
        ("C:\\boot.ini", "boot.ini"),
        ("~/.ssh/authorized_keys", "authorized_keys"),
        ("-rf", "rf"),
        (".bashrc", "bashrc"),
        ("CON.txt", "_CON.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\0b.pdf", "a_b.pdf"),
        ("re\u0301sume\u0301.pdf", "résumé.pdf"),
        ("..", None),
        ("", None),
        ("///", None),
    ],
)
def test_file_names_hold_no_trap(name: str, clean: str | None) -> None:
    assert clean_filename(name) == clean


@given(st.text(max_size=300))
def test_file_names_stay_in_their_folder(name: str) -> None:
    clean = clean_filename(name)
    if clean is not None:
        assert 0 < len(clean) <= 120
        assert len(clean.encode()) <= 150
        assert not set(clean) & set('/\\\0\n:"<>|?*')
        assert clean[0] not in ".-"


def test_long_names_keep_their_extension() -> None:
    clean = clean_filename("あ" * 300 + ".docx")
    assert clean is not None
    assert clean.endswith(".docx")
    assert fallback_filename(3, "text/calendar") == "attachment-3.ics"


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"Message-ID: <a@x.test>\r\n\r\n", "a@x.test"),
        (b"Subject: x\nmessage-id:\n <a@x.test>\n\nbody", "a@x.test"),
        (b"X-Message-ID: <b@x>\r\nMessage-Id : <a@x.test>\r\n\r\n", "a@x.test"),
        (b"Subject: x\r\n\r\nMessage-ID: <body@x>\r\n", None),
        (b"Message-ID: <a b>\r\n\r\n", None),
        (b"", None),
    ],
)
def test_the_scan_finds_the_id_that_parsing_finds(raw: bytes, found: str | None) -> None:
    assert message_id_of(raw) == found
    assert parse(raw).message_id == found


def test_hops_are_counted_in_the_header_block_alone() -> None:
    raw = b"Received: by a\r\n\tfrom b\r\nreceived: by c\r\nX-Received: d\r\n\r\nReceived: e\r\n"
    assert count_received(raw) == 2


def test_the_scans_are_quick_on_anything() -> None:
    hostile = [b"R" * 25_000_000, b"\r" * 25_000_000, b"Received:\n" * 2_500_000, b"<" * 9_000_000]
    began = time.process_time()
    for raw in hostile:
        message_id_of(raw)
        count_received(raw)
    assert time.process_time() - began < 1
