"""The script subcommands and `shot`, against a real server."""

import asyncio
import json
import smtplib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from agentmail_server.config import Settings
from agentmail_server.main import Running, running
from pydantic import SecretStr

from agentmail_tui.cli import main

KEY = "comm_" + "7b" * 32
BOUND = 20.0


@dataclass
class Shell:
    """Calls the command and catches what it says."""

    server: Running
    address: str
    capsys: pytest.CaptureFixture[str]
    err: str = ""

    async def run(self, *argv: str, code: int = 0) -> str:
        self.capsys.readouterr()
        got = await asyncio.to_thread(main, ["--url", self.server.http_url, *argv])
        said = self.capsys.readouterr()
        self.err = said.err
        assert got == code, said.err
        return said.out

    async def json(self, *argv: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self.run(*argv, "--json"))
        return found


@pytest.fixture
async def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Shell]:
    monkeypatch.setenv("COMMUNE_API_KEY", KEY)
    monkeypatch.setenv("AGENTMAIL_TUI_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    settings = Settings(
        data_dir=tmp_path / "data",
        http="127.0.0.1:0",
        smtp="127.0.0.1:0",
        bootstrap_key=SecretStr(KEY),
    )
    async with running(settings) as server:
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(headers=headers, trust_env=False) as http:
            made = await http.post(f"{server.http_url}/v1/inboxes", json={"local_part": "support"})
        address = str(made.json()["data"]["address"])
        yield Shell(server, address, capsys)


async def _thread(shell: Shell) -> dict[str, Any]:
    """Let a mail come in and return its row, once it is listed."""
    mail = EmailMessage()
    mail["From"] = "Ada Byrne <ada@harbour.test>"
    mail["To"] = shell.address
    mail["Subject"] = "Dented kettle"
    mail["Message-ID"] = "<one@harbour.test>"
    mail.set_content("The lid has a dent \x1b[31mand more\x1b[0m.\n")

    def send() -> None:
        smtp = shell.server.smtp
        with smtplib.SMTP(smtp.host, smtp.port, timeout=BOUND) as client:
            client.send_message(mail)

    await asyncio.to_thread(send)
    async with asyncio.timeout(BOUND):
        while not (rows := (await shell.json("threads"))["threads"]):
            pass
    row: dict[str, Any] = rows[0]
    return row


async def test_every_action_of_the_ui_from_a_script(shell: Shell) -> None:
    inboxes = (await shell.json("inboxes"))["inboxes"]
    assert [inbox["address"] for inbox in inboxes] == [shell.address]

    row = await _thread(shell)
    thread_id = str(row["thread_id"])
    assert row["subject"] == "Dented kettle"
    assert row["party"] == {"name": "Ada Byrne", "address": "ada@harbour.test"}
    assert row["unread"] is True

    assert (await shell.json("tag", thread_id, "vip", "refund"))["tags"] == ["refund", "vip"]
    assert (await shell.json("tag", thread_id, "--remove", "vip"))["tags"] == ["refund"]
    assert (await shell.json("status", thread_id, "waiting"))["status"] == "waiting"
    assert (await shell.json("assign", thread_id, "maya"))["assigned_to"] == "maya"
    assert (await shell.json("assign", thread_id, "--nobody"))["assigned_to"] is None

    found = await shell.json("threads", "--status", "waiting", "--tag", "refund")
    assert [each["thread_id"] for each in found["threads"]] == [thread_id]
    assert (await shell.json("threads", "--status", "closed"))["threads"] == []
    hits = await shell.json("search", "kettle", "--inbox", shell.address)
    assert [each["thread_id"] for each in hits["threads"]] == [thread_id]

    sent = await shell.json(
        "send", "--thread", thread_id, "--text", "On its way.", "--idempotency-key", "k1"
    )
    again = await shell.json(
        "send", "--thread", thread_id, "--text", "On its way.", "--idempotency-key", "k1"
    )
    assert sent["thread_id"] == thread_id
    assert again["message_id"] == sent["message_id"]
    shown = await shell.json("show", thread_id)
    assert [message["direction"] for message in shown["messages"]] == ["inbound", "outbound"]
    assert shown["messages"][1]["subject"] == "Re: Dented kettle"
    events = (await shell.json("delivery", "--message", sent["message_id"]))["events"]
    assert events[0]["event_type"] == "queued"


async def test_people_read_plain_lines_without_control_signs(shell: Shell) -> None:
    thread_id = str((await _thread(shell))["thread_id"])
    listed = await shell.run("threads")
    assert "Dented kettle" in listed
    shown = await shell.run("show", thread_id)
    assert "The lid has a dent" in shown
    assert "\x1b" not in listed + shown


async def test_exit_codes_tell_what_went_wrong(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shell.run("show", "conv_none", "--json", code=3)
    assert json.loads(shell.err)["exit_code"] == 3
    await shell.run("status", "conv_none", "open", "--read-only", code=2)
    await shell.run("send", "--to", "a@b.test", "--subject", "s", "--text", "t",
                    "--inbox", "nobody", code=3)  # fmt: skip
    await shell.run("send", "--to", "no address", "--subject", "s", "--text", "t", code=1)
    monkeypatch.setenv("COMMUNE_API_KEY", "comm_" + "0" * 64)
    await shell.run("inboxes", code=2)
    monkeypatch.delenv("COMMUNE_API_KEY")
    assert await shell.run("inboxes", code=2) == ""
    assert "COMMUNE_API_KEY" in shell.err
    monkeypatch.setenv("COMMUNE_API_KEY", KEY)
    await shell.run("inboxes", "--url", "http://127.0.0.1:9", code=5)
    monkeypatch.delenv("AGNIC_TOKEN", raising=False)
    await shell.run("inboxes", "--backend", "agnic", code=2)
    assert "AGNIC_TOKEN" in shell.err


async def test_body_is_read_from_stdin(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        def read(self) -> str:
            return "line one\n.\nline three\n"

    thread_id = str((await _thread(shell))["thread_id"])
    monkeypatch.setattr("sys.stdin", Stdin())
    await shell.run("send", "--thread", thread_id, "--text", "-")
    shown = await shell.json("show", thread_id)
    assert shown["messages"][1]["text"].splitlines()[:3] == ["line one", ".", "line three"]


async def test_shot_draws_the_screen(shell: Shell, tmp_path: Path) -> None:
    await _thread(shell)
    text, svg = tmp_path / "out.txt", tmp_path / "out.svg"
    script = tmp_path / "steps"
    script.write_text("# open it\nenter\nwait has a dent\n")
    await shell.run(
        "shot", "--size", "100x30", "--script", str(script), "--text", str(text), "--svg", str(svg)
    )
    lines = text.read_text().splitlines()
    assert len(lines) == 30
    assert any("has a dent" in line for line in lines)
    assert svg.read_text().startswith("<svg ")
    assert "http://" not in svg.read_text().replace("http://www.w3.org/2000/svg", "")
    assert "@font-face" not in svg.read_text()
    assert "Ada Byrne" in await shell.run("shot", "--size", "80x24")


async def test_shot_says_what_was_on_screen_instead(shell: Shell) -> None:
    await _thread(shell)
    out = await shell.run("shot", "--wait-for", "no such text", "--timeout", "0.5", code=1)
    assert out == ""
    assert '"no such text" never came in 0.5 s' in shell.err
    assert "Dented kettle" in shell.err


async def test_shot_of_a_server_that_is_away_fails(shell: Shell, tmp_path: Path) -> None:
    out = tmp_path / "out.svg"
    await shell.run("shot", "--url", "http://127.0.0.1:9", "--svg", str(out), code=1)
    assert "no connection" in shell.err
    assert not out.exists()
