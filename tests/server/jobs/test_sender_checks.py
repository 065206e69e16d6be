"""Whose a mail is: a DNS on loopback, mail really signed, and what the server makes of both."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import dkim
import pytest
from agentmail_server.config import HostPort
from agentmail_server.jobs.authdns import AuthDns
from agentmail_server.jobs.authenticate import Authenticator
from agentmail_server.jobs.dkimpool import DkimPool
from agentmail_server.mail.auth import UNCHECKED
from agentmail_server.mail.dkim import sign
from agentmail_server.service.dns import DnsSilent
from agentmail_server.service.domains import DkimKey, new_private_key
from agentmail_server.store.records import RawMailRow
from nacl.encoding import Base64Encoder
from nacl.signing import SigningKey

from tests.server.http.dnsserver import Zone, dns_server

KEY = DkimKey("corp.test", "s1", new_private_key())
HEAD = (
    b"From: Ann <ann@corp.test>\r\nTo: agent@near.test\r\nSubject: Hi\r\n"
    b"Date: Thu, 15 Jan 2026 09:00:00 +0000\r\nMessage-ID: <m1@corp.test>\r\n"
)
MAIL = HEAD + b"\r\nHello  there \r\n"
NOW = 1_768_467_600
PEER = "192.0.2.7"
ROW = RawMailRow(
    id="raw_1", org_id="org_1", sha256="", size=0, content=MAIL,
    envelope_from="ann@corp.test", peer=PEER, source="smtp", received_at=0, inboxes=(),
    helo="mx.corp.test",
)  # fmt: skip


@dataclass
class Post:
    """A zone of a healthy domain, and a server that checks by it."""

    zone: Zone
    checks: Authenticator

    async def of(self, raw: bytes = MAIL, **envelope: Any) -> dict[str, Any]:
        return await self.checks.check(replace(ROW, content=raw, **envelope))

    async def short(self, raw: bytes = MAIL, **envelope: Any) -> tuple[str, str, str]:
        found = await self.of(raw, **envelope)
        return found["spf"], found["dkim"], found["dmarc"]


@asynccontextmanager
async def checking(server: HostPort | None, seconds: float = 30.0) -> AsyncIterator[Authenticator]:
    pool = DkimPool()
    checks = Authenticator(AuthDns(server, seconds / 2), pool, seconds=seconds)
    yield checks
    checks.close()
    await pool.aclose()


@contextmanager
def dead_dns() -> Iterator[HostPort]:
    """A DNS server that takes every question and answers none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        yield HostPort("127.0.0.1", held.getsockname()[1])


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with dns_server() as zone, checking(zone.address) as checks:
        zone.text("corp.test", "v=spf1 ip4:192.0.2.0/24 -all")
        zone.text("s1._domainkey.corp.test", f"v=DKIM1; k=rsa; p={KEY.public_key()}")
        zone.text("_dmarc.corp.test", "v=DMARC1; p=reject; sp=quarantine")
        yield Post(zone, checks)


def signed(raw: bytes = MAIL, domain: str = "corp.test") -> bytes:
    return sign(raw, replace(KEY, domain=domain).signer, NOW)


async def test_a_mail_from_its_own_servers_passes_all_three(post: Post) -> None:
    found = await post.of(signed())
    assert (found["checked"], found["spf"], found["dkim"], found["dmarc"]) == (
        True, "pass", "pass", "pass",
    )  # fmt: skip
    assert found["spf_details"]["domain"] == "corp.test"
    assert found["spf_details"]["ip"] == PEER
    assert found["spf_details"]["helo"] == "mx.corp.test"
    (signature,) = found["dkim_signatures"]
    assert (signature["domain"], signature["selector"], signature["aligned"]) == (
        "corp.test", "s1", True,
    )  # fmt: skip
    assert found["dmarc_details"] == {"domain": "corp.test", "policy": "reject", "reason": ""}


@pytest.mark.parametrize(
    ("record", "peer", "result"),
    [
        ("v=spf1 ip4:192.0.2.0/24 -all", "192.0.2.7", "pass"),
        ("v=spf1 ip4:192.0.2.0/24 -all", "::ffff:192.0.2.7", "pass"),
        ("v=spf1 ip6:2001:db8::/32 -all", "2001:db8::1", "pass"),
        ("v=spf1 mx -all", "192.0.2.7", "pass"),
        ("v=spf1 ip4:192.0.2.0/24 -all", "198.51.100.1", "fail"),
        ("v=spf1 ip4:192.0.2.0/24 ~all", "198.51.100.1", "softfail"),
        ("v=spf1 ip4:192.0.2.0/24 ?all", "198.51.100.1", "neutral"),
        ("v=spf1 ip4:nonsense -all", "192.0.2.7", "permerror"),
        ("v=spf1 include:corp.test -all", "192.0.2.7", "permerror"),
        ("some other text", "192.0.2.7", "none"),
    ],
)
async def test_spf_has_each_of_its_results(post: Post, record: str, peer: str, result: str) -> None:
    post.zone.text("corp.test", record)
    post.zone.records["corp.test", "MX"] = ["10 mx.corp.test."]
    post.zone.records["mx.corp.test", "A"] = ["192.0.2.7"]
    spf, dkim_result, dmarc = await post.short(peer=peer)
    assert (spf, dkim_result) == (result, "none")
    assert dmarc == ("pass" if result == "pass" else "fail")


async def test_two_spf_records_are_an_error(post: Post) -> None:
    post.zone.text("corp.test", "v=spf1 +all", "v=spf1 -all")
    assert (await post.short())[0] == "permerror"


async def test_a_bounce_is_judged_by_the_name_of_its_server(post: Post) -> None:
    post.zone.text("mx.corp.test", "v=spf1 ip4:192.0.2.7 -all")
    found = await post.of(envelope_from="")
    assert (found["spf"], found["spf_details"]["scope"]) == ("pass", "helo")
    assert found["spf_details"]["domain"] == "mx.corp.test"
    assert (found["spf_details"]["aligned"], found["dmarc"]) == (True, "pass")
    assert (await post.short(envelope_from="", helo="[192.0.2.7]"))[0] == "none"


async def test_a_changed_mail_fails_its_signature(post: Post) -> None:
    for changed in (
        signed().replace(b"Hello", b"Hallo"),
        signed().replace(b"Subject: Hi", b"Subject: Ho"),
        b"From: Eve <eve@evil.test>\r\n" + signed(),
    ):
        assert (await post.short(changed, peer="198.51.100.1"))[1:] == ("fail", "fail")


async def test_a_key_that_is_missing_revoked_or_another(post: Post) -> None:
    place = "s1._domainkey.corp.test", "TXT"
    other = DkimKey("corp.test", "s1", new_private_key())
    results = []
    for record in (None, "v=DKIM1; k=rsa; p=", f"v=DKIM1; k=rsa; p={other.public_key()}"):
        async with checking(post.zone.address) as checks:
            post.zone.records.pop(place, None)
            if record is not None:
                post.zone.text(place[0], record)
            found = await checks.check(replace(ROW, content=signed()))
            results.append((found["dkim"], found["dkim_signatures"][0]["reason"].split(",")[0]))
    assert results == [
        ("permerror", "there is no key at s1._domainkey.corp.test"),
        ("permerror", "the key was revoked"),
        ("fail", "the mail is not as it was signed"),
    ]


async def test_an_ed25519_signature_passes(post: Post) -> None:
    key = SigningKey(b"\x07" * 32)
    public = key.verify_key.encode(Base64Encoder).decode()
    post.zone.text("e1._domainkey.corp.test", f"v=DKIM1; k=ed25519; p={public}")
    line = dkim.sign(
        MAIL, b"e1", b"corp.test", key.encode(Base64Encoder),
        signature_algorithm=b"ed25519-sha256", include_headers=[b"from", b"subject"],
    )  # fmt: skip
    assert (await post.short(line + MAIL))[1] == "pass"


async def test_a_signature_over_a_part_of_the_body_proves_nothing(post: Post) -> None:
    line = dkim.sign(MAIL, b"s1", b"corp.test", KEY.private_key.encode(), length=True)
    found = await post.of(line + MAIL + b"A second body.\r\n", peer="198.51.100.1")
    assert (found["dkim"], found["dmarc"]) == ("policy", "fail")


async def test_a_pass_for_another_domain_does_not_count(post: Post) -> None:
    post.zone.text("evil.test", "v=spf1 ip4:192.0.2.7 -all")
    post.zone.text("s1._domainkey.evil.test", f"v=DKIM1; k=rsa; p={KEY.public_key()}")
    found = await post.of(signed(domain="evil.test"), envelope_from="x@evil.test")
    assert (found["spf"], found["dkim"], found["dmarc"]) == ("pass", "pass", "fail")
    assert found["spf_details"]["aligned"] is False
    assert found["dkim_signatures"][0]["aligned"] is False


@pytest.mark.parametrize(("mode", "result"), [("r", "pass"), ("s", "fail")])
async def test_alignment_is_relaxed_unless_the_domain_is_strict(
    post: Post, mode: str, result: str
) -> None:
    post.zone.text("mail.corp.test", "v=spf1 ip4:192.0.2.7 -all")
    post.zone.text("_dmarc.corp.test", f"v=DMARC1; p=none; aspf={mode}; adkim={mode}")
    assert (await post.short(envelope_from="ann@mail.corp.test"))[2] == result


async def test_a_subdomain_has_the_policy_of_its_organisation(post: Post) -> None:
    raw = MAIL.replace(b"ann@corp.test", b"ann@news.corp.test")
    found = await post.of(raw, peer="198.51.100.1")
    assert found["dmarc"] == "fail"
    assert found["dmarc_details"]["policy"] == "quarantine"


@pytest.mark.parametrize(
    "raw",
    [
        MAIL.replace(b"Ann <ann@corp.test>", b"ann@corp.test, eve@evil.test"),
        b"From: eve@evil.test\r\n" + MAIL,
        MAIL.replace(b"From: Ann <ann@corp.test>\r\n", b""),
    ],
)
async def test_dmarc_fails_without_exactly_one_author(post: Post, raw: bytes) -> None:
    assert (await post.short(raw))[2] == "fail"


async def test_a_domain_without_records_has_no_results(post: Post) -> None:
    raw = MAIL.replace(b"corp.test", b"bare.test")
    assert await post.short(raw, envelope_from="a@bare.test") == ("none", "none", "none")


async def test_what_the_mail_claims_of_itself_counts_nothing(post: Post) -> None:
    claim = b"Authentication-Results: near.test; spf=pass; dkim=pass; dmarc=pass\r\n"
    found = await post.short(claim + MAIL, peer="198.51.100.1")
    assert found == ("fail", "none", "fail")


async def test_a_broken_dns_is_an_error_for_now_and_never_a_pass(post: Post) -> None:
    post.zone.broken = True
    assert await post.short(signed()) == ("temperror", "temperror", "temperror")


async def test_a_dead_dns_holds_a_mail_back_for_a_moment_alone() -> None:
    with dead_dns() as server:
        async with checking(server, 0.4) as checks:
            asked = checks.check(replace(ROW, content=signed()))
            found = await asyncio.wait_for(asked, 30)
    assert (found["spf"], found["dkim"], found["dmarc"]) == (("temperror",) * 3)
    assert found["dkim_signatures"][0]["domain"] == "corp.test"


async def test_a_worker_that_starts_slowly_is_there_for_the_next_mail(post: Post) -> None:
    pool = DkimPool()
    keys = {"s1._domainkey.corp.test": f"v=DKIM1; p={KEY.public_key()}"}
    first = asyncio.ensure_future(pool.verify(signed(), keys))
    while pool._asking is None:  # noqa: ASYNC110
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([pool._asking])
    process = pool._worker._process
    assert process is not None
    (found,) = await pool.verify(signed(), keys) or ()
    assert found.result == "pass"
    assert pool._worker._process is process
    await pool.aclose()


async def test_a_verifier_that_cannot_tell_is_no_pass(post: Post) -> None:
    class Broken:
        async def verify(self, raw: bytes, keys: object) -> None:
            return None

    checks = Authenticator(AuthDns(post.zone.address, 10.0), Broken(), seconds=30.0)
    found = await checks.check(replace(ROW, content=signed(), peer="198.51.100.1"))
    checks.close()
    assert (found["dkim"], found["dmarc"]) == ("temperror", "temperror")


@pytest.mark.parametrize("envelope", [{"peer": ""}, {"source": "import"}, {"source": "local"}])
async def test_mail_that_no_server_brought_is_not_checked(
    post: Post, envelope: dict[str, Any]
) -> None:
    assert await post.of(signed(), **envelope) == UNCHECKED


async def test_blanks_without_end_do_not_stop_the_worker(post: Post) -> None:
    raw = signed() + b" \t" * 1_000_000 + b"x\r\n"
    assert (await post.short(raw))[1] == "fail"


class Now:
    """A clock moved by hand."""

    at = 0.0

    def __call__(self) -> float:
        return self.at


async def test_a_silent_organisation_is_left_alone_for_a_while() -> None:
    async with dns_server() as zone:
        now = Now()
        dns = AuthDns(zone.address, 10.0, now=now)
        zone.broken = True
        with pytest.raises(DnsSilent):
            await dns.texts("_dmarc.corp.test")
        zone.broken = False
        zone.text("corp.test", "here")
        zone.text("other.test", "there")
        with pytest.raises(DnsSilent, match="a moment ago"):
            await dns.texts("corp.test")
        assert await dns.texts("other.test") == ["there"]
        now.at = 21.0
        assert await dns.texts("corp.test") == ["here"]


async def test_a_dead_resolver_is_left_alone_for_a_while() -> None:
    async with dns_server() as zone:
        now = Now()
        dns = AuthDns(zone.address, 10.0, now=now)
        zone.broken = True
        for number in range(8):
            with pytest.raises(DnsSilent):
                await dns.texts(f"host{number}.test")
        zone.broken = False
        zone.text("fresh.test", "here")
        with pytest.raises(DnsSilent, match="a moment ago"):
            await dns.texts("fresh.test")
        now.at = 11.0
        assert await dns.texts("fresh.test") == ["here"]


async def test_names_that_are_nowhere_are_asked_of_nobody() -> None:
    dns = AuthDns(None, 1.0)
    dns._lookup = partial(pytest.fail, "asked")  # type: ignore[assignment]
    assert await dns.texts("_dmarc.corp.test") == []
    assert await dns.records("mx.corp.example", "A") == []
