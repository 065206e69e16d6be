"""The pytest plugin, as another project's suite would use it."""

import tomllib
from pathlib import Path

import pytest

from agentmail_tui.testing.mails import Conversation, Mail, story

pytest_plugins = ["pytester"]

SUITE = """
from agentmail_tui.testing import Conversation, Mail

CLAIM = Conversation(
    "The mug arrived broken",
    [
        Mail("Please refund order A-5531.", sender="Ada <ada@home.example>"),
        Mail("The refund is on its way.", after="10m"),
        Mail("Thank you!", sender="Ada <ada@home.example>", after="20m"),
    ],
    tags=("refund",),
)


def test_claim(agentmail_snap):
    shown = agentmail_snap(
        "claim", mails=[CLAIM], press="enter", wait_for="Thank you!", size=(100, 30)
    )
    assert "refund" in shown
"""
PLUGIN = ("-p", "agentmail_tui.testing", "-p", "no:xdist", "-p", "no:cacheprovider")


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(test_claims=SUITE)
    return pytester


def _run(suite: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return suite.runpytest_subprocess(*PLUGIN, *arguments, timeout=120)


def _kept(suite: pytest.Pytester) -> dict[str, bytes]:
    folder = suite.path / "__snapshots__" / "test_claims"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_picture_is_the_same_under_every_terminal_and_zone(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(suite, "--agentmail-update").assert_outcomes(passed=1)
    kept = _kept(suite)
    assert set(kept) == {"claim.txt", "claim.svg"}
    others = {"NO_COLOR": "1", "TZ": "Asia/Tokyo", "LANG": "tr_TR.UTF-8", "TERM": "dumb"}
    for name, value in {**others, "AGENTMAIL_CLOCK": "2001-01-01T00:00:00Z"}.items():
        monkeypatch.setenv(name, value)
    _run(suite).assert_outcomes(passed=1)
    _run(suite, "--agentmail-update").assert_outcomes(passed=1)
    assert _kept(suite) == kept


def test_picture_that_is_not_alike_is_told_and_left_to_be_looked_at(
    suite: pytest.Pytester,
) -> None:
    missing = _run(suite)
    missing.assert_outcomes(failed=1)
    missing.stdout.fnmatch_lines(["*keep it with --agentmail-update*"])
    refused = suite.path / ".agentmail-pictures" / "test_claims" / "claim.txt"
    shown = refused.read_text("utf-8")
    folder = suite.path / "__snapshots__" / "test_claims"
    folder.mkdir(parents=True)
    (folder / "claim.svg").write_text("")
    (folder / "claim.txt").write_text(shown.replace("Thank you!", "Thanks!", 1))
    other = _run(suite)
    other.assert_outcomes(failed=1)
    other.stdout.fnmatch_lines(["*-*Thanks!*", "*+*Thank you!*"])


def test_text_that_never_comes_is_told_with_the_screen(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "def test_it(agentmail_snap):\n"
        "    agentmail_snap('it', mails=[], wait_for='no such words', timeout=1)\n"
    )
    result = _run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*no such words*never came*on screen was*"])


def test_story_tells_who_wrote_when() -> None:
    told = Conversation("Hello", [Mail("Hi", sender="a@b.example")], inbox="sales")
    assert '"local_part": "sales"' in story([told])
    with pytest.raises(ValueError, match="has a sender"):
        story([Conversation("Hello", [Mail("Hi")])])


def test_plugin_is_found_by_pytest_where_it_is_installed() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["entry-points"]["pytest11"] == {
        "agentmail_tui.testing": "agentmail_tui.testing"
    }
