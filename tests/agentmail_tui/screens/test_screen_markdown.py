from typing import Any

import pytest
from msgspec.structs import replace

from agentmail_tui.backends.memory import MemoryBackend
from agentmail_tui.clean import Safe
from agentmail_tui.screens.markdown_page import markdown_page
from agentmail_tui.widgets.lines import text_of

WRITTEN = """# Order A-5531

Hello **Ada**, see [bank.example](https://evil.test/x).
<b>not bold</b> [run](javascript:alert(1)) [@click=app.quit]quit[/]

- the mug
  1. first

> It was wet.

| a | long |
|---|------|
| wide cell | b |

Regards
--
Ada
"""


def texts(written: str) -> list[str]:
    return [text_of(each.spans).rstrip() for each in markdown_page(written)]


def inks(written: str) -> dict[str, str]:
    return {text: ink for each in markdown_page(written) for text, ink in each.spans}


def test_a_mail_is_read_as_markdown() -> None:
    assert texts(WRITTEN) == [
        "# Order A-5531",
        "",
        "Hello Ada, see bank.example [1 ▸ evil.test].",
        "<b>not bold</b> [run](javascript:alert(1)) [@click=app.quit]quit[/]",
        "",
        "• the mug",
        "  1. first",
        "",
        "│ It was wet.",
        "",
        "a           long",
        "wide cell   b",
        "",
        "Regards",
        "--",
        "Ada",
        "",
        "── Links, with where they lead ──",
        "",
        "[1] evil.test  https://evil.test/x",
        "    ! the text says bank.example, the link leads to evil.test",
    ]


def test_emphasis_code_and_warnings_have_their_inks() -> None:
    found = inks("**bold** and `code`, [bank.example](https://evil.test)")
    assert (found["bold"], found["code"]) == ("strong", "tag")
    assert found[" [1 ▸ evil.test]"] == "warn"
    assert inks("[here](https://good.test)")[" [1 ▸ good.test]"] == "muted"


def test_control_signs_are_gone() -> None:
    assert "\x1b" not in "".join(texts("a\x1b[2J `\x1b]52;c;x\x07`"))


def test_an_empty_mail_says_so() -> None:
    assert texts(" \n ") == ["(no text)"]


async def test_the_view_wraps_and_is_found_in(backend: MemoryBackend, rig: Any) -> None:
    newest = max(backend.mail.threads.values(), key=lambda each: each.last_message_at)
    mails = backend.mail.conversations[newest.id]
    mails[-1] = replace(mails[-1], text=Safe(f"{WRITTEN}\n- {'a long point ' * 20}\n"))
    async with rig.on(80, 24):
        await rig.press("enter")
        await rig.until_mail()
        await rig.press("v", "m")
        await rig.until_seen("bank.example [1 ▸ evil.test]")
        await rig.press("/")
        await rig.type("POINT")
        await rig.until_seen("on 4 lines")
        await rig.press("enter")
        await rig.until_seen("hit 1 of 4")
        assert "  long point" in rig.text() or "  a long" in rig.text()
        await rig.press("n", "n")
        await rig.until_seen("hit 3 of 4")
        await rig.press("N")
        await rig.until_seen("hit 2 of 4")
        await rig.press("escape")
        assert not rig.app.screen.page.finding
        await rig.press("escape")
        await rig.until(lambda: rig.app.screen is rig.main, "the page did not go")


@pytest.mark.parametrize("stroke", ["r", "h", "t", "w"])
async def test_every_view_is_found_in(backend: MemoryBackend, rig: Any, stroke: str) -> None:
    newest = max(backend.mail.threads.values(), key=lambda each: each.last_message_at)
    mails = backend.mail.conversations[newest.id]
    mails[-1] = replace(mails[-1], html=Safe("<p>Hello parcel</p>"), text=Safe("my parcel"))
    async with rig.on():
        await rig.press("enter")
        await rig.until_mail()
        await rig.press("v", stroke)
        await rig.until(lambda: "parcel" in rig.app.screen.page.text.lower(), "no text")
        await rig.press("ctrl+f")
        await rig.type("parcel")
        await rig.press("enter")
        await rig.until_seen("hit 1 of")
        marked = [
            segment.style
            for line in rig.segments()
            for segment in line
            if segment.text.lower() == "parcel" and segment.style and segment.style.bgcolor
        ]
        assert marked


async def test_what_is_not_on_the_page_is_told(rig: Any) -> None:
    async with rig.on():
        await rig.press("enter")
        await rig.until_mail()
        await rig.press("v", "t")
        await rig.until(lambda: rig.app.screen is not rig.main, "no page")
        await rig.press("n")
        await rig.until_seen("/ finds on this page")
        await rig.press("/")
        await rig.type("zebra")
        await rig.press("enter")
        await rig.until_seen("not on this page")
