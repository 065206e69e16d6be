"""The bare call: a server of the user's own, in the user's data folder, as a child process."""

import asyncio
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from agentmail_tui.cli import main
from agentmail_tui.cli.bundled import LocalServer
from agentmail_tui.cli.folder import DataFolder
from agentmail_tui.cli.process import SERVER, ServerProcess
from agentmail_tui.errors import Unreachable


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    for name in ("COMMUNE_BASE_URL", "COMMUNE_API_KEY", "AGENTMAIL_BOOTSTRAP_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AGENTMAIL_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("AGENTMAIL_TUI_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("AGENTMAIL_SMTP", "127.0.0.1:0")
    return DataFolder(tmp_path / "data")


def _inboxes(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    code = main(["inboxes", "--json"])
    said = capsys.readouterr()
    assert code == 0, said.err
    found: list[dict[str, Any]] = json.loads(said.out)["inboxes"]
    return found


def test_first_start_makes_key_and_inbox_and_the_second_finds_them(
    folder: DataFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    (inbox,) = _inboxes(capsys)
    assert inbox["address"] == "inbox@agents.localhost"
    key = folder.path / "client.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert not (folder.path / "server.json").exists(), "the server took its note away"
    assert _inboxes(capsys) == [inbox]


def test_server_that_runs_already_is_used(
    folder: DataFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    _inboxes(capsys)
    arguments = ["serve", "--data-dir", str(folder.path), "--http", "127.0.0.1:0"]
    other = ServerProcess(arguments, dict(os.environ))
    try:
        ready = other.wait_ready()
        note = folder.path / "server.json"
        assert stat.S_IMODE(note.stat().st_mode) == 0o600
        own = LocalServer(folder)
        own.launch()
        assert own.access().url == ready.http
        own.stop()
        assert other.alive
        assert len(_inboxes(capsys)) == 1
    finally:
        other.stop()
    assert not other.alive


def test_old_note_of_a_dead_server_is_seen_through(
    folder: DataFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.make()
    note = {"ready": True, "http": "http://127.0.0.1:9", "smtp": "127.0.0.1:9", "pid": 1}
    (folder.path / "server.json").write_text(json.dumps(note))
    assert len(_inboxes(capsys)) == 1


def test_refused_key_is_replaced(folder: DataFolder, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder first used by hand has keys of its own; the client gets one by `bootstrap`."""
    _inboxes(capsys)
    folder.replace_key("comm_" + "0" * 64)
    assert len(_inboxes(capsys)) == 1
    assert folder.key() != "comm_" + "0" * 64


async def test_server_that_died_is_started_anew(folder: DataFolder) -> None:
    own = LocalServer(folder)
    try:
        own.launch()
        first = await asyncio.to_thread(own.access)
        assert own._process is not None
        own._process._process.kill()
        own._process._process.wait()
        second = await asyncio.to_thread(own.access)
        assert second.url != first.url
        assert second.key == first.key
    finally:
        own.stop()


def test_folder_that_cannot_be_used_is_told(
    folder: DataFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.make()
    (folder.path / "agentmail.db").write_bytes(b"this is no database, but long enough" * 100)
    assert main(["inboxes"]) == Unreachable.exit_code
    assert "did not start" in capsys.readouterr().err


def test_program_is_the_one_of_this_python() -> None:
    assert SERVER[0] == sys.executable
