"""Server-sent events out of bytes, as the HTML standard describes them; pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from agentmail_tui.errors import BadReply

MAX_EVENT = 5_000_000  # bytes that one event may take


class ServerEvent(Struct, frozen=True):
    """One event; `id` is the newest id seen, which may be that of an earlier event."""

    name: str
    data: str
    id: str


class Parser:
    """Takes pieces of a stream as they come and gives out the events that are whole."""

    def __init__(self) -> None:
        self._rest = b""
        self._size = 0
        self._name = ""
        self._data: list[str] = []
        self._id = ""

    def feed(self, piece: bytes) -> Iterator[ServerEvent]:
        """Yield the events that this piece completes; raises BadReply on one without end."""
        self._rest += piece
        # A CR at the very end may be half of a CRLF.
        whole = self._rest[:-1] if self._rest.endswith(b"\r") else self._rest
        lines = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        tail = lines.pop()
        self._rest = tail + self._rest[len(whole) :]
        self._check()
        for line in lines:
            event = self._line(line.decode("utf-8", "replace"))
            if event is not None:
                yield event

    def _check(self) -> None:
        if len(self._rest) + self._size > MAX_EVENT:
            raise BadReply("an event of the server's stream has no end")

    def _line(self, line: str) -> ServerEvent | None:
        if not line:
            return self._dispatch()
        self._size += len(line)
        self._check()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        # It goes back to the server in a header, which takes no other signs.
        elif name == "id" and value.isascii() and value.isprintable():
            self._id = value
        return None

    def _dispatch(self) -> ServerEvent | None:
        data, name = self._data, self._name
        self._data, self._name, self._size = [], "", 0
        if not data:
            return None
        return ServerEvent(name or "message", "\n".join(data), self._id)
