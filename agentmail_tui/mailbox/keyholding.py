"""Verbs of an operator: keys, the organisation, and what inboxes read out of their mail.

What tells a secret is awaited and gives its answer to the screen alone: a secret is never part of
the state.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from agentmail_tui.backends.administration import Administration
from agentmail_tui.domain import Inbox
from agentmail_tui.domain_admin import Extraction, FreshKey, NewKey
from agentmail_tui.errors import MailError
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox.administering import Administering
from agentmail_tui.mailbox.state import Tone


class Keyholding(Administering):
    """Makes, turns and revokes keys, and sets what is read out of mail."""

    def load_keys(self) -> None:
        """Read the keys."""
        self._load(self._keys)

    def load_org(self) -> None:
        """Read the organisation."""
        self._load(self._org)

    def revoke_key(self, key_id: str) -> None:
        """Have a key open nothing any more."""
        if self._may_administer(able=self._state.capabilities.manage_keys, what="keys"):
            self._spawn(self._revoke_key(key_id))

    def rename_org(self, name: str) -> None:
        """Give the organisation another name."""
        able = self._state.capabilities.manage_keys
        if self._may_administer(able=able, what="the organisation"):
            self._spawn(self._rename_org(name))

    async def create_key(self, wanted: NewKey) -> FreshKey | None:
        """Make a key; None, and a notice, where that is refused."""
        return await self._fresh(lambda there: there.create_key(wanted))

    async def rotate_key(self, key_id: str) -> FreshKey | None:
        """Give a key a new secret; None, and a notice, where that is refused."""
        return await self._fresh(lambda there: there.rotate_key(key_id))

    async def extraction(self, inbox: Inbox) -> Extraction | None:
        """Return what an inbox reads out of its mail, None where nothing; raises MailError."""
        return await self._there().extraction(inbox)

    async def set_extraction(self, inbox: Inbox, wanted: Extraction | None) -> str:
        """Set or (None) remove what an inbox reads out; return why it is refused, "" if not."""
        able = self._state.capabilities.manage_inboxes
        if not self._may_administer(able=able, what="inboxes"):
            return str(self._state.notice.text) if self._state.notice else "refused"
        try:
            if wanted is None:
                await self._there().remove_extraction(inbox)
            else:
                await self._there().set_extraction(inbox, wanted)
        except MailError as error:
            return error.message
        return ""

    async def _keys(self) -> ev.AdminRead:
        return ev.AdminRead(keys=await self._there().keys())

    async def _org(self) -> ev.AdminRead:
        return ev.AdminRead(org=await self._there().org())

    async def _revoke_key(self, key_id: str) -> None:
        await self._there().revoke_key(key_id)
        await self._loaded(self._keys)
        self.say("the key opens nothing any more", Tone.GOOD)

    async def _rename_org(self, name: str) -> None:
        org = await self._there().rename_org(name)
        self._post(ev.AdminRead(org=org))
        self.say(f"the organisation is called {org.name}", Tone.GOOD)

    async def _fresh(self, ask: Callable[[Administration], Awaitable[FreshKey]]) -> FreshKey | None:
        able = self._state.capabilities.manage_keys
        if not self._may_administer(able=able, what="keys"):
            return None
        try:
            fresh = await ask(self._there())
        except MailError as error:
            self.say(error.message, Tone.ERROR)
            return None
        # A secret is told once: nothing may come between the server's answer and the screen.
        self._spawn(self._loaded(self._keys))
        return fresh
