"""Inboxes in memory: made, named and deleted with their mail."""

from __future__ import annotations

from msgspec.structs import replace

from agentmail_tui.backends.memory.world import World
from agentmail_tui.clean import clean_line
from agentmail_tui.domain import Inbox, ThreadFilter
from agentmail_tui.errors import Conflict, NotFound, Rejected

DOMAIN = "agents.localhost"


class Inboxes(World):
    """The part of the server that keeps inboxes."""

    _inboxes: tuple[Inbox, ...]

    async def inboxes(self) -> tuple[Inbox, ...]:
        """Return every inbox."""
        return self._inboxes

    async def create_inbox(self, local_part: str, name: str) -> Inbox:
        """Make an inbox on the domain of the first one."""
        if not local_part or not local_part.isascii() or set(local_part) & set(" @<>,"):
            raise Rejected("local_part is no local part of an address")
        domain = self._inboxes[0].address.partition("@")[2] if self._inboxes else DOMAIN
        address = clean_line(f"{local_part.casefold()}@{domain}")
        if any(each.address == address for each in self._inboxes):
            raise Conflict(f"{address} is taken")
        made = Inbox(self.new_id("i"), address, clean_line(name), "d_memory", clean_line("active"))
        self._inboxes += (made,)
        self.tell_of_inbox(made.id)
        return made

    async def rename_inbox(self, inbox: Inbox, name: str) -> Inbox:
        """Change the name that recipients see."""
        self._held(inbox)
        named = replace(inbox, name=clean_line(name))
        self._inboxes = tuple(named if each.id == inbox.id else each for each in self._inboxes)
        self.tell_of_inbox(inbox.id)
        return named

    async def delete_inbox(self, inbox: Inbox) -> None:
        """Delete an inbox and its mail."""
        self._held(inbox)
        self._inboxes = tuple(each for each in self._inboxes if each.id != inbox.id)
        for thread in self.mail.listed(ThreadFilter(inbox_id=inbox.id)):
            self.mail.drop(thread.id)
        self.tell_of_inbox(inbox.id)

    def _held(self, inbox: Inbox) -> None:
        if all(each.id != inbox.id for each in self._inboxes):
            raise NotFound("inbox not found")
