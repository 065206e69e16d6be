"""Servers are added to the config file and taken off it; what else stands there stays."""

import stat
from pathlib import Path

import pytest

from agentmail_tui.config import ConfigError, Profile, load_config
from agentmail_tui.config_edit import add_profile, keep_key, remove_profile

FILE = """# servers of ours
default = "work"
theme = "agentmail-light"

[profiles.work]  # the real one
url = "https://mail.example"
api_key_env = "WORK_KEY"

[keymap]
"triage.close" = "E"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "conf" / "config.toml"


def _held(path: Path) -> Path:
    path.parent.mkdir()
    path.write_text(FILE)
    return path


def test_first_server_makes_the_file_for_its_owner_alone(path: Path) -> None:
    found = add_profile(path, Profile("one", "https://one.example", api_key_env="ONE"))
    assert found.profiles["one"] == load_config(path).profiles["one"]
    assert found.profiles["one"].api_key_env == "ONE"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_added_server_leaves_the_rest_as_it_was_written(path: Path) -> None:
    _held(path)
    found = add_profile(path, Profile("two", 'https://two.example/"\\é', backend="agnic"))
    assert path.read_text().startswith(FILE)
    assert found.profiles["two"].url == 'https://two.example/"\\é'
    assert (found.default, found.keymap) == ("work", {"triage.close": "E"})


def test_what_cannot_be_taken_off_leaves_the_file_as_it_was(path: Path) -> None:
    path.parent.mkdir()
    written = 'default = "work"\nprofiles.work.url = "https://mail.example"\n'
    path.write_text(written)
    with pytest.raises(ConfigError, match="by hand"):
        remove_profile(path, "work")
    assert path.read_text() == written


def test_a_file_elsewhere_is_written_through_its_link(path: Path, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles" / "config.toml"
    kept.parent.mkdir()
    kept.write_text(FILE)
    path.parent.mkdir()
    path.symlink_to(kept)
    add_profile(path, Profile("two", "https://two.example"))
    assert path.is_symlink()
    assert "two" in load_config(kept).profiles


@pytest.mark.parametrize("name", ["", "a b", "-x", "a]\n[keymap", "x" * 41])
def test_name_that_is_none_is_refused(path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="letters"):
        add_profile(path, Profile(name, "https://x.example"))
    assert not path.exists()


def test_taken_name_is_refused(path: Path) -> None:
    _held(path)
    with pytest.raises(ConfigError, match="already"):
        add_profile(path, Profile("work", "https://x.example"))
    assert path.read_text() == FILE


def test_removed_server_takes_the_default_along_and_nothing_else(path: Path) -> None:
    _held(path)
    found = remove_profile(path, "work")
    assert (dict(found.profiles), found.default) == ({}, None)
    assert path.read_text() == (
        '# servers of ours\ntheme = "agentmail-light"\n\n[keymap]\n"triage.close" = "E"\n'
    )


def test_way_of_writing_that_is_not_known_is_left_to_its_writer(path: Path) -> None:
    path.parent.mkdir()
    written = '[profiles]\nwork = { url = "https://mail.example" }\n'
    path.write_text(written)
    with pytest.raises(ConfigError, match="by hand"):
        remove_profile(path, "work")
    assert path.read_text() == written
    with pytest.raises(ConfigError, match="no server"):
        remove_profile(path, "other")


def test_key_is_kept_for_its_owner_alone(path: Path) -> None:
    where = keep_key(path, "one", "comm_secret")
    assert where.read_text() == "comm_secret\n"
    assert stat.S_IMODE(where.stat().st_mode) == 0o600
    assert stat.S_IMODE(where.parent.stat().st_mode) == 0o700
