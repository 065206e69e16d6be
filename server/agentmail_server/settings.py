"""What may be set: each setting with its default and what it means.

docs/settings.md is made from this class; how the settings of a run are gathered is in `config`.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from platformdirs import user_data_path
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ENV_PREFIX = "AGENTMAIL_"


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

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, extra="forbid", frozen=True, use_attribute_docstrings=True
    )

    data_dir: Path = Field(default_factory=default_data_dir)
    """Where the store, its index and the pepper files are; the user's own data folder unless given.
    """
    key_dir: Path | None = None
    """Holds `pepper-N.key`, which API keys and stored secrets need; the data folder unless given. A
    backup has these files only where they are in the data folder."""
    http: str = "127.0.0.1:8317"
    """Where HTTP listens."""
    smtp: str = "127.0.0.1:2525"
    """Where SMTP listens."""
    database_url: SecretStr | None = None
    """`postgresql+asyncpg://…` or `sqlite:///…`; SQLite in the data folder unless given."""
    disk_floor: int = Field(default=256 * 1024 * 1024, ge=0)
    """With fewer free bytes on SQLite's disk no mail is taken, in or out; 0 never looks."""
    chroma_url: str | None = None
    """`http(s)://host:port` of a Chroma server; in the data folder unless given."""
    embedder: Literal["auto", "minilm", "hash", "none"] = "auto"
    """`auto` takes MiniLM; `hash` means nothing and is for tests; `none` searches words alone."""
    model_dir: Path | None = None
    """Holds `model.safetensors` and `tokenizer.json` of all-MiniLM-L6-v2."""
    relay: SecretStr | None = None
    """Where mail to the outside goes: `smtp://…`, `smtps://…` or `mx`; it stays queued unless
    given."""
    domain: str = "agents.localhost"
    """The shared domain, on which new inboxes are put."""
    bootstrap_key: SecretStr | None = None
    """The first API key of an empty store; made up and shown once unless given."""
    clock: datetime | None = None
    """Freezes the clock and seeds the ids; for tests and pictures."""
    log_format: Literal["text", "json"] = "text"
    """How the log is written."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """What is worth a line in the log."""

    smtp_hostname: str | None = None
    """Name in the greeting and in trace headers; the domain unless given."""
    smtp_tls_cert: Path | None = None
    """Certificate for STARTTLS, as PEM; together with its key."""
    smtp_tls_key: Path | None = None
    """Key of the certificate, as PEM."""
    smtp_max_size: int = Field(default=25 * 1024 * 1024, ge=1024)
    """The largest mail, in and out."""
    smtp_max_recipients: int = Field(default=100, ge=1)
    """Recipients of one mail."""
    smtp_max_connections: int = Field(default=10_000, ge=1)
    """Clients at one moment."""
    smtp_memory: int = Field(default=256 * 1024 * 1024, ge=1024)
    """All mails being received at one moment may together hold this many bytes."""
    smtp_connections_per_ip: int = Field(default=20, ge=0)
    """Clients at one moment from one address; 0 lifts the cap."""
    smtp_idle_seconds: float = Field(default=300, gt=0)
    """A client that says nothing for so long is sent away."""
    smtp_session_seconds: float = Field(default=600, gt=0)
    """A session may last so long."""
    smtp_junk_commands: int = Field(default=100, ge=1)
    """Commands without mail in one session."""
    smtp_bad_recipients: int = Field(default=10, ge=1)
    """Unknown recipients in one session."""

    public_url: str | None = None
    """Where others reach this server over HTTP, for links; as the request says unless given."""
    dns: str | None = None
    """The DNS server to ask, as in 127.0.0.1:53; those of the system unless given."""

    llm_url: str | None = None
    """An endpoint of OpenAI's shape, as in http://127.0.0.1:11434/v1, for what the rules of the
    extractor leave open; without one, the rules are all there is."""
    llm_key: SecretStr | None = None
    """Key of that endpoint."""
    llm_model: str = "default"
    """The model it is asked for."""

    agnic_domain: str | None = None
    """The domain of the Agnic API's addresses; the shared one unless given."""
    agnic_retention_days: int = Field(default=30, ge=1)
    """How many days of mail the Agnic API shows."""

    agent_signup: bool | None = None
    """Whether agents may register themselves with a key pair; on loopback alone unless given."""
    agent_body_signature: Literal["safe", "compat", "off"] = "safe"
    """Signatures over the body alone: for writes (`safe`), for reading by TLS too (`compat`), or
    not."""
    emails_per_hour: int = Field(default=10_000, ge=0)
    """Mails of one organisation; counted in memory, 0 lifts it, as with the next four."""
    emails_per_day: int = Field(default=100_000, ge=0)
    """Mails of one organisation."""
    email_burst: int = Field(default=1_000, ge=0)
    """Mails by one key in ten seconds."""
    requests_per_minute: int = Field(default=0, ge=0)
    """Calls by one key."""
    auth_failures_per_minute: int = Field(default=60, ge=0)
    """Bad keys from one address, before it must wait."""

    webhook_allow: Annotated[tuple[str, ...] | None, NoDecode] = None
    """Hosts, addresses and networks, with commas between, that webhooks may be on though they are
    not public, and where plain http will do. Unless given: the machine itself while HTTP listens on
    loopback alone."""

    injection_low: float = Field(default=0.2, ge=0, le=1)
    """From this score on a mail's risk to agents is low; 0 to 1, rising with the next three."""
    injection_medium: float = Field(default=0.4, ge=0, le=1)
    """From here on it is medium, and said to be detected."""
    injection_high: float = Field(default=0.6, ge=0, le=1)
    """From here on it is high."""
    injection_critical: float = Field(default=0.8, ge=0, le=1)
    """From here on it is critical."""
    spam_flag: float = Field(default=0.5, ge=0, le=1)
    """From this score on a mail is flagged as spam; 0 to 1."""
    spam_reject: float = Field(default=0.8, ge=0, le=1)
    """From here on its action is `reject`."""
    auth_seconds: float = Field(default=3, ge=0, le=30)
    """How long a mail may wait for the DNS to tell whose it is; 0 asks nothing."""

    webhook_payload_days: int = Field(default=30, ge=0)
    """How many days the bytes of a webhook call that ended are kept; 0 keeps them for ever."""
    parse_workers: int = Field(default=2, ge=1, le=64)
    """Processes that read mail."""
    relay_connections: int = Field(default=10, ge=1)
    """Connections to the outside at one moment."""
    relay_in_doubt: int = Field(default=1, ge=1)
    """How many mails may at one moment have been handed to one server without its answer being
    stored: these may be sent twice if this server is killed. More of them is faster over a slow
    line."""
    relay_connect_seconds: float = Field(default=30, gt=0)
    """How long a connection may take."""
    relay_command_seconds: float = Field(default=60, gt=0)
    """How long an answer to a command may take."""
    relay_data_seconds: float = Field(default=600, gt=0)
    """How long an answer to a whole mail may take."""

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
