"""One HTTP client for a server: limits, retries of what is safe to repeat, errors in our words.

- Redirects are not followed: the key would go along.
- Without TLS only this computer is spoken to, unless that is asked for.
- A reply is read up to 20 MB, unpacked, and no further.
- Reading is tried again after a short while; writing never is, that is for the caller to judge.
"""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from agentmail_tui.backends.auth import Bearer
from agentmail_tui.backends.lean import httpx
from agentmail_tui.backends.problems import problem, unreachable
from agentmail_tui.backends.urls import base_of, is_loopback
from agentmail_tui.errors import BadReply, MailError, RateLimited, Temporary

MAX_REPLY = 20_000_000  # bytes
STREAM_SILENCE = 45.0  # seconds; the server says something every 15
KEY_VARIABLE = "COMMUNE_API_KEY"
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
_PAUSES = (0.2, 0.6)  # seconds before the second and the third try
_LONGEST_OBEYED = 10.0  # seconds that a reader waits by itself when told to
_THREAD_FROM = 1_000_000  # bytes of JSON that are worth a thread
_SAFE = frozenset({"GET", "HEAD"})

Params = Mapping[str, str | int | bool]


class Http:
    """Calls a server and gives out decoded JSON."""

    def __init__(
        self,
        url: str,
        auth: Bearer,
        *,
        insecure: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        base = base_of(url, insecure=insecure)
        self.host = f"{base.host}:{base.port}" if base.port else base.host
        self._auth = auth
        self._sleep = sleep
        here = is_loopback(base.host)
        self._client = httpx.AsyncClient(
            base_url=base,
            auth=auth,
            timeout=_TIMEOUT,
            follow_redirects=False,
            transport=transport,
            # What the environment says of proxies is not for this computer itself.
            trust_env=not here,
            # Nothing is encrypted then, and to read all certificates takes its time.
            verify=not (here and base.scheme == "http"),
            headers={"User-Agent": "agentmail-tui"},
            limits=httpx.Limits(max_connections=12, max_keepalive_connections=6),
        )

    def curl(self, path: str) -> str:
        """Return a reading call as one line for a shell; the key is a variable's name."""
        url = f"{str(self._client.base_url).rstrip('/')}{path}"
        return f'curl -sS -H "Authorization: Bearer ${KEY_VARIABLE}" {shlex.quote(url)}'

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Call and return the decoded JSON; raises MailError."""
        request = self._client.build_request(
            method, path, params=params, json=body, headers=headers
        )
        raw = await self._with_retries(request)
        try:
            if len(raw) > _THREAD_FROM:
                return await asyncio.to_thread(json.loads, raw)
            return json.loads(raw)
        except (ValueError, RecursionError):
            raise BadReply("the server's answer is no JSON") from None

    async def content(self, path: str) -> bytes:
        """Return the bytes that stand under a path; raises MailError."""
        return await self._with_retries(self._client.build_request("GET", path))

    @asynccontextmanager
    async def stream(
        self, path: str, *, params: Params, headers: Mapping[str, str]
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a reply that goes on and on, and give out its pieces; raises MailError."""
        timeout = httpx.Timeout(_TIMEOUT.connect, read=STREAM_SILENCE)
        request = self._client.build_request(
            "GET", path, params=params, headers=headers, timeout=timeout
        )
        try:
            response = await self._client.send(request, stream=True)
            try:
                if response.status_code != httpx.codes.OK:
                    raise self._problem(response, await _read(response))
                yield response.aiter_bytes()
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise unreachable(error) from None

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _with_retries(self, request: httpx.Request) -> bytes:
        for pause in _PAUSES if request.method in _SAFE else ():
            try:
                return await self._once(request)
            except RateLimited as error:
                if error.retry_after > _LONGEST_OBEYED:
                    raise
                await self._sleep(error.retry_after)
            except Temporary:
                await self._sleep(pause)
        return await self._once(request)

    async def _once(self, request: httpx.Request) -> bytes:
        try:
            response = await self._client.send(request, stream=True)
            try:
                content = await _read(response)
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise unreachable(error) from None
        if not response.is_success:
            raise self._problem(response, content)
        return content

    def _problem(self, response: httpx.Response, content: bytes) -> MailError:
        return problem(response.status_code, response.headers, content, self._auth.redact)


async def together(*calls: Awaitable[Any]) -> list[Any]:
    """Return what all give; where one fails, the others are ended before its error is raised."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(response: httpx.Response) -> bytes:
    """Return the body, or raise BadReply where it is longer than any honest one."""
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MAX_REPLY:
            raise BadReply("the server's answer is longer than 20 MB")
        parts.append(part)
    return b"".join(parts)
