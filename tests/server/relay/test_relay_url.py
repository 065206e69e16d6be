from __future__ import annotations

import pytest
from agentmail_server.relay.url import RelayAddress, RelayUrlError, parse_relay_url


@pytest.mark.parametrize("text", [None, "", "  ", "none", "None"])
def test_no_relay(text: str | None) -> None:
    assert parse_relay_url(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mx", RelayAddress(host=None)),
        ("smtp://mail.test", RelayAddress("mail.test", 25)),
        ("smtp://127.0.0.1:2526", RelayAddress("127.0.0.1", 2526)),
        ("smtp://[::1]:2526", RelayAddress("::1", 2526)),
        ("smtp://m.test:25?starttls=always", RelayAddress("m.test", starttls="always")),
        ("smtp://m.test?starttls=never", RelayAddress("m.test", starttls="never")),
        ("smtps://m.test", RelayAddress("m.test", 465, tls=True)),
        (
            "smtp://us%40er:p%3Ass@m.test:587",
            RelayAddress("m.test", 587, username="us@er", password="p:ss"),
        ),
    ],
)
def test_forms_of_the_contract(text: str, expected: RelayAddress) -> None:
    assert parse_relay_url(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "mail.test",
        "http://mail.test",
        "smtp://",
        "smtp://m.test:99999",
        "smtp://m.test/path",
        "smtp://m.test?starttls=maybe",
        "smtp://m.test?timeout=1",
        "smtp://user:hunter2secret@m.test:bad",
        "smtp://hunter2secret@m.test",
        "smtps://m.test?starttls=always",
    ],
)
def test_what_is_refused_does_not_tell_the_password(text: str) -> None:
    with pytest.raises(RelayUrlError) as refusal:
        parse_relay_url(text)
    assert "hunter2secret" not in str(refusal.value)


def test_the_password_is_in_no_representation() -> None:
    address = parse_relay_url("smtp://user:hunter2secret@m.test")
    assert address is not None
    assert "hunter2secret" not in repr(address) + address.shown
