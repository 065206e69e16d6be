"""From the options, the environment and the config file to a backend, and what it needs beside."""

from __future__ import annotations

import getpass
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from agentmail_tui.backends.registry import Server, open_backend
from agentmail_tui.cli.late import late_backend
from agentmail_tui.cli.zone import SYSTEM
from agentmail_tui.config import Config, Profile, load_config, read_key
from agentmail_tui.errors import Rejected, Unauthorized

if TYPE_CHECKING:
    from agentmail_tui.app import AgentMailApp
    from agentmail_tui.backends.protocol import Backend
    from agentmail_tui.cli.bundled import Access, Bundled
    from agentmail_tui.cli.options import ConnectionOptions
    from agentmail_tui.mailbox.mailbox import Mailbox

URL_ENV = "COMMUNE_BASE_URL"
KEY_ENV = "COMMUNE_API_KEY"
TOKEN_ENV = "AGNIC_TOKEN"  # noqa: S105
AGNIC = "agnic"
AGNIC_URL = "https://api.agnic.ai"
CLOCK_ENV = "AGENTMAIL_CLOCK"


class Connection(Struct, frozen=True):
    """A way to a server: its backend, and the server itself if it is run by this client."""

    backend: Backend
    bundled: Bundled | None = None
    config: Config = field(default_factory=lambda: Config(Path()))
    me: str | None = None
    inbox: str | None = None
    read_only: bool = False
    theme: str | None = None

    def launch(self) -> None:
        """Start the server in the background, if it is one of this client's own."""
        if self.bundled is not None:
            self.bundled.launch()

    def mailbox(self) -> Mailbox:
        """Return a mailbox on the backend."""
        from agentmail_tui.mailbox.mailbox import Mailbox

        return Mailbox(
            self.backend,
            clock=now,
            new_id=lambda: uuid.uuid4().hex,
            me=self.me or user_name(),
            read_only=self.read_only,
        )

    def app(self, mailbox: Mailbox, *, state_dir: Path | None = None) -> AgentMailApp:
        """Return the application that shows a mailbox."""
        from agentmail_tui.app import AgentMailApp

        return AgentMailApp(
            mailbox,
            clock=now,
            theme=self.theme,
            keymap=self.config.keymap,
            state_dir=state_dir,
            config_file=self.config.path if self.config.path != Path() else None,
            limits=self.config.limits,
        )


@contextmanager
def connect(options: ConnectionOptions) -> Iterator[Connection]:
    """Give out the connection that the options ask for, and end what it started.

    Nothing is sent and no server is started yet.  Raises MailError.
    """
    link = choose(options, load_config())
    try:
        yield link
    finally:
        if link.bundled is not None:
            link.bundled.stop()


def choose(options: ConnectionOptions, config: Config) -> Connection:
    """Decide which server is meant: the demo, a URL, a profile, or this computer's own."""
    if options.demo:
        from agentmail_tui.cli.bundled import DemoServer

        return _own(DemoServer(), options, config)
    if options.backend == AGNIC and not options.profile:
        return _remote(Profile(AGNIC, options.url or AGNIC_URL, AGNIC), options, config)
    if options.url:
        return _remote(Profile("url", url=options.url), options, config)
    if options.profile:
        profile = config.profile(options.profile)
    else:
        url = os.environ.get(URL_ENV)
        profile = Profile("environment", url=url) if url else config.profile(None)
    if profile is not None:
        return _remote(profile, options, config)
    from agentmail_tui.cli.bundled import LocalServer
    from agentmail_tui.cli.folder import DataFolder

    return _own(LocalServer(DataFolder.of_user()), options, config)


def open_access(access: Access, name: str | None = None) -> Backend:
    """Return the backend of a server of this client's own."""
    return open_backend(Server(access.url, access.key, name=name))


def now() -> datetime:
    """Return the present in the zone of the reader.

    AGENTMAIL_CLOCK stops it for pictures, and then its own zone counts, UTC where it names none.
    """
    frozen = os.environ.get(CLOCK_ENV)
    if not frozen:
        return datetime.now(SYSTEM)
    try:
        at = datetime.fromisoformat(frozen)
    except ValueError:
        raise Rejected(f"{CLOCK_ENV} must be a time such as 2026-01-15T09:00:00Z") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def user_name(otherwise: str = "me") -> str:
    """Return the name of the user who runs this, or what stands for one without a name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return otherwise


def _own(server: Bundled, options: ConnectionOptions, config: Config) -> Connection:
    return Connection(
        late_backend(server, lambda access: open_access(access, server.name)),
        bundled=server,
        config=config,
        me=config.me,
        read_only=options.read_only,
        theme=options.theme or config.theme,
    )


def _remote(profile: Profile, options: ConnectionOptions, config: Config) -> Connection:
    if not profile.url:
        raise Rejected(f"profile {profile.name} names no url")
    kind = options.backend or profile.backend
    given, variable = options.api_key, KEY_ENV
    if kind == AGNIC:
        given, variable = options.token or options.api_key, TOKEN_ENV
    key = given or read_key(profile) or os.environ.get(variable)
    if not key:
        raise Unauthorized(f"no API key; set {variable}, or name one in a profile")
    server = Server(profile.url, key, kind, insecure=profile.insecure)
    return Connection(
        open_backend(server),
        config=config,
        me=profile.me or config.me,
        inbox=profile.inbox,
        read_only=options.read_only or profile.read_only,
        theme=options.theme or config.theme,
    )
