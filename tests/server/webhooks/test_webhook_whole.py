"""From the SMTP socket to the endpoint: the whole server, the receiver of the docs, and kill -9."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import smtplib
import sys
from collections.abc import Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from agentmail_server.config import Settings
from agentmail_server.main import Running, running
from pydantic import SecretStr

from tests.server.webhooks.conftest import SECRET, Endpoint, Got, answer, hang

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEY = "comm_" + "ab" * 32
HEADERS = {"Authorization": f"Bearer {KEY}"}
MAIL = b"From: Ann <ann@sender.test>\r\nMessage-ID: <1@sender.test>\r\nSubject: Hi\r\n\r\nText\r\n"
PAGE = Path(__file__).parents[3] / "docs" / "webhooks.md"


def _send(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.sendmail("ann@sender.test", ["agent@agents.test"], MAIL)


async def _until(holds: Any) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - a plain condition rings no bell
            await asyncio.sleep(0.01)


async def _inbox(client: httpx.AsyncClient, endpoint: str) -> dict[str, Any]:
    body = {"local_part": "agent", "webhook": {"endpoint": endpoint, "secret": SECRET}}
    made: dict[str, Any] = (await client.post("/v1/inboxes", json=body)).json()["data"]
    return made


@asynccontextmanager
async def _server(folder: Path) -> AsyncIterator[tuple[Running, httpx.AsyncClient]]:
    settings = Settings(
        data_dir=folder,
        http="127.0.0.1:0",
        smtp="127.0.0.1:0",
        domain="agents.test",
        bootstrap_key=SecretStr(KEY),
        parse_workers=1,
        embedder="none",
    )
    async with (
        running(settings) as server,
        httpx.AsyncClient(base_url=server.http_url, headers=HEADERS) as client,
    ):
        yield server, client


async def test_a_mail_calls_its_inbox_and_the_api_tells(tmp_path: Path, endpoint: Endpoint) -> None:
    async with _server(tmp_path) as (server, client):
        inbox = await _inbox(client, endpoint.url())
        await asyncio.to_thread(_send, server.smtp.port)
        await _until(lambda: endpoint.got)
        rows: list[Any] = []
        while not rows or rows[0]["status"] != "delivered":
            reply = await client.get("/v1/webhooks/deliveries", params={"inbox_id": inbox["id"]})
            rows = reply.json()["data"]
        health = (await client.get("/v1/webhooks/health")).json()
        tested = await client.post("/v1/webhooks/test", json={"inbox_id": inbox["id"]})
    assert rows[0]["id"] == endpoint.got[0].headers["webhook-id"]
    assert rows[0]["attempt_count"] == 1
    assert health["totals"] == {"pending": 0, "delivered": 1, "retrying": 0, "dead": 0}
    assert health["endpoints"][0]["success_rate"] == 1.0
    assert tested.json()["data"]["delivered"] is True
    assert endpoint.got[1].headers["x-commune-test"] == "true"
    assert json.loads(endpoint.got[1].body)["test"] is True


class _Request:
    """As much of Flask's request as the receiver of the docs uses."""

    def __init__(self, got: Got) -> None:
        self.headers: Mapping[str, str] = got.headers
        self.json = json.loads(got.body)
        self._body = got.body

    def get_data(self) -> bytes:
        return self._body


class _Flask:
    """Takes the handler that the receiver of the docs registers."""

    def __init__(self, _: str) -> None:
        self.paths: list[str] = []

    def post(self, path: str) -> Any:
        self.paths.append(path)
        return lambda handler: handler


async def test_the_receiver_of_the_docs_takes_calls_and_refuses_others(
    tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    async with _server(tmp_path) as (server, client):
        await _inbox(client, endpoint.url())
        await asyncio.to_thread(_send, server.smtp.port)
        await _until(lambda: endpoint.got)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert "from flask import Flask, request\n" in code
    receiver: dict[str, Any] = {"Flask": _Flask, "__name__": "receiver"}
    monkeypatch.setenv("COMMUNE_WEBHOOK_SECRET", SECRET)
    exec(code.replace("from flask import Flask, request\n", ""), receiver)
    got = endpoint.got[0]
    receiver["request"] = _Request(got)
    assert receiver["mail"]() == {"ok": True}
    assert capsys.readouterr().out == "ann@sender.test Hi\n"
    receiver["request"] = _Request(Got("/", got.headers, got.body.replace(b"Hi", b"Ho")))
    assert receiver["mail"]() == ({"error": "bad signature"}, 401)


async def _process(folder: Path) -> tuple[asyncio.subprocess.Process, str, int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agentmail_server", "serve", "--data-dir", str(folder),
        "--http", "127.0.0.1:0", "--smtp", "127.0.0.1:0", "--domain", "agents.test",
        env={**os.environ, "AGENTMAIL_BOOTSTRAP_KEY": KEY, "AGENTMAIL_EMBEDDER": "none"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
    return process, ready["http"], int(ready["smtp"].rpartition(":")[2])


@pytest.mark.slow
async def test_killed_after_the_post_it_is_called_again_under_the_same_id(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    endpoint.plan["/"] = hang
    process, url, smtp = await _process(tmp_path)
    async with httpx.AsyncClient(base_url=url, headers=HEADERS) as client:
        await _inbox(client, endpoint.url())
    await asyncio.to_thread(_send, smtp)
    await _until(lambda: endpoint.got)
    # The endpoint has it; the server has not heard so.
    process.send_signal(signal.SIGKILL)
    await process.wait()
    endpoint.plan["/"] = answer(200)
    process, url, _ = await _process(tmp_path)
    await _until(lambda: len(endpoint.got) == 2)
    async with httpx.AsyncClient(base_url=url, headers=HEADERS) as client:
        row: dict[str, Any] = {"status": ""}
        async with asyncio.timeout(10):
            while row["status"] != "delivered":
                (row,) = (await client.get("/v1/webhooks/deliveries")).json()["data"]
    process.terminate()
    await process.wait()
    first, second = endpoint.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == row["id"]
    assert first.body == second.body
    assert row["attempt_count"] == 1
