"""Ending with the program that started this one, however that program ends."""

from __future__ import annotations

import argparse
import os
import signal
import threading
import time

_LONGEST_STOP = 20.0  # seconds


def add_parent_option(parser: argparse.ArgumentParser) -> None:
    """Let a caller tie the server's life to its own: stdin is then a pipe the caller holds open."""
    parser.add_argument("--exit-with-parent", action="store_true", help=argparse.SUPPRESS)


def watch_parent(arguments: argparse.Namespace) -> None:
    """Send this process SIGTERM once stdin ends, where that was asked for."""
    if arguments.exit_with_parent:
        threading.Thread(target=_wait_for_end, name="parent", daemon=True).start()


def _wait_for_end() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    # Nobody is left who would make sure of it.
    time.sleep(_LONGEST_STOP)
    os.kill(os.getpid(), signal.SIGKILL)
