"""Mail that was made to be obeyed: nothing of it is, on any screen."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from agentmail_tui.backends.memory import MemoryBackend, sample_backend
from agentmail_tui.clean import Safe
from agentmail_tui.domain import (
    Address,
    Attachment,
    DeliveryEvent,
    Hit,
    SearchResult,
    Status,
    Suppression,
    Triage,
    WebhookDelivery,
)

NOW = datetime(2025, 3, 12, 11, 52, tzinfo=UTC)
OSC = "\x1b]52;c;ZXZpbA==\x07"
EVIL = f"{OSC}\x9b2J\u202e\u2066\U000e0041[@click=app.quit]x[/][/b][$error][@click=app.bell('[')]hi"
SHOWN = "[@click=app.quit]x[/][/b]"
OBEYED = ("\x1b", "\x07", "\x9b", "\x9d", "\u202e", "\u2066", "\U000e0041", "\x00")


def evil(text: str = EVIL) -> Safe:
    """Text that slipped past the gate: it says that it is safe, and is not."""
    return str.__new__(Safe, text)


class HostileBackend(MemoryBackend):
    """Every text that a server can send is an attack."""

    async def messages(self, thread_id: str) -> Any:
        address = Address(evil(), evil(), "x@y.test")
        return tuple(
            replace(
                message,
                sender=address,
                to=(address,),
                cc=(address,),
                subject=evil(),
                text=evil(f"{EVIL}\n> {EVIL}\n> {EVIL}"),
                attachments=(Attachment("a", evil(), evil(), 1),),
                parse_error=evil(),
                flags=(evil(),),
                extracted=((evil(), evil()),),
            )
            for message in await super().messages(thread_id)
        )

    async def threads(self, *args: Any, **kwargs: Any) -> Any:
        page = await super().threads(*args, **kwargs)
        return replace(page, items=tuple(map(poisoned, page.items)))

    async def search(
        self, query: str, inbox_id: str | None, limit: int, **more: Any
    ) -> SearchResult:
        found = await super().search("a", inbox_id, limit)
        hits = tuple(Hit(poisoned(hit.thread), hit.score, evil()) for hit in found.hits)
        return SearchResult(hits, evil(), evil(), 3, 9.0)

    async def delivery(self, inbox_id: str | None, period: str) -> Any:
        data = await super().delivery(inbox_id, period)
        event = DeliveryEvent("e", "m", "conv", evil(), evil(), evil(), NOW)
        return replace(
            data,
            events=(event,),
            suppressions=(Suppression(evil(), evil(), NOW),),
            webhooks=(WebhookDelivery("w", evil(), evil(), 1, NOW),),
        )

    async def inboxes(self) -> Any:
        return tuple(
            replace(inbox, address=evil(), name=evil()) for inbox in await super().inboxes()
        )

    async def source(self, message_id: str) -> str:
        return EVIL


def poisoned(thread: Any) -> Any:
    return replace(
        thread,
        subject=evil(),
        snippet=evil(),
        party=Address(evil(), evil(), None),
        triage=Triage(Status.NEEDS_REPLY, (evil(),), evil()),
        delivery_status=evil(),
    )


@pytest.fixture
def hostile(make_rig: Any) -> Any:
    backend = sample_backend(NOW, 1)
    backend.__class__ = HostileBackend
    backend.name = EVIL
    return make_rig(backend)


def check(rig: Any) -> None:
    """Nothing on screen is obeyed by a terminal, and no text became an action."""
    for line in rig.segments():
        for text, style, control in line:
            assert control is None
            assert not any(sign in text for sign in OBEYED), repr(text)
            if style is not None:
                assert "@click" not in style.meta
                assert style.link is None


PLACES = {
    "list": (),
    "reader": ("enter", "p", "enter"),
    "search": ("/", "x", "enter"),
    "tags": ("t",),
    "owner": ("a",),
    "inbox": ("g", "i"),
    "help": ("?",),
    "delivery": ("D",),
    "suppressions": ("g", "s"),
    "webhooks": ("g", "k"),
    "source": ("enter", "v", "r"),
    "reply": ("enter", "r"),
    "review": ("enter", "r", "ctrl+j"),
    "forward": ("enter", "f"),
    "notice": ("e",),
}


@pytest.mark.parametrize("place", PLACES)
async def test_no_screen_lets_it_through(hostile: Any, place: str) -> None:
    async with hostile.on(120, 36):
        for key in PLACES[place]:
            await hostile.press(key)
            if key == "enter" and place != "search":
                await hostile.until_mail()
        await hostile.pilot.pause(0.2)
        check(hostile)


async def test_brackets_are_shown_as_they_are(hostile: Any) -> None:
    async with hostile.on(200, 36):
        await hostile.press("enter")
        await hostile.until_mail()
        assert SHOWN in hostile.text()


async def test_clicking_every_cell_runs_nothing(hostile: Any) -> None:
    async with hostile.on(80, 24):
        await hostile.press("enter")
        await hostile.until_mail()
        bells: list[str] = []
        hostile.app.bell = lambda: bells.append("rung")
        for y in range(4, 18):
            for x in range(1, 80, 3):
                hostile.click(x, y)
        await hostile.pilot.pause()
        assert hostile.app.is_running
        assert bells == []
        check(hostile)
