"""Keys that lead to the screens of an operator."""

from __future__ import annotations

from agentmail_tui.mailbox import select
from agentmail_tui.mailbox.state import Tone
from agentmail_tui.screens.panes import Panes


class AdminActions(Panes):
    """Opens them; where nothing can be done, that is said instead."""

    def action_domains(self) -> None:
        """Show mail domains and their DNS records."""
        if not self.state.capabilities.domains:
            self.say("this key may not see domains, or the server has none", Tone.WARNING)
            return
        from agentmail_tui.screens.domains import DomainsScreen

        self.app.push_screen(DomainsScreen(self.context))

    def action_api_keys(self) -> None:
        """Show the keys of the organisation."""
        if not self.state.capabilities.manage_keys:
            self.say("only a key with the scope admin sees keys", Tone.WARNING)
            return
        from agentmail_tui.screens.api_keys import ApiKeysScreen

        self.app.push_screen(ApiKeysScreen(self.context))

    def action_org(self) -> None:
        """Show the organisation."""
        from agentmail_tui.screens.org import OrgScreen

        self.app.push_screen(OrgScreen(self.context))

    def action_servers(self) -> None:
        """Show the servers of the config file."""
        from agentmail_tui.screens.servers import ServersScreen

        self.app.push_screen(ServersScreen(self.context))

    def action_suppress_sender(self) -> None:
        """Have the inbox write to the other side of this thread no more, after a question."""
        thread = select.target_thread(self.state)
        address = thread.party.exact if thread is not None else None
        if thread is None or address is None:
            self.say("there is no address here", Tone.WARNING)
        elif not self.state.capabilities.suppress:
            self.say("this key may not change suppressions", Tone.WARNING)
        elif self.state.read_only:
            self.say("read-only: nothing was changed", Tone.WARNING)
        else:
            self._ask_to_suppress(address, thread.inbox_id)

    def _ask_to_suppress(self, address: str, inbox_id: str) -> None:
        from agentmail_tui.screens.confirm import ConfirmScreen

        detail = "Mail to it is held back from now on; g s allows it again."
        question = ConfirmScreen(self.context, f"Write no more to {address}?", detail)

        def answered(yes: bool | None) -> None:
            if yes:
                self.mailbox.suppress(address, inbox_id)

        self.app.push_screen(question, answered)
