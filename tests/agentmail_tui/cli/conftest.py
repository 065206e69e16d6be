"""A mailbox of samples at a fixed moment, what is sent from it, and a talk about it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agentmail_tui.backends.memory import MemoryBackend, sample_backend
from agentmail_tui.cli.plain import Talk
from agentmail_tui.domain import Draft, SendReceipt


@pytest.fixture
def now() -> datetime:
    return datetime(2025, 3, 12, 11, 52, tzinfo=UTC)


@pytest.fixture
def backend(now: datetime) -> MemoryBackend:
    return sample_backend(now, 1)


@pytest.fixture
async def talk(backend: MemoryBackend, now: datetime) -> Talk:
    found = Talk(backend, me="maya", clock=lambda: now, new_id=lambda: "local_1")
    await found.begin()
    return found


@pytest.fixture
def sent(backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch) -> list[Draft]:
    """Return the drafts that the server gets."""
    drafts: list[Draft] = []
    send = backend.send

    async def noting(draft: Draft) -> SendReceipt:
        drafts.append(draft)
        return await send(draft)

    monkeypatch.setattr(backend, "send", noting)
    return drafts
