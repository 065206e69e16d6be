"""Schemathesis reads `/openapi.json` and calls every operation with what may be sent and not."""

from __future__ import annotations

import asyncio
import smtplib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from agentmail_server.config import Settings
from agentmail_server.main import running
from hypothesis import HealthCheck, Phase, given, settings, strategies
from pydantic import SecretStr

from tests.server.http.dnsserver import dns_server

schemathesis = pytest.importorskip("schemathesis", reason="needs the dev dependency schemathesis")

KEY = "comm_" + "5c" * 32
EXAMPLES = 8
# It never ends.
STREAM = "/v1/events/stream"


@dataclass(frozen=True)
class Served:
    """A server with one mail in it."""

    url: str
    ids: dict[str, str]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("openapi")
    wanted = Settings(
        data_dir=folder, http="127.0.0.1:0", smtp="127.0.0.1:0", domain="near.test",
        bootstrap_key=SecretStr(KEY), parse_workers=1, embedder="none",
        agent_signup=False,
    )  # fmt: skip
    places: list[Any] = []
    up, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with (
            dns_server() as zone,
            running(wanted.model_copy(update={"dns": str(zone.address)})) as server,
        ):
            places.extend((server.http_url, server.smtp.port))
            up.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert up.wait(30)
    yield Served(places[0], _seed(*places))
    loop.call_soon_threadsafe(stop.set)
    thread.join(30)
    loop.close()


def _seed(url: str, port: int) -> dict[str, str]:
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {KEY}"}) as client:
        inbox = client.post("/v1/inboxes", json={"local_part": "desk"}).json()["data"]
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as smtp:
            mail = "From: a@b.example\r\nTo: desk@near.test\r\nSubject: Hi\r\n\r\nText\r\n"
            smtp.sendmail("a@b.example", ["desk@near.test"], mail)
        found: list[dict[str, Any]] = []
        for _ in range(1000):
            found = client.get(f"/v1/messages?inbox_id={inbox['id']}").json()["data"]
            if found:
                break
        file = {"content": "QUJD", "filename": "a.txt", "mime_type": "text/plain"}
        attachment = client.post("/v1/attachments/upload", json=file).json()["data"]
    return {
        "domain": inbox["domain_id"], "inbox": inbox["id"], "message": found[0]["id"],
        "thread": found[0]["thread_id"], "attachment": attachment["id"],
    }  # fmt: skip


@pytest.mark.slow
def test_no_server_error_and_no_reply_outside_its_schema(served: Served) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    schemathesis.serializer.alias("message/rfc822", "application/octet-stream")
    schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    count, failed = 0, []
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path == STREAM:
            continue
        try:
            _hold(operation, served, headers)
        except (Exception, BaseExceptionGroup) as error:
            failed.append(f"{operation.label}: {getattr(error, 'exceptions', error)}")
        count += 1
    assert failed == []
    assert count > 60


def _hold(operation: Any, served: Served, headers: dict[str, str]) -> None:
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(), real=strategies.booleans())
    def check(case: Any, real: bool) -> None:
        # Random ids lead to 404 alone; what is deleted would be gone for the others.
        if real and operation.method.upper() != "DELETE":
            for name in case.path_parameters or {}:
                case.path_parameters[name] = served.ids.get(name, case.path_parameters[name])
        response = case.call(headers=headers)
        assert response.status_code < 500, f"{operation.label}: {response.text}"
        case.validate_response(
            response,
            checks=[
                schemathesis.checks.not_a_server_error,
                schemathesis.specs.openapi.checks.status_code_conformance,
                schemathesis.specs.openapi.checks.content_type_conformance,
                schemathesis.specs.openapi.checks.response_schema_conformance,
            ],
        )

    check()
