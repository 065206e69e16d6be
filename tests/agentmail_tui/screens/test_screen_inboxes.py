"""Inboxes are made, renamed and deleted by keys, and the server has them so."""

from collections.abc import Callable

from msgspec.structs import replace

from agentmail_tui.backends.memory import EVERYTHING, MemoryBackend
from agentmail_tui.domain import Capabilities, ThreadFilter
from agentmail_tui.screens.inboxes import InboxesScreen
from tests.agentmail_tui.screens.conftest import NOW, Rig


def _addresses(backend: MemoryBackend) -> list[str]:
    return [str(each.address) for each in backend._inboxes]


async def test_new_inbox_is_made_and_shown(rig: Rig) -> None:
    async with rig.on():
        await rig.press("g", "I", "n")
        await rig.type("claims")
        await rig.press("enter")
        await rig.until_seen("claims@")
        assert any(each.startswith("claims@") for each in _addresses(rig.backend))
        await rig.until(lambda: rig.said.startswith("made claims@"), "it was not told")
        await rig.press("escape")
        await rig.until_seen("comes up here:")


async def test_picker_offers_to_make_what_it_does_not_find(rig: Rig) -> None:
    async with rig.on():
        await rig.press("g", "i")
        await rig.type("claims")
        await rig.until_seen("new inbox")
        await rig.press("enter")
        await rig.until_seen("comes up here:")
        assert any(each.startswith("claims@") for each in _addresses(rig.backend))


async def test_inbox_gets_another_name(rig: Rig) -> None:
    async with rig.on():
        await rig.press("g", "I", "r")
        await rig.press(*["backspace"] * 40)
        await rig.type("Help desk")
        await rig.until_seen("From: Help desk <")
        await rig.press("enter")
        await rig.until(lambda: rig.backend._inboxes[0].name == "Help desk", "it was not named")
        await rig.until_seen("Help desk")


async def test_inbox_goes_only_once_its_address_is_typed(rig: Rig) -> None:
    async with rig.on():
        inbox = rig.backend._inboxes[0]
        assert rig.backend.mail.listed(ThreadFilter(inbox_id=inbox.id))
        await rig.press("g", "I", "X")
        await rig.until_seen("for good")
        await rig.press("enter")
        await rig.type("yes")
        await rig.press("enter")
        assert str(inbox.address) in _addresses(rig.backend)
        await rig.press(*["backspace"] * 3)
        await rig.type(str(inbox.address))
        await rig.until_seen("enter does it")
        await rig.press("enter")
        await rig.until(lambda: rig.said.startswith("deleted"), "it was not deleted")
        assert str(inbox.address) not in _addresses(rig.backend)
        assert not rig.backend.mail.listed(ThreadFilter(inbox_id=inbox.id))
        await rig.press("escape")
        held = {thread.inbox_id for thread in rig.state.window.rows.values()}
        await rig.until(lambda: not rig.state.window.loading, "the list did not come")
        assert inbox.id not in held


async def test_shown_inbox_that_is_deleted_gives_way_to_all(rig: Rig) -> None:
    async with rig.on():
        inbox = rig.backend._inboxes[0]
        rig.mailbox.show_inbox(inbox.id)
        rig.mailbox.delete_inbox(inbox.id)
        await rig.until(lambda: rig.said.startswith("deleted"), "it was not deleted")
        assert rig.state.inbox_id is None


async def test_enter_shows_the_mail_of_an_inbox(rig: Rig) -> None:
    async with rig.on():
        await rig.press("g", "I", "enter")
        assert rig.state.inbox_id == rig.backend._inboxes[0].id


async def test_read_only_changes_no_inbox(
    backend: MemoryBackend, make_rig: Callable[..., Rig]
) -> None:
    rig = make_rig(backend, read_only=True)
    before = _addresses(backend)
    async with rig.on():
        await rig.press("g", "I")
        for key in ("n", "r", "X"):
            await rig.press(key)
            assert isinstance(rig.app.screen, InboxesScreen)
            assert rig.said == "read-only: nothing was changed"
        rig.mailbox.create_inbox("claims")
        await rig.press("escape")
    assert _addresses(backend) == before


async def test_key_without_the_scope_is_told(make_rig: Callable[..., Rig]) -> None:
    able: Capabilities = replace(EVERYTHING, manage_inboxes=False)
    rig = make_rig(MemoryBackend([], clock=lambda: NOW, capabilities=able))
    async with rig.on():
        await rig.press("g", "I", "n")
        assert isinstance(rig.app.screen, InboxesScreen)
        assert rig.said == "this key may not change inboxes"


async def test_first_run_leads_to_an_inbox_and_to_its_first_mail(
    make_rig: Callable[..., Rig],
) -> None:
    able = replace(EVERYTHING, smtp="127.0.0.1:2525")
    rig = make_rig(MemoryBackend([], clock=lambda: NOW, capabilities=able))
    async with rig.on():
        await rig.until_seen("There is no inbox yet.")
        await rig.press("g", "i")
        await rig.until_seen("type a name for one")
        await rig.type("hello")
        await rig.press("enter")
        await rig.until_seen("Mail to this address comes up here:")
        await rig.until_seen("  hello@agents.localhost")
        await rig.until_seen("by SMTP to 127.0.0.1:2525")
