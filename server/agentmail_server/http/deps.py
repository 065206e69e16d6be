"""What the HTTP side is given by `main`: nothing here is looked up from the world."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentmail_server.config import HostPort, Settings
from agentmail_server.ids import Clock, Ids
from agentmail_server.live import Hub
from agentmail_server.relay.caller import Caller
from agentmail_server.service.agentauth import BodySignatures
from agentmail_server.service.diskroom import DiskRoom
from agentmail_server.service.indexing import Indexer
from agentmail_server.service.keys import Pepper
from agentmail_server.service.limits import RateSettings
from agentmail_server.service.vault import Vault
from agentmail_server.store.engine import Store

# Names under which a loopback server may be called; any other Host is a rebinding trick.
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")

# Facts for /readyz; its "ready" decides between 200 and 503.
Readiness = Callable[[], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Settings of the HTTP side; sizes in bytes, times in seconds."""

    version: str = "0"
    # Host names that are answered, without port; None answers to every name.
    allowed_hosts: tuple[str, ...] | None = LOOPBACK_HOSTS
    max_json: int = 14_500_000
    max_mail: int = 25 * 1024 * 1024
    # Where files are kept while they come in, None for the system's own place.
    spool: Path | None = None
    heartbeat: float = 15.0
    # How often a stream looks at the log unasked: another process may have written.
    stream_poll: float = 1.0
    # Host of links to this server where a request does not tell it.
    public_url: str | None = None
    # The name of the mail server that MX records are to name.
    hostname: str = "mx.agents.localhost"
    # Whether agents may register themselves.
    agent_signup: bool = True
    agent_body_signature: BodySignatures = "safe"
    rates: RateSettings = field(default_factory=RateSettings)
    # The DNS server to ask, None for those of the system.
    dns: HostPort | None = None
    # Where the Agnic API has its addresses, None for the shared domain; how far back it shows.
    agnic_domain: str | None = None
    agnic_retention_days: int = 30

    @classmethod
    def of(cls, settings: Settings, version: str) -> HttpSettings:
        """Return what the settings of the server say of HTTP."""
        loopback = settings.http_address.host in ("127.0.0.1", "localhost", "::1")
        return cls(
            version=version,
            allowed_hosts=LOOPBACK_HOSTS if loopback else None,
            public_url=settings.public_url,
            max_mail=settings.smtp_max_size,
            spool=settings.data_dir,
            hostname=settings.hostname,
            dns=settings.dns_address,
            agnic_domain=settings.agnic_domain,
            agnic_retention_days=settings.agnic_retention_days,
            agent_signup=loopback if settings.agent_signup is None else settings.agent_signup,
            agent_body_signature=settings.agent_body_signature,
            rates=RateSettings(
                emails_per_hour=settings.emails_per_hour,
                emails_per_day=settings.emails_per_day,
                email_burst=settings.email_burst,
                requests_per_minute=settings.requests_per_minute,
                auth_failures_per_minute=settings.auth_failures_per_minute,
            ),
        )


@dataclass(frozen=True, slots=True)
class Deps:
    """Everything the routes work with."""

    store: Store
    clock: Clock
    ids: Ids
    settings: HttpSettings
    pepper: Pepper
    hub: Hub
    ready: Readiness
    # Without one, words alone are searched.
    indexer: Indexer | None = None
    disk: DiskRoom = field(default_factory=DiskRoom)
    # Calls webhooks; without one they cannot be tested.
    caller: Caller | None = None
    # Set when the server stops: open streams end at once.
    shutdown: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def vault(self) -> Vault:
        """What seals secrets before they are stored."""
        return Vault.of(self.pepper)
