"""Writes what is made from tables: docs/keys.md, docs/api.md and docs/settings.md."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agentmail_server.http.apidoc import api_markdown
from agentmail_server.http.table import ROUTES
from agentmail_server.settings import ENV_PREFIX, Settings

from agentmail_tui.keys import keys_markdown

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

ROOT = Path(__file__).parent.parent
_SETTINGS = """\
# Settings of the server

Made from `agentmail_server/settings.py`. A flag of `agentmail-server` comes first, then the
environment, then `config.toml` in the data folder (or the file that `AGENTMAIL_CONFIG` names) with
each setting under its own name, then the default. Sizes are in bytes, times in seconds.

| Setting | Environment | Default | Meaning |
|---|---|---|---|
"""


def pages() -> dict[Path, str]:
    """Return every generated file with its text."""
    keys = f"# Keys\n\nMade from the key table (`agentmail_tui/keys`).\n\n{keys_markdown()}"
    folder = ROOT / "docs"
    return {
        folder / "api.md": api_markdown(ROUTES),
        folder / "keys.md": keys,
        folder / "settings.md": settings_markdown(),
    }


def settings_markdown() -> str:
    """Return the table of the server's settings; each of them must say what it means."""
    return _SETTINGS + "".join(_setting(*each) for each in Settings.model_fields.items())


def _setting(name: str, field: FieldInfo) -> str:
    if not field.description:
        raise ValueError(f"the setting {name} has no text under it in settings.py")
    default = "" if field.default_factory is not None or field.default is None else field.default
    shown = f"`{default}`" if default != "" else ""
    meaning = " ".join(field.description.split())
    return f"| `{name}` | `{ENV_PREFIX}{name.upper()}` | {shown} | {meaning} |\n"


def main() -> int:
    """Write the files; return 0."""
    for path, text in pages().items():
        path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
