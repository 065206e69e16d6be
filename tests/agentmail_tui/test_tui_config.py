import sys
from datetime import timedelta
from pathlib import Path

import pytest

from agentmail_tui.config import (
    LIMITS,
    ConfigError,
    Profile,
    config_path,
    load_config,
    read_key,
)
from agentmail_tui.domain import Status

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    return path


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    config = load_config(tmp_path / "none.toml")
    assert dict(config.profiles) == {}
    assert config.profile(None) is None


def test_all_settings_are_read(tmp_path: Path) -> None:
    config = load_config(
        written(
            tmp_path,
            """
            default = "work"
            theme = "dark"
            me = "ann"
            [keymap]
            "thread.reply" = "ctrl+r"
            "thread.close" = ["e", "d"]
            [profiles.work]
            url = "https://mail.example"
            backend = "commune"
            me = "ann.work"
            inbox = "support@mail.example"
            read_only = true
            api_key_command = ["pass", "show", "mail"]
            [profiles.lab]
            url = "http://127.0.0.1:8317"
            api_key_env = "LAB_KEY"
            """,
        )
    )
    work = config.profile(None)
    assert work is not None
    assert (work.url, work.me, work.read_only) == ("https://mail.example", "ann.work", True)
    assert work.api_key_command == ("pass", "show", "mail")
    assert config.profile("lab") == Profile(
        "lab", url="http://127.0.0.1:8317", api_key_env="LAB_KEY"
    )
    assert (config.theme, config.me) == ("dark", "ann")
    assert config.keymap == {"thread.reply": "ctrl+r", "thread.close": ["e", "d"]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("profiles = 3", "profiles must be a table"),
        ("= nonsense", "cannot be read"),
        ("theme = 3", "theme must be text"),
        ("[profiles.a]\nurl = 1", "url must be text"),
        ('[profiles.a]\nread_only = "yes"', "read_only must be true or false"),
        ('[profiles.a]\ncolour = "red"', "unknown setting colour"),
        ('[profiles.a]\napi_key_command = "pass show x"', "must be a list"),
        ('[keymap]\n"thread.reply" = 3', "must be text or a list"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, text: str, told: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError, match=told) as caught:
        load_config(path)
    assert str(path) in caught.value.message


def test_a_key_in_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    path = written(tmp_path, '[profiles.a]\napi_key = "comm_verysecret"')
    with pytest.raises(ConfigError, match="api_key_file") as caught:
        load_config(path)
    assert "verysecret" not in caught.value.message


def test_an_unknown_profile_names_the_known_ones(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, "[profiles.work]\n[profiles.lab]"))
    with pytest.raises(ConfigError, match="there: lab, work"):
        config.profile("wrok")


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    assert config_path({"AGENTMAIL_TUI_CONFIG": str(tmp_path / "c.toml")}) == tmp_path / "c.toml"
    assert config_path({}).name == "config.toml"


def test_a_key_comes_from_the_environment() -> None:
    profile = Profile("a", api_key_env="A_KEY")
    assert read_key(profile, {"A_KEY": " comm_1 "}) == "comm_1"
    with pytest.raises(ConfigError, match="A_KEY is not set"):
        read_key(profile, {})


def test_a_key_comes_from_a_file_of_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("comm_2\n")
    profile = Profile("a", api_key_file=str(path))
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_key(profile)
    path.chmod(0o600)
    assert read_key(profile) == "comm_2"


def test_an_empty_or_missing_key_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with pytest.raises(ConfigError, match="cannot be read"):
        read_key(Profile("a", api_key_file=str(path)))
    path.touch(0o600)
    with pytest.raises(ConfigError, match="is empty"):
        read_key(Profile("a", api_key_file=str(path)))


def test_a_key_comes_from_a_command() -> None:
    command = (sys.executable, "-c", "print('comm_3')")
    assert read_key(Profile("a", api_key_command=command)) == "comm_3"


def test_a_command_that_fails_keeps_its_words_to_itself() -> None:
    command = (sys.executable, "-c", "import sys; sys.exit('comm_leak')")
    with pytest.raises(ConfigError, match="api_key_command failed") as caught:
        read_key(Profile("a", api_key_command=command))
    assert "leak" not in caught.value.message


def test_limits_of_waiting_are_read_and_the_rest_keeps_its_default(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, '[limits]\nopen = "90m"\nwaiting = "3d"'))
    assert config.limits == {**LIMITS, Status.OPEN: 5400 * SECOND, Status.WAITING: 3 * DAY}
    assert load_config(written(tmp_path, '[limits]\nneeds_reply = "off"')).limits == {}


@pytest.mark.parametrize(
    "line", ['closed = "1d"', 'later = "1d"', "open = 3", 'open = "0h"', 'open = "3 h"']
)
def test_a_limit_that_cannot_be_is_told(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match="limits"):
        load_config(written(tmp_path, f"[limits]\n{line}"))


def test_a_profile_may_have_no_key() -> None:
    assert read_key(Profile("a")) is None
