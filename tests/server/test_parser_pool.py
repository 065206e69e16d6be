"""The worker pool: what it promises when a mail kills, stalls or fools its worker."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import time
from pathlib import Path

import pytest
from agentmail_server.jobs import parserworker
from agentmail_server.jobs.parser import ParserPool
from agentmail_server.mail.parse import parse

MAIL = b"From: ann@a.test\r\nSubject: Lunch\r\n\r\nAre you free?\r\n"


@pytest.fixture
def evil_worker(tmp_path: Path) -> tuple[str, ...]:
    """A worker that does to itself what the mail's body says."""
    script = tmp_path / "evil.py"
    script.write_text(
        "import os, sys, time\n"
        "from agentmail_server.jobs import parserworker\n"
        "from agentmail_server.mail.parse import parse\n"
        "def read(raw):\n"
        "    body = raw.partition(b'\\r\\n\\r\\n')[2].strip()\n"
        "    if body == b'die':\n"
        "        os._exit(3)\n"
        "    if body == b'stall':\n"
        "        time.sleep(600)\n"
        "    if body == b'lie':\n"
        "        os.write(sys.__stdout__.fileno(), b'\\0' * 7 + b'\\4junk')\n"
        "    if body == b'grow':\n"
        "        bytearray(1 << 40)\n"
        "    return parse(raw)\n"
        "parserworker.main(read)\n"
    )
    return (str(script),)


def mail(body: str) -> bytes:
    return b"From: ann@a.test\r\nSubject: Lunch\r\n\r\n" + body.encode()


async def test_a_mail_comes_back_as_parse_reads_it() -> None:
    raw = MAIL.replace(b"Subject", b"Content-Type: text/html; charset=utf-8\r\nSubject")
    async with ParserPool(1) as pool:
        assert await pool.parse(raw) == parse(raw)
        assert await pool.parse(b"") == parse(b"")


async def test_many_mails_at_once_get_each_its_own_answer() -> None:
    async with ParserPool(2) as pool:
        parsed = await asyncio.gather(
            *(pool.parse(MAIL.replace(b"Lunch", b"Lunch %d" % n)) for n in range(100))
        )
    assert [each.subject for each in parsed] == [f"Lunch {n}" for n in range(100)]


async def test_a_small_mail_takes_little_time() -> None:
    async with ParserPool(1) as pool:
        await pool.parse(MAIL)
        times = []
        for _ in range(50):
            began = time.perf_counter()
            await pool.parse(MAIL)
            times.append(time.perf_counter() - began)
    assert sorted(times)[25] < 0.005


@pytest.mark.parametrize("body", ["die", "lie"])
async def test_a_worker_that_fails_is_replaced(evil_worker: tuple[str, ...], body: str) -> None:
    async with ParserPool(1, command=evil_worker) as pool:
        broken = await pool.parse(mail(body))
        assert (broken.subject, broken.text) == ("Lunch", "")
        assert broken.sender.address == "ann@a.test"
        assert (broken.parse_error or "").startswith("the reader failed")
        assert (await pool.parse(mail("fine"))).text == "fine"


async def test_a_worker_that_stalls_is_killed(
    evil_worker: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentmail_server.jobs.parser.seconds_for", lambda _: 0.2)
    async with ParserPool(1, command=evil_worker) as pool:
        broken = await pool.parse(mail("stall"))
        assert (broken.subject, broken.parse_error) == ("Lunch", "reading took over 0 seconds")
        monkeypatch.undo()
        assert (await pool.parse(mail("fine"))).text == "fine"


async def test_memory_has_an_end(evil_worker: tuple[str, ...]) -> None:
    async with ParserPool(1, command=evil_worker) as pool:
        assert (await pool.parse(mail("grow"))).parse_error is not None
        assert (await pool.parse(mail("fine"))).text == "fine"


async def test_a_caller_that_gives_up_leaves_no_answer_behind(
    evil_worker: tuple[str, ...],
) -> None:
    async with ParserPool(1, command=evil_worker) as pool:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await pool.parse(mail("stall"))
        assert (await pool.parse(mail("fine"))).text == "fine"


def test_larger_mails_get_more_time() -> None:
    assert parserworker.seconds_for(0) == 2
    assert parserworker.seconds_for(25 * 1024 * 1024) == 7


async def test_workers_end_with_the_pool() -> None:
    async with ParserPool(2) as pool:
        await pool.parse(MAIL)
        pids = children_of(os.getpid())
        assert len(pids) >= 2
    assert children_of(os.getpid()) == []


def children_of(pid: int) -> list[int]:
    if not Path("/proc/self/stat").exists():
        pytest.skip("no /proc here")
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            command = (stat.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == pid and b"parserworker" in command:
            found.append(int(stat.parent.name))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
async def test_workers_end_when_the_server_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import asyncio\n"
        "from agentmail_server.jobs.parser import ParserPool\n"
        "async def main():\n"
        "    async with ParserPool(2):\n"
        "        print('ready', flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, str(script), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    assert await parent.stdout.readline() == b"ready\n"
    pids = children_of(parent.pid)
    assert len(pids) == 2
    handles = [os.pidfd_open(pid) for pid in pids]
    parent.send_signal(signal.SIGKILL)
    await parent.communicate()
    assert all([await asyncio.to_thread(has_ended, handle) for handle in handles])


def has_ended(handle: int) -> bool:
    """Wait up to ten seconds for a process to end, by its pidfd."""
    ready, _, _ = select.select([handle], [], [], 10)
    os.close(handle)
    return bool(ready)


async def test_workers_know_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "tell.py"
    script.write_text(
        "import os\n"
        "from agentmail_server.jobs import parserworker\n"
        "from agentmail_server.mail.parse import ParsedMail\n"
        "parserworker.main(lambda raw: ParsedMail(text=' '.join(os.environ)))\n"
    )
    monkeypatch.setenv("AGENTMAIL_RELAY", "smtp://user:secret@relay.test")
    async with ParserPool(1, command=(str(script),)) as pool:
        told = (await pool.parse(MAIL)).text
    assert "PYTHONPATH" in told
    assert "AGENTMAIL" not in told
