"""The page in a browser: who may open it, what it asks for, and what its keys can do."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from agentmail_tui.cli.options import ConnectionOptions
from agentmail_tui.cli.web import command
from agentmail_tui.domain import Status, ThreadFilter
from tests.contract.conftest import KEY, Letter, Real, real, until

PARCEL = Letter("ada@far.example", "Damaged parcel", "The mug is broken.")


@dataclass
class Page:
    """`agentmail-tui web` as it runs, with a browser's session."""

    address: str
    token: str
    session: aiohttp.ClientSession
    process: asyncio.subprocess.Process

    async def status(self, path: str, **headers: str) -> int:
        """Return the status of an answer, redirects not followed."""
        url = f"{self.address}{path}"
        async with self.session.get(url, headers=headers, allow_redirects=False) as answer:
            return answer.status

    async def enter(self) -> str:
        """Open the address that was printed, as a browser does, and return the page."""
        async with self.session.get(f"{self.address}/?token={self.token}") as answer:
            assert answer.status == 200
            assert "token" not in str(answer.url)
            return await answer.text()

    @asynccontextmanager
    async def screen(self) -> AsyncIterator[Screen]:
        """Open a session of the application, at 120 by 36."""
        url = f"{self.address}/ws?width=120&height=36"
        async with self.session.ws_connect(url, headers={"Origin": self.address}) as socket:
            yield Screen(socket)


@dataclass
class Screen:
    """The terminal of a page."""

    socket: aiohttp.ClientWebSocketResponse

    async def until(self, text: str) -> None:
        """Read until a text is written, thirty seconds at most."""
        seen = ""
        try:
            async with asyncio.timeout(30):
                while text not in seen:
                    message = await self.socket.receive()
                    assert message.type is aiohttp.WSMsgType.BINARY, message
                    seen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", message.data.decode())
        except TimeoutError:
            pytest.fail(f"{text!r} was never written: {seen[-3000:]}")

    async def press(self, key: str) -> None:
        await self.socket.send_json(["stdin", key])


@asynccontextmanager
async def page(world: Real, folder: Path, *more: str) -> AsyncIterator[Page]:
    """Serve the mail of a server to a browser."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agentmail_tui", "web", "--port", "0", *more,
        "--url", world._server.http_url,
        env={**os.environ, "COMMUNE_API_KEY": KEY, "HOME": str(folder), "XDG_STATE_HOME": ""},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
    address, _, token = line.partition("/?token=")
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Page(address, token, session, process)
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 20) == 0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Real]:
    async with real(tmp_path / "server") as found:
        await found.backend.connect()
        await found.write(PARCEL)
        yield found


async def status_of(world: Real) -> Status:
    """Return the status that the server has of the one thread."""
    (row,) = (await world.backend.threads(ThreadFilter(), limit=5)).items
    assert row.triage is not None
    return row.triage.status


async def test_only_the_token_opens_it_and_only_from_its_own_address(
    world: Real, tmp_path: Path
) -> None:
    async with page(world, tmp_path) as found:
        assert len(found.token) >= 32
        own = found.address.removeprefix("http://")
        assert own.startswith("127.0.0.1:")
        for path in ("/", "/?token=", "/?token=wrong", "/static/js/textual.js", "/download/x"):
            assert await found.status(path) == 403, path
        assert await found.status(f"/ws?token={found.token}", Origin=found.address) == 403
        text = await found.enter()
        assert await found.status("/") == 200
        assert await found.status("/static/js/textual.js") == 200
        assert await found.status("/", Host="evil.test") == 403
        assert await found.status("/", Host=f"localhost:{own.partition(':')[2]}") == 403
        assert await found.status("/", Origin="http://evil.test") == 403
        assert await found.status("/ws") == 403
        for origin in ("http://evil.test", "null", f"https://{own}"):
            assert await found.status("/ws", Origin=origin) == 403, origin
        assert not re.findall(r"(?:src|href)=\"(?:https?:)?//(?!127\.0\.0\.1)[^\"]*", text)


async def test_nothing_may_be_fetched_from_elsewhere(world: Real, tmp_path: Path) -> None:
    async with page(world, tmp_path) as found:
        await found.enter()
        async with found.session.get(found.address) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "http" not in policy
            assert answer.headers["Referrer-Policy"] == "no-referrer"
        (cookie,) = found.session.cookie_jar
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")


async def test_it_shows_the_mail_and_changes_none_of_it(world: Real, tmp_path: Path) -> None:
    async with page(world, tmp_path) as found:
        await found.enter()
        async with found.screen() as screen:
            await screen.until("Damaged parcel")
            await screen.press("e")
            await screen.until("nothing is changed or sent")
            await screen.press("gr")
            await screen.until("this page is read-only")
            await screen.press("e")
    assert await status_of(world) is Status.OPEN


async def test_told_to_write_its_keys_reach_the_server(world: Real, tmp_path: Path) -> None:
    async with page(world, tmp_path, "--write") as found:
        await found.enter()
        async with found.screen() as screen:
            await screen.until("Damaged parcel")
            await screen.press("e")
            await until(lambda: status_of(world), lambda status: status is Status.CLOSED)


def test_the_key_is_in_no_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COMMUNE_API_KEY", "AGNIC_TOKEN"):
        monkeypatch.setenv(name, "before")
    options = ConnectionOptions(url="https://mail.example/a b", api_key="comm_x", token="tok_y")
    line = command(options, write=False)
    assert "comm_x" not in line
    assert "tok_y" not in line
    assert "'https://mail.example/a b'" in line
    assert line.endswith("--read-only")
    assert os.environ["COMMUNE_API_KEY"] == "comm_x"
    assert not command(options, write=True).endswith("--read-only")
