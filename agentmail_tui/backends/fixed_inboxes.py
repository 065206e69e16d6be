"""For servers whose inboxes cannot be changed through their API."""

from __future__ import annotations

from agentmail_tui.domain import Inbox
from agentmail_tui.errors import Rejected

_NO = "this server's inboxes cannot be changed from here"


class FixedInboxes:
    """Refuses to make, name and delete inboxes; the capabilities say so too."""

    async def create_inbox(self, local_part: str, name: str) -> Inbox:
        """Refuse."""
        raise Rejected(_NO)

    async def rename_inbox(self, inbox: Inbox, name: str) -> Inbox:
        """Refuse."""
        raise Rejected(_NO)

    async def delete_inbox(self, inbox: Inbox) -> None:
        """Refuse."""
        raise Rejected(_NO)
