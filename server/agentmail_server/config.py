"""Settings: flags, then environment (`AGENTMAIL_*`), then a TOML file, then defaults."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, TomlConfigSettingsSource

from agentmail_server.settings import ENV_PREFIX, HostPort, Settings, default_data_dir

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_settings import PydanticBaseSettingsSource

__all__ = ["ConfigError", "HostPort", "Settings", "default_data_dir", "load_settings"]


class ConfigError(Exception):
    """A setting is wrong; the text names it and never holds its value if secret."""


def load_settings(
    flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Gather the settings of one run; raises ConfigError in one line."""
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    file = _config_file(given, os.environ if environ is None else environ)
    try:
        return _from_sources(file)(**given)
    except ValidationError as error:
        raise ConfigError(_one_line(error)) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read {file}: {error}") from None


def _config_file(given: Mapping[str, Any], environ: Mapping[str, str]) -> Path | None:
    named = environ.get(ENV_PREFIX + "CONFIG")
    if named:
        if not Path(named).is_file():
            raise ConfigError(f"config file {named} does not exist (AGENTMAIL_CONFIG)")
        return Path(named)
    folder = given.get("data_dir") or environ.get(ENV_PREFIX + "DATA_DIR") or default_data_dir()
    file = Path(folder) / "config.toml"
    return file if file.is_file() else None


def _from_sources(file: Path | None) -> type[Settings]:
    class FromSources(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            toml = TomlConfigSettingsSource(settings_cls, file) if file is not None else None
            found = (init_settings, env_settings, toml)
            return tuple(source for source in found if source is not None)

    return FromSources


def _one_line(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"]) or "settings"
    return f"{name}: {first['msg'].removeprefix('Value error, ')}"
