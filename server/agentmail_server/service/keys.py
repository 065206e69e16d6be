"""API keys: made once, kept as HMAC-SHA256 under a versioned pepper, found in microseconds.

A key holds 256 random bits, so a slow hash would protect nothing and cost every call.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from agentmail_server.errors import BadRequest, ServiceError, Unauthorized
from agentmail_server.ids import Clock, Ids, to_micros
from agentmail_server.store import accounts
from agentmail_server.store.engine import Store
from agentmail_server.store.records import KeyRow

RESOURCES = ("domains", "inboxes", "threads", "messages", "attachments")
SCOPES = tuple(f"{name}:{verb}" for name in RESOURCES for verb in ("read", "write"))
# Never implied by anything: it must be given by name.
ADMIN = "admin"
DATA_DELETE = "data:delete"
# No scope that may be asked for: keys of the old kind manage keys, as on the hosted service.
MANAGES_KEYS = "(manages keys)"
EVERY_SCOPE = (*SCOPES, ADMIN)
# The old words for all of a kind.
_OLD_WORDS = ("read", "write")
KNOWN_SCOPES = (*EVERY_SCOPE, DATA_DELETE, *_OLD_WORDS)

_KEY = re.compile(r"comm_[0-9a-f]{64}")
_PEPPER_FILE = re.compile(r"pepper-([1-9][0-9]*)\.key")
_TOUCH_MICROS = 60_000_000
_CACHE_MICROS = 5_000_000
_CACHE_SIZE = 4096
# Seconds that a stop waits for notes of last use.
_STOP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: an org by one of its keys or agents; `kind` says by what proof."""

    org_id: str
    key_id: str
    scopes: frozenset[str]
    kind: str = "key"

    def may(self, scope: str) -> bool:
        """Tell whether a route of this scope is open to the caller."""
        if scope in self.scopes:
            return True
        if scope == DATA_DELETE:
            return ADMIN in self.scopes
        return scope == ADMIN and MANAGES_KEYS in self.scopes


@dataclass(frozen=True, slots=True)
class Pepper:
    """Secrets by version; the newest makes digests, all of them find keys."""

    secrets: Mapping[int, bytes]

    @property
    def version(self) -> int:
        """The version in which new digests are made."""
        return max(self.secrets)

    def digest(self, raw_key: str, version: int) -> str:
        """Return the stored form of a key."""
        return hmac.new(self.secrets[version], raw_key.encode(), hashlib.sha256).hexdigest()

    def derive(self, purpose: str, version: int | None = None) -> bytes:
        """Return a secret of its own for another use, such as signing cursors."""
        secret = self.secrets[self.version if version is None else version]
        return hmac.new(secret, purpose.encode(), hashlib.sha256).digest()


def load_pepper(data_dir: Path) -> Pepper:
    """Read `pepper-N.key` of a folder, making the first one if there is none."""
    data_dir.mkdir(parents=True, exist_ok=True)
    found = {version: path.read_bytes() for version, path in _pepper_files(data_dir)}
    if not found:
        found = {1: _make_pepper(data_dir / "pepper-1.key")}
    if any(len(value) < 32 for value in found.values()):
        raise ValueError(f"a pepper file in {data_dir} is damaged: it must hold 32 bytes")
    return Pepper(found)


def _pepper_files(data_dir: Path) -> list[tuple[int, Path]]:
    named = ((_PEPPER_FILE.fullmatch(path.name), path) for path in data_dir.iterdir())
    return [(int(match[1]), path) for match, path in named if match]


def _make_pepper(path: Path) -> bytes:
    # Whole or not at all: a crash must not leave half a pepper behind.
    draft = path.with_suffix(f".{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(32))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        # Another process was quicker; its pepper is the one.
        pass
    finally:
        draft.unlink()
    return path.read_bytes()


def mint_key() -> str:
    """Return a new raw key, `comm_` and 64 hex digits, to be shown once."""
    return f"comm_{secrets.token_hex(32)}"


def expand(scopes: tuple[str, ...]) -> frozenset[str]:
    """Return the scopes of a key with the old words `read` and `write` spelt out."""
    verbs = {verb for verb in _OLD_WORDS if verb in scopes}
    implied = {f"{name}:{verb}" for name in RESOURCES for verb in verbs}
    if len(verbs) == len(_OLD_WORDS):
        implied.add(MANAGES_KEYS)
    return frozenset(scopes) - set(_OLD_WORDS) | implied


class Keyring:
    """Tells callers apart; remembers good keys for five seconds."""

    def __init__(self, store: Store, clock: Clock, pepper: Pepper) -> None:
        self._store = store
        self._clock = clock
        self._pepper = pepper
        self._known: dict[str, tuple[KeyRow, Principal, int]] = {}
        self._touched: dict[str, int] = {}
        self._notes: set[asyncio.Task[None]] = set()

    async def aclose(self) -> None:
        """Wait a moment for notes of last use, and let go of those that are not done by then."""
        if self._notes:
            _, late = await asyncio.wait(self._notes, timeout=_STOP_SECONDS)
            for each in late:
                each.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def forget(self, key_id: str | None = None) -> None:
        """Drop what is remembered of one key, or of all, after a change."""
        self._known = {
            digest: held
            for digest, held in self._known.items()
            if key_id is not None and held[0].id != key_id
        }

    def knows(self, raw_key: str) -> bool:
        """Tell whether a key was good a moment ago."""
        return self._pepper.digest(raw_key, next(iter(self._pepper.secrets))) in self._known

    async def authenticate(self, raw_key: str) -> Principal:
        """Return who holds the key; raises Unauthorized."""
        if not _KEY.fullmatch(raw_key):
            raise Unauthorized("Invalid or expired API key")
        now = to_micros(self._clock.now())
        row, principal = await self._find(raw_key, now)
        if row.status != "active" or (row.expires_at is not None and row.expires_at <= now):
            raise Unauthorized("Invalid or expired API key")
        self._touch(row, now)
        return principal

    async def _find(self, raw_key: str, now: int) -> tuple[KeyRow, Principal]:
        digests = [self._pepper.digest(raw_key, each) for each in self._pepper.secrets]
        held = self._known.get(digests[0])
        if held is not None and 0 <= now - held[2] < _CACHE_MICROS:
            return held[0], held[1]
        row = await self._store.read(accounts.find_key, digests)
        if row is None:
            raise Unauthorized("Invalid or expired API key")
        principal = Principal(row.org_id, row.id, expand(row.scopes))
        if len(self._known) >= _CACHE_SIZE:
            self._known.clear()
        self._known[digests[0]] = (row, principal, now)
        return row, principal

    def _touch(self, row: KeyRow, now: int) -> None:
        last = self._touched.get(row.id, row.last_used_at or 0)
        if now - last < _TOUCH_MICROS:
            return
        self._touched[row.id] = now
        note = asyncio.create_task(self._note_use(row.id, now), name="key-use")
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)

    async def _note_use(self, key_id: str, now: int) -> None:
        # A full disk or a lock must not keep anybody from reading.
        with contextlib.suppress(ServiceError):
            await self._store.write(accounts.touch_key, key_id, now)


async def ensure_bootstrap(
    store: Store, ids: Ids, clock: Clock, pepper: Pepper, wanted_key: str | None
) -> tuple[str, str | None]:
    """Give an empty store its first org and key; return the org and the raw key if one was made.

    `wanted_key` is taken as it is on an empty store and ignored on any other.
    """
    raw_key = (wanted_key or mint_key()).strip()
    if not _KEY.fullmatch(raw_key):
        raise BadRequest("the bootstrap key must be comm_ and 64 hex digits, in lower case")
    digest = pepper.digest(raw_key, pepper.version)
    now = to_micros(clock.now())
    return await store.write(_bootstrap, ids, now, raw_key, digest, pepper.version)


def _bootstrap(
    conn: Connection, ids: Ids, now: int, raw_key: str, digest: str, version: int
) -> tuple[str, str | None]:
    org = accounts.first_org(conn)
    if org is not None:
        return org.id, None
    org = accounts.create_org(conn, ids, now, "Local", "local")
    accounts.add_key(
        conn, ids, now, org.id, "bootstrap", digest, raw_key[:12], version, EVERY_SCOPE
    )
    return org.id, raw_key


async def add_key(
    store: Store, ids: Ids, clock: Clock, pepper: Pepper, org_id: str, name: str
) -> str:
    """Give an org a further key with every scope and return it, raw, this once."""
    raw_key = mint_key()
    digest = pepper.digest(raw_key, pepper.version)
    now = to_micros(clock.now())
    await store.write(
        accounts.add_key,
        ids, now, org_id, name, digest, raw_key[:12], pepper.version, EVERY_SCOPE,
    )  # fmt: skip
    return raw_key
