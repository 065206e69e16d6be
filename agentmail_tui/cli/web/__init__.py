"""The same application in a browser of this computer, behind a token."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from importlib import util

from agentmail_tui.cli.connection import KEY_ENV, TOKEN_ENV, URL_ENV, choose
from agentmail_tui.cli.options import ConnectionOptions
from agentmail_tui.config import load_config
from agentmail_tui.errors import MailError, Rejected

EXTRA = "agentmail-tui web needs more: pip install 'agentmail-tui[web]'"


def open_web(options: ConnectionOptions, arguments: argparse.Namespace) -> int:
    """Serve the application until it is ended by ctrl+c or SIGTERM; return the exit code."""
    try:
        if util.find_spec("textual_serve") is None:
            raise Rejected(EXTRA)
        from agentmail_tui.cli.web.serving import serve

        link = choose(options, load_config())
        try:
            if link.bundled is not None:
                # One server for all pages, and each page is a client of it.
                access = link.bundled.access()
                os.environ |= {URL_ENV: access.url, KEY_ENV: access.key}
                options = ConnectionOptions(read_only=options.read_only, theme=options.theme)
            serve(command(options, write=arguments.write), arguments.port)
        finally:
            if link.bundled is not None:
                link.bundled.stop()
    except MailError as error:
        sys.stderr.write(f"agentmail-tui: {error.message}\n")
        return error.exit_code
    return 0


def command(options: ConnectionOptions, *, write: bool) -> str:
    """Return the command line of one page; keys are handed on in the environment alone."""
    given = {KEY_ENV: options.api_key, TOKEN_ENV: options.token}
    os.environ |= {name: key for name, key in given.items() if key}
    words = [sys.executable, "-m", "agentmail_tui"]
    named = {
        "--url": options.url,
        "--profile": options.profile,
        "--backend": options.backend,
        "--theme": options.theme,
    }
    for name, value in named.items():
        words += [name, value] if value else []
    if options.read_only or not write:
        words.append("--read-only")
    # Without a shell between, the end of a page is the end of its process.
    return ("exec " if os.name == "posix" else "") + shlex.join(words)
