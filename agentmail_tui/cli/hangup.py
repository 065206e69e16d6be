"""Ends the client when its terminal is gone: Textual would go on asking it for keys for ever."""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentmail_tui.app import AgentMailApp

EXIT_CODE = 129  # what a shell tells of a program that a hang-up ended
_PATIENCE = 5.0  # seconds for an orderly end


def leave_with_terminal(app: AgentMailApp) -> None:
    """Have the application end when the terminal hangs up; where there is none, do nothing.

    The kernel sends SIGHUP only to those whose controlling terminal it is, which in a container or
    behind `setsid` it is not.
    """
    if sys.stdin.isatty() and hasattr(select, "poll"):
        threading.Thread(target=_wait, args=(app, sys.stdin.fileno()), daemon=True).start()


def _wait(app: AgentMailApp, terminal: int) -> None:
    poll = select.poll()
    # Asked for nothing, it tells of hang-ups alone.
    poll.register(terminal, 0)
    poll.poll()
    app.call_later(app.exit, return_code=EXIT_CODE)
    time.sleep(_PATIENCE)
    # Drafts are on disk, and the server that was started here ends with this process's pipe.
    os._exit(EXIT_CODE)
