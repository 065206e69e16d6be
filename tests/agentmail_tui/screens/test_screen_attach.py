import asyncio
from pathlib import Path
from typing import Any

import pytest

from agentmail_tui.backends.memory import MemoryBackend
from agentmail_tui.screens.compose import ComposeScreen


def compose(rig: Any) -> ComposeScreen:
    screen = rig.app.screen
    assert isinstance(screen, ComposeScreen)
    return screen


async def attach(rig: Any, path: Path) -> None:
    await rig.press("f9")
    await rig.until_seen("Attach which file?")
    rig.app.screen.field.value = str(path)
    await rig.press("enter")


async def test_a_file_goes_with_the_mail(rig: Any, tmp_path: Path) -> None:
    path = tmp_path / "invoice.pdf"
    path.write_bytes(b"%PDF\x00\xff")
    backend: MemoryBackend = rig.backend
    async with rig.on():
        thread_id = rig.state.selected_id
        await rig.press("r")
        await rig.until_seen("Reply to Ada")
        await rig.type("It is attached.")
        await rig.press("ctrl+j")
        await rig.until_seen("mentions an attachment, but none is attached")
        await rig.press("e")
        await attach(rig, path)
        await rig.until_seen("Files    @ invoice.pdf")
        await rig.press("ctrl+j")
        await rig.until_seen("Send this?")
        assert "mentions an attachment" not in rig.text()
        await rig.press("enter")
        await rig.until(lambda: not rig.state.outgoing, "it was not sent")
        (file,) = backend.mail.conversations[thread_id][-1].attachments
        assert (file.name, file.mime_type) == ("invoice.pdf", "application/pdf")
        assert await backend.attachment(file.id) == b"%PDF\x00\xff"


async def test_nothing_is_sent_while_a_file_is_on_its_way(
    rig: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "late.txt").write_text("x")
    there = asyncio.Event()
    upload = rig.mailbox.upload

    async def slow(*told: Any) -> Any:
        await there.wait()
        return await upload(*told)

    monkeypatch.setattr(rig.mailbox, "upload", slow)
    async with rig.on():
        await rig.press("r")
        await rig.until_seen("Reply to Ada")
        await attach(rig, tmp_path / "late.txt")
        await rig.until_seen("is on its way to the server")
        await rig.press("ctrl+j")
        await rig.until_seen("a file is still on its way")
        assert isinstance(rig.app.screen, ComposeScreen)
        there.set()
        await rig.until_seen("Files    @ late.txt")
        await rig.press("ctrl+j")
        await rig.until_seen("Send this?")


async def test_a_file_is_taken_off_again(rig: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x")
    async with rig.on():
        await rig.press("c")
        await attach(rig, path)
        await rig.until_seen("Files    @ a.txt")
        await rig.press("alt+d")
        await rig.until(lambda: "a.txt" not in rig.text(), "it stayed")
        assert compose(rig).draft()[0].attachments == ()


async def test_a_path_of_nobody_ends_nothing(rig: Any) -> None:
    async with rig.on():
        await rig.press("c")
        for typed in ("~nosuch-user/a.txt", "x" * 300):
            await attach(rig, Path(typed))
            await rig.until(lambda typed=typed: typed[:9] in rig.text(), "it was not told")
        assert compose(rig).draft()[0].attachments == ()


async def test_what_cannot_be_attached_is_told(rig: Any, tmp_path: Path) -> None:
    async with rig.on():
        await rig.press("c")
        await attach(rig, tmp_path / "nowhere.txt")
        await rig.until_seen("No such file")
        await attach(rig, tmp_path)
        await rig.until_seen("is no file")
        big = tmp_path / "big"
        with big.open("wb") as file:
            file.truncate(11 * 1024 * 1024)
        await attach(rig, big)
        await rig.until_seen("larger than 10 MB")


async def test_a_draft_keeps_its_files(rig: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x")
    async with rig.on():
        await rig.press("c")
        await attach(rig, path)
        await rig.until_seen("Files    @ a.txt")
        await rig.press("escape")
        kept = rig.app.context.drafts.load().result()
        assert [each.draft.attachment_names for each in kept] == [("a.txt",)]


async def test_an_address_is_completed_and_a_new_one_is_told(rig: Any) -> None:
    async with rig.on():
        await rig.press("c")
        await rig.type("new@person.example, ada.l")
        await rig.until(
            lambda: compose(rig).to._suggestion.endswith("ada.lindqvist@northmail.example"),
            "nothing was suggested",
        )
        await rig.press("right", "ctrl+j")
        await rig.until_seen("no mail with new@person.example was seen before")
        assert compose_text(rig) == "new@person.example, ada.lindqvist@northmail.example"


def compose_text(rig: Any) -> str:
    screen = rig.app.screen_stack[-2]
    assert isinstance(screen, ComposeScreen)
    return screen.to.value


async def test_quoted_words_are_not_the_writers_own(rig: Any) -> None:
    async with rig.on():
        await rig.press("r")
        await rig.until_seen("Reply to Ada")
        compose(rig).body.text = "Thanks.\n\n> I attached a picture\n"
        await rig.press("ctrl+j")
        await rig.until_seen("Send this?")
        assert "mentions an attachment" not in rig.text()
