"""`agentmail-server serve`: SMTP in, HTTP API, jobs."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

from agentmail_server.cli.note import leave_note, take_note_away
from agentmail_server.cli.options import add_store_options, settings_of
from agentmail_server.cli.parent import add_parent_option, watch_parent
from agentmail_server.log import configure_logging
from agentmail_server.main import Running, serve, server_version

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser("serve", help="run the server")
    add_store_options(parser)
    for flag, metavar, text in (
        ("--http", "HOST:PORT", "where HTTP listens; port 0 takes a free one (AGENTMAIL_HTTP)"),
        ("--smtp", "HOST:PORT", "where SMTP listens; port 0 takes a free one (AGENTMAIL_SMTP)"),
        ("--chroma-url", "URL", "vector store (AGENTMAIL_CHROMA_URL)"),
        ("--relay", "URL", "smtp://host:port, smtps://…, mx or none (AGENTMAIL_RELAY)"),
        ("--domain", "NAME", "shared domain of new inboxes (AGENTMAIL_DOMAIN)"),
        ("--smtp-tls-cert", "FILE", "certificate for STARTTLS (AGENTMAIL_SMTP_TLS_CERT)"),
        ("--smtp-tls-key", "FILE", "its key (AGENTMAIL_SMTP_TLS_KEY)"),
    ):
        parser.add_argument(flag, metavar=metavar, help=text)
    parser.add_argument("--log-format", choices=("text", "json"), help="form of the log on stderr")
    parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"))
    add_parent_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    settings = settings_of(arguments)
    configure_logging(form=settings.log_format, level=settings.log_level)
    watch_parent(arguments)

    def ready(server: Running) -> None:
        leave_note(settings.data_dir, ready_line(server))
        announce(server)

    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(serve(settings, ready))
    finally:
        take_note_away(settings.data_dir)
    return 0


def announce(server: Running) -> None:
    """Print the one line that scripts wait for."""
    sys.stdout.write(json.dumps(ready_line(server)) + "\n")
    sys.stdout.flush()


def ready_line(server: Running) -> dict[str, Any]:
    """Return what the server says once both its ports listen."""
    return {
        "ready": True,
        "http": server.http_url,
        "smtp": str(server.smtp),
        "version": server_version(),
    }


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the faster event loop, where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Any = uvloop.new_event_loop
    found: Callable[[], asyncio.AbstractEventLoop] = factory
    return found
