"""The terminal, read and written on the event loop itself.

Textual reads it in one thread and writes it in another, so that a key waits for two threads to get
their turn before anything is seen of it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from codecs import getincrementaldecoder
from typing import TYPE_CHECKING, Any

from textual import constants
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from textual.app import App
    from textual.message import Message

_PIECE = 4096  # bytes read at once
# What a terminal that does not read may be behind; from there on it is waited for, as Textual does.
MOST_BEHIND = 4 << 20  # bytes
_LATER = 0.002  # seconds by which a time-out has certainly come


class Outlet:
    """Writes to a terminal that may be slow without waiting for it; what is left follows."""

    def __init__(self, terminal: int, loop: asyncio.AbstractEventLoop) -> None:
        """Take a terminal of its own opening, so that no other program sees it not waiting."""
        os.set_blocking(terminal, False)
        self._terminal = terminal
        self._loop = loop
        self._left = bytearray()
        self._watched = False

    def write(self, content: bytes) -> None:
        """Write as much as the terminal takes now, and the rest when it takes more."""
        self._left += content
        if not self._watched:
            self._push()
        elif len(self._left) > MOST_BEHIND:
            self._push_all()

    def close(self) -> None:
        """Write what is left, and let go of the terminal."""
        self._push_all()
        os.close(self._terminal)

    def _push(self) -> None:
        try:
            while self._left:
                del self._left[: os.write(self._terminal, self._left)]
        except BlockingIOError:
            pass
        except OSError:
            # The terminal is gone, and with it whoever would have read this.
            self._left.clear()
        self._watch(wanted=bool(self._left))

    def _push_all(self) -> None:
        os.set_blocking(self._terminal, True)
        self._push()
        os.set_blocking(self._terminal, False)

    def _watch(self, *, wanted: bool) -> None:
        if wanted and not self._watched:
            try:
                self._loop.add_writer(self._terminal, self._push)
            except OSError:
                # Not every system's loop can watch every terminal.
                self._push_all()
                return
        elif self._watched and not wanted:
            self._loop.remove_writer(self._terminal)
        self._watched = wanted


class LoopDriver(LinuxDriver):
    """Textual's driver without its threads, where the terminal can be watched by the loop."""

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._output = sys.__stderr__ or sys.stderr
        self._outlet: Outlet | None = None
        self._reading = False
        self._parser = XTermParser(debug)
        self._decode = getincrementaldecoder("utf-8")("replace").decode

    def start_application_mode(self) -> None:
        """Take the terminal over."""
        self._outlet = self._open()
        self._reading = self._watch()
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def _open(self) -> Outlet | None:
        try:
            name = os.ttyname(self._output.fileno())
            terminal = os.open(name, os.O_WRONLY | os.O_NOCTTY)
        except (OSError, ValueError):
            return None
        return Outlet(terminal, self._loop)

    def _watch(self) -> bool:
        try:
            self._loop.add_reader(self.fileno, self._read)
        except (OSError, NotImplementedError):
            # A file, say, which no loop can watch.
            return False
        return True

    def run_input_thread(self) -> None:
        """Wait for input in this thread, unless the loop does."""
        if not self._reading:
            super().run_input_thread()

    def _read(self) -> None:
        try:
            content = os.read(self.fileno, _PIECE)
        except BlockingIOError:
            return
        except OSError:
            content = b""
        if not content:
            self._ignore_input()
            return
        for message in self._parser.feed(self._decode(content)):
            self.process_message(message)
        # Of an escape alone, only the time tells that no more of a sequence comes.
        self._loop.call_later(constants.ESCAPE_DELAY + _LATER, self._tick)

    def _tick(self) -> None:
        for message in self._parser.tick():
            self.process_message(message)

    def send_message(self, message: Message) -> None:
        """Give a message to the application."""
        if self._reading:
            self._app.post_message(message)
        else:
            super().send_message(message)

    def write(self, data: str) -> None:
        """Put text out."""
        if self._outlet is None:
            super().write(data)
        else:
            self._outlet.write(data.encode(self._output.encoding, "backslashreplace"))

    def _ignore_input(self) -> None:
        if self._reading:
            self._loop.remove_reader(self.fileno)

    def disable_input(self) -> None:
        """Read no more."""
        self._ignore_input()
        super().disable_input()

    def close(self) -> None:
        """Let go of the terminal."""
        super().close()
        if self._outlet is not None:
            self._outlet.close()
            self._outlet = None
