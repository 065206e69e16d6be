"""Options that several commands share, and how they become settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_server.config import Settings, load_settings

if TYPE_CHECKING:
    import argparse

_NOT_SETTINGS = frozenset({"command", "run"})


def add_store_options(parser: argparse.ArgumentParser) -> None:
    """Say where the mail is."""
    parser.add_argument("--data-dir", metavar="DIR", help="data folder (AGENTMAIL_DATA_DIR)")
    parser.add_argument(
        "--database-url",
        metavar="URL",
        help="postgresql+asyncpg://… instead of SQLite in the data folder (AGENTMAIL_DATABASE_URL)",
    )


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Return the settings with the flags that were given on top; raises ConfigError."""
    flags = {
        name: value
        for name, value in vars(arguments).items()
        if name in Settings.model_fields and name not in _NOT_SETTINGS
    }
    return load_settings(flags)
