from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from agentmail_tui.clean import Safe
from agentmail_tui.domain import Attachment, ThreadFilter
from agentmail_tui.screens.clipboard import copy_command


def newest(rig: Any) -> str:
    """Return the thread that the list begins with."""
    thread_id: str = rig.backend.mail.listed(ThreadFilter())[0].id
    return thread_id


async def read_first(rig: Any) -> None:
    """Open the newest thread and go to its first message, which has a file."""
    await rig.press("enter")
    await rig.until_mail()
    await rig.press("p", "p")


async def test_a_file_is_saved_where_its_reader_says(rig: Any, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    async with rig.on():
        await read_first(rig)
        file = rig.state.open.messages[0].attachments[0]
        await rig.press("S", "enter")
        await rig.until_seen(f"Save {file.name} to")
        rig.app.screen.field.value = str(folder)
        await rig.until_seen(f"here/{file.name}"[-20:])
        await rig.press("enter")
        await rig.until(lambda: rig.said.startswith("saved to"), "it was not saved")
        (path,) = folder.iterdir()
        assert path.name == file.name
        assert path.stat().st_size == file.size


async def test_of_several_files_one_is_picked(
    rig: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails = rig.backend.mail.conversations[newest(rig)]
    more = Attachment("att_more", Safe("../../b.txt"), Safe("text/plain"), 3)
    mails[0] = replace(mails[0], attachments=(*mails[0].attachments, more))
    async with rig.on():
        await read_first(rig)
        await rig.press("S", "down", "down", "enter")
        await rig.until_seen("Save b.txt to")
        rig.app.screen.field.value = str(tmp_path / "new.txt")
        await rig.press("enter")
        await rig.until(lambda: (tmp_path / "new.txt").exists(), "it was not saved")


async def test_what_cannot_be_saved_is_told(rig: Any, tmp_path: Path) -> None:
    async with rig.on():
        await rig.press("enter")
        await rig.until_mail()
        await rig.press("S")
        assert rig.said == "no file hangs on this message"
        await rig.press("p", "p", "S", "enter")
        rig.app.screen.field.value = str(tmp_path / "nowhere" / "a.jpg")
        await rig.press("enter")
        await rig.until(lambda: rig.said.startswith("not saved: No such file"), "not told")


@pytest.mark.parametrize("stroke", ["i", "a", "m", "l"])
async def test_parts_of_a_message_are_copied_through_the_terminal(
    rig: Any, monkeypatch: pytest.MonkeyPatch, stroke: str
) -> None:
    for name in ("WAYLAND_DISPLAY", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    mails = rig.backend.mail.conversations[newest(rig)]
    page = Safe("<a href='https://evil.test/a'>bank.example</a>")
    mails[-1] = replace(mails[-1], html=page)
    async with rig.on():
        await rig.press("enter")
        await rig.until_mail()
        await rig.press("y", stroke)
        if stroke == "l":
            await rig.until_seen("the text says bank.example")
            await rig.press("enter")
        wanted = {
            "i": mails[-1].id,
            "a": "ada.lindqvist@northmail.example",
            "m": mails[-1].text,
            "l": "https://evil.test/a",
        }
        await rig.until(lambda: rig.app.clipboard == wanted[stroke], "it was not copied")
        assert "given to the terminal to copy" in rig.said


async def test_the_tool_of_this_computer_comes_first(
    rig: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "bin" / "wl-copy"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\ncat > {tmp_path}/copied\n")
    tool.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    for name in ("SSH_CONNECTION", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)
    async with rig.on():
        await rig.press("enter")
        await rig.until_mail()
        await rig.press("y", "a")
        await rig.until(lambda: rig.said == "address copied by wl-copy", "it was not copied")
        assert (tmp_path / "copied").read_text() == "ada.lindqvist@northmail.example"


def test_which_tool_copies(tmp_path: Path) -> None:
    for name in ("wl-copy", "xclip", "pbcopy"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o700)
    path = {"PATH": str(tmp_path)}
    assert copy_command({**path, "DISPLAY": ":0"}, "linux") == ["xclip", "-selection", "clipboard"]
    assert copy_command({**path, "WAYLAND_DISPLAY": "w"}, "linux") == ["wl-copy"]
    assert copy_command(path, "darwin") == ["pbcopy"]
    assert copy_command(path, "linux") is None
    assert copy_command({**path, "DISPLAY": ":0", "SSH_CONNECTION": "x"}, "linux") is None
    assert copy_command({"PATH": "", "DISPLAY": ":0"}, "linux") is None
