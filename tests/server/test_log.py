from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from agentmail_server.log import configure_logging

KEY = "comm_" + "ab" * 32


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    root = logging.getLogger()
    held, level = list(root.handlers), root.level
    yield
    root.handlers[:] = held
    root.setLevel(level)


@pytest.mark.parametrize("form", ["text", "json"])
def test_keys_passwords_and_forged_lines_do_not_come_through(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(form=form)
    logging.getLogger("agentmail_server.test").warning(
        "sent %s\r\n2026-01-01 forged line",
        KEY,
        extra={
            "authorization": "Bearer abc",
            "password": "hunter2",
            "url": "smtp://user:hunter2@mail.test",
            "note": "Bearer abc\x1b[2J",
            "job": 7,
        },
    )
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.count("\n") == 1
    assert not any(secret in errors for secret in (KEY, "hunter2", "abc", "\x1b", "\r"))
    assert "forged line" in errors
    if form == "json":
        line = json.loads(errors)
        assert (line["level"], line["job"]) == ("warning", 7)
    else:
        assert "job=7" in errors


def test_an_error_with_its_traceback_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(form="text")
    try:
        int(f"no number {KEY}")
    except ValueError:
        logging.getLogger("agentmail_server.test").exception("failed")
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert "ValueError" in errors
    assert KEY not in errors
