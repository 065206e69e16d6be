"""The whole HTTP side on a real store in a temporary folder, with two organisations."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from agentmail_server.http.app import create_app
from agentmail_server.http.deps import Deps, HttpSettings
from agentmail_server.ids import FrozenClock, Ids, to_micros
from agentmail_server.live import Hub
from agentmail_server.mail.parse import parse
from agentmail_server.service.keys import EVERY_SCOPE, Pepper, mint_key
from agentmail_server.store import accounts, intake
from agentmail_server.store.domains import ensure_shared_domain
from agentmail_server.store.engine import Store, open_store
from agentmail_server.store.records import AcceptedMail, InboxTarget, MessageRow
from agentmail_server.store.tables import domains
from sqlalchemy import Connection, insert
from starlette.applications import Starlette

SHARED = "agents.test"
START = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)


@dataclass
class Org:
    """An organisation with one key that may do everything."""

    id: str
    key: str
    domain_id: str
    domain: str


@dataclass
class Api:
    """Calls the application in-process, as one organisation unless told otherwise."""

    app: Starlette
    client: httpx.AsyncClient
    deps: Deps
    clock: FrozenClock
    ours: Org
    theirs: Org
    shared_id: str
    _mails: int = field(default=0)

    @property
    def store(self) -> Store:
        return self.deps.store

    async def call(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> httpx.Response:
        sent = {"Authorization": f"Bearer {key or self.ours.key}", **(headers or {})}
        return await self.client.request(method, path, headers=sent, **options)

    async def data(self, method: str, path: str, **options: Any) -> Any:
        """Call, insist on success, return what is in the envelope."""
        response = await self.call(method, path, **options)
        assert response.is_success, f"{response.status_code} {response.text}"
        return response.json()["data"]

    async def refused(self, status: int, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Call, insist on this refusal in the one shape of all, return its body."""
        response = await self.call(method, path, **options)
        assert response.status_code == status, f"{response.status_code} {response.text}"
        assert response.headers["content-type"] == "application/json"
        body: dict[str, Any] = response.json()
        assert isinstance(body["error"], str)
        # Agnic's refusals say in `error` what others say in `code`.
        assert body["error"] == body["code" if "error_description" in body else "message"]
        assert body["code"]
        return body

    async def inbox(self, local: str = "desk", org: Org | None = None, **body: Any) -> Any:
        key = (org or self.ours).key
        return await self.data("POST", "/v1/inboxes", key=key, json={"local_part": local, **body})

    async def key_with(self, *scopes: str, org: Org | None = None, **more: Any) -> str:
        raw = mint_key()
        pepper = self.deps.pepper
        await self.store.write(
            accounts.add_key,
            self.deps.ids,
            to_micros(self.clock.now()),
            (org or self.ours).id,
            "narrow",
            pepper.digest(raw, pepper.version),
            raw[:12],
            pepper.version,
            scopes,
            **more,
        )
        return raw

    async def arrive(
        self,
        inbox: Mapping[str, Any],
        subject: str = "A question",
        text: str = "Where is my order?",
        sender: str = "Ann Example <ann@customer.example>",
        **headers: str,
    ) -> MessageRow:
        """Take in a mail a second after the last one and give it its place."""
        self._mails += 1
        self.clock.advance(timedelta(seconds=1))
        lines = {
            "From": sender,
            "To": inbox["address"],
            "Subject": subject,
            "Message-ID": f"<mail-{self._mails}@customer.example>",
            "Date": "Thu, 15 Jan 2026 09:00:00 +0000",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return await self.arrive_raw(inbox, f"{head}\r\n{text}\r\n".encode())

    async def arrive_raw(self, inbox: Mapping[str, Any], raw: bytes) -> MessageRow:
        self._mails += 1
        now = to_micros(self.clock.now())
        org = self.theirs if inbox.get("org") == "theirs" else self.ours
        target = InboxTarget(
            inbox["id"], org.id, inbox["domain_id"], inbox["address"], inbox["status"]
        )
        mail = AcceptedMail(
            content=raw,
            envelope_from="ann@customer.example",
            targets=((target, inbox["address"]),),
            peer="192.0.2.7",
            source="smtp",
            dedupe_key=f"mail-{self._mails}",
            received_at=now,
        )
        (raw_id,) = await self.store.write(intake.accept_raw, self.deps.ids, now, mail)
        (message,) = await self.store.write(intake.record, self.deps.ids, now, raw_id, parse(raw))
        return message


@pytest.fixture
def settings() -> HttpSettings:
    return HttpSettings(version="1.2.3")


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder that has been through its migrations."""
    folder = tmp_path_factory.mktemp("empty-store")

    async def make() -> None:
        store = await open_store(folder, clock=FrozenClock(START), ids=Ids(1))
        await store.aclose()

    asyncio.run(make())
    return folder


@pytest.fixture
async def store(tmp_path: Path, clock: FrozenClock, empty_store: Path) -> AsyncIterator[Store]:
    shutil.copytree(empty_store, tmp_path, dirs_exist_ok=True)
    store = await open_store(tmp_path, clock=clock, ids=Ids(7))
    yield store
    await store.aclose()


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(START)


@pytest.fixture
async def api(store: Store, clock: FrozenClock, settings: HttpSettings) -> AsyncIterator[Api]:
    async def ready() -> dict[str, Any]:
        return {"ready": True, "store": "ok"}

    pepper = Pepper({1: b"p" * 32})
    hub = Hub()
    store.on("log", hub.wake)
    ids = Ids(11)
    deps = Deps(store, clock, ids, settings, pepper, hub, ready)
    shared = await store.write(ensure_shared_domain, ids, to_micros(clock.now()), SHARED)
    orgs = [await _org(deps, name) for name in ("ours", "theirs")]
    app = create_app(deps)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield Api(app, client, deps, clock, orgs[0], orgs[1], shared.id)
    await app.state.keyring.aclose()


async def _org(deps: Deps, name: str) -> Org:
    raw = mint_key()
    now = to_micros(deps.clock.now())

    def make(conn: Connection) -> Org:
        org = accounts.create_org(conn, deps.ids, now, name.title(), name)
        digest = deps.pepper.digest(raw, deps.pepper.version)
        accounts.add_key(conn, deps.ids, now, org.id, name, digest, raw[:12], 1, EVERY_SCOPE)
        domain_id = deps.ids.make("d")
        conn.execute(
            insert(domains).values(
                id=domain_id,
                org_id=org.id,
                name=f"{name}.test",
                status="verified",
                created_at=now,
            )
        )
        return Org(org.id, raw, domain_id, f"{name}.test")

    return await deps.store.write(make)
