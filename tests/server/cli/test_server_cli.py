from __future__ import annotations

import asyncio
import hashlib
import json
import os
import socket
import sqlite3
import stat
import tarfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from agentmail_server.cli import main
from agentmail_server.config import Settings
from agentmail_server.ids import FrozenClock, Ids
from agentmail_server.main import running
from agentmail_server.store import tables
from agentmail_server.store.engine import open_store
from agentmail_server.store.sqlite import DATABASE_NAME
from sqlalchemy import Connection, select

INBOX = "agent@agents.test"
MBOX = b"".join(
    b"From ann@sender.test Thu Jan 15 09:0%d:00 2026\n"
    b"From: Ann <ann@sender.test>\nTo: agent@agents.test\nSubject: Mail %d\n"
    b"Date: Thu, 15 Jan 2026 09:0%d:00 +0000\nMessage-ID: <%d@sender.test>\n\nText %d\n\n"
    % (number, number, number, number, number)
    for number in range(5)
)


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("AGENTMAIL_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AGENTMAIL_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("AGENTMAIL_DOMAIN", "agents.test")
    monkeypatch.setenv("AGENTMAIL_PARSE_WORKERS", "1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def mbox(tmp_path: Path) -> Path:
    file = tmp_path / "mail.mbox"
    file.write_bytes(MBOX)
    return file


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def said(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    found = capsys.readouterr()
    return found.out, found.err


def rows(folder: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as conn:
        return conn.execute(query).fetchall()


def serving(folder: Path, **more: Any) -> Settings:
    base: dict[str, Any] = {"data_dir": folder, "http": "127.0.0.1:0", "smtp": "127.0.0.1:0"}
    return Settings(**(base | more))


async def may_call(url: str, key: str) -> int:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as client:
        return (await client.get(f"{url}/v1/domains")).status_code


def test_bootstrap_makes_a_further_key_each_time(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = []
    for _ in range(2):
        assert main(["bootstrap", "--json"]) == 0
        made.append(json.loads(said(capsys)[0]))
    assert [sorted(each) for each in made] == [["api_key", "org_id"]] * 2
    assert made[0]["org_id"] == made[1]["org_id"]
    assert made[0]["api_key"] != made[1]["api_key"]

    async def codes() -> list[int]:
        async with running(serving(folder)) as server:
            return [await may_call(server.http_url, each["api_key"]) for each in made]

    assert asyncio.run(codes()) == [200, 200]


def test_bootstrap_works_beside_a_running_server(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work() -> int:
        async with running(serving(folder)) as server:
            assert await asyncio.to_thread(main, ["bootstrap", "--json"]) == 0
            return await may_call(server.http_url, json.loads(said(capsys)[0])["api_key"])

    assert asyncio.run(work()) == 200


def test_the_wanted_key_is_the_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AGENTMAIL_BOOTSTRAP_KEY", "comm_" + "ab" * 32)
    assert main(["bootstrap", "--json"]) == 0
    assert json.loads(said(capsys)[0])["api_key"] == "comm_" + "ab" * 32
    assert main(["bootstrap", "--json"]) == 0
    assert json.loads(said(capsys)[0])["api_key"] != "comm_" + "ab" * 32


def test_import_opens_the_inbox_and_keeps_dates(
    folder: Path, mbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(mbox), "--inbox", INBOX]) == 0
    assert said(capsys)[0] == "5 read, 5 stored, 0 there already\n"
    found = rows(folder, "SELECT subject, created_at FROM messages ORDER BY created_at")
    assert [subject for subject, _ in found] == [f"Mail {n}" for n in range(5)]
    first = datetime.fromtimestamp(found[0][1] / 1_000_000, UTC)
    assert first == datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
    assert main(["import", str(mbox), "--inbox", INBOX]) == 0
    assert said(capsys)[0] == "5 read, 0 stored, 5 there already\n"
    assert rows(folder, "SELECT count(*) FROM messages") == [(5,)]


def test_import_refuses_a_domain_that_is_not_ours(
    mbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(mbox), "--inbox", "agent@elsewhere.test"]) == 1
    out, errors = said(capsys)
    assert out == ""
    assert errors.startswith("agentmail-server: elsewhere.test is no domain of this server")
    assert "agents.test" in errors


def test_import_says_what_it_cannot_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "nowhere.mbox", "--inbox", INBOX]) == 1
    errors = said(capsys)[1]
    assert "nowhere.mbox" in errors
    assert errors.count("\n") == 1


def test_import_into_a_running_server(
    folder: Path,
    mbox: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    key = "comm_" + "cd" * 32
    monkeypatch.setenv("AGENTMAIL_API_KEY", key)

    async def work() -> list[int]:
        async with running(serving(folder, bootstrap_key=key)) as server:
            headers = {"Authorization": f"Bearer {key}"}
            async with httpx.AsyncClient(base_url=server.http_url, headers=headers) as client:
                reply = await client.post("/v1/inboxes", json={"local_part": "agent"})
                assert reply.status_code == 201
            # The folder is taken by the server.
            codes = [await asyncio.to_thread(main, ["import", str(mbox), "--inbox", INBOX])]
            order = ["import", str(mbox), "--inbox", INBOX, "--url", server.http_url]
            codes += [await asyncio.to_thread(main, order) for _ in range(2)]
            async with asyncio.timeout(10):
                while await server.store.read(_messages) < 5:  # noqa: ASYNC110 - rows ring no bell
                    await asyncio.sleep(0.01)
            return codes

    assert asyncio.run(work()) == [1, 0, 0]
    out, errors = said(capsys)
    assert out.splitlines() == [
        "5 read, 5 stored, 0 there already",
        "5 read, 0 stored, 5 there already",
    ]
    assert "in use" in errors
    assert key not in out + errors


def _messages(conn: Connection) -> int:
    return len(conn.execute(select(tables.messages.c.id)).all())


def test_backup_while_serving_and_restore(
    folder: Path, mbox: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(mbox), "--inbox", INBOX]) == 0
    copy = tmp_path / "copy.tar"

    async def work() -> None:
        async with running(serving(folder)):
            assert await asyncio.to_thread(main, ["backup", str(copy)]) == 0

    asyncio.run(work())
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with tarfile.open(copy) as tar:
        assert tar.getnames() == [DATABASE_NAME, "pepper-1.key"]
    assert main(["backup", str(copy)]) == 1

    other = tmp_path / "other"
    assert main(["restore", str(copy), "--data-dir", str(other)]) == 0
    query = "SELECT sha256 FROM raw_mails ORDER BY id"
    assert rows(other, query) == rows(folder, query)
    content = rows(other, "SELECT content, sha256 FROM raw_mails")
    assert all(hashlib.sha256(mail).hexdigest() == digest for mail, digest in content)
    assert main(["restore", str(copy), "--data-dir", str(other)]) == 1
    assert main(["restore", str(copy), "--data-dir", str(other), "--force"]) == 0
    asyncio.run(_opens(other))
    said(capsys)


async def _opens(folder: Path) -> None:
    clock = FrozenClock(datetime(2026, 1, 15, tzinfo=UTC))
    store = await open_store(folder, clock=clock, ids=Ids())
    assert await store.read(_messages) == 5
    await store.aclose()


def test_restore_refuses_what_is_no_backup_and_changes_nothing(
    folder: Path, mbox: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(mbox), "--inbox", INBOX]) == 0
    before = rows(folder, "SELECT id FROM messages")
    broken, foreign = tmp_path / "broken.tar", tmp_path / "foreign.tar"
    broken.write_bytes(b"no tar at all")
    with tarfile.open(foreign, "w") as tar:
        tar.add(mbox, "../../outside")
    for file in (broken, foreign, tmp_path / "nowhere.tar"):
        assert main(["restore", str(file), "--force"]) == 1
    assert rows(folder, "SELECT id FROM messages") == before
    assert not (tmp_path / "outside").exists()
    said(capsys)


def test_restore_does_not_touch_a_folder_in_use(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bootstrap"]) == 0
    copy = tmp_path / "copy.tar"
    assert main(["backup", str(copy)]) == 0

    async def work() -> int:
        async with running(serving(folder)):
            return await asyncio.to_thread(main, ["restore", str(copy), "--force"])

    assert asyncio.run(work()) == 1
    assert "in use" in said(capsys)[1]


def test_doctor_finds_nothing_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AGENTMAIL_HTTP", "127.0.0.1:0")
    monkeypatch.setenv("AGENTMAIL_SMTP", "127.0.0.1:0")
    assert main(["doctor"]) == 0
    out, _ = said(capsys)
    assert "BAD" not in out
    assert "relay" in out


def test_doctor_beside_a_running_server(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def work() -> int:
        async with running(serving(folder)) as server:
            order = ["doctor", "--http", server.http_url[7:], "--smtp", str(server.smtp)]
            return await asyncio.to_thread(main, order)

    assert asyncio.run(work()) == 0
    assert "in use by the server that is running" in said(capsys)[0]


def test_doctor_names_each_thing_that_is_wrong(
    folder: Path, free_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        http = f"127.0.0.1:{taken.getsockname()[1]}"
        relay = f"smtp://user:hunter2@127.0.0.1:{free_port}"
        order = ["doctor", "--http", http, "--smtp", "127.0.0.1:0", "--relay", relay]
        assert main(order) == 1
    out, _ = said(capsys)
    bad = [line for line in out.splitlines() if line.startswith("BAD")]
    assert len(bad) == 2
    assert http in bad[0]
    assert "cannot be reached" in bad[1]
    assert "hunter2" not in out


def test_a_damaged_store_is_refused_by_name(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.mkdir()
    (folder / DATABASE_NAME).write_bytes(b"this is no database " * 500)
    for order in (["doctor", "--http", "127.0.0.1:0", "--smtp", "127.0.0.1:0"], ["bootstrap"]):
        assert main(order) == 1
    out, errors = said(capsys)
    assert DATABASE_NAME in out
    assert DATABASE_NAME in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("order", [[], ["unknown"], ["serve", "--unknown"], ["import"]])
def test_a_wrong_call_is_exit_code_two(
    order: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(order)
    assert end.value.code == 2
    said(capsys)
