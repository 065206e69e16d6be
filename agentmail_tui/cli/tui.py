"""Opens the TUI: the screen is there at once, the server may still be starting behind it."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from agentmail_tui.cli.connection import connect
from agentmail_tui.cli.hangup import leave_with_terminal
from agentmail_tui.cli.options import ConnectionOptions
from agentmail_tui.errors import MailError

if TYPE_CHECKING:
    from agentmail_tui.app import AgentMailApp
    from agentmail_tui.mailbox.mailbox import Mailbox

_PATIENCE = 2.0  # seconds for connections to be closed in order
# Textual paints at most this often. Nothing here moves by itself, so that a higher rate than its
# 60 costs nothing, and a key waits for 1 ms at most instead of 16 until its effect is painted.
_PICTURES_A_SECOND = "1000"
# Large answers are read in threads; by default they would keep the interpreter from a key for 5 ms.
_TURN_SECONDS = 0.0005


def open_tui(options: ConnectionOptions) -> int:
    """Run the TUI until its user leaves; return the exit code."""
    # Read when Textual is first imported, which the making of the app does.
    os.environ.setdefault("TEXTUAL_FPS", _PICTURES_A_SECOND)
    # What is imported stays: to look through it for garbage again and again takes a tenth.
    gc.disable()
    sys.setswitchinterval(_TURN_SECONDS)
    try:
        while True:
            with connect(options) as link:
                # The server starts while the screen's modules are being imported.
                link.launch()
                mailbox = link.mailbox()
                app = link.app(mailbox)
                _spare_the_collector()
                leave_with_terminal(app)
                asyncio.run(_shown(app, mailbox))
            if app.next_profile is None:
                return app.return_code or 0
            # Of the options only those that say how to look hold for another server.
            options = ConnectionOptions(
                profile=app.next_profile, read_only=options.read_only, theme=options.theme
            )
    except MailError as error:
        sys.stderr.write(f"agentmail-tui: {error.message}\n")
        return error.exit_code


async def _shown(app: AgentMailApp, mailbox: Mailbox) -> None:
    """Run the application, and let go of its server on the loop on which it was spoken to."""
    try:
        await app.run_async()
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await mailbox.aclose()


def _spare_the_collector() -> None:
    """Leave what there is by now out of all collections to come."""
    gc.freeze()
    gc.enable()
