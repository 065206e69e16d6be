"""The agents' side of the demo: calls to the server's public API, as an agent would make them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import httpx

# Its line for each call would bury what the server itself has to say.
logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class OpenInbox:
    """An inbox as the server made it."""

    id: str
    address: str
    agent: str


class Api:
    """A thin client of `/v1`; raises httpx.HTTPError when the server refuses."""

    def __init__(self, url: str, key: str) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=10, trust_env=False)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def open_inbox(self, local_part: str, display_name: str, agent: str) -> OpenInbox:
        """Create an inbox on the shared domain."""
        body = {"local_part": local_part, "display_name": display_name}
        made = await self._call("POST", "/v1/inboxes", body)
        return OpenInbox(made["id"], made["address"], agent)

    async def set_webhook(self, inbox: OpenInbox, endpoint: str) -> None:
        """Have an endpoint called for an inbox's mail and for what becomes of its answers."""
        hook = {"endpoint": endpoint, "events": ["inbound", "bounce"]}
        await self._call("PATCH", f"/v1/inboxes/{inbox.id}", {"webhook": hook})

    async def answer(
        self,
        inbox: OpenInbox,
        thread_id: str,
        to: str,
        subject: str,
        text: str,
        cc: tuple[str, ...],
    ) -> str:
        """Send an answer into a thread and return its message id."""
        body: dict[str, Any] = {
            "inbox_id": inbox.id,
            "thread_id": thread_id,
            "to": to,
            "subject": subject,
            "text": text,
        }
        if cc:
            body["cc"] = list(cc)
        sent = await self._call("POST", "/v1/messages/send", body)
        return str(sent["message_id"])

    async def _call(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = await self._http.request(method, path, json=body)
        response.raise_for_status()
        data = response.json()["data"]
        return data if isinstance(data, dict) else {}
