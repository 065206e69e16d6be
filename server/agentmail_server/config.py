"""Settings: flags, then environment (`AGENTMAIL_*`), then a TOML file, then defaults."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_settings import PydanticBaseSettingsSource

ENV_PREFIX = "AGENTMAIL_"


class ConfigError(Exception):
    """A setting is wrong; the text names it and never holds its value if secret."""


class HostPort(NamedTuple):
    """Where a listener binds; port 0 takes a free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> HostPort:
        """Read `127.0.0.1:25` or `[::1]:25`; raises ValueError."""
        host, colon, port = text.strip().rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not host or not port.isdecimal() or int(port) > 65535:
            raise ValueError("must be host:port, as in 127.0.0.1:8317")
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def default_data_dir() -> Path:
    """Return the user's own data folder (XDG on Linux)."""
    return user_data_path("agentmail-tui", appauthor=False) / "server"


class Settings(BaseSettings):
    """Everything that may be set; sizes in bytes, times in seconds."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True)

    data_dir: Path = Field(default_factory=default_data_dir)
    # Holds pepper-N.key, which API keys and stored secrets need; the data folder unless given.
    # A backup has them only where they are in the data folder.
    key_dir: Path | None = None
    http: str = "127.0.0.1:8317"
    smtp: str = "127.0.0.1:2525"
    # SQLite in `data_dir` unless given.
    database_url: SecretStr | None = None
    # With fewer free bytes on SQLite's disk no mail is taken, in or out; 0 never looks.
    disk_floor: int = Field(default=256 * 1024 * 1024, ge=0)
    # http(s)://host:port of a Chroma server; in the data folder unless given.
    chroma_url: str | None = None
    # auto takes MiniLM; hash means nothing and is for tests; none searches words alone.
    embedder: Literal["auto", "minilm", "hash", "none"] = "auto"
    # Holds model.safetensors and tokenizer.json of all-MiniLM-L6-v2.
    model_dir: Path | None = None
    relay: SecretStr | None = None
    # The shared domain, on which new inboxes are put.
    domain: str = "agents.localhost"
    bootstrap_key: SecretStr | None = None
    # Freezes the clock and seeds the ids.
    clock: datetime | None = None
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    # Name in the greeting and in trace headers; the domain unless given.
    smtp_hostname: str | None = None
    smtp_tls_cert: Path | None = None
    smtp_tls_key: Path | None = None
    smtp_max_size: int = Field(default=25 * 1024 * 1024, ge=1024)
    smtp_max_recipients: int = Field(default=100, ge=1)
    smtp_max_connections: int = Field(default=10_000, ge=1)
    # All mails being received at one moment may together hold this many bytes.
    smtp_memory: int = Field(default=256 * 1024 * 1024, ge=1024)
    # 0 lifts the cap.
    smtp_connections_per_ip: int = Field(default=20, ge=0)
    smtp_idle_seconds: float = Field(default=300, gt=0)
    smtp_session_seconds: float = Field(default=600, gt=0)
    smtp_junk_commands: int = Field(default=100, ge=1)
    smtp_bad_recipients: int = Field(default=10, ge=1)

    # Where others reach this server over HTTP, for links; as the request says unless given.
    public_url: str | None = None
    # The DNS server to ask, as in 127.0.0.1:53; those of the system unless given.
    dns: str | None = None

    # An endpoint of OpenAI's shape, as in http://127.0.0.1:11434/v1, for what the rules of the
    # extractor leave open; without one, the rules are all there is.
    llm_url: str | None = None
    llm_key: SecretStr | None = None
    llm_model: str = "default"

    # The domain of the Agnic API's addresses, the shared one unless given; how many days of mail
    # that API shows.
    agnic_domain: str | None = None
    agnic_retention_days: int = Field(default=30, ge=1)

    # Whether agents may register themselves with a key pair; on loopback alone unless given.
    agent_signup: bool | None = None
    # Signatures over the body alone: for writes (safe), for reading by TLS too (compat), or not.
    agent_body_signature: Literal["safe", "compat", "off"] = "safe"
    # Rate limits, for each organisation or key, kept in memory; 0 lifts one.
    emails_per_hour: int = Field(default=10_000, ge=0)
    emails_per_day: int = Field(default=100_000, ge=0)
    email_burst: int = Field(default=1_000, ge=0)
    requests_per_minute: int = Field(default=0, ge=0)
    # Bad keys from one address, before it must wait.
    auth_failures_per_minute: int = Field(default=60, ge=0)

    # Hosts, addresses and networks that webhooks may be on though they are not public, and where
    # plain http will do. Unless given: the machine itself while HTTP listens on loopback alone.
    webhook_allow: Annotated[tuple[str, ...] | None, NoDecode] = None

    # From which score a mail's risk to agents has a name, and spam an action; 0 to 1, rising.
    injection_low: float = Field(default=0.2, ge=0, le=1)
    injection_medium: float = Field(default=0.4, ge=0, le=1)
    injection_high: float = Field(default=0.6, ge=0, le=1)
    injection_critical: float = Field(default=0.8, ge=0, le=1)
    spam_flag: float = Field(default=0.5, ge=0, le=1)
    spam_reject: float = Field(default=0.8, ge=0, le=1)
    # How long a mail may wait for the DNS to tell whose it is; 0 asks nothing.
    auth_seconds: float = Field(default=3, ge=0, le=30)

    parse_workers: int = Field(default=2, ge=1, le=64)
    relay_connections: int = Field(default=10, ge=1)
    # How many mails may at one moment have been handed to one server without its answer being
    # stored: these may be sent twice if this server is killed. More of them is faster over a slow
    # line.
    relay_in_doubt: int = Field(default=1, ge=1)
    relay_connect_seconds: float = Field(default=30, gt=0)
    relay_command_seconds: float = Field(default=60, gt=0)
    relay_data_seconds: float = Field(default=600, gt=0)

    @field_validator("http", "smtp")
    @classmethod
    def _listens(cls, value: str) -> str:
        return str(HostPort.parse(value))

    @field_validator("dns")
    @classmethod
    def _asks(cls, value: str | None) -> str | None:
        if value is None:
            return None
        server = HostPort.parse(value)
        ip_address(server.host)
        return str(server)

    @field_validator("webhook_allow", mode="before")
    @classmethod
    def _is_a_list(cls, value: object) -> object:
        return (
            [each for each in value.split(",") if each.strip()] if isinstance(value, str) else value
        )

    @field_validator("domain", "agnic_domain")
    @classmethod
    def _names_a_domain(cls, value: str | None) -> str | None:
        if value is None:
            return None
        name = value.strip().casefold().rstrip(".")
        if not name or not all(part.replace("-", "").isalnum() for part in name.split(".")):
            raise ValueError("must be a domain name, as in agents.example")
        return name

    @field_validator("clock")
    @classmethod
    def _knows_its_zone(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("must name its zone, as in 2026-01-15T09:00:00Z")
        return value.astimezone(UTC) if value is not None else None

    @model_validator(mode="after")
    def _has_both_halves_of_tls(self) -> Settings:
        if (self.smtp_tls_cert is None) != (self.smtp_tls_key is None):
            raise ValueError("smtp_tls_cert and smtp_tls_key must be given together")
        return self

    @model_validator(mode="after")
    def _has_rising_thresholds(self) -> Settings:
        risks = [self.injection_low, self.injection_medium, self.injection_high]
        risks.append(self.injection_critical)
        if risks != sorted(risks):
            raise ValueError("injection_low, _medium, _high and _critical must rise")
        if self.spam_flag > self.spam_reject:
            raise ValueError("spam_flag must not be above spam_reject")
        return self

    @property
    def http_address(self) -> HostPort:
        """Where HTTP listens."""
        return HostPort.parse(self.http)

    @property
    def smtp_address(self) -> HostPort:
        """Where SMTP listens."""
        return HostPort.parse(self.smtp)

    @property
    def dns_address(self) -> HostPort | None:
        """The DNS server to ask, None for those of the system."""
        return HostPort.parse(self.dns) if self.dns is not None else None

    @property
    def hostname(self) -> str:
        """The name this server gives itself to other mail servers."""
        return self.smtp_hostname or self.domain

    @property
    def server_id(self) -> str:
        """A name by which this server knows itself on the wire; it tells strangers nothing."""
        place = f"{self.hostname}|{self.database}"
        return hashlib.sha256(place.encode()).hexdigest()[:24]

    @property
    def key_folder(self) -> Path:
        """Where the pepper files are."""
        return self.key_dir or self.data_dir

    @property
    def database(self) -> str | Path:
        """The URL of the database, or the data folder, in which SQLite then lives."""
        given = self.database_url
        return given.get_secret_value() if given is not None else self.data_dir


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
