"""Arguments of the command line: one parser, and what it found as plain values."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from msgspec import Struct

from agentmail_tui import __version__

USAGE_ERROR = 64  # 1 to 5 tell what the server said
STATUSES = ("open", "needs_reply", "waiting", "closed")

_LAST_PORT = 65_535
_SIZE = re.compile(r"(\d{1,4})x(\d{1,4})")


class ConnectionOptions(Struct, frozen=True):
    """Which server to talk to, and how to look."""

    demo: bool = False
    url: str | None = None
    api_key: str | None = None
    profile: str | None = None
    backend: str | None = None
    token: str | None = None
    read_only: bool = False
    theme: str | None = None
    plain: bool = False


class Command(Struct, frozen=True):
    """What was called; `name` is None for the TUI itself."""

    name: str | None
    connection: ConnectionOptions
    arguments: argparse.Namespace


class Parser(argparse.ArgumentParser):
    """Tells mistakes on stderr with a code that no server answer has."""

    def error(self, message: str) -> NoReturn:
        """End the program over a mistake in the arguments."""
        self.print_usage(sys.stderr)
        self.exit(USAGE_ERROR, f"{self.prog}: {message}\n")


def parse(argv: Sequence[str]) -> Command:
    """Read the arguments, or end the program with help or a usage error."""
    found = build_parser().parse_args(argv)
    connection = ConnectionOptions(
        demo=getattr(found, "demo", False),
        url=getattr(found, "url", None),
        api_key=getattr(found, "api_key", None),
        profile=getattr(found, "profile", None),
        backend=getattr(found, "backend", None),
        token=getattr(found, "token", None),
        read_only=getattr(found, "read_only", False),
        theme=getattr(found, "theme", None),
        plain=getattr(found, "plain", False),
    )
    return Command(found.command, connection, found)


def build_parser() -> Parser:
    """Return the parser of `agentmail-tui`."""
    connection = _connection_parser()
    parser = Parser(
        prog="agentmail-tui",
        description="Terminal mail client for AI-agent inboxes.",
        epilog="Without a profile or a URL it runs its own mail server on this computer. "
        "Keys are read from COMMUNE_API_KEY or the profile, so that none stands in a command line.",
        parents=[connection],
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for name, (summary, fill) in _COMMANDS.items():
        sub = commands.add_parser(name, help=summary, description=summary, parents=[connection])
        fill(sub)
    return parser


def size(text: str) -> tuple[int, int]:
    """Read `120x36` as columns and rows."""
    match = _SIZE.fullmatch(text)
    if match is None or not (20 <= int(match[1]) <= 500 and 5 <= int(match[2]) <= 300):
        raise argparse.ArgumentTypeError("must be COLUMNSxROWS, as in 120x36")
    return int(match[1]), int(match[2])


def _connection_parser() -> Parser:
    # Absent unless given: a subcommand must not overwrite what stood before it.
    parser = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    group = parser.add_argument_group("connection")
    group.add_argument("--demo", action="store_true", help="a realistic mailbox, thrown away after")
    group.add_argument("--url", help="a Commune-compatible server (env COMMUNE_BASE_URL)")
    group.add_argument("--api-key", help="its key; better kept in env COMMUNE_API_KEY")
    group.add_argument("--profile", metavar="NAME", help="a server from the config file")
    group.add_argument("--backend", choices=("commune", "agnic"), help="what it speaks (commune)")
    group.add_argument("--token", help="of an Agnic server; better kept in env AGNIC_TOKEN")
    group.add_argument("--read-only", action="store_true", help="refuse everything that writes")
    group.add_argument("--plain", action="store_true", help="lines and words, for screen readers")
    group.add_argument("--theme", metavar="NAME", help="colours of the screen")
    return parser


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def _inbox(parser: argparse.ArgumentParser, what: str = "address or id of the inbox") -> None:
    parser.add_argument("--inbox", metavar="INBOX", help=what)


def _limit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--limit", type=_count, default=20, metavar="N", help="at most N (1 to 100)"
    )


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError("must be a number from 1 to 100")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 600:
        raise argparse.ArgumentTypeError("must be a number of seconds, up to 600")
    return value


def _fill_shot(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--size", type=size, default=(120, 36), metavar="120x36", help="columns and rows")
    add("--press", default="", metavar="KEYS", help='keys, as in "j,j,enter"')
    add("--script", metavar="FILE", help="a key on each line, or `wait TEXT`, or `type TEXT`")
    add("--wait-for", metavar="TEXT", help="wait until the screen shows TEXT")
    add("--timeout", type=_seconds, default=20.0, metavar="SECONDS", help="how long to wait (20)")
    add("--svg", metavar="OUT", help="write the screen as SVG")
    add("--text", metavar="OUT", help="write the screen as text")
    add("--png", metavar="OUT", help="write the screen as PNG")


def _fill_web(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--port", type=_port, default=8318, metavar="PORT", help="of 127.0.0.1; 0 takes a free one")
    add("--write", action="store_true", help="let the page change and send mail")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError("must be a port from 0 to 65535")
    return int(text)


def _fill_threads(parser: argparse.ArgumentParser) -> None:
    _inbox(parser)
    parser.add_argument("--status", choices=STATUSES)
    parser.add_argument("--tag", help="only threads with this tag")
    parser.add_argument("--assigned-to", metavar="NAME", help="only threads of NAME")
    parser.add_argument("--unread", action="store_true", help="only unread threads")
    parser.add_argument("--cursor", help="next_cursor of the page before")
    _limit(parser)
    _json(parser)


def _fill_show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("thread", metavar="THREAD")
    _json(parser)


def _fill_send(parser: argparse.ArgumentParser) -> None:
    _inbox(parser, "address or id of the inbox to send from")
    add = parser.add_argument
    add("--to", action="append", default=[], metavar="ADDRESS", help="may be given again")
    add("--cc", action="append", default=[], metavar="ADDRESS")
    add("--bcc", action="append", default=[], metavar="ADDRESS")
    add("--subject", default="")
    add("--text", required=True, metavar="TEXT", help="the body; - reads it from stdin")
    add("--thread", metavar="THREAD", help="reply into this thread; fills in what is not given")
    add("--idempotency-key", metavar="KEY", help="a repeated send with the same KEY sends once")
    _json(parser)


def _fill_tag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("thread", metavar="THREAD")
    parser.add_argument("tags", nargs="*", metavar="TAG", help="tags to add")
    parser.add_argument("--remove", action="append", default=[], metavar="TAG")
    _json(parser)


def _fill_status(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("thread", metavar="THREAD")
    parser.add_argument("status", choices=STATUSES)
    _json(parser)


def _fill_assign(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("thread", metavar="THREAD")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("name", nargs="?", metavar="NAME")
    who.add_argument("--nobody", action="store_true", help="give it back")
    _json(parser)


def _fill_search(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", metavar="QUERY")
    _inbox(parser)
    _limit(parser)
    _json(parser)


def _fill_delivery(parser: argparse.ArgumentParser) -> None:
    _inbox(parser)
    parser.add_argument("--period", default="7d", metavar="7d", help="such as 24h, 7d or 30d")
    parser.add_argument("--message", metavar="MESSAGE", help="only the events of one message")
    _json(parser)


_COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "shot": ("draw the screen without a terminal", _fill_shot),
    "web": ("serve the screen to a browser of this computer, read-only", _fill_web),
    "profiles": ("list the servers of the config file", _json),
    "inboxes": ("list inboxes", _json),
    "threads": ("list threads, newest first", _fill_threads),
    "show": ("show a thread with its messages", _fill_show),
    "search": ("find threads", _fill_search),
    "send": ("send a mail, or a reply", _fill_send),
    "tag": ("add and remove tags of a thread", _fill_tag),
    "status": ("set the status of a thread", _fill_status),
    "assign": ("assign a thread", _fill_assign),
    "delivery": ("show what became of sent mail", _fill_delivery),
}
