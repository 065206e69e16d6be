"""A Chroma server in the place of our own index process."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import httpx
import pytest

from tests.server.search.conftest import desk, fill, until

pytestmark = pytest.mark.slow
_RUN = "import sys; from chromadb.cli.cli import app; sys.argv = ['chroma', *sys.argv[1:]]; app()"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_chroma_server_answers_and_holds_no_text(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _RUN, "run", "--path", str(tmp_path / "chroma"),
        "--host", "127.0.0.1", "--port", str(port),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with httpx.AsyncClient() as client:

            async def up() -> bool:
                try:
                    return (await client.get(f"{url}/api/v2/heartbeat")).is_success
                except httpx.HTTPError:
                    return False

            await until(up)
        async with desk(tmp_path / "data", chroma_url=url) as opened:
            await fill(opened, 8)
            await opened.indexed()
            found = await opened.ask("violin and kettle")
            assert found["search_type"] == "vector"
            assert len(found["data"]) == 8
            assert len(await opened.names_in_index()) == 8
    finally:
        server.kill()
        await server.wait()
    held = b"".join(
        file.read_bytes() for file in (tmp_path / "chroma").rglob("*") if file.is_file()
    )
    assert b"violin" not in held
