"""The index process by itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from agentmail_server.search.process import IndexProcess

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="Linux alone has threads of low priority"
)


def ticks(pid: int, *, low: bool) -> int:
    """Return the processor time that threads of low, or of full, priority had by now."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    found = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        facts = (thread / "stat").read_text("utf-8").rpartition(")")[2].split()
        user, system, nice = (int(facts[place]) for place in (11, 12, 16))
        if (nice > own) is low:
            found += user + system
    return found


async def test_little_of_the_start_has_low_priority(tmp_path: Path) -> None:
    """On a busy machine that gets next to nothing: the first answer came after a minute."""
    process = IndexProcess()
    setting = {"root": str(tmp_path), "chroma_url": None, "model": None, "tokenizer": None}
    try:
        await process.start(setting)
        await process.ask({"op": "open", "slot": "serving", "generation": "g"}, seconds=60)
        assert process.pid is not None
        low = ticks(process.pid, low=True)
        assert 0 < low < ticks(process.pid, low=False) / 2
    finally:
        await process.stop()
