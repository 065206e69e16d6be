"""Screens of an operator: what they refuse, what they say, and that secrets stay where they belong.

That each key does its work on a real server is tested in `tests/agentmail_tui/keys`.
"""

import asyncio
import re
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from agentmail_tui.app import AgentMailApp
from agentmail_tui.backends.memory import EVERYTHING, MemoryBackend, sample_backend
from agentmail_tui.config import load_config, read_key
from agentmail_tui.domain import ThreadFilter
from agentmail_tui.domain_admin import ApiKey, FreshKey, NewKey
from agentmail_tui.mailbox import select
from agentmail_tui.screens.api_keys import ApiKeysScreen
from agentmail_tui.screens.mail import MailScreen
from agentmail_tui.screens.schema import SchemaScreen
from agentmail_tui.screens.secret import SecretScreen
from agentmail_tui.screens.words import STEPS, word
from tests.agentmail_tui.screens.conftest import NOW, Rig

MakeRig = Callable[..., Rig]


async def test_domain_that_is_in_use_stays(rig: Rig) -> None:
    async with rig.on():
        await rig.press("g", "M")
        await rig.until_seen("harbor-goods.test")
        await rig.press("X")
        assert rig.said == (
            "in use: support@harbor-goods.test and 2 more; delete those inboxes first"
        )
        await rig.press(*["j"] * 5, "X")
        assert "server's own" in rig.said
        assert len(rig.backend.administration.held_domains) == 2


async def test_refusal_of_the_server_is_said_in_its_words(rig: Rig) -> None:
    async with rig.on():
        await rig.press("g", "M", "n")
        await rig.type("harbor-goods.test")
        await rig.press("enter")
        await rig.until(lambda: "is taken" in rig.said, "it was not told")


async def test_record_is_shown_in_full(rig: Rig) -> None:
    async with rig.on(80, 24):
        await rig.press("g", "M")
        await rig.until_seen("DKIM")
        await rig.press("j")
        await rig.until_seen("look-up  another one is there")
        await rig.press("j", "j", "j")
        await rig.until_seen("look-up  right")
        value = rig.backend.administration.held_domains[1].records[2].value
        shown = "".join(line.strip() for line in rig.lines())
        assert value.split()[-1] in shown


async def test_secret_is_shown_once_and_not_left_by_accident(rig: Rig) -> None:
    async with rig.on():
        await rig.press("g", "K", "n")
        await rig.type("bot")
        await rig.press("enter", "tab", "down", "tab", "enter")
        await rig.type("12h")
        await rig.press("enter")
        await rig.until(lambda: isinstance(rig.app.screen, SecretScreen), "no key was made")
        made = rig.backend.administration.held_keys[-1]
        assert made.scopes == ("messages:read", "threads:read")
        assert made.expires_at is not None
        assert (made.expires_at - NOW).total_seconds() == 12 * 3600
        (secret,) = re.findall(r"comm_[0-9a-f]{64}", rig.text())
        await rig.press("escape")
        assert isinstance(rig.app.screen, SecretScreen)
        await rig.until_seen("Not copied yet")
        await rig.press("y")
        await rig.until_seen("it is not shown again")
        await rig.press("escape")
        assert isinstance(rig.app.screen, ApiKeysScreen)
        assert rig.app.clipboard == secret
        assert secret not in rig.text()
        assert secret not in repr(rig.state)


async def test_secret_is_shown_though_the_list_is_slow_and_was_left(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = asyncio.Event()
    there = rig.backend.administration
    create, keys = there.create_key, there.keys

    async def slow_create(wanted: NewKey) -> FreshKey:
        await read.wait()
        return await create(wanted)

    async def never() -> tuple[ApiKey, ...]:
        await asyncio.Event().wait()
        return await keys()

    async with rig.on():
        await rig.press("g", "K")
        await rig.until_seen("revoked")
        monkeypatch.setattr(there, "create_key", slow_create)
        monkeypatch.setattr(there, "keys", never)
        await rig.press("n")
        await rig.type("bot")
        await rig.press("enter", "tab", "enter", "enter", "q")
        await rig.until(lambda: rig.app.screen is rig.main, "the list of keys was not left")
        read.set()
        await rig.until(lambda: isinstance(rig.app.screen, SecretScreen), "the secret is lost")


async def test_dead_key_is_not_acted_on(rig: Rig) -> None:
    async with rig.on():
        await rig.press("g", "K")
        await rig.until_seen("revoked")
        for key in ("R", "X"):
            await rig.press("j", "j", "j", key)
            assert rig.said == "old import opens nothing any more"


async def test_organisation_gets_another_name(rig: Rig) -> None:
    async with rig.on():
        await rig.press("g", "O")
        await rig.until_seen("Harbor Goods")
        await rig.press("r", "ctrl+u")
        await rig.type("Quay Goods")
        await rig.press("enter")
        await rig.until(lambda: rig.backend.administration.held_org.name == "Quay Goods", "no")


async def test_server_without_administration_says_so(rig: Rig) -> None:
    rig.backend.administration = None  # type: ignore[assignment]
    async with rig.on():
        await rig.press("g", "O")
        await rig.until_seen("✗ nothing is administered on this server")


async def test_what_a_key_may_not_do_is_not_opened(make_rig: MakeRig) -> None:
    able = replace(EVERYTHING, domains=False, manage_keys=False)
    rig = make_rig(sample_backend(NOW, 1, capabilities=able))
    async with rig.on():
        for stroke, told in (("M", "domains"), ("K", "admin")):
            await rig.press("g", stroke)
            assert isinstance(rig.app.screen, MailScreen)
            assert told in rig.said
        await rig.press("g", "O")
        await rig.until_seen("Harbor Goods")
        await rig.press("r")
        assert rig.said == "this key may not change the organisation"


async def test_read_only_changes_nothing(backend: MemoryBackend, make_rig: MakeRig) -> None:
    rig = make_rig(backend, read_only=True)
    rig.config_file.write_text('[profiles.one]\nurl = "http://127.0.0.1:9"\n')
    held = backend.administration
    before = (list(held.held_domains), list(held.held_keys), held.held_org)
    async with rig.on():
        for place, keys in (("M", "nvX"), ("K", "nRX"), ("O", "r"), ("S", "nX"), ("I", "e")):
            await rig.press("g", place)
            await rig.until(lambda: not rig.state.admin.loading, "nothing came")
            if place == "S":
                await rig.until_seen("one")
            screen = rig.app.screen
            for key in keys:
                rig.mailbox.say("")
                await rig.press(*["j"] * 6, key)
                assert rig.said == "read-only: nothing was changed", (place, key)
                assert rig.app.screen is screen
            await rig.press("escape")
        assert await rig.mailbox.create_key(None) is None  # type: ignore[arg-type]
        assert await rig.mailbox.set_extraction(rig.state.inboxes[0], None)
    assert (list(held.held_domains), list(held.held_keys), held.held_org) == before
    assert "i_support" in held.extractions
    assert set(load_config(rig.config_file).profiles) == {"one"}


async def test_a_page_in_a_browser_does_not_tell_how_to_write(
    backend: MemoryBackend, make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = make_rig(backend, read_only=True)
    monkeypatch.setattr(AgentMailApp, "is_web", True)
    async with rig.on():
        for key, what in (("e", "changed or sent"), ("S", "saved")):
            await rig.press(key)
            assert rig.said == f"read-only: nothing is {what}"
        await rig.press("g", "r")
        assert rig.state.read_only


async def test_schema_that_is_no_json_is_not_sent(rig: Rig) -> None:
    async with rig.on():
        screen = await _schema(rig)
        screen.text.move_cursor((4, 0))
        await rig.type("x")
        await rig.until_seen("✗ line 5: no JSON")
        screen.text.move_cursor((0, 0))
        await rig.press("ctrl+s")
        assert screen.text.cursor_location == (4, 0)
        assert rig.app.screen is screen
        assert "wants_refund" in rig.backend.administration.extractions["i_support"].schema


async def test_refusal_puts_the_cursor_on_its_line(rig: Rig) -> None:
    async with rig.on():
        screen = await _schema(rig)
        screen.text.text = screen.text.text.replace('"boolean"', '"bool"')
        await rig.press("ctrl+s")
        await rig.until_seen("✗ line 9: Invalid request: schema.properties.wants_refund.type")
        assert screen.text.cursor_location == (8, 0)
        assert '"boolean"' in rig.backend.administration.extractions["i_support"].schema


async def test_changed_schema_is_not_left_without_a_question(rig: Rig) -> None:
    async with rig.on():
        screen = await _schema(rig)
        await rig.type(" ")
        await rig.press("escape")
        await rig.until_seen("Leave the schema as it was?")
        await rig.press("n")
        assert rig.app.screen is screen
        await rig.press("escape", "y")
        assert rig.app.screen is not screen


async def _schema(rig: Rig) -> SchemaScreen:
    await rig.press("g", "I", "e")
    await rig.until_seen("wants_refund")
    screen = rig.app.screen
    assert isinstance(screen, SchemaScreen)
    return screen


async def test_key_of_a_new_server_is_never_on_screen(rig: Rig) -> None:
    async with rig.on():
        await rig.press("g", "S", "n")
        await rig.type("work")
        await rig.press("enter")
        await rig.type("https://mail.example")
        await rig.press("enter")
        await rig.type("comm_5ecre7")
        assert "5ecre7" not in rig.text()
        await rig.until_seen("11 characters")
        await rig.press("enter")
        await rig.until_seen("key from a file")
        profile = load_config(rig.config_file).profiles["work"]
        assert read_key(profile) == "comm_5ecre7"
        assert "5ecre7" not in rig.config_file.read_text() + rig.text()


async def test_chosen_server_ends_this_session(rig: Rig) -> None:
    rig.config_file.write_text('[profiles.one]\nurl = "http://127.0.0.1:9"\n')
    async with rig.on():
        await rig.press("g", "S")
        await rig.until_seen("one")
        await rig.press("enter")
        await rig.until(lambda: rig.app.next_profile == "one", "the session goes on")


async def test_file_that_cannot_be_read_is_told(rig: Rig) -> None:
    rig.config_file.write_text("[profiles")
    async with rig.on():
        await rig.press("g", "S")
        await rig.until(lambda: "cannot be read" in rig.said, "it was not told")


@pytest.mark.parametrize("name", [*STEPS, "hard_bounce", "needs_reply", "email.received", "a_b"])
def test_no_word_on_screen_has_an_underscore(name: str) -> None:
    assert "_" not in word(name)


async def test_raw_names_are_nowhere_on_screen(rig: Rig) -> None:
    thread = next(each for each in rig.backend.mail.listed(ThreadFilter()) if each.delivery_status)
    message = rig.backend.mail.conversations[thread.id][-1]
    for kind in ("scheduled", "delivery_delayed", "opened", "cancelled"):
        rig.backend.deliver(message.id, kind, "ada@far.example")
    async with rig.on():
        rig.mailbox.open_thread(thread.id)
        await asyncio.sleep(0)
        await rig.press("enter")
        await rig.until_mail()
        assert "delivery_" not in rig.text()
        await rig.press("D")
        await rig.until_seen("… delayed")
        assert "_" not in rig.text()


async def test_sender_is_suppressed_after_a_question(rig: Rig) -> None:
    async with rig.on():
        thread = select.selected_thread(rig.state)
        assert thread is not None
        await rig.press("#")
        await rig.until_seen(f"Write no more to {thread.party.exact}?")
        await rig.press("n")
        assert len(rig.backend.suppressions) == 3
        await rig.press("#", "y")
        await rig.until_seen("✗ suppressed")
        made = rig.backend.suppressions[0]
        assert (made.address, made.inbox_id) == (thread.party.exact, thread.inbox_id)
        rig.mailbox.set_read_only(True)
        await rig.press("#")
        assert rig.said == "read-only: nothing was changed"
