"""Which kinds of servers there are, and how each is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from agentmail_tui.backends.asleep import Asleep
from agentmail_tui.backends.asleep import default_file as asleep_file
from agentmail_tui.backends.auth import Bearer, Token
from agentmail_tui.backends.commune.client import CommuneBackend
from agentmail_tui.backends.http import Http
from agentmail_tui.backends.protocol import Backend
from agentmail_tui.errors import Rejected


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server is and how to get in; the key is in no text made of this."""

    url: str
    key: str = field(repr=False)
    kind: str = "commune"
    name: str | None = None
    insecure: bool = False
    # Where to keep what the server does not; in the user's data folder unless given.
    notes: Path | None = None


def open_backend(server: Server) -> Backend:
    """Return the backend for a server; nothing is sent yet.  Raises MailError."""
    opener = _OPENERS.get(server.kind)
    if opener is None:
        raise Rejected(f"unknown backend; known are {', '.join(KINDS)}")
    return opener(server)


def _commune(server: Server) -> Backend:
    http = Http(server.url, Bearer(server.key), insecure=server.insecure)
    return CommuneBackend(http, name=server.name, asleep=_asleep(server, http))


def _agnic(server: Server) -> Backend:
    # Imported by those alone who need it: every start waits for imports.
    from agentmail_tui.backends.agnic.client import AgnicBackend
    from agentmail_tui.backends.agnic.notes import Notes, default_file

    http = Http(server.url, Token(server.key), insecure=server.insecure)
    notes = Notes(server.notes or default_file())
    return AgnicBackend(http, notes, name=server.name, asleep=_asleep(server, http))


def _asleep(server: Server, http: Http) -> Asleep:
    return Asleep(server.notes or asleep_file(), http.host)


_OPENERS: dict[str, Callable[[Server], Backend]] = {"commune": _commune, "agnic": _agnic}
KINDS = tuple(_OPENERS)
