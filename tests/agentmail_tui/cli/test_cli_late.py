import asyncio
import threading

import pytest

from agentmail_tui.cli.bundled import Access
from agentmail_tui.cli.late import LateBackend, late_backend
from agentmail_tui.domain import Capabilities
from agentmail_tui.errors import Unauthorized, Unreachable


class Server:
    """A bundled server that becomes ready when told."""

    name = "demo"

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.url = "http://127.0.0.1:1"
        self.renewed = 0

    def launch(self) -> None:
        return

    def access(self) -> Access:
        assert self.answers.wait(20)
        return Access(self.url, f"key{self.renewed}")

    def renew_key(self) -> Access:
        self.renewed += 1
        return self.access()

    def stop(self) -> None:
        return


class Inner:
    """The real backend, as far as it matters here."""

    def __init__(self, access: Access, *, good_key: str = "key0") -> None:
        self.access = access
        self.good = access.key == good_key
        self.closed = False

    async def connect(self) -> Capabilities:
        if not self.good:
            raise Unauthorized("wrong key")
        return Capabilities(stream=True)

    async def inboxes(self) -> tuple[str, ...]:
        return (f"inbox at {self.access.url}",)

    async def aclose(self) -> None:
        self.closed = True


async def test_connecting_waits_for_the_server_without_blocking() -> None:
    server = Server()
    backend = late_backend(server, Inner)  # type: ignore[arg-type]
    with pytest.raises(Unreachable):
        await backend.inboxes()
    connecting = asyncio.create_task(backend.connect())
    done, _ = await asyncio.wait([connecting], timeout=0.05)
    assert not done
    server.answers.set()
    assert (await connecting).stream
    assert [str(inbox) for inbox in await backend.inboxes()] == ["inbox at http://127.0.0.1:1"]


async def test_server_that_moved_gets_a_new_backend() -> None:
    server = Server()
    server.answers.set()
    opened: list[Inner] = []

    def opener(access: Access) -> Inner:
        opened.append(Inner(access))
        return opened[-1]

    backend = LateBackend(server, opener)  # type: ignore[arg-type]
    await backend.connect()
    await backend.connect()
    assert len(opened) == 1
    server.url = "http://127.0.0.1:2"
    await backend.connect()
    assert [inner.closed for inner in opened] == [True, False]


async def test_refused_key_is_renewed_once() -> None:
    server = Server()
    server.answers.set()
    backend = LateBackend(
        server,
        lambda access: Inner(access, good_key="key1"),  # type: ignore[arg-type, return-value]
    )
    assert (await backend.connect()).stream
    assert server.renewed == 1
