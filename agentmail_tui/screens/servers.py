"""The servers of the config file: connected to, added, removed; no key is ever on screen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from agentmail_tui.config import Config, Profile, load_config
from agentmail_tui.config_edit import NAME, add_profile, keep_key, remove_profile
from agentmail_tui.errors import MailError
from agentmail_tui.keys import Place
from agentmail_tui.mailbox.state import Tone
from agentmail_tui.screens.ask import AskScreen
from agentmail_tui.screens.bindings import bindings
from agentmail_tui.screens.confirm import ConfirmScreen
from agentmail_tui.screens.hidden import HiddenScreen
from agentmail_tui.screens.listed import ListedScreen
from agentmail_tui.widgets.lines import fit
from agentmail_tui.widgets.pick_list import Choice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.binding import BindingType

    from agentmail_tui.mailbox.state import MailState
    from agentmail_tui.screens.context import Context
    from agentmail_tui.widgets.lines import Line

_NAME = 14  # cells
_URL = 32


class ServersScreen(ListedScreen[None]):
    """Shows each server with where its key comes from."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.SERVERS)
    PLACE = Place.SERVERS
    HEADING = "Servers"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._config: Config | None = None

    def on_mount(self) -> None:
        """Read the file."""
        self.run_worker(self._change(load_config, ""))

    async def _change(self, work: Callable[[Path], Config], told: str) -> None:
        """Read or change the file off the event loop, and show what it says then."""
        try:
            self._config = await asyncio.to_thread(work, self.context.config_file)
        except MailError as error:
            self.say(error.message, Tone.ERROR)
            return
        if told:
            self.say(told, Tone.GOOD)
        self.show_state(self.state)

    def head(self, state: MailState) -> Line:
        """Return where they stand."""
        return (
            (f" {self.context.config_file}", "faint"),
            ("   ✓ ", "good"),
            ("the default", "faint"),
        )

    def choices(self, state: MailState) -> list[Choice]:
        """Return the servers by name."""
        if self._config is None:
            return [Choice((("loading …", "muted"),))]
        profiles = self._config.profiles
        return [
            Choice(_row(profiles[name], default=name == self._config.default), name)
            for name in sorted(profiles)
        ] or [Choice((("No server is named yet; n adds one.", "muted"),))]

    def action_open(self) -> None:
        """Connect to the server under the cursor, after a question if mail is under way."""
        name = self.rows.value
        if name is None:
            return
        if not self.state.outgoing:
            self.context.switch(name)
            return
        detail = "Mail is still on its way to this server; its draft is kept."
        ask = ConfirmScreen(self.context, f"Leave for {name}?", detail)
        self.app.push_screen(ask, lambda sure: self.context.switch(name) if sure else None)

    def action_new(self) -> None:
        """Ask for a name, a URL and a key, and add the server."""
        if self.may(able=True, what="servers"):
            ask = AskScreen(
                self.context,
                "New server",
                lambda name: "a short name" if not name else _named(name),
            )
            self.app.push_screen(ask, self._name_given)

    def _name_given(self, name: str | None) -> None:
        if name and NAME.fullmatch(name):
            tell = "as in https://mail.example; https unless it is this computer"
            ask = AskScreen(self.context, f"URL of {name}", lambda _: tell)
            self.app.push_screen(ask, lambda url: self._url_given(name, url))
        elif name:
            self.say(_named(name), Tone.WARNING)

    def _url_given(self, name: str, url: str | None) -> None:
        if url:
            ask = HiddenScreen(
                self.context, f"API key for {name}", "kept in a file that only you can read"
            )
            self.app.push_screen(ask, lambda key: self._key_given(name, url, key))

    def _key_given(self, name: str, url: str, key: str | None) -> None:
        if not key:
            return

        def add(path: Path) -> Config:
            before = load_config(path)
            if name in before.profiles:
                return add_profile(path, before.profiles[name])
            where = keep_key(path, name, key)
            return add_profile(path, Profile(name, url, api_key_file=str(where)))

        self.run_worker(self._change(add, f"{name} is here; enter connects"))

    def action_remove(self) -> None:
        """Take the server under the cursor off the list, after a question."""
        name = self.rows.value
        if name is not None and self.may(able=True, what="servers"):
            detail = "The server itself stays as it is; so does the file with its key."
            ask = ConfirmScreen(self.context, f"Delete {name} from the list?", detail)
            self.app.push_screen(ask, lambda sure: self._removed(name, sure=bool(sure)))

    def _removed(self, name: str, *, sure: bool) -> None:
        if sure:
            work = self._change(lambda path: remove_profile(path, name), f"{name} is off the list")
            self.run_worker(work)


def _named(name: str) -> str:
    if NAME.fullmatch(name):
        return "what the server is called here"
    return "a name has letters, digits, - and _, forty at most"


def _row(profile: Profile, *, default: bool) -> Line:
    mark = ("✓ ", "good") if default else ("  ", "")
    return (
        mark,
        (f"{fit(profile.name, _NAME)} ", "text"),
        (f"{fit(profile.url or '', _URL)} ", "muted"),
        (f"key {_key_from(profile)}", "faint"),
        ("  read-only" if profile.read_only else "", "warn"),
    )


def _key_from(profile: Profile) -> str:
    """Return where the key comes from, never the key."""
    if profile.api_key_env:
        return f"from ${profile.api_key_env}"
    if profile.api_key_file:
        return "from a file"
    return "by a command" if profile.api_key_command else "not named"
