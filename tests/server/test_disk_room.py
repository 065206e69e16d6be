"""Below a floor of free space mail is refused before it is read; reading goes on."""

from __future__ import annotations

import asyncio
import smtplib
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from agentmail_server.cli import main
from agentmail_server.main import running
from agentmail_server.service.diskroom import DiskRoom

from tests.server.test_main import KEY, open_inbox, settings

FLOOR = 256 * 1024 * 1024
MORE_THAN_ANY_DISK = 10**18


@dataclass
class Disk:
    """A disk with as much room as the test says."""

    free: int = FLOOR - 1

    def __call__(self, folder: Path) -> int:
        return self.free

    def room(self) -> DiskRoom:
        return DiskRoom(Path("/data"), FLOOR, self)


def broken(folder: Path) -> int:
    raise OSError("no such disk")


def test_the_floor() -> None:
    disk = Disk()
    room = disk.room()
    assert room.problem() == "the disk has 268 MB free, and 268 MB are kept free"
    disk.free = FLOOR
    assert room.problem() is None
    disk.free = 0
    assert DiskRoom(Path("/data"), 0, disk).problem() is None
    assert DiskRoom(None, FLOOR, disk).problem() is None
    # A disk that does not tell is left to the store, which fails by itself.
    assert DiskRoom(Path("/data"), FLOOR, broken).problem() is None


async def test_a_whole_server_says_so_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full = settings(tmp_path, disk_floor=MORE_THAN_ANY_DISK)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with running(full) as server:
        inbox = await open_inbox(server)
        with pytest.raises(smtplib.SMTPSenderRefused, match=r"4\.3\.1"):
            await asyncio.to_thread(_send, server.smtp.port)
        async with httpx.AsyncClient(base_url=server.http_url, headers=headers) as client:
            ready = await client.get("/readyz")
            mail = {"to": "ann@sender.test", "subject": "s", "text": "t", "inbox_id": inbox}
            sent = await client.post("/v1/messages/send", json=mail)
            listed = await client.get("/v1/messages", params={"inbox_id": inbox})
    assert (sent.status_code, sent.json()["code"]) == (503, "insufficient_storage")
    assert listed.json()["data"] == []
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    assert "are kept free" in ready.json()["disk"]
    assert ready.json()["disk_free"] > 0
    assert str(tmp_path) not in ready.text
    ports = ["--http", "127.0.0.1:0", "--smtp", "127.0.0.1:0"]
    asked = ["doctor", "--data-dir", str(tmp_path), *ports]
    assert await asyncio.to_thread(_doctor, asked, MORE_THAN_ANY_DISK) == 1
    assert "BAD  disk" in capsys.readouterr().out
    await asyncio.to_thread(_doctor, asked, 1)
    assert "ok   disk" in capsys.readouterr().out


def _send(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.sendmail("ann@sender.test", ["agent@agents.test"], "Subject: Hi\r\n\r\nText\r\n")


def _doctor(arguments: list[str], floor: int) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGENTMAIL_DISK_FLOOR", str(floor))
        return main(arguments)
