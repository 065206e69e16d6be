"""A server made of canned answers, and a client on it that never waits."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from agentmail_tui.backends.auth import Bearer
from agentmail_tui.backends.http import Http

KEY = "comm_" + "5ec2e7" * 10
Handler = Callable[[httpx.Request], httpx.Response]


class Canned:
    """Answers requests from a script and remembers them."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answers: list[httpx.Response | Exception] = []
        self.slept: list[float] = []
        self.by_path: dict[str, Any] = {}

    def answer(self, *answers: httpx.Response | Exception) -> None:
        self.answers.extend(answers)

    def say(self, path: str, body: Any, status: int = 200) -> None:
        self.by_path[path] = httpx.Response(status, json=body)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        found = self.by_path.get(request.url.path)
        if found is None:
            if not self.answers:
                return httpx.Response(404, json={"error": "no such route"})
            found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return httpx.Response(found.status_code, headers=found.headers, content=found.content)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def http(self, url: str = "https://mail.example") -> Http:
        return Http(url, Bearer(KEY), transport=httpx.MockTransport(self), sleep=self.sleep)


@pytest.fixture
def canned() -> Canned:
    return Canned()
