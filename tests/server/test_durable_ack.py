"""What the kernel sees: between a mail's bytes and its 250 there is an fsync (reliability R2)."""

from __future__ import annotations

import json
import os
import re
import shutil
import smtplib
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

KEY = "comm_" + "ab" * 32
MARK = "mark-of-this-mail"
MAIL = f"Message-ID: <1@sender.test>\r\nSubject: {MARK}\r\n\r\nText\r\n"
# A page of the database, and more.
_SHOWN = "4200"
_CALLS = "fsync,fdatasync,pwrite64,write,sendto"


def _can_trace() -> bool:
    strace = shutil.which("strace")
    if strace is None:
        return False
    tried = subprocess.run(
        [strace, "-f", "-o", os.devnull, "true"], capture_output=True, timeout=20
    )
    return tried.returncode == 0


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    if not _can_trace():
        pytest.skip("strace is not installed, or may not trace here")
    return tmp_path / "trace"


@pytest.fixture
def served(tmp_path: Path, trace: Path) -> Iterator[dict[str, str]]:
    """Run a server under strace; give out its ready line."""
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(
        ["strace", "-f", "-y", "-s", _SHOWN, "-e", f"trace={_CALLS}", "-o", str(trace),
         sys.executable, "-m", "agentmail_server", "serve", "--data-dir", str(tmp_path / "data"),
         "--http", "127.0.0.1:0", "--smtp", "127.0.0.1:0", "--domain", "agents.test",
         "--exit-with-parent"],
        env={**os.environ, "AGENTMAIL_BOOTSTRAP_KEY": KEY, "AGENTMAIL_EMBEDDER": "none"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()
        log.close()


@pytest.mark.slow
def test_a_250_comes_after_the_fsync_of_the_log(served: dict[str, str], trace: Path) -> None:
    body = json.dumps({"local_part": "agent"}).encode()
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    urllib.request.urlopen(
        urllib.request.Request(served["http"] + "/v1/inboxes", data=body, headers=headers),
        timeout=30,
    ).close()
    host, _, port = served["smtp"].rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=30) as client:
        client.sendmail("ann@sender.test", ["agent@agents.test"], MAIL)
    lines = trace.read_text(errors="replace").splitlines()
    written = _first(lines, rf"pwrite64\(\d+<[^>]*-wal>.*{MARK}")
    answered = _first(lines[written:], r"(sendto|write)\(\d+<.*\"250 .*") + written
    synced = [
        number
        for number, line in enumerate(lines[written:answered], written)
        if re.search(r"(fsync|fdatasync)\(\d+<[^>]*-wal>", line)
    ]
    assert synced, "\n".join(lines[written : answered + 1])


def _first(lines: list[str], pattern: str) -> int:
    return next(number for number, line in enumerate(lines) if re.search(pattern, line))
