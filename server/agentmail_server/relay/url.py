"""The relay option: `smtp://…`, `smtps://…`, `mx`, or none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args
from urllib.parse import parse_qsl, unquote, urlsplit

StartTls = Literal["always", "opportunistic", "never"]
_PORTS = {"smtp": 25, "smtps": 465}


class RelayUrlError(ValueError):
    """The relay option cannot be understood; the text never holds the password."""


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """A mail server to hand everything to; `host` None means each recipient's own MX."""

    host: str | None
    port: int = 25
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    starttls: StartTls = "opportunistic"

    @property
    def shown(self) -> str:
        """What may be told of it in logs and on screens."""
        return "mx" if self.host is None else f"{self.host}:{self.port}"


def parse_relay_url(text: str | None) -> RelayAddress | None:
    """Read the relay option; None where there is no relay; raises RelayUrlError."""
    word = (text or "").strip()
    if word.casefold() in ("", "none"):
        return None
    if word.casefold() == "mx":
        return RelayAddress(host=None)
    try:
        parts = urlsplit(word)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise RelayUrlError("the relay URL has a bad host or port") from None
    if parts.scheme not in _PORTS or not host or parts.path not in ("", "/") or parts.fragment:
        raise RelayUrlError(
            "the relay must be smtp://[user:pass@]host:port, smtps://…, mx, or none"
        )
    if (parts.username is None) != (parts.password is None):
        raise RelayUrlError("the relay URL must hold both user and password, or neither")
    return RelayAddress(
        host=host,
        port=_PORTS[parts.scheme] if port is None else port,
        username=_unquoted(parts.username),
        password=_unquoted(parts.password),
        tls=parts.scheme == "smtps",
        starttls=_starttls(parts.query, tls=parts.scheme == "smtps"),
    )


def _unquoted(text: str | None) -> str | None:
    return None if text is None else unquote(text)


def _starttls(query: str, *, tls: bool) -> StartTls:
    asked = dict(parse_qsl(query, keep_blank_values=True))
    word = asked.pop("starttls", "opportunistic")
    if asked:
        raise RelayUrlError(f"unknown relay option {min(asked)!r}; there is only starttls")
    if word not in get_args(StartTls):
        raise RelayUrlError("starttls must be always, opportunistic or never")
    if tls and word == "always":
        raise RelayUrlError("smtps:// is encrypted from the start; leave starttls out")
    return next(each for each in get_args(StartTls) if each == word)
