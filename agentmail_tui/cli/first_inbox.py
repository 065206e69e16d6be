"""The first inbox of a fresh server, so that a newcomer has an address at once."""

from __future__ import annotations

from agentmail_tui.backends.lean import httpx
from agentmail_tui.cli.bundled import Access
from agentmail_tui.cli.connection import user_name
from agentmail_tui.errors import Unreachable

LOCAL_PART = "inbox"
_CONFLICT = 409


async def open_first_inbox(access: Access) -> None:
    """Create `inbox@…` in the name of the local user; raises Unreachable if that fails."""
    body = {"local_part": LOCAL_PART, "display_name": user_name("Inbox")}
    headers = {"Authorization": f"Bearer {access.key}"}
    try:
        async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
            reply = await http.post(f"{access.url}/v1/inboxes", json=body, headers=headers)
    except httpx.HTTPError as error:
        raise Unreachable(f"the first inbox could not be made: {type(error).__name__}") from None
    # Another client that started at the same moment may have made it.
    if not reply.is_success and reply.status_code != _CONFLICT:
        raise Unreachable(f"the first inbox could not be made: status {reply.status_code}")
