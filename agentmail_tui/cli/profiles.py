"""`agentmail-tui profiles`: the servers of the config file, without their keys."""

from __future__ import annotations

import argparse
import json
import sys

from agentmail_tui.cli.shapes import aligned
from agentmail_tui.config import Config, load_config
from agentmail_tui.errors import MailError


def list_profiles(arguments: argparse.Namespace) -> int:
    """List them and return the exit code."""
    try:
        config = load_config()
    except MailError as error:
        sys.stderr.write(f"agentmail-tui: {error.message}\n")
        return error.exit_code
    rows = profiles_json(config)
    if arguments.json:
        sys.stdout.write(json.dumps({"profiles": rows}, indent=2) + "\n")
    elif not rows:
        sys.stdout.write(f"no profiles in {config.path}\n")
    else:
        cells = (("*" if r["default"] else " ", str(r["name"]), str(r["url"])) for r in rows)
        sys.stdout.writelines(f"{line}\n" for line in aligned(cells))
    return 0


def profiles_json(config: Config) -> list[dict[str, object]]:
    """Return what may be shown of each profile."""
    return [
        {
            "name": name,
            "backend": profile.backend,
            "url": profile.url,
            "default": name == config.default,
        }
        for name, profile in sorted(config.profiles.items())
    ]
