"""What the database keeps of secrets is sealed, and the key lies in a file of its own."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import stat
import tarfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from agentmail_server.cli import main
from agentmail_server.config import Settings
from agentmail_server.errors import Unavailable
from agentmail_server.main import Running, StartError, running
from agentmail_server.service.domains import dkim_key
from agentmail_server.service.keys import Pepper
from agentmail_server.service.vault import Vault
from agentmail_server.store import tables
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Connection, select

KEY = "comm_" + "ab" * 32
SECRET = "a-secret-of-the-owner-7f3a"


def settings(folder: Path, **more: Any) -> Settings:
    base: dict[str, Any] = {
        "data_dir": folder, "http": "127.0.0.1:0", "smtp": "127.0.0.1:0",
        "domain": "agents.test", "bootstrap_key": KEY, "parse_workers": 1, "embedder": "none",
    }  # fmt: skip
    return Settings(**(base | more))


def client(server: Running) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {KEY}"}
    return httpx.AsyncClient(base_url=server.http_url, headers=headers)


async def sent(http: httpx.AsyncClient, method: str, path: str, body: Any = None) -> Any:
    reply = await http.request(method, path, json=body)
    assert reply.is_success, reply.text
    return reply.json()


async def register(http: httpx.AsyncClient) -> tuple[str, Ed25519PrivateKey]:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    body = {
        "agentName": "A", "orgName": "O", "orgSlug": "signing",
        "publicKey": base64.b64encode(public).decode(),
    }  # fmt: skip
    begun = await sent(http, "POST", "/v1/auth/agent-register", body)
    proof = base64.b64encode(key.sign(begun["challenge"].encode())).decode()
    done = {"agentSignupToken": begun["agentSignupToken"], "signature": proof}
    return (await sent(http, "POST", "/v1/auth/agent-verify", done))["agentId"], key


async def key_by_signature(http: httpx.AsyncClient) -> bytes:
    """Ask twice with one signature for a key, and return the reply, given twice."""
    agent, private = await register(http)
    body = json.dumps({"name": "mine"}).encode()
    signature = base64.b64encode(private.sign(body)).decode()
    headers = {"Authorization": f"Agent {agent}:{signature}", "Content-Type": "application/json"}
    replies = [
        await http.post("/v1/agent/api-keys", content=body, headers=headers) for _ in range(2)
    ]
    assert replies[1].headers["idempotency-replayed"] == "true"
    assert replies[0].content == replies[1].content
    return replies[0].content


async def test_no_secret_lies_open_in_the_data_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with running(settings(folder)) as server, client(server) as http:
        hook = {"endpoint": "https://hooks.test/", "secret": SECRET}
        path = "/v1/inboxes"
        body = {"local_part": "agent", "webhook": hook}
        inbox = (await sent(http, "POST", path, body))["data"]
        assert inbox["webhook"]["secret"] == SECRET
        turned = (await sent(http, "POST", f"{path}/{inbox['id']}/webhook/rotate"))["data"]
        domain = (await sent(http, "POST", "/v1/domains", {"name": "own.test"}))["data"]
        vault = Vault.of(server.pepper)
        held = await server.store.read(dkim_key, vault, domain["id"])
        assert held is not None
        fresh = json.loads(await key_by_signature(http))["apiKey"]
        made = json.loads((await http.post("/v1/agent/api-keys", json={"name": "n"})).content)
        names = [path.name for path in folder.iterdir()]
        files = [each.read_bytes() for each in folder.rglob("*") if each.is_file()]
    assert "pepper-1.key" in names
    assert stat.S_IMODE((folder / "pepper-1.key").stat().st_mode) == 0o600
    pepper = (folder / "pepper-1.key").read_bytes()
    files += [
        each.read_bytes()
        for each in folder.rglob("*")
        if each.is_file() and each.name != "pepper-1.key"
    ]
    pem = held.private_key.splitlines()
    planted = {
        "webhook secret": SECRET, "new webhook secret": turned["webhook"]["secret"],
        "DKIM key": pem[5], "PEM": "PRIVATE KEY", "bootstrap key": KEY, "agent's key": fresh,
        "key": made["apiKey"],
    }  # fmt: skip
    for name, secret in planted.items():
        assert not any(secret.encode() in content for content in files), name
    assert sum(pepper in content for content in files) == 1
    async with running(settings(folder)) as server, client(server) as http:
        again = (await sent(http, "GET", f"{path}/{inbox['id']}"))["data"]
        assert again["webhook"]["secret"] == turned["webhook"]["secret"]


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Return a data folder that a server has used."""
    async with running(settings(tmp_path / "data")):
        pass
    return tmp_path / "data"


def doctor(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    ports = ["--http", "127.0.0.1:0", "--smtp", "127.0.0.1:0"]
    main(["doctor", "--data-dir", str(folder), *ports])
    return capsys.readouterr().out


@pytest.mark.parametrize("change", ["other", "lost", "renamed"])
async def test_the_wrong_key_is_told_at_the_start(
    folder: Path, change: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "pepper-1.key"
    if change == "other":
        file.write_bytes(b"x" * 32)
    elif change == "lost":
        file.unlink()
    else:
        file.rename(folder / "pepper-2.key")
    wanted = "pepper-1.key is missing" if change == "renamed" else "pepper-1.key is not the one"
    with pytest.raises(StartError, match=wanted):
        async with running(settings(folder)):
            pass
    assert wanted in await asyncio.to_thread(doctor, folder, capsys)


async def test_a_newer_key_seals_anew_what_the_old_one_sealed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with running(settings(folder)) as server, client(server) as http:
        hook = {"endpoint": "https://hooks.test/", "secret": SECRET}
        body = {"local_part": "agent", "webhook": hook}
        made = (await sent(http, "POST", "/v1/inboxes", body))["data"]
        await sent(http, "POST", f"/v1/inboxes/{made['id']}/webhook/rotate")
        domain = (await sent(http, "GET", "/v1/domains"))["data"][0]
        before = await server.store.read(_sealed)
    (folder / "pepper-2.key").write_bytes(b"n" * 32)
    async with running(settings(folder)) as server:
        after = await server.store.read(_sealed)
        held = await server.store.read(dkim_key, Vault.of(server.pepper), domain["id"])
    assert [each[:3] for each in before] == ["v1."] * 3
    assert [each[:3] for each in after] == ["v2."] * 3
    assert held is not None
    shown = next(each for each in domain["records"] if each["record"] == "DKIM")
    assert held.public_key() in shown["value"]


def _sealed(conn: Connection) -> list[str]:
    (key,) = conn.execute(select(tables.domains.c.dkim_private_key)).scalars()
    (hook,) = conn.execute(select(tables.inboxes.c.webhook)).scalars()
    return [key, hook["secret"], hook["previous_secret"]]


def test_what_is_sealed_opens_in_its_place_alone() -> None:
    old, new = Pepper({1: b"a" * 32}), Pepper({1: b"a" * 32, 2: b"b" * 32})
    box = Vault.of(old).webhooks("org_1")
    sealed = box.seal("text é")
    assert box.seal("text é") != sealed
    assert Vault.of(new).webhooks("org_1").open(sealed) == "text é"
    flipped = sealed[:-6] + ("A" if sealed[-6] != "A" else "B") + sealed[-5:]
    wrong = [
        (Vault.of(new).webhooks("org_2"), sealed),
        (Vault.of(new).dkim("org_1"), sealed),
        (Vault.of(Pepper({1: b"z" * 32})).webhooks("org_1"), sealed),
        (box, Vault.of(new).webhooks("org_1").seal("text")),
        (box, flipped),
        (box, "v1."),
        (box, "v1.AAAA"),
        (box, "text"),
    ]
    for other, text in wrong:
        with pytest.raises(Unavailable):
            other.open(text)


async def test_a_backup_holds_the_key_only_where_it_lies_with_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, keys, copy = tmp_path / "data", tmp_path / "keys", tmp_path / "backup.tar"
    async with running(settings(data, key_dir=keys)):
        pass
    assert [each.name for each in keys.iterdir()] == ["pepper-1.key"]
    assert await asyncio.to_thread(main, ["backup", str(copy), "--data-dir", str(data)]) == 0
    with tarfile.open(copy) as tar:
        assert not any("pepper" in name for name in tar.getnames())
    other = tmp_path / "other"
    assert await asyncio.to_thread(main, ["restore", str(copy), "--data-dir", str(other)]) == 0
    with pytest.raises(StartError, match="cannot be read"):
        async with running(settings(other)):
            pass
    shutil.copytree(keys, tmp_path / "kept")
    monkeypatch.setenv("AGENTMAIL_KEY_DIR", str(tmp_path / "kept"))
    assert "opens what is sealed" in await asyncio.to_thread(doctor, other, capsys)
    async with (
        running(settings(other, key_dir=tmp_path / "kept")) as server,
        client(server) as http,
    ):
        assert (await http.get("/v1/domains")).status_code == 200
