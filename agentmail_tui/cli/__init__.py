"""The command `agentmail-tui`; everything heavy is imported only once it is needed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from agentmail_tui.cli.options import Command, parse


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    command = parse(sys.argv[1:] if argv is None else argv)
    try:
        return _run(command)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; nobody is left to tell.
        sys.stderr.close()
        return 0


def _run(command: Command) -> int:
    if command.name is None and command.connection.plain:
        from agentmail_tui.cli.plain import open_plain

        return open_plain(command.connection)
    if command.name is None:
        from agentmail_tui.cli.tui import open_tui

        return open_tui(command.connection)
    if command.name == "shot":
        from agentmail_tui.cli.shot import shoot

        return shoot(command.connection, command.arguments)
    if command.name == "web":
        from agentmail_tui.cli.web import open_web

        return open_web(command.connection, command.arguments)
    if command.name == "profiles":
        from agentmail_tui.cli.profiles import list_profiles

        return list_profiles(command.arguments)
    from agentmail_tui.cli.script import run_script

    return run_script(command)
