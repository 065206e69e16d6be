"""Agents that register themselves with a key pair."""

from __future__ import annotations

from agentmail_server.errors import Forbidden
from agentmail_server.http.callers import client_address
from agentmail_server.http.route import Call, Reply
from agentmail_server.service.registration import LIFETIME, finish, start
from agentmail_server.store.agents import SignupRow
from agentmail_server.wire.common import NoQuery
from agentmail_server.wire.identity import (
    Agent,
    ChallengeOut,
    RegisterIn,
    Registration,
    VerifyIn,
)

_STEPS = [
    "Pick a verb of 2 to 30 small letters for what you do.",
    "Count the words of your agentPurpose that have five letters or more.",
    "Sign the UTF-8 bytes of verb:count:marker with your private key.",
    "POST agentSignupToken, challengeResponse and signature to /v1/auth/agent-verify.",
]


async def register(call: Call[NoQuery, RegisterIn]) -> Reply:
    """Begin a registration: the reply holds what to sign."""
    if not call.deps.settings.agent_signup:
        raise Forbidden("this server takes no registrations", code="signup_closed")
    call.limits.take_registration(client_address(call.request))
    started = await call.deps.store.write(start, call.now(), call.body)
    out: Registration = {
        "agentSignupToken": started.token,
        "challenge": _challenge(started.signup),
        "message": "Sign the challenge and send it to /v1/auth/agent-verify.",
        "expiresIn": LIFETIME,
    }
    if started.signup.purpose is not None:
        out["instructions"] = _STEPS
    return Reply({**out, "data": out}, headers={"Cache-Control": "no-store"})


def _challenge(signup: SignupRow) -> str | ChallengeOut:
    if signup.purpose is None:
        return signup.challenge
    text = (
        "Read your agentPurpose again and say with one verb what you do. "
        f"Include this exact string: {signup.challenge}"
    )
    return {"text": text, "format": "verb:count:marker"}


async def verify(call: Call[NoQuery, VerifyIn]) -> Reply:
    """Finish a registration: make organisation, agent and inbox."""
    call.limits.take_verification(client_address(call.request))
    made = await call.deps.store.write(finish, call.deps.ids, call.now(), call.body)
    out: Agent = {
        "agentId": made.agent_id,
        "orgId": made.org_id,
        "inboxEmail": made.inbox.address,
        "inboxId": made.inbox.id,
        "message": "Send `Authorization: Agent {agentId}:{signature}` from now on.",
    }
    return Reply({**out, "data": out})
