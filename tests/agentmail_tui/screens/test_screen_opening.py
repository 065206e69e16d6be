import stat
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from agentmail_tui.backends.memory import MemoryBackend
from agentmail_tui.clean import clean_line
from agentmail_tui.domain import Attachment
from agentmail_tui.screens import opening
from agentmail_tui.screens.confirm import ConfirmScreen

TAKES = "#!/bin/sh\ncp \"$1\" '{folder}/seen'\nstat -c %a \"$1\" > '{folder}/mode'\n"


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A desktop whose opener keeps what it was given."""
    folder = tmp_path / "desktop"
    folder.mkdir()
    for name in ("xdg-open", "open"):
        (folder / name).write_text(TAKES.format(folder=folder))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("DISPLAY", ":9")
    return folder


def attach(backend: MemoryBackend, name: str, content: bytes) -> None:
    """Hang a file on the last mail of the newest thread."""
    newest = max(backend.mail.threads.values(), key=lambda each: each.last_message_at)
    mails = backend.mail.conversations[newest.id]
    file = Attachment("att_x", clean_line(name), clean_line("image/png"), len(content))
    backend.uploads["att_x"] = (file, content)
    mails[-1] = replace(mails[-1], attachments=(file,))


def kept_in(folder: str) -> tuple[int, list[str]] | None:
    """Return a folder's mode and files, None where it is gone."""
    path = Path(folder)
    if not path.exists():
        return None
    return stat.S_IMODE(path.stat().st_mode), [each.name for each in path.iterdir()]


async def ask_to_open(rig: Any) -> None:
    await rig.press("enter")
    await rig.until_mail()
    await rig.press("O")


async def test_a_picture_is_opened_after_a_yes_and_gone_in_the_end(
    backend: MemoryBackend, rig: Any, desktop: Path
) -> None:
    attach(backend, "../../mug.png", b"\x89PNG mug")
    async with rig.on():
        await ask_to_open(rig)
        await rig.until_seen("Open mug.png?")
        assert not (desktop / "seen").exists()
        await rig.press("y")
        await rig.until(lambda: "was given to" in rig.said, "it was not opened")
        assert (desktop / "seen").read_bytes() == b"\x89PNG mug"
        assert (desktop / "mode").read_text().strip() == "600"
        folder = rig.main._folder.name
        assert kept_in(folder) == (0o700, ["mug.png"])
    assert kept_in(folder) is None


async def test_a_no_opens_nothing(backend: MemoryBackend, rig: Any, desktop: Path) -> None:
    attach(backend, "mug.png", b"\x89PNG mug")
    async with rig.on():
        await ask_to_open(rig)
        await rig.until(lambda: isinstance(rig.app.screen, ConfirmScreen), "no question")
        await rig.press("n")
        assert rig.main._folder is None
        assert not (desktop / "seen").exists()


@pytest.mark.parametrize(
    ("name", "why"), [("invoice.pdf.exe", "it is a program"), ("page.html", "run scripts")]
)
async def test_what_could_run_is_refused_without_a_question(
    backend: MemoryBackend, rig: Any, desktop: Path, name: str, why: str
) -> None:
    attach(backend, name, b"x")
    async with rig.on():
        await ask_to_open(rig)
        assert why in rig.said
        assert "S saves it" in rig.said
        assert not isinstance(rig.app.screen, ConfirmScreen)


async def test_a_program_under_another_name_is_refused(
    backend: MemoryBackend, rig: Any, desktop: Path
) -> None:
    attach(backend, "mug.png", b"MZ\x90\x00")
    async with rig.on():
        await ask_to_open(rig)
        await rig.until_seen("Open mug.png?")
        await rig.press("y")
        await rig.until(lambda: "inside it is a program" in rig.said, "it was not refused")
        assert not (desktop / "seen").exists()


async def test_a_program_that_cannot_open_it_is_told(
    backend: MemoryBackend, rig: Any, desktop: Path
) -> None:
    for name in ("xdg-open", "open"):
        (desktop / name).write_text("#!/bin/sh\nexit 3\n")
    attach(backend, "mug.png", b"\x89PNG")
    async with rig.on():
        await ask_to_open(rig)
        await rig.until_seen("Open mug.png?")
        await rig.press("y")
        await rig.until(lambda: "did not open mug.png" in rig.said, "nothing was said")


async def test_without_a_desktop_it_is_told(
    backend: MemoryBackend, rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    attach(backend, "mug.png", b"\x89PNG")
    async with rig.on():
        await ask_to_open(rig)
        assert rig.said == "nothing here can open files; S saves it"


async def test_read_only_opens_nothing(backend: MemoryBackend, make_rig: Any) -> None:
    attach(backend, "mug.png", b"\x89PNG")
    rig = make_rig(backend, read_only=True)
    async with rig.on():
        await ask_to_open(rig)
        assert rig.said.startswith("read-only: nothing is opened")


def test_no_desktop_no_command() -> None:
    assert opening.open_command({"PATH": "/usr/bin:/bin"}, platform="linux") is None
