"""Adds servers to the config file and takes them off it; all else in it stays as it was written."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path

from agentmail_tui.clean import clean_line
from agentmail_tui.config import Config, ConfigError, Profile, load_config

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_TABLE = re.compile(r"\s*\[")
_DEFAULT = re.compile(r"\s*default\s*=")
_TEXTS = ("url", "backend", "api_key_env", "api_key_file")


def add_profile(path: Path, profile: Profile) -> Config:
    """Write a server to the end of the file; return what it says then.  Raises ConfigError."""
    before = load_config(path)
    if not NAME.fullmatch(profile.name):
        raise ConfigError("a name has letters, digits, - and _, forty at most")
    if profile.name in before.profiles:
        raise ConfigError(f"there is a server {profile.name} already")
    values = [(name, getattr(profile, name)) for name in _TEXTS]
    lines = [f"[profiles.{profile.name}]"]
    # A JSON string of ASCII signs is a TOML string too.
    lines += [f"{name} = {json.dumps(value)}" for name, value in values if value]
    text = _text(path)
    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    return _written(path, text, f"{text}{gap}" + "\n".join(lines) + "\n")


def remove_profile(path: Path, name: str) -> Config:
    """Take a server off the file, with `default` if it is that; raises ConfigError.

    A key file that it named stays where it is.
    """
    before = load_config(path)
    if name not in before.profiles:
        raise ConfigError(f"there is no server {clean_line(name, 60)}")
    text = _text(path)
    heads = {f"[profiles.{name}]", f"[profiles.{json.dumps(name)}]", f"[profiles.'{name}']"}
    kept: list[str] = []
    inside = top = False
    for line in text.splitlines(keepends=True):
        if _TABLE.match(line):
            inside, top = line.split("#")[0].strip() in heads, True
        is_default = not top and before.default == name and _DEFAULT.match(line)
        if not inside and not is_default:
            kept.append(line)
    return _written(path, text, "".join(kept), without=name)


def keep_key(path: Path, name: str, key: str) -> Path:
    """Keep a key beside the config file, readable by its owner alone; return where."""
    folder = path.parent / "keys"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = folder / f"{name}.key"
        _replace(target, key + "\n")
    except OSError as error:
        raise ConfigError(f"the key cannot be kept in {folder}: {error.strerror}") from None
    return target


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {clean_line(str(error), 200)}") from None


def _written(path: Path, before: str, after: str, *, without: str = "") -> Config:
    """Write the file, read it again, and put it back if that is not what was wanted."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, after)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from None
    try:
        return _read_again(path, without)
    except ConfigError:
        _replace(path, before)
        raise


def _read_again(path: Path, without: str) -> Config:
    found = load_config(path)
    if without in found.profiles:
        raise ConfigError(f"{path} is written in a way that is only changed by hand")
    return found


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all, readable by its owner alone; a link to it stays one."""
    path = path.resolve()
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
