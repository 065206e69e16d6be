"""The application on the server's wire, and words to press its keys and to ask what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from agentmail_tui.app import AgentMailApp
from agentmail_tui.cli.screen import at_rest, screen_text
from agentmail_tui.keys import Place
from agentmail_tui.mailbox.mailbox import Mailbox
from agentmail_tui.mailbox.state import SPLITS, Link, MailState
from agentmail_tui.screens.mail import MailScreen
from tests.agentmail_tui.keys.world import NOW, Home


@dataclass
class Desk:
    """One run of the application, on an organisation that nobody else uses."""

    home: Home
    mailbox: Mailbox
    app: AgentMailApp
    pilot: Pilot[None]
    folder: Path
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> MailState:
        return self.mailbox.state

    @property
    def main(self) -> MailScreen:
        screen = self.app.screen_stack[0]
        assert isinstance(screen, MailScreen)
        return screen

    @property
    def text(self) -> str:
        return screen_text(self.app)

    async def press(self, script: str) -> None:
        """Press strokes with blanks between; `"text` is typed, `~text` is waited for.

        In both, `_` stands for a blank, and `{address}` for that of the inbox.
        """
        for word in script.split():
            text = word[1:].replace("_", " ").replace("{address}", self.home.address)
            if word.startswith("~") and text:
                await self._shows(text)
            elif word.startswith('"') and text:
                await self.pilot.press(*("space" if sign == " " else sign for sign in text))
            else:
                await self.pilot.press(word)
            await self.until(lambda: self.app.keys_done, f"the end of {word}")

    async def _shows(self, text: str) -> None:
        await self.until(lambda: text in self.text, f"{text!r}")

    async def until(self, holds: Callable[[], object], what: str) -> None:
        """Wait for a condition, twenty seconds at most."""
        for _ in range(2000):
            if holds():
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{what} never came; on screen:\n{self.text}")

    async def settle(self) -> None:
        """Wait until the list is there and the link stands."""
        await self.until(lambda: self.state.link is Link.LIVE, "the link")
        await self.until(lambda: not self.state.window.loading, "the list")
        await self.until(lambda: self.state.window.total >= 3, "the threads")
        await self.until(lambda: self.state.delivery.data.metrics is not None, "the figures")
        await self.pilot.pause()

    async def go_back(self) -> None:
        """Leave whatever the last row left open, as a person would, and begin at the top."""
        for _ in range(9):
            if self._at_root():
                break
            await self.pilot.press("escape")
        else:
            raise AssertionError(f"esc does not lead back to the list:\n{self.text}")
        self.main.drafts.clear()
        self.mailbox.keep_searches(())
        self.mailbox.set_read_only(False)
        if self.state.split != SPLITS[-1]:
            self.main.show_split(SPLITS[-1])
        self.mailbox.select(0)
        await self.until(lambda: not self.state.window.loading, "the whole list")
        await self.until(lambda: at_rest(self.state), "rest")

    def _at_root(self) -> bool:
        main, state = self.main, self.state
        inside = main.reading or main.search_bar.active or bool(state.marked)
        narrowed = state.search is not None or bool(state.window.wanted.words)
        return len(self.app.screen_stack) == 1 and not inside and not narrowed

    async def until_mail(self) -> None:
        """Wait until the mail of the thread under the cursor is in the reader."""
        wanted = self.state.selected_id

        def here() -> bool:
            opened = self.state.open
            return bool(opened and opened.thread.id == wanted and opened.messages)

        await self.until(here, "the mail")
        await self.pilot.pause()


# How a place is come to from the list of mail, on which every row begins.
WAYS: dict[Place, str] = {
    Place.LIST: "",
    Place.READER: "enter",
    Place.FIELD: "/",
    Place.COMPOSER: "r ~Reply_to_Ada",
    Place.REVIEW: 'r ~Reply_to_Ada "Hello ctrl+j ~Send_this?',
    Place.PICKER: ": ~Commands",
    Place.DELIVERY: "D ~Suppressions",
    Place.INBOXES: "g I ~▸_Inboxes",
    Place.DOMAINS: "g M ~MX",
    Place.API_KEYS: "g K ~never",
    Place.SECRET: 'g K ~never n ~New_key "bot enter ~What_the_key tab enter ~When_the_key enter '
    "~Shown_only_once",
    Place.ORG: "g O ~short_name",
    Place.SERVERS: "g S ~config",
    Place.SCHEMA: "g I ~▸_Inboxes e ~Name",
    Place.PAGE: "enter v r ~Subject:",
    Place.QUESTION: "g r g r ~Switch_writing_on?",
}


async def go_to(desk: Desk, place: Place) -> None:
    """Bring the application to where the keys of a place act."""
    await desk.until_mail()
    await desk.press(WAYS[place])


@asynccontextmanager
async def desk_at(home: Home, folder: Path, size: tuple[int, int]) -> AsyncIterator[Desk]:
    """Run the application until the list is on it."""
    mailbox = home.mailbox()
    config = folder / "config.toml"
    app = AgentMailApp(mailbox, clock=lambda: NOW, state_dir=folder, config_file=config)
    app.animation_level = "none"
    async with app.run_test(size=size) as pilot:
        desk = Desk(home, mailbox, app, pilot, folder)
        await desk.settle()
        yield desk
    await mailbox.aclose()
