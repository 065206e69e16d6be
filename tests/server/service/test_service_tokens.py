"""Signed addresses: ours are read again in any case, others never."""

from __future__ import annotations

import pytest
from agentmail_server.service.keys import Pepper
from agentmail_server.service.tokens import Tokens

TOKENS = Tokens((b"new", b"old"))
MESSAGE, THREAD = "msg_0123456789abcdef0123", "conv_ffeeddccbbaa99887766"


def test_an_address_names_what_it_was_made_for() -> None:
    bounce = TOKENS.bounce_address(MESSAGE, "agents.test")
    local, _, domain = bounce.partition("@")
    assert (local[:7], len(local), domain) == ("bounce+", 39, "agents.test")
    assert TOKENS.message_of(bounce) == MESSAGE
    assert TOKENS.message_of(bounce.upper()) == MESSAGE
    reply = TOKENS.reply_address("agent@agents.test", THREAD)
    assert reply is not None
    assert TOKENS.thread_of(reply.upper()) == THREAD


def test_a_token_is_good_for_one_use_only() -> None:
    token = TOKENS.bounce_address(MESSAGE, "a.test").partition("+")[2].partition("@")[0]
    assert TOKENS.thread_of(f"agent+conv_{token}@a.test") is None


def test_an_older_secret_still_verifies() -> None:
    assert TOKENS.message_of(Tokens((b"old",)).bounce_address(MESSAGE, "a.test")) == MESSAGE
    older, newer = Pepper({1: b"a" * 32}), Pepper({1: b"a" * 32, 2: b"b" * 32})
    address = Tokens.of(older).bounce_address(MESSAGE, "a.test")
    assert Tokens.of(newer).message_of(address) == MESSAGE
    assert Tokens.of(newer).bounce_address(MESSAGE, "a.test") != address


@pytest.mark.parametrize("place", range(32))
def test_no_changed_sign_is_taken(place: int) -> None:
    local, _, domain = TOKENS.bounce_address(MESSAGE, "a.test").partition("@")
    at = len("bounce+") + place
    other = "b" if local[at] != "b" else "c"
    assert TOKENS.message_of(f"{local[:at]}{other}{local[at + 1 :]}@{domain}") is None


@pytest.mark.parametrize(
    "address", ["bounce+@a.test", "bounce+" + "1" * 32 + "@a.test", "bounce@a.test", "a", "", "@"]
)
def test_nonsense_is_no_token(address: str) -> None:
    assert TOKENS.message_of(address) is None
    assert TOKENS.thread_of(address) is None


def test_an_address_that_would_be_too_long_is_not_made() -> None:
    assert TOKENS.reply_address("a" * 26 + "@a.test", THREAD) is not None
    assert TOKENS.reply_address("a" * 27 + "@a.test", THREAD) is None
