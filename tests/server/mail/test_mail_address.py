from __future__ import annotations

import pytest
from agentmail_server.errors import BadRequest
from agentmail_server.mail.address import casefold_key, normalise_address, split_address
from agentmail_server.mail.addresslist import parse_addresses
from agentmail_server.mail.model import Mailbox
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("address", "normal"),
    [
        ("Ann@Example.TEST", "Ann@example.test"),
        ("a+tag.x_y-z@b.c.test", "a+tag.x_y-z@b.c.test"),
        ("post@bücher.test", "post@xn--bcher-kva.test"),
        ("jose\u0301@x.test", "josé@x.test"),
        ("o'neil@x.test", "o'neil@x.test"),
        ("agent@localhost", "agent@localhost"),
    ],
)
def test_good_addresses_get_one_form(address: str, normal: str) -> None:
    assert normalise_address(address) == normal
    assert normalise_address(normal) == normal


@pytest.mark.parametrize(
    "address",
    [
        "", "a", "@x.test", "a@", "a@@x.test", "a@b@x.test", "a b@x.test", "a@x .test", " a@x.test",
        "a@x.test\r\nRCPT TO:<c@x.test>", "b\r\nX@x.test", '"b\r\nRCPT TO:<c@x.test>"@x.test',
        "a\0@x.test", "a@x.test\0", "<a@x.test>", "a@x.test>", '"a b"@x.test', "a,b@x.test",
        "@relay.test:a@x.test", "a%b@x.test", "a!b@x.test", ".a@x.test", "a.@x.test", "a..b@x.test",
        "a@-x.test", "a@x-.test", "a@x..test", "a@x.test.", "a@[192.0.2.1]", "a@x_y.test",
        "a" * 65 + "@x.test", "a@" + "b" * 64 + ".test", "a@" + "b." * 130 + "test",
        "a\u200b@x.test", "a\u202e@x.test", "a\u2028@x.test", "a@faß.test", "a\ud800@x.test",
        "a@x.test (note)", "a\\b@x.test", "a:b@x.test",
    ],
)  # fmt: skip
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        normalise_address(address)
    assert refusal.value.message.isprintable()


@given(st.text(alphabet='ab@.<>\r\n\0" ,;:%!(é\u2028=?', max_size=12))
def test_what_passes_cannot_carry_a_command(text: str) -> None:
    try:
        address = normalise_address(text)
    except BadRequest:
        return
    assert not set(address) & set('\r\n\0<>" ,;:%!(')
    assert normalise_address(address) == address


def test_our_own_addresses_compare_without_case() -> None:
    assert casefold_key("Jose\u0301@X.test") == casefold_key("JOSÉ@x.test")
    assert casefold_key("ann@x.test") != casefold_key("аnn@x.test")  # a Cyrillic a is another


def test_typed_addresses_may_carry_a_name() -> None:
    assert split_address("ann@x.test") == Mailbox("", "ann@x.test")
    assert split_address("Ann Ash <ann@X.test>") == Mailbox("Ann Ash", "ann@x.test")
    assert split_address('"Ash, \\"A\\"" <ann@x.test>') == Mailbox('Ash, "A"', "ann@x.test")


@pytest.mark.parametrize(
    "text",
    ["", "Ann", "Ann <>", "Ann <a@x.test> b", "a@x.test, b@x.test", "A\r\nBcc: x <a@x.test>",
     "A <b@x.test> <a@x.test>", "A\x1b[31m <a@x.test>"],
)  # fmt: skip
def test_typed_nonsense_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        split_address(text)


@pytest.mark.parametrize(
    ("value", "boxes"),
    [
        ("a@x.test", [("", "a@x.test")]),
        ("Ann <a@x.test>, b@y.test", [("Ann", "a@x.test"), ("", "b@y.test")]),
        ('"Ash, Ann" <a@x.test>', [("Ash, Ann", "a@x.test")]),
        ("a@x.test (Ann)", [("Ann", "a@x.test")]),
        ("Friends: a@x.test, B <b@y.test>;", [("", "a@x.test"), ("B", "b@y.test")]),
        ("undisclosed-recipients:;", []),
        ("<@r.test,@s.test:a@x.test>", [("", "a@x.test")]),
        ("=?utf-8?q?Ash,_Ann?= <a@x.test>", [("Ash, Ann", "a@x.test")]),
        ("=?utf-8?q?a=40evil.test?= <b@x.test>", [("a@evil.test", "b@x.test")]),
        ("=?utf-8?q?A=0D=0ABcc:_e@x?= <b@x.test>", [("A Bcc: e@x", "b@x.test")]),
        ('"quoted local"@x.test', [("", '"quoted local"@x.test')]),
        ("Ann a@x.test", [("Ann", "a@x.test")]),
        ("<a@x.test, b@y.test", [("", "a@x.test"), ("", "b@y.test")]),
        ("just a name", [("just a name", "")]),
        ("<>", []),
        ("((((", []),
    ],
)
def test_inbound_headers_are_read_leniently(value: str, boxes: list[tuple[str, str]]) -> None:
    found = parse_addresses(value.encode())
    assert [(box.name, box.address) for box in found] == boxes


def test_a_stray_bracket_makes_no_other_address() -> None:
    (box,) = parse_addresses(b"alice@example.test)bob@x.test")
    assert box.address != "alice@example.test"


def test_recipients_are_capped() -> None:
    assert len(parse_addresses(b"a@x.test," * 5000)) == 1000
