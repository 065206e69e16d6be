"""Domains: each has an RSA key pair, made once, whose private half signs what is sent from it."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import Connection

from agentmail_server.errors import BadRequest, Conflict
from agentmail_server.ids import Ids
from agentmail_server.mail.address import host_name
from agentmail_server.mail.dkim import Signer
from agentmail_server.service.vault import Vault
from agentmail_server.store import domains
from agentmail_server.store.engine import Store
from agentmail_server.store.records import DomainRow

# The public half stands in DNS at `agentmail._domainkey.<domain>`.
SELECTOR = "agentmail"
_BITS = 2048


@dataclass(frozen=True, slots=True)
class DkimKey:
    """What signs the mail of a domain; the private key is PEM."""

    domain: str
    selector: str
    private_key: str

    @property
    def signer(self) -> Signer:
        """What signs with it."""
        return Signer(self.domain, self.selector, self.private_key)

    def public_key(self) -> str:
        """Return the public half as the `p=` of DNS holds it."""
        return _public_half(self.private_key)


# Reading a private key checks its primes, which takes milliseconds.
@lru_cache(maxsize=256)
def _public_half(private_key: str) -> str:
    key = serialization.load_pem_private_key(private_key.encode(), password=None)
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


def new_private_key() -> str:
    """Return a new RSA key as PEM; takes about a tenth of a second of a processor."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def dkim_key(conn: Connection, vault: Vault, domain_id: str) -> DkimKey | None:
    """Return the key of a domain, None where none was made; raises NotFound."""
    name, sealed = domains.dkim_private_key(conn, domain_id)
    return None if sealed is None else DkimKey(name, SELECTOR, vault.dkim(name).open(sealed))


async def ensure_dkim(store: Store, vault: Vault, domain_id: str) -> DkimKey:
    """Return the key of a domain, made now if it has none; raises Unavailable for another vault."""
    held = await store.read(dkim_key, vault, domain_id)
    if held is not None:
        return held
    made = await asyncio.to_thread(new_private_key)
    return await store.write(_keep, vault, domain_id, made)


def _keep(conn: Connection, vault: Vault, domain_id: str, private_key: str) -> DkimKey:
    # Another process may have been quicker: its key is the key.
    name, _ = domains.dkim_private_key(conn, domain_id)
    domains.keep_dkim_private_key(conn, domain_id, vault.dkim(name).seal(private_key))
    return dkim_key(conn, vault, domain_id) or DkimKey(name, SELECTOR, private_key)


@dataclass(frozen=True, slots=True)
class NewDomain:
    """A domain that somebody wants; the name as it was written."""

    name: str
    region: str


async def create_domain(
    store: Store, ids: Ids, vault: Vault, now: int, org_id: str, wanted: NewDomain
) -> DomainRow:
    """Give an organisation a domain with a key; raises BadRequest, Conflict if taken."""
    name = clean_domain(wanted.name)
    await store.read(_refuse_taken, name)
    private_key = await asyncio.to_thread(new_private_key)
    return await store.write(
        domains.create_domain,
        ids,
        now,
        org_id,
        name,
        wanted.region,
        vault.dkim(name).seal(private_key),
    )


def clean_domain(text: str) -> str:
    """Return a domain's name in lower-case ASCII; raises BadRequest where it can be none."""
    name = host_name(text.strip().removesuffix("."))
    if name is None or "." not in name or name.rpartition(".")[2].isdigit():
        raise BadRequest("name must be a domain name, as in mycompany.com")
    return name


def _refuse_taken(conn: Connection, name: str) -> None:
    shared = domains.shared_domain(conn)
    if shared is not None and name.endswith(f".{shared.name}"):
        raise Conflict(f"the domain {name} is taken", code="domain_exists")
    domains.refuse_taken(conn, name)
