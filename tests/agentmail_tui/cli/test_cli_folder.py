import json
from pathlib import Path

import pytest

from agentmail_tui.cli.folder import DataFolder
from agentmail_tui.cli.process import Ready


def test_key_is_made_once_and_kept_closed(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "deep" / "folder")
    folder.make()
    key = folder.key()
    assert key.startswith("comm_")
    assert len(key) == 5 + 64
    assert folder.key() == key
    file = folder.path / "client.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in folder.path.iterdir()] == ["client.key"]


def test_key_can_be_replaced(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.key()
    folder.replace_key("comm_" + "0" * 64)
    assert folder.key() == "comm_" + "0" * 64


def test_note_of_the_server_is_read(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert folder.served() is None
    note = {"ready": True, "http": "http://127.0.0.1:9", "smtp": "127.0.0.1:8", "pid": 1}
    (tmp_path / "server.json").write_text(json.dumps(note))
    assert folder.served() == Ready("http://127.0.0.1:9", "127.0.0.1:8")
    (tmp_path / "server.json").write_text("half a no")
    assert folder.served() is None


def test_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AGENTMAIL_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert DataFolder.of_user().path == tmp_path / "agentmail-tui" / "server"
    monkeypatch.setenv("AGENTMAIL_DATA_DIR", "/elsewhere")
    assert DataFolder.of_user().path == Path("/elsewhere")
