import asyncio
import json
import stat
import sys
import time
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from agentmail_tui.clean import clean_line
from agentmail_tui.domain import Draft
from agentmail_tui.errors import Rejected
from agentmail_tui.mailbox.drafts import KeptDraft, read_drafts, write_draft
from agentmail_tui.screens.compose import ComposeScreen
from agentmail_tui.widgets.thread_view import ThreadView
from tests.agentmail_tui.screens.conftest import Rig

CHILD = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from agentmail_tui.app import AgentMailApp
from agentmail_tui.backends.memory import sample_backend
from agentmail_tui.mailbox.mailbox import Mailbox

NOW = datetime(2025, 3, 12, 11, 52, tzinfo=UTC)

async def main():
    mailbox = Mailbox(sample_backend(NOW, 1), clock=lambda: NOW, new_id=lambda: "child_1",
                      me="me", read_only=False)
    app = AgentMailApp(mailbox, clock=lambda: NOW, state_dir=Path(sys.argv[1]))
    async with app.run_test(size=(120, 36)) as pilot:
        while mailbox.state.window.loading:
            await pilot.pause()
        await pilot.press("c", *"bob@stone.example", "enter", "enter", *"Hello", "enter", *"Half")
        print("typed", file=sys.__stdout__, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def kept(rig: Any) -> list[KeptDraft]:
    rig.app.context.drafts.settle()
    return list(read_drafts(rig.state_dir / "drafts"))


async def on_disk(folder: Path, body: str) -> None:
    """Wait until a draft with this text is on disk, five seconds at most."""
    for _ in range(250):
        if [each.draft.body for each in read_drafts(folder)] == [body]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the draft never came on disk")


async def test_a_draft_outlives_a_kill_and_is_offered_again(rig: Any) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, str(rig.state_dir), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    try:
        async with asyncio.timeout(60):
            assert await child.stdout.readline() == b"typed\n"
            typed = time.monotonic()
            await on_disk(rig.state_dir / "drafts", "Half")
        assert time.monotonic() - typed < 2
    finally:
        child.kill()
        await child.wait()
    async with rig.on():
        await rig.until_seen("“Hello” was not sent the last time: g D goes on writing")
        await rig.press("g", "D")
        await rig.until_seen("bob@stone.example")
        await rig.press("enter")
        screen = rig.app.screen
        assert isinstance(screen, ComposeScreen)
        assert (screen.to.value, screen.body.text) == ("bob@stone.example", "Half")
        await rig.press("ctrl+j", "enter")
        await rig.until(lambda: rig.backend._sent, "it was not sent")
        await rig.until(lambda: not rig.state.outgoing, "the answer did not come")
        assert [draft.body for draft, _ in rig.backend._sent.values()] == ["Half"]
        assert kept(rig) == []


async def test_the_file_is_for_its_owner_alone_and_goes_with_the_draft(rig: Any) -> None:
    async with rig.on():
        await rig.press("c")
        await rig.type("x")
        await rig.until(lambda: list((rig.state_dir / "drafts").glob("*.json")), "no file")
        (path,) = (rig.state_dir / "drafts").iterdir()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        await rig.press("f8")
        assert kept(rig) == []


async def test_what_nobody_typed_leaves_no_file(rig: Any) -> None:
    async with rig.on():
        await rig.press("r")
        await rig.until_seen("Reply to Ada")
        await rig.press("escape")
        assert kept(rig) == []


async def test_a_refused_mail_stays_on_disk_until_it_is_given_up(
    rig: Any, monkeypatch: Any
) -> None:
    async with rig.on():

        async def refuse(_draft: object) -> None:
            raise Rejected("quota is used up")

        monkeypatch.setattr(rig.backend, "send", refuse)
        await rig.press("enter", "r")
        await rig.until_seen("Reply to Ada")
        await rig.type("Once more.")
        await rig.press("ctrl+j", "enter")
        await rig.until_seen("✗ not sent: quota is used up")
        assert len(kept(rig)) == 1
        await rig.press("enter")
        await rig.until_seen("Once more.")
        await rig.press("escape")
        assert len(kept(rig)) == 1
        await rig.press("g", "D", "enter")
        await rig.until_seen("Once more.")
        assert "Only wet, from below." in rig.text()  # the answered mail is beside it again
        await rig.press("f8")
        assert kept(rig) == []


async def test_each_failed_mail_of_a_thread_is_its_own_draft(rig: Any, monkeypatch: Any) -> None:
    async with rig.on():

        async def refuse(_draft: object) -> None:
            raise Rejected("quota is used up")

        monkeypatch.setattr(rig.backend, "send", refuse)
        for number, text in enumerate(("First words.", "Second words."), 1):
            await rig.press("r")
            await rig.until_seen("Reply to Ada")
            await rig.type(text)
            await rig.press("ctrl+j", "enter")
            await rig.until_seen(f"✗ {number} unsent")
        await rig.press("g", "D", "down", "enter")
        assert rig.app.screen.body.text.startswith("First words.")
        await rig.press("escape", "g", "D")
        await rig.until_seen("Unsent drafts")
        await rig.type("second")
        await rig.press("enter")
        assert rig.app.screen.body.text.startswith("Second words.")


async def test_a_failed_new_mail_is_among_the_drafts(rig: Any, monkeypatch: Any) -> None:
    async with rig.on():

        async def refuse(_draft: object) -> None:
            raise Rejected("quota is used up")

        monkeypatch.setattr(rig.backend, "send", refuse)
        await rig.press("c")
        await rig.type("bob@stone.example")
        await rig.press("enter", "enter")
        await rig.type("Hello")
        await rig.press("enter")
        await rig.type("Text")
        await rig.press("ctrl+j", "enter")
        await rig.until_seen("✗ 1 unsent")
        await rig.press("g", "D")
        await rig.until_seen("not sent: Hello")
        await rig.press("enter")
        assert isinstance(rig.app.screen, ComposeScreen)
        assert rig.app.screen.to.value == "bob@stone.example"
        await rig.press("f8")
        await rig.until(lambda: not rig.state.outgoing, "it is still unsent")
        assert kept(rig) == []


async def test_forwards_of_two_threads_are_two_drafts(rig: Any) -> None:
    async with rig.on():
        await rig.press("f")
        await rig.until_seen("Forwarded message")
        await rig.type("ann@a.example")
        await rig.press("escape", "j", "f")
        await rig.until_seen("Fwd: Invoice")
        assert rig.app.screen.to.value == ""


async def test_forwards_of_two_threads_with_one_subject_are_two_drafts(rig: Any) -> None:
    for messages in rig.backend.mail.conversations.values():
        messages[-1] = replace(messages[-1], subject=clean_line("Your order"))
    async with rig.on():
        texts = []
        for address in ("ann@a.example", "bob@b.example"):
            await rig.press("f")
            await rig.until_seen("Forwarded message")
            assert rig.app.screen.to.value == ""
            texts.append(rig.app.screen.body.text)
            await rig.type(address)
            await rig.press("escape", "j")
        assert texts[0] != texts[1]
        assert [each.draft.body for each in kept(rig)] == texts
        await rig.press("k", "f")
        await rig.until_seen("bob@b.example")
        assert rig.app.screen.body.text == texts[1]


async def test_a_forward_of_an_earlier_time_has_its_thread_beside_it(rig: Any) -> None:
    async with rig.on():
        await rig.press("f")
        await rig.until_seen("Forwarded message")
        await rig.type("ann@a.example")
        await rig.press("escape")
        assert len(kept(rig)) == 1
    again = Rig(rig.backend, rig.state_dir)
    async with again.on():
        await again.until_seen("was not sent the last time")
        await again.press("j", "j")
        await again.until_mail()
        await again.press("g", "D", "enter")
        await again.until(lambda: isinstance(again.app.screen, ComposeScreen), "no draft")
        source = again.app.screen.query_one("#source", ThreadView)
        await again.until(lambda: "Only wet, from below." in source.text, "it is not beside it")


async def test_drafts_of_inboxes_that_are_not_here_are_left_alone(rig: Any) -> None:
    draft = Draft("other_1", "i_elsewhere", ("a@b.example",), "Not here", "text")
    write_draft(rig.state_dir / "drafts", KeptDraft("New mail", draft))
    async with rig.on():
        await rig.press("g", "D")
        assert rig.said == "no draft was left"
        assert [each.draft for each in kept(rig)] == [draft]


def test_files_that_are_no_drafts_are_passed_over(tmp_path: Path) -> None:
    draft = Draft("1", "i", ("a@b.example", "c@d.example"), "S", "B", thread_id="t")
    forward = KeptDraft("Forward", Draft("2", "i", (), "S", "B"), forwards="t_9")
    write_draft(tmp_path, KeptDraft("Reply", draft))
    write_draft(tmp_path, forward)
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.json").write_text('{"heading": "x"}')
    (tmp_path / "c.json").write_text(json.dumps({"heading": "x", "draft": {"subject": 3}}))
    (tmp_path / "d.json").write_text("[]")
    assert list(read_drafts(tmp_path)) == [KeptDraft("Reply", draft), forward]


async def test_a_folder_that_cannot_be_written_is_told(rig: Any) -> None:
    (rig.state_dir / "drafts").write_text("in the way")
    async with rig.on():
        await rig.press("c", "x")
        await rig.until_seen("the draft is not on disk")
