"""The application: gives the screens their mail, and stands between them and the terminal."""

from __future__ import annotations

import os
import re
import traceback
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, ClassVar

from platformdirs import user_state_path
from rich.text import Text
from textual import events, on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.worker import WorkerFailed

from agentmail_tui.clean import clean_line
from agentmail_tui.config import config_path
from agentmail_tui.keys import BY_ID, resolve
from agentmail_tui.mailbox.drafts import DraftBox
from agentmail_tui.mailbox.state import MailState, Tone
from agentmail_tui.screens.bindings import textual_keymap
from agentmail_tui.screens.context import Context
from agentmail_tui.screens.mail import MailScreen
from agentmail_tui.screens.shown import StateScreen
from agentmail_tui.screens.turns import Returned, Turns, Typed
from agentmail_tui.themes import MONO, NAMES, THEMES, pick
from agentmail_tui.widgets.line_scroll import LineScroll
from agentmail_tui.widgets.wall import NoColour, Wall

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from textual.filter import LineFilter
    from textual.notifications import SeverityLevel
    from textual.screen import Screen

    from agentmail_tui.mailbox.mailbox import Mailbox
    from agentmail_tui.mailbox.waiting import Limits

_STYLES = ("base", "mail", "side", "search", "compose", "beside", "modal")
_SECRET = re.compile(r"(?i)(comm_|bearer\s+|key=|token=|://[^/\s:]*:)[^\s'\"@]+")
LOG_NAME = "crash.log"
_TONES = {"information": Tone.INFO, "warning": Tone.WARNING, "error": Tone.ERROR}


class AgentMailApp(App[None]):
    """Mail of AI agents in a terminal."""

    CSS_PATH: ClassVar[list[str | PurePath]] = [
        Path(__file__).parent / "styles" / f"{name}.tcss" for name in _STYLES
    ]
    TITLE = "agentmail"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            ",".join(BY_ID["app.quit"].keys),
            "quit",
            "quit",
            id="app.quit",
            show=False,
            priority=True,
        )
    ]

    def __init__(
        self,
        mailbox: Mailbox,
        *,
        clock: Callable[[], datetime],
        theme: str | None = None,
        keymap: Mapping[str, str | Sequence[str]] | None = None,
        state_dir: Path | None = None,
        config_file: Path | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Take the mail to show; `clock` gives aware times in the zone of the reader."""
        super().__init__()
        self._walls: tuple[LineFilter, ...] = (Wall(), NoColour(enabled=self.no_color))
        self._keymap_read = resolve(keymap or {})
        folder = state_dir or user_state_path("agentmail-tui")
        self.context = Context(
            mailbox=mailbox,
            clock=clock,
            keymap=self._keymap_read,
            state_dir=folder,
            drafts=DraftBox(folder / "drafts"),
            config_file=config_file or config_path(),
            switch=self._leave_for,
            limits=limits or {},
        )
        self._turns = Turns(self, self._take)
        self._newest: MailState | None = None
        self.next_profile: str | None = None
        for each in THEMES:
            self.register_theme(each)
        self.theme = pick(theme, no_color=self.no_color)
        self.stylesheet.set_variables(self.get_css_variables())
        self._styled_for = self.theme
        self.set_keymap(textual_keymap(self._keymap_read))
        mailbox.listen(self._mail_changed)

    def _leave_for(self, profile: str) -> None:
        """End here, so that whoever runs this connects to another server."""
        self.next_profile = profile
        self.exit()

    def get_default_screen(self) -> Screen[None]:
        """Return the screen with the mail."""
        return MailScreen(self.context).expect(self.size)

    def get_driver_class(self) -> type[Driver]:
        """Return what speaks with the terminal; a browser and Windows have theirs."""
        found = super().get_driver_class()
        if found.__name__ != "LinuxDriver":
            return found
        from agentmail_tui.screens.terminal import LoopDriver

        return LoopDriver

    def on_mount(self) -> None:
        """Begin to fetch mail; the first picture is made while the server answers."""
        mailbox = self.context.mailbox
        self.run_worker(mailbox.run(), name="mailbox", exit_on_error=True)
        for problem in self._keymap_read.problems:
            mailbox.say(problem, Tone.WARNING)

    @property
    def keys_done(self) -> bool:
        """Whether every key that was pressed has done what it does, and its picture is painted."""
        return self._turns.over or not self._running

    async def on_event(self, event: events.Event) -> None:
        """Give keys out in turn."""
        if isinstance(event, Typed) and not event.is_forwarded:
            await self._turns.take(event)
        else:
            await super().on_event(event)

    async def _take(self, typed: Typed) -> bool:
        """Hand a key to what has the focus; return whether it has done all that it does."""
        screen = self.screen if isinstance(self.focused, LineScroll) else None
        if isinstance(typed, events.Paste) or not isinstance(screen, StateScreen):
            await super().on_event(typed)
            return False
        if not await self._check_bindings(typed.key, priority=True):
            # Lists and texts have no keys of their own: it need not go up through five widgets,
            # each in its turn of the loop.
            await screen.take_key(typed)
            self._show_newest()
        return True

    @on(Driver.SignalResume)
    def _paint_again(self) -> None:
        """Paint the whole screen after a stop: the shell has written over it meanwhile."""
        self.screen.refresh(layout=True)

    @on(Returned)
    def _key_returned(self, message: Returned) -> None:
        self._turns.returned(message)

    def refresh_css(self, animate: bool = True) -> None:
        """Apply the theme; not at the start, where the style sheets have just been read with it."""
        if self._styled_for != self.theme:
            super().refresh_css(animate)
            self._styled_for = self.theme
            return
        for screen in self.screen_stack:
            screen._css_update_count = self._css_update_count  # noqa: SLF001 - as Textual notes it

    def _mail_changed(self, state: MailState) -> None:
        """Take a new state; several before the next turn of the loop are drawn once."""
        waiting = self._newest is not None
        self._newest = state
        if not waiting and self._running:
            self.call_next(self._show_newest)

    def _show_newest(self) -> None:
        state, self._newest = self._newest, None
        if state is None:
            return
        for screen in self.screen_stack:
            if isinstance(screen, StateScreen) and screen.settled:
                screen.show_state(state)

    def watch_theme(self, theme: str) -> None:
        """Let the style sheets know whether there are colours."""
        self.set_class(theme == MONO, "-mono")

    def action_theme(self) -> None:
        """Go to the next theme."""
        if not self.no_color:
            self.theme = NAMES[(NAMES.index(self.theme) + 1) % len(NAMES)]

    async def action_quit(self) -> None:
        """Quit; where something is left undone ask first, unless that question is on screen."""
        from agentmail_tui.screens.leaving import QuitScreen, undone

        lines = undone(self.context.mailbox.state, self.screen_stack)
        if not lines or isinstance(self.screen, QuitScreen):
            self.exit()
        else:
            question = QuitScreen(self.context, "Quit?", "\n".join(lines))
            self.push_screen(question, self._quit_answered)

    def _quit_answered(self, yes: bool | None) -> None:
        if yes:
            self.exit()

    def action_help_quit(self) -> None:
        """Tell on ctrl+c how to leave: the key copies, and by habit is pressed to quit."""
        self.context.mailbox.say("ctrl+q quits, ctrl+c copies", Tone.INFO)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Put what Textual has to say into the status line, never as markup."""
        self.context.mailbox.say(f"{title} {message}".strip(), _TONES[severity])

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return the filters of Textual and ours, which see every line last."""
        return [*super().get_line_filters(), *(wall for wall in self._walls if wall.enabled)]

    def _handle_exception(self, error: Exception) -> None:
        """End with a short message; Textual's traceback would show mail and keys."""
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            path = write_crash(self.context.state_dir, error)
            kind = type(error).__name__
            where = f" Details, without mail or keys: {path}" if path else ""
            message = f"agentmail-tui stopped: {kind}.{where}"
            self._exit_renderables.append(Text(clean_line(message)))
            self._exception_event.set()
        self._close_messages_no_wait()


def write_crash(state_dir: Path, error: Exception) -> Path | None:
    """Write where an error came from, readable by its owner alone; return the file, if any."""
    if isinstance(error, WorkerFailed) and isinstance(error.error, Exception):
        error = error.error
    lines = traceback.format_tb(error.__traceback__)
    told = _SECRET.sub(r"\1…", clean_line(str(error), 200))
    path = state_dir / LOG_NAME
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines((*lines, f"{type(error).__name__}: {told}\n"))
    except OSError:
        return None
    return path
