"""Importing into a running server by its API, one mail a request, a few at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from agentmail_server.errors import BadRequest, NotFound, ServiceError, Unauthorized, Unavailable
from agentmail_server.mail.address import casefold_key
from agentmail_server.service.importing import Imported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agentmail_server.service.importing import SourceMail

_AT_ONCE = 4
_RETRIES = 4
_FIRST_PAUSE = 0.5
_TIMEOUT = 60.0


async def import_over_http(
    url: str,
    api_key: str,
    address: str,
    mails: Iterator[SourceMail],
    show: Callable[[Imported], None],
) -> Imported:
    """Hand every mail to the server at `url`; raises ServiceError."""
    headers = {"Authorization": f"Bearer {api_key}"}
    try:
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=_TIMEOUT) as client:
            inbox_id = await _inbox_id(client, address)
            return await _Import(client, inbox_id, show).run(mails)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(f"{url} cannot be reached: {error}") from error


async def _inbox_id(client: httpx.AsyncClient, address: str) -> str:
    reply = _checked(await client.get("/v1/inboxes"))
    for row in reply.json()["data"]:
        if casefold_key(str(row.get("address", ""))) == casefold_key(address):
            return str(row.get("id") or row["inbox_id"])
    raise NotFound(f"no inbox {address} there; create it first")


class _Import:
    """One run: requests in flight and the count of what they did."""

    def __init__(
        self, client: httpx.AsyncClient, inbox_id: str, show: Callable[[Imported], None]
    ) -> None:
        self._client = client
        self._inbox_id = inbox_id
        self._show = show
        self._done = Imported()

    async def run(self, mails: Iterator[SourceMail]) -> Imported:
        """Send all, a few at a time."""
        while chunk := await asyncio.to_thread(lambda: _some(mails)):
            stored = await asyncio.gather(*(self._send(mail) for mail in chunk))
            new = sum(stored)
            self._done = Imported(
                self._done.read + len(chunk),
                self._done.stored + new,
                self._done.repeated + len(chunk) - new,
            )
            self._show(self._done)
        return self._done

    async def _send(self, mail: SourceMail) -> bool:
        reply = await self._post(mail)
        for attempt in range(_RETRIES):
            if reply.status_code not in {429, 503}:
                break
            await asyncio.sleep(_FIRST_PAUSE * 2**attempt)
            reply = await self._post(mail)
        return bool(_checked(reply).json()["data"]["imported"])

    async def _post(self, mail: SourceMail) -> httpx.Response:
        return await self._client.post(
            "/v1/import",
            params={"inbox_id": self._inbox_id, "dedupe": mail.dedupe_key},
            headers={"Content-Type": "message/rfc822"},
            content=mail.raw,
        )


def _some(mails: Iterator[SourceMail]) -> list[SourceMail]:
    return [mail for _, mail in zip(range(_AT_ONCE), mails, strict=False)]


def _checked(reply: httpx.Response) -> httpx.Response:
    if reply.is_success:
        return reply
    try:
        text = str(reply.json()["error"])
    except (ValueError, KeyError, TypeError):
        text = f"the server answered {reply.status_code}"
    kinds: dict[int, type[ServiceError]] = {400: BadRequest, 401: Unauthorized, 404: NotFound}
    raise kinds.get(reply.status_code, ServiceError)(text)
