"""Opens the TUI: the screen is there at once, the server may still be starting behind it."""

from __future__ import annotations

import sys

from agentmail_tui.cli.connection import connect
from agentmail_tui.cli.options import ConnectionOptions
from agentmail_tui.errors import MailError


def open_tui(options: ConnectionOptions) -> int:
    """Run the TUI until its user leaves; return the exit code."""
    try:
        with connect(options) as link:
            # The server starts while the screen's modules are being imported.
            link.launch()
            app = link.app(link.mailbox())
            app.run()
            return app.return_code or 0
    except MailError as error:
        sys.stderr.write(f"agentmail-tui: {error.message}\n")
        return error.exit_code
