"""A mailbox of samples at a fixed moment, and a talk about it line by line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agentmail_tui.backends.memory import MemoryBackend, sample_backend
from agentmail_tui.cli.plain import Talk


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
