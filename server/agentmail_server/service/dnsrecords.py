"""The DNS records that a domain needs, and whether the DNS holds them."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from agentmail_server.service.dns import DnsSilent, Lookup
from agentmail_server.service.domains import DkimKey

VERIFIED, PENDING, FAILED = "verified", "pending", "failed"
_PRIORITY = 10
_POLICIES = ("none", "quarantine", "reject")


@dataclass(frozen=True, slots=True)
class Record:
    """A record to be made at the registrar; `priority` for MX alone."""

    record: str
    type: str
    name: str
    value: str
    priority: int | None = None


def records_of(key: DkimKey, hostname: str) -> tuple[Record, ...]:
    """Return what must stand in DNS so that `hostname` may take and send a domain's mail."""
    domain = key.domain
    return (
        Record("MX", "MX", domain, hostname, _PRIORITY),
        Record("SPF", "TXT", domain, f"v=spf1 mx a:{hostname} ~all"),
        Record(
            "DKIM", "TXT", f"{key.selector}._domainkey.{domain}",
            f"v=DKIM1; k=rsa; p={key.public_key()}",
        ),
        Record(
            "DMARC", "TXT", f"_dmarc.{domain}",
            f"v=DMARC1; p=quarantine; rua=mailto:postmaster@{domain}",
        ),
    )  # fmt: skip


async def check(lookup: Lookup, key: DkimKey, hostname: str) -> dict[str, str]:
    """Return verified, pending (not there) or failed (there, but other) for each record."""
    records = records_of(key, hostname)
    # Together: a DNS that is silent costs its wait once.
    states = await asyncio.gather(*(_found(lookup, each, key, hostname) for each in records))
    return {each.record: state for each, state in zip(records, states, strict=True)}


def overall(found: dict[str, str]) -> str:
    """Return the state of a domain by those of its records."""
    states = set(found.values())
    if states == {VERIFIED}:
        return VERIFIED
    return FAILED if FAILED in states else PENDING


async def _found(lookup: Lookup, record: Record, key: DkimKey, hostname: str) -> str:
    try:
        return await _state(lookup, record, key, hostname)
    except DnsSilent:
        return PENDING


async def _state(lookup: Lookup, record: Record, key: DkimKey, hostname: str) -> str:
    if record.type == "MX":
        hosts = await lookup.exchangers(record.name)
        return _judge(hosts, hostname.lower() in hosts)
    texts = [each for each in await lookup.texts(record.name) if _concerns(each, record.record)]
    # More than one of a kind makes receivers ignore them all (RFC 7208 4.5, RFC 7489 6.6.3).
    return _judge(texts, len(texts) == 1 and _is_right(texts[0], record.record, key, hostname))


def _judge(held: list[str], right: bool) -> str:
    if right:
        return VERIFIED
    return FAILED if held else PENDING


def _concerns(text: str, record: str) -> bool:
    folded = text.strip().lower()
    if record == "SPF":
        return folded == "v=spf1" or folded.startswith("v=spf1 ")
    return record == "DKIM" or re.match(r"v\s*=\s*dmarc1\s*(;|$)", folded) is not None


def _is_right(text: str, record: str, key: DkimKey, hostname: str) -> bool:
    if record == "SPF":
        terms = {term.lstrip("+") for term in text.lower().split()}
        return bool(terms & {"mx", f"a:{hostname.lower()}", f"include:{hostname.lower()}"})
    tags = _tags(text)
    if record == "DKIM":
        return "".join(tags.get("p", "").split()) == key.public_key()
    return tags.get("p", "").lower() in _POLICIES


def _tags(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}
