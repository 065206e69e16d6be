"""SPF, DKIM and DMARC of one inbound mail, before it is recorded and within a few seconds.

It never keeps a mail back longer than that: what is not known by then is a `temperror`. Nothing of
this stands between a mail and its 250.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from agentmail_server.jobs.authdns import AuthDns
from agentmail_server.jobs.dkimpool import DkimPool
from agentmail_server.mail import authdmarc, authsigned, authspf
from agentmail_server.mail.auth import UNCHECKED, Signature, Spf, metadata_of
from agentmail_server.service.dns import DnsSilent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Mapping

    from agentmail_server.config import Settings
    from agentmail_server.store.records import RawMailRow

log = logging.getLogger(__name__)

T = TypeVar("T")

_TOO_LATE = "the DNS gave no answer in time"
# Each waits in a thread of its own for the DNS, for pyspf knows no other way.
_MOST_SPF = 16
# One silent name leaves the others time to be asked for.
_ONE_NAME = 0.6


class Dns(Protocol):
    """Looks records up; a name without such records has none of them."""

    async def records(self, name: str, kind: str) -> list[Any]:
        """Return the values of a name; raises DnsSilent."""
        ...

    async def texts(self, name: str) -> list[str]:
        """Return the TXT records of a name; raises DnsSilent."""
        ...


class Verifier(Protocol):
    """Verifies signatures somewhere that a hostile mail cannot harm."""

    async def verify(
        self, raw: bytes, keys: Mapping[str, str | None]
    ) -> tuple[Signature, ...] | None:
        """Return the result of each signature; None when nothing could be told."""
        ...


@dataclass(frozen=True, slots=True)
class _Claims:
    """What a mail says of its sender: the author's domain, signatures, names of their keys."""

    domain: str | None
    signatures: tuple[Signature, ...]
    keys: tuple[str, ...]

    def unverified(self, reason: str) -> tuple[Signature, ...]:
        """Return the signatures as nobody could verify them."""
        return tuple(replace(each, reason=reason) for each in self.signatures)


def _claims(raw: bytes) -> _Claims:
    # The list of public suffixes is read here, the first time, off the event loop.
    domain = authdmarc.author_domain(raw)
    authdmarc.organisation(domain or "example.org")
    names = sorted(set(authsigned.key_names(raw).values()))
    return _Claims(domain, authsigned.unverified(raw), tuple(names))


def _late_spf(mail: RawMailRow) -> Spf:
    return Spf("temperror", mail.envelope_from.rpartition("@")[2].lower(), reason=_TOO_LATE)


class Authenticator:
    """Checks mail that other servers brought; `seconds` of 0 checks nothing."""

    def __init__(self, dns: Dns, verifier: Verifier, *, seconds: float) -> None:
        self._dns = dns
        self._verifier = verifier
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(_MOST_SPF, thread_name_prefix="spf")

    async def check(self, mail: RawMailRow) -> dict[str, Any]:
        """Return the results as the API shows them; never raises for what a mail holds."""
        if not self._seconds or not mail.peer or mail.source != "smtp":
            return dict(UNCHECKED)
        try:
            return await self._checked(mail)
        except Exception:
            # The mail is worth more than what is known of its sender.
            log.exception("the sender of a mail could not be checked")
            return {**UNCHECKED, "spf": "temperror", "dkim": "temperror", "dmarc": "temperror"}

    async def _checked(self, mail: RawMailRow) -> dict[str, Any]:
        claims = await asyncio.to_thread(_claims, mail.content)
        tasks = (
            asyncio.ensure_future(self._spf(mail)),
            asyncio.ensure_future(self._dkim(mail.content, claims)),
            asyncio.ensure_future(self._policy(claims.domain)),
        )
        await _finish(tasks, self._seconds)
        spf = _result(tasks[0], _late_spf(mail))
        signatures = _result(tasks[1], claims.unverified(_TOO_LATE))
        record, silent = _result(tasks[2], (None, True))
        dmarc = authdmarc.judge(claims.domain, spf, signatures, record, silent=silent)
        return metadata_of(mail.peer, mail.helo, spf, signatures, dmarc)

    def close(self) -> None:
        """Let go of the threads; those that still wait end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _spf(self, mail: RawMailRow) -> Spf:
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._seconds

        def ask(name: str, kind: str) -> list[Any]:
            if loop.is_closed() or loop.time() > ends:
                raise authspf.Silent
            looking: Coroutine[Any, Any, list[Any]] = self._dns.records(name, kind)
            future: Future[list[Any]] = asyncio.run_coroutine_threadsafe(looking, loop)
            try:
                return future.result(max(ends - loop.time(), 0.0))
            except (TimeoutError, CancelledError, DnsSilent) as error:
                future.cancel()
                raise authspf.Silent from error

        parts = (mail.peer, mail.helo, mail.envelope_from, ask)
        return await loop.run_in_executor(self._threads, authspf.check, *parts)

    async def _dkim(self, raw: bytes, claims: _Claims) -> tuple[Signature, ...]:
        if not claims.signatures:
            return ()
        found = await asyncio.gather(*(self._key(name) for name in claims.keys))
        keys = {name: key for name, key in zip(claims.keys, found, strict=True) if key != ""}
        verified = await self._verifier.verify(raw, keys)
        return claims.unverified("it could not be verified") if verified is None else verified

    async def _key(self, name: str) -> str | None:
        """Return the record of a key, empty where there is none, None where nobody answered."""
        try:
            return next(iter(await self._dns.texts(name)), "")
        except DnsSilent:
            return None

    async def _policy(
        self, domain: str | None
    ) -> tuple[tuple[str, Mapping[str, str]] | None, bool]:
        """Return where the policy of a domain is and what it says, and whether nobody answered."""
        if domain is None:
            return None, False
        try:
            for name in authdmarc.record_names(domain):
                if policy := authdmarc.policy_of(await self._dns.texts(name)):
                    return (name, policy), False
        except DnsSilent:
            return None, True
        return None, False


@asynccontextmanager
async def authenticating(settings: Settings) -> AsyncIterator[Authenticator]:
    """Give out what checks senders, and stop its threads and its worker at the end."""
    seconds = settings.auth_seconds
    pool = DkimPool()
    dns = AuthDns(settings.dns_address, seconds * _ONE_NAME)
    checks = Authenticator(dns, pool, seconds=seconds)
    try:
        yield checks
    finally:
        checks.close()
        await pool.aclose()


async def _finish(tasks: tuple[asyncio.Future[Any], ...], seconds: float) -> None:
    """Wait for tasks at most so long, and end those that are not done."""
    try:
        _, late = await asyncio.wait(tasks, timeout=seconds)
    finally:
        for each in tasks:
            each.cancel()
    if late:
        await asyncio.wait(late)


def _result(task: asyncio.Future[T], otherwise: T) -> T:
    """Return what a task found; one that was ended found nothing. Its errors are raised."""
    return otherwise if task.cancelled() else task.result()
