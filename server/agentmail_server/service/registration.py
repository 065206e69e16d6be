"""Agents register themselves: a challenge is signed, and only then is anything made."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from agentmail_server.errors import BadRequest, Conflict, Unauthorized
from agentmail_server.ids import Ids
from agentmail_server.service.ed25519 import is_signed, read_public_key, read_signature
from agentmail_server.service.inboxes import RESERVED, clean_local_part
from agentmail_server.store import accounts, agents, domains, inboxes, tables
from agentmail_server.store.agents import SignupRow
from agentmail_server.store.records import InboxRow
from agentmail_server.wire.identity import RegisterIn, VerifyIn

LIFETIME = 900
_SECOND = 1_000_000
_SLUG = re.compile(r"[A-Za-z0-9_-]{1,63}")
_ANSWER = re.compile(r"[a-z]{2,30}:(0|[1-9][0-9]{0,3}):[0-9a-f]{16}")
_PURPOSE_SIGNS = (20, 2000)
_PURPOSE_WORDS = 3
_LONG_WORD = 5


@dataclass(frozen=True, slots=True)
class Started:
    """A registration with its token, which is given out this once."""

    token: str
    signup: SignupRow


@dataclass(frozen=True, slots=True)
class Registered:
    """An agent that has proven its key."""

    agent_id: str
    org_id: str
    inbox: InboxRow


def start(conn: Connection, now: int, wanted: RegisterIn) -> Started:
    """Begin a registration; raises BadRequest, Conflict. Nothing of it can be used yet."""
    read_public_key(wanted.public_key)
    slug = _slug(wanted.org_slug)
    purpose = _purpose(wanted.agent_purpose)
    _refuse_taken(conn, slug)
    agents.refuse_known_key(conn, wanted.public_key)
    token = f"agt_signup_{secrets.token_hex(32)}"
    challenge = f"chal_{secrets.token_hex(32)}" if purpose is None else secrets.token_hex(8)
    signup = SignupRow(
        _digest(token), wanted.agent_name, wanted.org_name, slug, wanted.public_key, purpose,
        _profile(wanted), challenge, now + LIFETIME * _SECOND, None,
    )  # fmt: skip
    agents.add_signup(conn, now, signup)
    return Started(token, signup)


def finish(conn: Connection, ids: Ids, now: int, wanted: VerifyIn) -> Registered:
    """Check the signature, then make organisation, agent and inbox; a token works once.

    Raises Unauthorized for a wrong token or signature, Conflict where the slug went meanwhile.
    """
    signature = read_signature(wanted.signature)
    if signature is None:
        raise BadRequest(
            "signature must be 88 characters: standard base64 of 64 bytes",
            code="invalid_signature_format",
        )
    signup = agents.find_signup(conn, now, _digest(wanted.agent_signup_token))
    if signup is None:
        raise _bad_token()
    message = _signed_text(signup, wanted.challenge_response)
    if not is_signed(signup.public_key, signature, message.encode()):
        raise Unauthorized("the signature is not that of the key", code="invalid_signature")
    if not agents.use_signup(conn, now, signup.token_digest):
        raise _bad_token()
    return _make(conn, ids, now, signup)


def long_words(purpose: str) -> int:
    """Return how many words have five letters or more, other signs left out."""
    words = ("".join(sign for sign in word if sign.isalpha()) for word in purpose.split())
    return sum(len(word) >= _LONG_WORD for word in words)


def _make(conn: Connection, ids: Ids, now: int, signup: SignupRow) -> Registered:
    _refuse_taken(conn, signup.slug)
    org = accounts.create_org(conn, ids, now, signup.org_name, signup.slug)
    inbox = inboxes.create_inbox(
        conn, ids, now, org.id, local_part=signup.slug, display_name=signup.agent_name,
        agent={"name": signup.agent_name},
    )  # fmt: skip
    agent = agents.add_agent(conn, ids, now, org.id, signup)
    return Registered(agent.id, org.id, inbox)


def _signed_text(signup: SignupRow, response: str | None) -> str:
    if signup.purpose is None:
        return signup.challenge
    if response is None or not _ANSWER.fullmatch(response):
        raise _bad_answer()
    _, count, marker = response.split(":")
    if int(count) != long_words(signup.purpose) or marker != signup.challenge:
        raise _bad_answer()
    return response


def _refuse_taken(conn: Connection, slug: str) -> None:
    shared = domains.shared_domain(conn)
    address = f"{slug}@{shared.name}" if shared is not None else slug
    held = select(tables.orgs.c.id).where(tables.orgs.c.slug == slug)
    taken = slug in RESERVED or conn.execute(held).first() is not None
    if taken or inboxes.inboxes_for(conn, [address]):
        raise Conflict(f"the slug {slug} is taken", code="slug_exists")


def _slug(text: str) -> str:
    if not _SLUG.fullmatch(text):
        raise _bad_slug()
    try:
        return clean_local_part(text)
    except BadRequest:
        raise _bad_slug() from None


def _purpose(text: str | None) -> str | None:
    if text is None:
        return None
    low, high = _PURPOSE_SIGNS
    if not low <= len(text.strip()) <= high or len(text.split()) < _PURPOSE_WORDS:
        raise BadRequest(
            f"agentPurpose must have {low} to {high} characters and {_PURPOSE_WORDS} words",
            code="invalid_agent_purpose",
        )
    return text.strip()


def _profile(wanted: RegisterIn) -> dict[str, Any]:
    names = {"avatar_url", "website_url", "moltbook_handle", "capabilities"}
    return wanted.model_dump(include=names, exclude_none=True)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _bad_slug() -> BadRequest:
    return BadRequest(
        "orgSlug must be 1 to 63 letters, digits, _ and -, a letter or digit at both ends",
        code="invalid_org_slug",
    )


def _bad_token() -> Unauthorized:
    return Unauthorized("the token is wrong, used or expired", code="invalid_token")


def _bad_answer() -> BadRequest:
    return BadRequest(
        "challengeResponse must be verb:count:marker, as the challenge says",
        code="invalid_challenge_response",
    )
