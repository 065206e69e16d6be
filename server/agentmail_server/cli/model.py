"""`agentmail-server model fetch`: get the embedding model before it is needed."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from agentmail_server.cli.options import settings_of

if TYPE_CHECKING:
    import argparse


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser("model", help="get the embedding model of search by meaning")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    fetch = actions.add_parser("fetch", help="fetch and prepare it unless it is there already")
    fetch.add_argument(
        "--model-dir", metavar="DIR", help="holds the weights already (AGENTMAIL_MODEL_DIR)"
    )
    fetch.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print where the model is; 1 when it cannot be had."""
    from agentmail_server.search.weights import main

    folder = settings_of(arguments).model_dir
    if folder is not None:
        os.environ["AGENTMAIL_MODEL_DIR"] = str(folder)
    sys.stderr.write("The model is 80 MB at the first time; it is kept for all servers.\n")
    return main()
