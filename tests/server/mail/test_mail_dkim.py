"""Signatures that another implementation verifies."""

from __future__ import annotations

import base64

import dkim
import pytest
from agentmail_server.mail.dkim import Signer, sign
from agentmail_server.service.domains import DkimKey, new_private_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

KEY = DkimKey("agents.test", "agentmail", new_private_key())
HEAD = (
    b"From: Agent <agent@agents.test>\r\nTo: ann@x.test,\r\n  bob@y.test\r\n"
    b"Subject: A  subject \t with\r\n\tspaces\r\nDate: Thu, 15 Jan 2026 09:00:00 +0000\r\n"
    b"Message-ID: <m1@agents.test>\r\nMIME-Version: 1.0\r\nX-Other: not signed\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
)
NOW = 1_768_467_600


def dns(name: bytes, timeout: float = 5) -> bytes:
    assert name == b"agentmail._domainkey.agents.test."
    return f"v=DKIM1; k=rsa; p={KEY.public_key()}".encode()


def verifies(raw: bytes) -> bool:
    return bool(dkim.verify(raw, dnsfunc=dns))


def signed(body: bytes) -> bytes:
    return sign(HEAD + body, KEY.signer, NOW)


BODIES = [
    b"",
    b"Text\r\n",
    b"Text  with \t spaces  \r\n  \r\n\r\n\r\n",
    b"\r\n\r\n",
    b" \t\r\n",
    "Grüße\r\n".encode(),
    b".\r\n..\r\n",
]


@pytest.mark.parametrize("body", BODIES)
def test_another_implementation_verifies(body: bytes) -> None:
    raw = signed(body)
    assert raw.endswith(HEAD + body)
    assert verifies(raw)
    assert all(len(line) <= 100 for line in raw[: -len(HEAD + body)].split(b"\r\n"))


lines = st.lists(st.text(st.sampled_from("a .\t\u00e9-"), max_size=20), max_size=12)


@given(lines)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_body_verifies(text: list[str]) -> None:
    assert verifies(signed("".join(f"{line}\r\n" for line in text).encode()))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Text", b"Test"),
        (b"ann@x.test", b"eve@x.test"),
        (b"A  subject", b"B  subject"),
        (b"From: Agent", b"From: Boss <boss@agents.test>\r\nFrom: Agent"),
        (b"X-Other", b"Cc: eve@x.test\r\nX-Other"),
    ],
)
def test_a_change_is_noticed(old: bytes, new: bytes) -> None:
    assert not verifies(signed(b"Text\r\n").replace(old, new, 1))


def test_what_servers_may_add_does_no_harm() -> None:
    raw = b"Received: by mx.far.test\r\n" + signed(b"Text\r\n").replace(b"not signed", b"changed")
    assert verifies(raw)


def test_other_keys_are_refused() -> None:
    with pytest.raises((TypeError, ValueError)):
        sign(HEAD, Signer("agents.test", "s", "-----BEGIN NOTHING-----"), NOW)


def test_the_hash_is_of_the_body() -> None:
    tags = signed(b"Text\r\n").split(b"bh=")[1].split(b";")[0]
    assert len(base64.b64decode(tags)) == 32
