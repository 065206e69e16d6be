"""The command `agentmail-server`: one module for each of its commands."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from agentmail_server.cli import (
    backup,
    bootstrap,
    demo,
    doctor,
    import_,
    model,
    reindex,
    restore,
    serve,
)
from agentmail_server.config import ConfigError
from agentmail_server.errors import ServiceError
from agentmail_server.main import StartError, server_version

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = (serve, import_, bootstrap, backup, restore, reindex, model, doctor, demo)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 called wrongly."""
    parser = argparse.ArgumentParser(
        prog="agentmail-server", description="The mail server that comes with agentmail-tui."
    )
    parser.add_argument("--version", action="version", version=server_version())
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add(commands)
    arguments = parser.parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except (ConfigError, StartError) as error:
        return _complain(str(error))
    except ServiceError as error:
        return _complain(error.message)
    except KeyboardInterrupt:
        return 130
    return code


def _complain(text: str) -> int:
    sys.stderr.write(f"agentmail-server: {' '.join(text.split())}\n")
    return 1
