"""`agentmail-server demo` as a child process."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

BOUND = 60.0


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    hidden = ("AGENTMAIL_BOOTSTRAP_KEY", "AGENTMAIL_CLOCK")
    environ = {name: value for name, value in os.environ.items() if name not in hidden}
    process = subprocess.Popen(
        [sys.executable, "-m", "agentmail_server", "demo", "--exit-with-parent"],
        env={**environ, "TMPDIR": str(tmp_path), "AGENTMAIL_LOG_LEVEL": "error"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        yield process
        process.kill()


def _until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + BOUND
    while not holds():
        assert time.monotonic() < end, f"{what} never came"
        time.sleep(0.02)


def _close(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.close()


def _get(line: dict[str, Any], path: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {line['api_key']}"}
    request = urllib.request.Request(line["http"] + path, headers=headers)
    with urllib.request.urlopen(request, timeout=BOUND) as reply:
        found: dict[str, Any] = json.load(reply)
        return found


def test_mailbox_is_full_when_the_demo_is_ready(
    demo: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert demo.stdout is not None
    line = json.loads(demo.stdout.readline())
    assert line["ready"] is True
    counts = _get(line, "/v1/threads/counts?all=true")["data"]
    assert counts["total"] >= 36
    assert min(counts[name] for name in ("open", "needs_reply", "waiting", "closed")) >= 5
    metrics = _get(line, "/v1/delivery/metrics?all=true&period=7d")["data"]
    assert metrics["bounced"] == 2
    assert metrics["delivered"] >= 20
    _close(demo)
    assert demo.wait(BOUND) == 0
    assert not list(tmp_path.glob("agentmail-demo-*"))


def test_demo_can_be_left_while_its_mail_is_still_coming_in(
    demo: subprocess.Popen[str], tmp_path: Path
) -> None:
    _until(lambda: bool(list(tmp_path.glob("agentmail-demo-*/agentmail.db"))), "the store")
    _close(demo)
    assert demo.wait(BOUND) == 0
    assert not list(tmp_path.glob("agentmail-demo-*"))
