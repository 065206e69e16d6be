"""The user's settings: named servers, keys, theme; read from one TOML file.

    default = "work"
    theme = "agentmail-dark"
    me = "ann"

    [keymap]
    "thread.reply" = "r"

    [limits]
    needs_reply = "4h"

    [profiles.work]
    url = "https://mail.example"
    api_key_file = "~/.config/agentmail-tui/work.key"

A profile names where its key is: `api_key_env`, `api_key_file` (readable by its owner alone) or
`api_key_command`.  The key itself never stands in the file.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field

from agentmail_tui.clean import clean_line
from agentmail_tui.domain import Status
from agentmail_tui.errors import Permanent

CONFIG_ENV = "AGENTMAIL_TUI_CONFIG"
LIMITS: Mapping[Status, timedelta] = MappingProxyType({Status.NEEDS_REPLY: timedelta(days=1)})
_LENGTH = re.compile(r"(\d{1,4})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_COMMAND_SECONDS = 30
_LONGEST_KEY = 10_000
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_PROFILE_TEXT = ("url", "backend", "me", "inbox", "api_key_env", "api_key_file")
_PROFILE_FLAGS = ("read_only", "insecure")


class ConfigError(Permanent):
    """The settings say something that cannot be; one line for their writer."""


class Profile(Struct, frozen=True):
    """A named server."""

    name: str
    url: str | None = None
    backend: str = "commune"
    me: str | None = None
    inbox: str | None = None
    read_only: bool = False
    insecure: bool = False
    api_key_env: str | None = None
    api_key_file: str | None = None
    api_key_command: tuple[str, ...] = ()


class Config(Struct, frozen=True):
    """All settings; without a file they are the defaults."""

    path: Path
    profiles: Mapping[str, Profile] = field(default_factory=lambda: MappingProxyType({}))
    default: str | None = None
    theme: str | None = None
    me: str | None = None
    keymap: Mapping[str, str | list[str]] = field(default_factory=lambda: MappingProxyType({}))
    # How long threads of a status may wait before they are marked as late.
    limits: Mapping[Status, timedelta] = field(default_factory=lambda: LIMITS)

    def profile(self, name: str | None) -> Profile | None:
        """Return a profile by name, or the default one; raises ConfigError for unknown names."""
        wanted = name or self.default
        if wanted is None:
            return None
        found = self.profiles.get(wanted)
        if found is None:
            known = ", ".join(sorted(self.profiles)) or "none"
            raise ConfigError(f"no profile {clean_line(wanted, 60)} in {self.path}; there: {known}")
        return found


def config_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the settings are: AGENTMAIL_TUI_CONFIG, or the user's config folder."""
    if environ.get(CONFIG_ENV):
        return Path(environ[CONFIG_ENV]).expanduser()
    from platformdirs import user_config_path

    return user_config_path("agentmail-tui", appauthor=False) / "config.toml"


def load_config(path: Path | None = None) -> Config:
    """Read the settings; no file means defaults.  Raises ConfigError."""
    path = path or config_path()
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Config(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {clean_line(str(error), 200)}") from None
    profiles = _table(found, "profiles", path)
    return Config(
        path=path,
        profiles=MappingProxyType({name: _profile(name, profiles, path) for name in profiles}),
        default=_text(found, "default", str(path)),
        theme=_text(found, "theme", str(path)),
        me=_text(found, "me", str(path)),
        limits=_limits(_table(found, "limits", path), path),
        keymap=MappingProxyType(_keymap(_table(found, "keymap", path), path)),
    )


def read_key(profile: Profile, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return a profile's key from where it says; None where it says nothing.

    Raises ConfigError, which never holds the key.
    """
    if profile.api_key_env is not None:
        key = environ.get(profile.api_key_env, "")
        if not key:
            raise ConfigError(f"profile {profile.name}: {profile.api_key_env} is not set")
        return key.strip()
    if profile.api_key_file is not None:
        return key_from_file(Path(profile.api_key_file).expanduser())
    if profile.api_key_command:
        return _key_from_command(profile)
    return None


def key_from_file(path: Path) -> str:
    """Return the key in a file that no other user may read; raises ConfigError."""
    try:
        with path.open("rb") as file:
            # Of the open file, so that nobody can swap it between the look and the reading.
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and mode & _OTHERS:
                raise ConfigError(f"{path} may be read by other users; chmod 600 it")
            key = file.read(_LONGEST_KEY).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{path} cannot be read") from None
    if not key:
        raise ConfigError(f"{path} is empty")
    return key


def _key_from_command(profile: Profile) -> str:
    try:
        # The command is the user's own, from the user's own file, and runs without a shell.
        done = subprocess.run(  # noqa: S603
            profile.api_key_command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_COMMAND_SECONDS,
            check=True,
        )
        key = done.stdout.decode("utf-8").strip()
    except (OSError, ValueError, subprocess.SubprocessError):
        raise ConfigError(f"profile {profile.name}: api_key_command failed") from None
    if not key:
        raise ConfigError(f"profile {profile.name}: api_key_command gave no key")
    return key


def _profile(name: str, profiles: Mapping[str, Any], path: Path) -> Profile:
    where = f"{path}, profile {clean_line(name, 60)}"
    found = _table(profiles, name, path)
    if "api_key" in found:
        raise ConfigError(f"{where}: put the key into a file of mode 600 and name it api_key_file")
    known = {*_PROFILE_TEXT, *_PROFILE_FLAGS, "api_key_command"}
    odd = sorted(set(found) - known)
    if odd:
        raise ConfigError(f"{where}: unknown setting {clean_line(odd[0], 60)}")
    texts = {key: _text(found, key, where) for key in _PROFILE_TEXT if key in found}
    flags = {key: _flag(found, key, where) for key in _PROFILE_FLAGS if key in found}
    values: dict[str, Any] = {**texts, **flags}
    return Profile(name=name, api_key_command=_command(found, where), **values)


def _command(found: Mapping[str, Any], where: str) -> tuple[str, ...]:
    value = found.get("api_key_command", [])
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise ConfigError(f'{where}: api_key_command must be a list, as in ["pass", "show", "x"]')
    return tuple(value)


def _limits(found: Mapping[str, Any], path: Path) -> Mapping[Status, timedelta]:
    limits = dict(LIMITS)
    for name, value in found.items():
        if name not in set(Status) - {Status.CLOSED}:
            raise ConfigError(f"{path}, limits: {clean_line(name, 60)} is no status that waits")
        length = _LENGTH.fullmatch(value) if isinstance(value, str) else None
        if value == "off":
            limits.pop(Status(name), None)
        elif length is None or not int(length[1]):
            raise ConfigError(f'{path}, limits: {name} must be as in "4h", "90m", "2d" or "off"')
        else:
            limits[Status(name)] = timedelta(**{_UNITS[length[2]]: int(length[1])})
    return MappingProxyType(limits)


def _keymap(found: Mapping[str, Any], path: Path) -> dict[str, str | list[str]]:
    for action, keys in found.items():
        listed = keys if isinstance(keys, list) else [keys]
        if not all(isinstance(key, str) for key in listed):
            raise ConfigError(f"{path}, keymap: {clean_line(action, 60)} must be text or a list")
    return dict(found)


def _table(found: Mapping[str, Any], name: str, path: Path) -> Mapping[str, Any]:
    value = found.get(name, {})
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: {clean_line(name, 60)} must be a table")
    return value


def _text(found: Mapping[str, Any], name: str, where: str) -> str | None:
    value = found.get(name)
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"{where}: {name} must be text")
    return value


def _flag(found: Mapping[str, Any], name: str, where: str) -> bool:
    value = found.get(name)
    if not isinstance(value, bool):
        raise ConfigError(f"{where}: {name} must be true or false")
    return value
