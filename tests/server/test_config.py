from __future__ import annotations

from pathlib import Path

import pytest
from agentmail_server.config import ConfigError, HostPort, load_settings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CONFIG", "DATA_DIR", "DOMAIN", "RELAY", "HTTP", "SMTP"):
        monkeypatch.delenv(f"AGENTMAIL_{name}", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))


def test_defaults_are_those_of_the_contract() -> None:
    settings = load_settings()
    assert (settings.http, settings.smtp) == ("127.0.0.1:8317", "127.0.0.1:2525")
    assert settings.domain == "agents.localhost"
    assert settings.relay is None
    assert settings.smtp_max_recipients == 100
    assert settings.smtp_max_size == 25 * 1024 * 1024


def test_flags_beat_environment_beats_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        'domain = "file.test"\nhttp = "127.0.0.1:1"\nsmtp = "127.0.0.1:1"\n'
    )
    monkeypatch.setenv("AGENTMAIL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("AGENTMAIL_HTTP", "127.0.0.1:2")
    monkeypatch.setenv("AGENTMAIL_SMTP", "127.0.0.1:2")
    settings = load_settings({"smtp": "127.0.0.1:3", "relay": None})
    assert (settings.domain, settings.http, settings.smtp) == (
        "file.test",
        "127.0.0.1:2",
        "127.0.0.1:3",
    )


def test_a_file_may_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('domain = "named.test"\n')
    monkeypatch.setenv("AGENTMAIL_CONFIG", str(file))
    assert load_settings().domain == "named.test"
    monkeypatch.setenv("AGENTMAIL_CONFIG", str(tmp_path / "gone.toml"))
    with pytest.raises(ConfigError, match=r"gone\.toml does not exist"):
        load_settings()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('domian = "typo.test"', "domian"),
        ('http = "8317"', "http: must be host:port"),
        ("domain = [", "cannot read"),
        ('clock = "2026-01-15T09:00:00"', "clock: must name its zone"),
        ('smtp_tls_cert = "/a"', "given together"),
        ('domain = "not a domain"', "domain: must be a domain name"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(ConfigError) as refusal:
        load_settings({"data_dir": str(tmp_path)})
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTMAIL_RELAY", "smtp://user:hunter2@mail.test")
    monkeypatch.setenv("AGENTMAIL_DATABASE_URL", "postgresql+asyncpg://u:hunter2@db.test/x")
    monkeypatch.setenv("AGENTMAIL_BOOTSTRAP_KEY", "comm_hunter2")
    settings = load_settings()
    assert "hunter2" not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize("text", ["", ":1", "host", "host:", "host:x", "host:70000", "host:-1"])
def test_not_every_text_is_an_address(text: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        HostPort.parse(text)


def test_ipv6_keeps_its_brackets() -> None:
    assert HostPort.parse("[::1]:25") == HostPort("::1", 25)
    assert str(HostPort("::1", 25)) == "[::1]:25"
