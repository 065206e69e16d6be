import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, cast

import pytest
from textual.app import App

from agentmail_tui.screens.editor import EditorError, edit, editor_command
from tests.agentmail_tui.screens.conftest import Rig


class StillApp:
    """Stands for an application that can be suspended."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    @contextmanager
    def suspend(self) -> Iterator[None]:
        self.steps.append("suspended")
        yield
        self.steps.append("resumed")

    @contextmanager
    def batch_update(self) -> Iterator[None]:
        self.steps.append("not drawing")
        yield


def use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str) -> None:
    """Make a small program the editor."""
    script = tmp_path / "an editor.py"
    script.write_text(f"import sys, os, stat\npath = sys.argv[-1]\n{code}\n")
    monkeypatch.setenv("VISUAL", f"{sys.executable} '{script}' --wait")


async def run(app: Any, text: str, state_dir: Path) -> str | None:
    return await edit(cast(App[None], app), text, state_dir)


async def test_what_the_editor_leaves_is_the_text(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(monkeypatch, tmp_path, "open(path, 'a').write('and more\\n')")
    app = StillApp()
    assert await run(app, "Dear Ada,", tmp_path / "state") == "Dear Ada,\nand more"
    assert app.steps == ["suspended", "not drawing", "resumed"]
    assert list((tmp_path / "state").iterdir()) == []


async def test_the_file_is_for_its_owner_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code = "open(path, 'w').write(oct(stat.S_IMODE(os.stat(path).st_mode)))"
    use(monkeypatch, tmp_path, code)
    assert await run(StillApp(), "x", tmp_path / "state") == "0o600"
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


async def test_no_change_is_no_change(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use(monkeypatch, tmp_path, "pass")
    assert await run(StillApp(), "Dear Ada,", tmp_path) is None


async def test_an_editor_that_fails_leaves_the_text_and_says_where(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(monkeypatch, tmp_path, "open(path, 'a').write('half'); sys.exit(3)")
    with pytest.raises(EditorError, match=r"ended with 3; the text is in .*draft-"):
        await run(StillApp(), "Dear Ada,", tmp_path / "state")
    (kept,) = (tmp_path / "state").iterdir()
    assert kept.read_text() == "Dear Ada,\nhalf"


async def test_what_is_not_utf8_is_left_in_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(monkeypatch, tmp_path, "open(path, 'wb').write('Grüße'.encode('latin-1'))")
    with pytest.raises(EditorError, match="is not UTF-8; the text is in "):
        await run(StillApp(), "Dear Ada,", tmp_path / "state")
    (kept,) = (tmp_path / "state").iterdir()
    assert kept.read_bytes() == "Grüße".encode("latin-1")


WRITTEN = [
    "\n\tint main()\t{ return 0; }\n\t",
    "-- \nAda  \n   \n",
    "Grüße, 茶壺 e\u0301 👩\u200d💻 \U0001f1f2\U0001f1f9 \u202eabc\xa0\ufeff",
    "a\x0cb\x0bc\x85d\u2028e\u2029f\x1cg",
    "x" * 5_000,
    "end \n\n",
]


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
async def test_what_the_editor_leaves_is_what_is_sent(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, newline: str
) -> None:
    text = "\n".join(WRITTEN)
    left = f"{text}\n".replace("\n", newline).encode()
    use(monkeypatch, tmp_path, f"open(path, 'wb').write({left!r})")
    async with rig.on():
        monkeypatch.setattr(rig.app, "suspend", nullcontext)
        await rig.press("r")
        await rig.until_seen("Reply to Ada")
        await rig.press("f4", "ctrl+j")
        await rig.until_seen("Send this?")
        await rig.press("enter")
        await rig.until(lambda: rig.backend._sent, "it was not sent")
        assert [draft.body for draft, _ in rig.backend._sent.values()] == [text]


async def test_what_is_typed_after_the_editor_is_sent_too(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(monkeypatch, tmp_path, "open(path, 'w').write('\\tHi \\n')")
    async with rig.on():
        monkeypatch.setattr(rig.app, "suspend", nullcontext)
        await rig.press("r")
        await rig.until_seen("Reply to Ada")
        await rig.press("f4", "end")
        await rig.type("Ada")
        await rig.press("ctrl+j", "enter")
        await rig.until(lambda: rig.backend._sent, "it was not sent")
        assert [draft.body for draft, _ in rig.backend._sent.values()] == ["\tHi Ada"]


async def test_an_editor_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VISUAL", "no-such-editor")
    with pytest.raises(EditorError, match="no-such-editor could not be started"):
        await run(StillApp(), "x", tmp_path)


async def test_no_shell_reads_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VISUAL", f"echo; touch {tmp_path / 'pwned'}")
    with pytest.raises(EditorError):
        await run(StillApp(), "x", tmp_path / "state")
    assert not (tmp_path / "pwned").exists()


def test_which_editor() -> None:
    assert editor_command({"EDITOR": "nano -w"}) == ["nano", "-w"]
    assert editor_command({"VISUAL": "emacs -nw", "EDITOR": "nano"}) == ["emacs", "-nw"]
    assert editor_command({}) == ["vi"]
    with pytest.raises(EditorError, match="cannot be read"):
        editor_command({"EDITOR": "vi 'x"})
