"""Agents that register themselves, on the wire."""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from agentmail_server.wire.account import Name
from agentmail_server.wire.common import Input

_Url = Annotated[str, Field(max_length=2000)]


class RegisterIn(Input):
    """Body of a registration; with `agent_purpose` the challenge is an object."""

    agent_name: Name
    org_name: Name
    org_slug: str = Field(max_length=200)
    public_key: str = Field(max_length=200)
    agent_purpose: str | None = Field(default=None, max_length=10_000)
    avatar_url: _Url | None = None
    website_url: _Url | None = None
    moltbook_handle: Annotated[str, Field(max_length=200)] | None = None
    capabilities: (
        Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=20)] | None
    ) = None


class VerifyIn(Input):
    """Body of the proof; `challenge_response` where the challenge was an object."""

    agent_signup_token: str = Field(max_length=200)
    signature: str = Field(max_length=200)
    challenge_response: str | None = Field(default=None, max_length=200)


class ChallengeOut(TypedDict):
    """What to answer, and in what form."""

    text: str
    format: str


class Registration(TypedDict):
    """A registration under way; `expiresIn` in seconds."""

    agentSignupToken: str
    challenge: str | ChallengeOut
    instructions: NotRequired[list[str]]
    message: str
    expiresIn: int


class RegistrationReply(Registration):
    """A registration under way, whole in `data` too."""

    data: Registration


class Agent(TypedDict):
    """An agent with its organisation and inbox."""

    agentId: str
    orgId: str
    inboxEmail: str
    inboxId: str
    message: str


class AgentReply(Agent):
    """An agent, whole in `data` too."""

    data: Agent
