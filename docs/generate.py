"""Writes what is made from tables: the keys in README.md and docs/keys.md, and docs/api.md."""

from __future__ import annotations

import sys
from pathlib import Path

from agentmail_server.http.apidoc import api_markdown
from agentmail_server.http.table import ROUTES

from agentmail_tui.keys import keys_markdown

ROOT = Path(__file__).parent.parent


def pages() -> dict[Path, str]:
    """Return every generated file with its text."""
    keys = f"# Keys\n\nMade from the key table (`agentmail_tui/keys`).\n\n{keys_markdown()}"
    return {ROOT / "docs" / "api.md": api_markdown(ROUTES), ROOT / "docs" / "keys.md": keys}


def main() -> int:
    """Write the files; return 0."""
    for path, text in pages().items():
        path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
