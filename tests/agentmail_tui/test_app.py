import itertools
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agentmail_tui.app import LOG_NAME, AgentMailApp, write_crash
from agentmail_tui.backends.memory import sample_backend
from agentmail_tui.mailbox.mailbox import Mailbox
from agentmail_tui.mailbox.state import MailState, Tone
from agentmail_tui.screens.mail import MailScreen
from agentmail_tui.themes import DARK, LIGHT, MONO, NAMES, pick

NOW = datetime(2025, 3, 12, 11, 52, tzinfo=UTC)
SECRET = "comm_" + "ab12" * 16


def read_mail() -> str:
    return f"the text of a mail, and {SECRET}"


def mailbox() -> Mailbox:
    numbers = itertools.count(1)
    return Mailbox(
        sample_backend(NOW, 1),
        clock=lambda: NOW,
        new_id=lambda: f"local_{next(numbers)}",
        me="me",
        read_only=False,
    )


@pytest.fixture
def make_app(tmp_path: Path) -> Callable[[], AgentMailApp]:
    def make() -> AgentMailApp:
        return AgentMailApp(mailbox(), clock=lambda: NOW, state_dir=tmp_path)

    return make


async def test_many_changes_at_once_are_drawn_once(
    make_app: Callable[[], AgentMailApp], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    drawn: list[MailState] = []
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        show = MailScreen.show_state

        def counted(screen: MailScreen, state: MailState) -> None:
            drawn.append(state)
            show(screen, state)

        monkeypatch.setattr(MailScreen, "show_state", counted)
        for number in range(50):
            app.context.mailbox.say(f"notice {number}")
        await pilot.pause()
        notices = [state.notice.text for state in drawn if state.notice]
        assert len(drawn) < 5
        assert notices[-1] == "notice 49"
    await app.context.mailbox.aclose()


async def test_an_error_ends_with_a_short_message_and_no_locals(
    make_app: Callable[[], AgentMailApp], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = make_app()

    def fail() -> None:
        mail = read_mail()
        raise RuntimeError(f"broke on Bearer {SECRET} and {len(mail)} letters")

    with pytest.raises(RuntimeError):  # noqa: PT012
        async with app.run_test(size=(120, 36)) as pilot:
            app.call_later(fail)
            await pilot.pause(0.2)
    assert app.return_code == 1
    assert "agentmail-tui stopped: RuntimeError." in capsys.readouterr().err
    log = tmp_path / LOG_NAME
    kept = log.read_text()
    assert "in fail" in kept
    assert SECRET not in kept
    assert "the text of a mail" not in kept
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    await app.context.mailbox.aclose()


def test_a_crash_that_cannot_be_written_is_no_second_crash(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert write_crash(file / "below", ValueError("x")) is None


@pytest.mark.parametrize(
    ("wanted", "no_color", "theme"),
    [
        (None, False, DARK),
        ("light", False, LIGHT),
        ("agentmail-light", False, LIGHT),
        ("dracula", False, DARK),
        ("light", True, MONO),
    ],
)
def test_the_theme_that_is_taken(wanted: str | None, no_color: bool, theme: str) -> None:
    assert pick(wanted, no_color=no_color) == theme


async def test_themes_go_round(make_app: Callable[[], AgentMailApp]) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        seen = []
        for _ in NAMES:
            seen.append(app.theme)
            app.action_theme()
            await pilot.pause()
        assert sorted(seen) == sorted(NAMES)
    await app.context.mailbox.aclose()


async def test_without_colours_no_colour_is_written(
    make_app: Callable[[], AgentMailApp], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert app.theme == MONO
        update = app.screen._compositor.render_update(full=True)
        for strips in update.strips:  # type: ignore[union-attr]
            segments = [segment for strip in strips for segment in strip]
            for wall in app.get_line_filters():
                segments = wall.apply(segments, app.screen.background_colors[1])
            assert all(style is None or style.color is None for _, style, _ in segments)
            assert all(style is None or style.bgcolor is None for _, style, _ in segments)
    await app.context.mailbox.aclose()


async def test_a_clash_of_keys_does_not_keep_the_app_from_starting(tmp_path: Path) -> None:
    app = AgentMailApp(
        mailbox(), clock=lambda: NOW, state_dir=tmp_path, keymap={"triage.close": "r"}
    )
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        notice = app.context.mailbox.state.notice
        assert notice is not None
        assert notice.tone is Tone.WARNING
    await app.context.mailbox.aclose()


async def test_what_textual_notifies_is_text_in_the_status_line(
    make_app: Callable[[], AgentMailApp],
) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        app.notify("[/b] [@click=app.quit]x[/]", severity="error")
        await pilot.pause()
        notice = app.context.mailbox.state.notice
        assert notice is not None
        assert (notice.text, notice.tone) == ("[/b] [@click=app.quit]x[/]", Tone.ERROR)
        assert not app._notifications
    await app.context.mailbox.aclose()


def test_what_is_used_later_is_not_loaded_at_start() -> None:
    code = "import sys, agentmail_tui.app; print(chr(10).join(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(result.stdout.split())
    late = {
        "textual.widgets._markdown",
        "textual.widgets._text_area",
        "textual.widgets._data_table",
        "tree_sitter",
        "httpx",
        "agentmail_server",
        "agentmail_tui.screens.compose",
        "agentmail_tui.screens.commands",
        "agentmail_tui.screens.pickers",
        "agentmail_tui.screens.delivery",
        "agentmail_tui.screens.source",
    }
    assert not loaded & late
    assert "agentmail_tui.screens.mail" in loaded
