"""DMARC (RFC 7489): does what SPF or DKIM proved belong to the domain that a reader sees?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from publicsuffixlist import PublicSuffixList

from agentmail_server.mail.addresslist import parse_addresses
from agentmail_server.mail.auth import Dmarc, Signature, Spf
from agentmail_server.mail.headers import read_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

_POLICIES = frozenset({"none", "quarantine", "reject"})


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    # Reading the list takes a tenth of a second.
    return PublicSuffixList()


def organisation(domain: str) -> str:
    """Return the domain that its owner registered: `example.co.uk` of `a.b.example.co.uk`."""
    return _suffixes().privatesuffix(domain) or domain


def author_domain(raw: bytes) -> str | None:
    """Return the domain of the one author of a mail; None with no author, or more than one."""
    lines = read_headers(raw).all("from")
    if len(lines) != 1:
        return None
    boxes = parse_addresses(lines[0][: 64 * 1024])
    if len(boxes) != 1:
        return None
    domain = boxes[0].address.rpartition("@")[2].strip().rstrip(".").lower()
    try:
        return domain.encode("idna").decode() if not domain.isascii() else domain or None
    except UnicodeError:
        return None


def record_names(domain: str) -> tuple[str, ...]:
    """Return where a policy may be, the closest first."""
    return tuple(dict.fromkeys((f"_dmarc.{domain}", f"_dmarc.{organisation(domain)}")))


def policy_of(texts: Sequence[str]) -> dict[str, str] | None:
    """Return the tags of the one DMARC record among TXT records; None without one."""
    held = [text for text in texts if text.replace(" ", "").lower().startswith("v=dmarc1")]
    if len(held) != 1:
        return None
    pairs = (part.partition("=") for part in held[0][:4000].split(";"))
    return {name.strip().lower(): value.strip().lower() for name, _, value in pairs}


def judge(
    domain: str | None,
    spf: Spf,
    signatures: Sequence[Signature],
    record: tuple[str, Mapping[str, str]] | None,
    *,
    silent: bool = False,
) -> Dmarc:
    """Return the result for a mail of `domain`; `record` is where its policy was and what it says.

    `silent` says that the DNS did not tell whether there is a policy.
    """
    if domain is None:
        return Dmarc("fail", reason="the mail has not exactly one author")
    policy = record[1] if record else {}
    by_spf = _aligned(spf.domain, domain, policy.get("aspf", "r"))
    by_dkim = tuple(_aligned(each.domain, domain, policy.get("adkim", "r")) for each in signatures)
    if silent:
        return Dmarc("temperror", domain, "", "the DNS gave no answer", by_spf, by_dkim)
    if record is None:
        return Dmarc("none", domain, "", "the domain has no policy", by_spf, by_dkim)
    asked = _asked(domain, record)
    proofs = [spf.result] if by_spf else []
    proofs += [each.result for each, fits in zip(signatures, by_dkim, strict=True) if fits]
    if "pass" in proofs:
        return Dmarc("pass", domain, asked, "", by_spf, by_dkim)
    if "temperror" in proofs:
        return Dmarc("temperror", domain, asked, "a check could not be made", by_spf, by_dkim)
    reason = "no aligned check passed" if proofs else "no check is of the author's domain"
    return Dmarc("fail", domain, asked, reason, by_spf, by_dkim)


def _asked(domain: str, record: tuple[str, Mapping[str, str]]) -> str:
    """Return what the domain wants done with mail that fails."""
    place, tags = record
    inherited = place != f"_dmarc.{domain}"
    wanted = tags.get("sp", tags.get("p", "none")) if inherited else tags.get("p", "none")
    return wanted if wanted in _POLICIES else "none"


def _aligned(proved: str, domain: str, mode: str) -> bool:
    proved = proved.lower().rstrip(".")
    if not proved:
        return False
    if mode == "s":
        return proved == domain
    return organisation(proved) == organisation(domain)
