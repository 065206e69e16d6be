"""Posts to a stranger's endpoint: guarded, without proxies or redirects, with an end in time."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import certifi
import httpcore

from agentmail_server.config import ConfigError, Settings
from agentmail_server.mail.text import one_line
from agentmail_server.relay.guard import LOOPBACK, Guard, Refused, Target

_MOST_READ = 64 * 1024
_MOST_KEPT = 500
_SECRETS = re.compile(r"\b(?:comm|whsec)_[A-Za-z0-9+/=_-]{8,}|(?i:bearer)\s+\S+|v1[=,][\w+/=]{40,}")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class CallResult:
    """What an endpoint answered; `status` is None where no answer came."""

    status: int | None
    # Why it did not work, in one line; empty after success.
    error: str
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether the endpoint took it: 2xx and nothing else."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(slots=True)
class _Answer:
    status: int | None = None
    body: bytes = b""


class Caller:
    """Makes one connection for each call, to addresses that the guard has passed."""

    @classmethod
    def of(cls, settings: Settings) -> Caller:
        """Return the caller of a server; raises ConfigError."""
        allow = settings.webhook_allow
        if allow is None:
            local = settings.http_address.host in ("127.0.0.1", "localhost", "::1")
            allow = LOOPBACK if local else ()
        try:
            return cls(Guard(allow, server=settings.dns_address))
        except ValueError as error:
            raise ConfigError(f"webhook_allow: {error}") from None

    def __init__(
        self,
        guard: Guard,
        tls: ssl.SSLContext | None = None,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._guard = guard
        self._tls = tls
        self._network = network or httpcore.AnyIOBackend()

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, within: float
    ) -> CallResult:
        """Post and tell what became of it; never raises for what a stranger does."""
        clock = asyncio.get_running_loop()
        started = clock.time()
        answer = _Answer()
        try:
            async with asyncio.timeout(within):
                error = await self._exchange(url, headers, body, answer)
        except TimeoutError:
            error = f"no answer within {within:g} s"
        if answer.status is not None:
            error = _told(answer)
        return CallResult(answer.status, error, clock.time() - started)

    async def _exchange(
        self, url: str, headers: Mapping[str, str], body: bytes, answer: _Answer
    ) -> str:
        try:
            target, shown, scheme = await self._target(url)
            sent = [("Host", shown), *headers.items()]
            pool = httpcore.AsyncConnectionPool(
                ssl_context=await self._context() if scheme == "https" else None,
                max_keepalive_connections=0,
                network_backend=_Pinned(self._guard, target, self._network),
            )
            async with (
                pool,
                pool.stream("POST", url, headers=sent, content=body) as response,
            ):
                answer.status = response.status
                await _read(response, answer)
        except Refused as error:
            return f"refused: {error}"
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError, ssl.SSLError) as error:
            return _failure(error)
        except (httpcore.TimeoutException, httpcore.UnsupportedProtocol, ValueError) as error:
            return f"the endpoint cannot be called: {type(error).__name__}"
        return ""

    async def _target(self, url: str) -> tuple[Target, str, str]:
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise Refused("the endpoint is not an http or https URL")
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
        target = await self._guard.target(parts.scheme, parts.hostname, port)
        return target, parts.netloc.rpartition("@")[2], parts.scheme

    async def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = await asyncio.to_thread(_public_tls)
        return self._tls


class _Pinned(httpcore.AsyncNetworkBackend):
    """Connects to the addresses of the target alone, whatever name is asked for.

    TLS still checks the certificate against the name in the URL: that is done above this.
    """

    def __init__(self, guard: Guard, target: Target, network: httpcore.AsyncNetworkBackend) -> None:
        self._guard = guard
        self._target = target
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - given by httpcore
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers, and look who it is."""
        failure: Exception = httpcore.ConnectError("no address")
        for address in self._target.addresses:
            try:
                stream = await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except httpcore.ConnectError as error:
                failure = error
                continue
            if self._guard.admits_peer(self._target, _peer(stream)):
                return stream
            await stream.aclose()
            raise Refused("the connection ended at another address")
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - given by httpcore
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: no URL leads to a socket in the file system."""
        raise Refused("a socket in the file system is not called")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def _public_tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _peer(stream: httpcore.AsyncNetworkStream) -> str:
    found = stream.get_extra_info("server_addr")
    return str(found[0]) if isinstance(found, tuple) and found else ""


async def _read(response: httpcore.Response, answer: _Answer) -> None:
    """Read what is small; the rest is left unread."""
    taken = bytearray()
    try:
        async for chunk in response.aiter_stream():
            taken += chunk
            answer.body = bytes(taken[:_MOST_READ])
            if len(taken) >= _MOST_READ:
                return
    except (httpcore.NetworkError, httpcore.ProtocolError):
        # The status is known, and that alone decides.
        return


def _told(answer: _Answer) -> str:
    """Return the beginning of a refusal as one clean line without secrets."""
    status = answer.status or 0
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"HTTP {status}: redirects are not followed"
    text = _SECRETS.sub("[redacted]", one_line(answer.body[:4096].decode("utf-8", "replace"), 2000))
    return f"HTTP {status}: {text}"[:_MOST_KEPT].rstrip(": ")


def _failure(error: Exception) -> str:
    if isinstance(error, httpcore.ConnectError):
        cause = error.__cause__ or error.__context__
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {one_line(cause.reason or 'handshake', 200)}"
        return "the endpoint cannot be reached"
    return f"the connection broke: {type(error).__name__}"
