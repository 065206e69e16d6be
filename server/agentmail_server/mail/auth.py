"""Who a mail is from, as SPF, DKIM and DMARC tell; what the mail itself claims counts nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Result = Literal["none", "pass", "fail", "softfail", "neutral", "policy", "temperror", "permerror"]

# Mail that no other server brought: imported, or written on this one.
UNCHECKED: Mapping[str, Any] = {"checked": False, "spf": "none", "dkim": "none", "dmarc": "none"}


@dataclass(frozen=True, slots=True)
class Spf:
    """Whether a peer may send for a domain; `scope` is mfrom or helo (RFC 7208)."""

    result: Result
    domain: str = ""
    scope: Literal["mfrom", "helo"] = "mfrom"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """What became of one DKIM signature (RFC 6376)."""

    result: Result
    domain: str
    selector: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Dmarc:
    """Whether SPF or DKIM speak for the domain that a reader sees (RFC 7489)."""

    result: Result
    domain: str = ""
    policy: str = ""
    reason: str = ""
    spf_aligned: bool = False
    aligned_signatures: tuple[bool, ...] = ()


def best(signatures: tuple[Signature, ...]) -> Result:
    """Return one result for all signatures: one that passes is enough."""
    order: tuple[Result, ...] = ("pass", "temperror", "fail", "policy", "neutral", "permerror")
    found = {each.result for each in signatures}
    return next((result for result in order if result in found), "none")


def metadata_of(
    peer: str, helo: str, spf: Spf, signatures: tuple[Signature, ...], dmarc: Dmarc
) -> dict[str, Any]:
    """Return the results and how they came about, as the API shows them."""
    aligned = (*dmarc.aligned_signatures, *(False for _ in signatures))
    return {
        "checked": True,
        "spf": spf.result,
        "dkim": best(signatures),
        "dmarc": dmarc.result,
        "spf_details": {
            "domain": spf.domain,
            "scope": spf.scope,
            "ip": peer,
            "helo": helo,
            "aligned": dmarc.spf_aligned,
            "reason": spf.reason,
        },
        "dkim_signatures": [
            {
                "result": each.result,
                "domain": each.domain,
                "selector": each.selector,
                "aligned": is_aligned,
                "reason": each.reason,
            }
            for each, is_aligned in zip(signatures, aligned, strict=False)
        ],
        "dmarc_details": {
            "domain": dmarc.domain,
            "policy": dmarc.policy,
            "reason": dmarc.reason,
        },
    }
