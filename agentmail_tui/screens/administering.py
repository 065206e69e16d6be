"""Keys that lead to the screens of an operator."""

from __future__ import annotations

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
