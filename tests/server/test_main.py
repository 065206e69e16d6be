from __future__ import annotations

import asyncio
import json
import os
import signal
import smtplib
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from agentmail_server.config import Settings
from agentmail_server.main import Running, StartError, running
from agentmail_server.store import tables
from agentmail_server.store.inboxes import create_inbox
from sqlalchemy import Connection, select

KEY = "comm_" + "ab" * 32
INBOX = "agent@agents.test"
MAIL = b"From: Ann <ann@sender.test>\r\nMessage-ID: <1@sender.test>\r\nSubject: Hi\r\n\r\nText\r\n"


def settings(folder: Path, **more: Any) -> Settings:
    base: dict[str, Any] = {
        "data_dir": folder,
        "http": "127.0.0.1:0",
        "smtp": "127.0.0.1:0",
        "domain": "agents.test",
        "bootstrap_key": KEY,
        "parse_workers": 1,
    }
    return Settings(**(base | more))


async def open_inbox(server: Running, name: str = "agent") -> str:
    row = await server.store.write(
        lambda conn: create_inbox(conn, server.ids, 1, server.org_id, local_part=name)
    )
    return row.id


def send(port: int, mail: bytes = MAIL) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.sendmail("ann@sender.test", [INBOX], mail)


async def until_message(server: Running) -> Any:
    def unit(conn: Connection) -> Any:
        return conn.execute(select(tables.messages)).first()

    async with asyncio.timeout(10):
        while (row := await server.store.read(unit)) is None:  # noqa: ASYNC110 - rows ring no bell
            await asyncio.sleep(0.005)
    return row


async def test_a_mail_goes_from_the_socket_to_the_api(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as server:
        await open_inbox(server)
        await asyncio.to_thread(send, server.smtp.port)
        await until_message(server)
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(base_url=server.http_url, headers=headers) as client:
            reply = await client.get("/v1/threads", params={"all": "true"})
            ready = await client.get("/readyz")
        assert [row["subject"] for row in reply.json()["data"]] == ["Hi"]
        assert ready.status_code == 200
        assert ready.json()["ready"] is True
        assert ready.json()["search_engine"]


class Sink:
    """Takes any mail by SMTP and keeps it."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink.test\r\n")
        while line := await reader.readline():
            if line.upper().startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
                self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
            writer.write(b"250 2.0.0 ok\r\n")
        writer.close()


async def test_a_reply_goes_from_the_api_to_the_next_server(tmp_path: Path) -> None:
    sink = Sink()
    next_server = await asyncio.start_server(sink.talk, "127.0.0.1", 0)
    relay = f"smtp://127.0.0.1:{next_server.sockets[0].getsockname()[1]}?starttls=never"
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        running(settings(tmp_path, relay=relay)) as server,
        httpx.AsyncClient(base_url=server.http_url, headers=headers) as client,
    ):
        inbox_id = await open_inbox(server)
        await asyncio.to_thread(send, server.smtp.port)
        thread = (await until_message(server)).thread_id
        letter = {"to": "ann@sender.test", "subject": "Re: Hi", "text": "Thanks", "html": None}
        letter |= {"thread_id": thread, "inbox_id": inbox_id}
        reply = await client.post("/v1/messages/send", json=letter)
        assert reply.status_code == 202
        async with asyncio.timeout(10):
            while "delivered" not in (types := await _event_types(client)):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    next_server.close()
    (mail,) = sink.mails
    head, _, body = mail.partition(b"\r\n\r\n")
    assert b"In-Reply-To: <1@sender.test>" in head.split(b"\r\n")
    assert b"References: <1@sender.test>" in head.split(b"\r\n")
    assert body.startswith(b"Thanks")
    assert types == ["delivered", "queued", "sent"]


async def _event_types(client: httpx.AsyncClient) -> list[str]:
    reply = await client.get("/v1/delivery/events", params={"all": "true"})
    return sorted(row["event_type"] for row in reply.json()["data"])


async def test_it_is_shown_soon_after_its_250(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as server:
        await open_inbox(server)
        await asyncio.to_thread(send, server.smtp.port)
        await until_message(server)
        acknowledged = asyncio.get_running_loop().time()
        ring = asyncio.Event()
        server.store.on("log", ring.set)
        await asyncio.to_thread(send, server.smtp.port, MAIL.replace(b"<1@", b"<2@"))
        async with asyncio.timeout(10):
            await ring.wait()
        # Generous: the promise is 500 ms to the screen, and other tests share the machine.
        assert asyncio.get_running_loop().time() - acknowledged < 2


async def test_the_bootstrap_key_is_taken_once(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as server:
        assert server.api_key == KEY
        org_id = server.org_id
    async with running(settings(tmp_path, bootstrap_key="comm_" + "cd" * 32)) as server:
        assert server.api_key is None
        assert server.org_id == org_id
        async with httpx.AsyncClient(base_url=server.http_url) as client:
            codes = [
                (
                    await client.get("/v1/domains", headers={"Authorization": f"Bearer {key}"})
                ).status_code
                for key in (KEY, "comm_" + "cd" * 32)
            ]
    assert codes == [200, 401]


async def test_a_frozen_clock_makes_the_same_ids_and_new_ones_later(tmp_path: Path) -> None:
    frozen = {"clock": "2026-01-15T09:00:00Z"}
    found = []
    for folder in ("a", "b"):
        async with running(settings(tmp_path / folder, **frozen)) as server:
            await open_inbox(server)
            await asyncio.to_thread(send, server.smtp.port)
            row = await until_message(server)
            found.append((server.org_id, row.raw_id, row.created_at))
    assert found[0] == found[1]
    assert found[0][2] == 1_768_467_600_000_000
    async with running(settings(tmp_path / "a", **frozen)) as server:
        await asyncio.to_thread(send, server.smtp.port, MAIL.replace(b"<1@", b"<2@"))


@asynccontextmanager
async def taken() -> AsyncIterator[str]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield f"127.0.0.1:{held.getsockname()[1]}"


@pytest.mark.parametrize("name", ["http", "smtp"])
async def test_a_taken_port_is_one_clear_line(tmp_path: Path, name: str) -> None:
    async with taken() as address:
        with pytest.raises(StartError, match=rf"{address}.*--{name} HOST:PORT"):
            async with running(settings(tmp_path, **{name: address})):
                pass
    # Nothing was left behind: the folder is free again.
    async with running(settings(tmp_path)):
        pass


async def test_a_folder_has_one_server(tmp_path: Path) -> None:
    async with running(settings(tmp_path)):
        with pytest.raises(StartError, match="in use"):
            async with running(settings(tmp_path)):
                pass


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"relay": "ftp://x"}, "relay must be"),
        ({"bootstrap_key": "comm_short"}, "bootstrap key"),
        ({"smtp_tls_cert": "/nowhere.pem", "smtp_tls_key": "/nowhere.key"}, "smtp_tls_cert"),
    ],
)
async def test_a_wrong_setting_is_one_clear_line(
    tmp_path: Path, change: dict[str, str], words: str
) -> None:
    with pytest.raises(StartError, match=words):
        async with running(settings(tmp_path, **change)):
            pass


class Child:
    """`agentmail-server serve` as users start it."""

    def __init__(self, folder: Path, *more: str) -> None:
        self._command = [
            sys.executable, "-m", "agentmail_server", "serve", "--data-dir", str(folder),
            "--http", "127.0.0.1:0", "--smtp", "127.0.0.1:0", "--domain", "agents.test",
            "--log-format", "json", *more,
        ]  # fmt: skip
        self.process: asyncio.subprocess.Process

    async def __aenter__(self) -> Child:
        self.process = await asyncio.create_subprocess_exec(
            *self._command,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "AGENTMAIL_BOOTSTRAP_KEY": KEY, "AGENTMAIL_PARSE_WORKERS": "1"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.communicate()

    async def ready(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), 30)
        found: dict[str, Any] = json.loads(line)
        return found

    async def end(self) -> tuple[int, str, str]:
        out, errors = await asyncio.wait_for(self.process.communicate(), 20)
        assert self.process.returncode is not None
        return self.process.returncode, out.decode(), errors.decode()


async def test_the_ready_line_and_the_end(tmp_path: Path) -> None:
    async with Child(tmp_path) as child:
        line = await child.ready()
        assert list(line) == ["ready", "http", "smtp", "version"]
        assert line["ready"] is True
        port = int(line["smtp"].rpartition(":")[2])
        idle = smtplib.SMTP("127.0.0.1", port, timeout=10)
        async with httpx.AsyncClient() as client:
            assert (await client.get(line["http"] + "/healthz")).status_code == 200
        started = asyncio.get_running_loop().time()
        child.process.send_signal(signal.SIGTERM)
        assert (await asyncio.to_thread(idle.getreply))[0] == 421
        idle.close()
        code, out, errors = await child.end()
        assert (code, out) == (0, "")
        assert asyncio.get_running_loop().time() - started < 15
        assert all(json.loads(each) for each in errors.splitlines())
        assert KEY not in errors


async def test_open_streams_do_not_hold_up_the_end(tmp_path: Path) -> None:
    async with Child(tmp_path) as child:
        line = await child.ready()
        headers = {"Authorization": f"Bearer {KEY}"}
        async with (
            httpx.AsyncClient(base_url=line["http"], headers=headers) as client,
            client.stream("GET", "/v1/events/stream") as stream,
        ):
            assert stream.status_code == 200
            await anext(stream.aiter_lines())
            child.process.send_signal(signal.SIGTERM)
            code, _, _ = await child.end()
    assert code == 0


async def test_a_second_sigterm_ends_at_once(tmp_path: Path) -> None:
    async with Child(tmp_path) as child:
        line = await child.ready()
        port = int(line["smtp"].rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for text in ("EHLO a.test", "MAIL FROM:<a@b.test>"):
            writer.write(text.encode() + b"\r\n")
        async with httpx.AsyncClient(base_url=line["http"]) as client:
            reply = await client.post(
                "/v1/inboxes",
                json={"local_part": "agent"},
                headers={"Authorization": f"Bearer {KEY}"},
            )
            assert reply.status_code == 201
        writer.write(f"RCPT TO:<{INBOX}>\r\nDATA\r\n".encode())
        while not (await asyncio.wait_for(reader.readline(), 10)).startswith(b"354"):
            pass
        # A mail in hand keeps the first one waiting.
        child.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            while True:
                try:
                    _, other = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    break
                other.close()
        child.process.send_signal(signal.SIGTERM)
        code, _, _ = await child.end()
        writer.close()
    assert code == -signal.SIGTERM


async def test_an_error_at_the_start_is_one_line_and_exit_code_one(tmp_path: Path) -> None:
    async with taken() as address, Child(tmp_path, "--http", address) as child:
        code, out, errors = await child.end()
    assert (code, out) == (1, "")
    assert "Traceback" not in errors
    assert errors.splitlines()[-1].startswith(f"agentmail-server: cannot listen on {address}")
