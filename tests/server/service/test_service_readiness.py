"""What readiness tells of the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_server.service import readiness
from agentmail_server.service.readiness import Readiness
from agentmail_server.store import outbox

if TYPE_CHECKING:
    import pytest
    from agentmail_server.store.engine import Store

NOW = 1_768_467_600_000_000


async def bury(store: Store, kind: str, subject: str) -> None:
    await store.write(outbox.enqueue, NOW, kind, subject, f"{kind}:{subject}")
    (job,) = await store.write(outbox.lease, NOW, {kind: 1}, "me", 1_000_000)
    await store.write(outbox.bury, NOW, job.id, "me", "cannot be read")


async def test_jobs_that_were_given_up_are_told_by_kind(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = Readiness(store, runner_alive=lambda: True, relay_name=None, relay_error=lambda: None)
    assert (await ready())["buried"] == {}
    monkeypatch.setattr(readiness, "_RECOUNT", -1.0)
    for kind, subject in (("parse", "a"), ("parse", "b"), ("relay", "a")):
        await bury(store, kind, subject)
    facts = await ready()
    assert (facts["buried"], facts["backlog"]) == ({"parse": 2, "relay": 1}, {})
    assert facts["ready"], "what was given up holds up nothing else"
    monkeypatch.setattr(readiness, "_RECOUNT", 60.0)
    await bury(store, "wake", "a")
    assert "wake" not in (await ready())["buried"], "not counted anew at each question"
