"""Lines instead of a screen, for screen readers and thin links: state in words, nothing drawn."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from agentmail_tui.backends.protocol import Backend
from agentmail_tui.cli.connection import connect, now, user_name
from agentmail_tui.cli.options import ConnectionOptions
from agentmail_tui.cli.plain_words import help_lines, message_lines, row_line
from agentmail_tui.cli.plain_writing import Letter, new_mail, reply_to
from agentmail_tui.domain import Capabilities, Draft, Inbox, Status, Thread, ThreadFilter, Triage
from agentmail_tui.errors import Forbidden, MailError, Rejected
from agentmail_tui.mailbox.snooze import typed
from agentmail_tui.mailbox.tag_change import typed_change

_PAGE = 20
_LISTS: dict[str, ThreadFilter] = {
    "all": ThreadFilter(snoozed=False),
    "needs": ThreadFilter(status=Status.NEEDS_REPLY, snoozed=False),
    "open": ThreadFilter(status=Status.OPEN, snoozed=False),
    "waiting": ThreadFilter(status=Status.WAITING, snoozed=False),
    "closed": ThreadFilter(status=Status.CLOSED, snoozed=False),
    "unread": ThreadFilter(unread=True, snoozed=False),
    "snoozed": ThreadFilter(snoozed=True),
}
_STATUSES = {
    "close": Status.CLOSED,
    "wait": Status.WAITING,
    "needs": Status.NEEDS_REPLY,
    "reopen": Status.OPEN,
}


def open_plain(options: ConnectionOptions) -> int:
    """Read commands from stdin until `quit` or its end; return the exit code."""
    try:
        with connect(options) as link:
            talk = Talk(link.backend, me=link.me or user_name(), read_only=link.read_only)
            asyncio.run(_talked(talk))
    except MailError as error:
        sys.stderr.write(f"agentmail-tui: {error.message}\n")
        return error.exit_code
    return 0


async def _talked(talk: Talk) -> None:
    try:
        _say(await talk.begin())
        while not talk.over:
            sys.stdout.write("> ")
            sys.stdout.flush()
            line = await asyncio.to_thread(sys.stdin.readline)
            if not line:
                return
            _say(await talk.answer(line))
    finally:
        await talk.backend.aclose()


def _say(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


@dataclass
class Talk:
    """Commands and their answers, over one server; `rows` are those listed last."""

    backend: Backend
    me: str
    read_only: bool = False
    clock: Callable[[], datetime] = now
    new_id: Callable[[], str] = lambda: uuid.uuid4().hex
    rows: tuple[Thread, ...] = ()
    over: bool = False
    _can: Capabilities = Capabilities()
    _wanted: ThreadFilter = ThreadFilter()
    _cursor: str | None = None
    _inboxes: tuple[Inbox, ...] = ()
    _last: int | None = None
    _letter: Letter | None = None
    _verbs: dict[str, Callable[[str], Awaitable[list[str]]]] = field(default_factory=dict)

    async def begin(self) -> list[str]:
        """Connect, and return the first list.  Raises MailError."""
        self._can = await self.backend.connect()
        self._inboxes = await self.backend.inboxes()
        self._verbs = {
            "list": self._list,
            "more": self._more,
            "read": self._read,
            "search": self._search,
            "tag": self._tag,
            "assign": self._assign,
            "mine": self._mine,
            "snooze": self._snooze,
            "wake": self._wake,
            "reply": self._reply,
            "replyall": self._reply_all,
            "write": self._compose,
            "help": self._help,
            "quit": self._quit,
        }
        state = "Read-only. " if self.read_only else ""
        return [f"Connected to {self.backend.name}. {state}Type help.", *await self._list("all")]

    async def answer(self, line: str) -> list[str]:
        """Do what a line says; what cannot be done is said too."""
        if self._letter is not None:
            lines = await self._letter.answer(line.rstrip("\r\n"))
            if self._letter.over:
                self._letter = None
            return lines
        word, _, rest = line.strip().partition(" ")
        word = word.casefold()
        if not word:
            return []
        if word.isdecimal():
            word, rest = "read", word
        try:
            if word in _STATUSES:
                return await self._status(_STATUSES[word], rest)
            verb = self._verbs.get(word)
            return (
                await verb(rest.strip()) if verb else [f"There is no command {word!r}. Type help."]
            )
        except MailError as error:
            return [f"Error: {error.message}."]

    async def _list(self, name: str) -> list[str]:
        if name and name not in _LISTS and name != "mine":
            return [f"There is no list {name!r}. Lists are: mine, {', '.join(_LISTS)}."]
        everyone = self._can.all_inboxes or not self._inboxes
        wanted = _LISTS.get(name or "all") or ThreadFilter(assigned_to=self.me, snoozed=False)
        inbox = None if everyone else self._inboxes[0].id
        self._wanted = replace(wanted, inbox_id=inbox)
        self.rows, self._cursor, self._last = (), None, None
        return await self._page(name or "all")

    async def _more(self, _: str) -> list[str]:
        if self._cursor is None:
            return ["There is no more."]
        return await self._page("more")

    async def _page(self, name: str) -> list[str]:
        page = await self.backend.threads(self._wanted, limit=_PAGE, cursor=self._cursor)
        first = len(self.rows)
        self.rows += page.items
        self._cursor = page.next_cursor
        count = "1 thread" if len(page.items) == 1 else f"{len(page.items)} threads"
        end = ["Type more for the next."] if self._cursor else []
        part = "the next " if first else "the first " if self._cursor else ""
        return [f"List {name}: {part}{count}.", *self._told(first), *end]

    def _told(self, first: int = 0) -> list[str]:
        numbered = enumerate(self.rows[first:], first + 1)
        return [row_line(number, row, self.clock()) for number, row in numbered]

    async def _read(self, rest: str) -> list[str]:
        row, _ = self._row(rest)
        messages = await self.backend.messages(row.id)
        if row.unread and self._can.unread and not self.read_only:
            await self.backend.set_unread(row.id, False)
        number = (self._last or 0) + 1
        head = row_line(number, row, self.clock())
        return [head, *(line for each in messages for line in message_lines(each, self.clock()))]

    async def _search(self, words: str) -> list[str]:
        if not words or not self._can.search:
            raise Rejected("type search and words, on a server that can search")
        inbox = None if self._can.all_inboxes or not self._inboxes else self._inboxes[0].id
        found = await self.backend.search(words, inbox, _PAGE)
        self.rows, self._cursor, self._last = tuple(hit.thread for hit in found.hits), None, None
        return [f"Found {len(self.rows)}, best first.", *self._told()]

    async def _status(self, status: Status, rest: str) -> list[str]:
        row, _ = self._write(rest)
        return self._done(row, await self.backend.set_status(row.id, status))

    async def _tag(self, rest: str) -> list[str]:
        row, words = self._write(rest)
        change = typed_change(words)
        if change is None:
            raise Rejected("write tag, a number, and +name or -name")
        add, gone = change
        triage = row.triage or Triage()
        if add:
            triage = await self.backend.add_tags(row.id, add)
        if gone:
            triage = await self.backend.remove_tags(row.id, gone)
        return self._done(row, triage)

    async def _assign(self, rest: str) -> list[str]:
        row, name = self._write(rest)
        if not name:
            raise Rejected("write assign, a number, and a name or nobody")
        to = None if name == "nobody" else name
        return self._done(row, await self.backend.assign(row.id, to))

    async def _mine(self, rest: str) -> list[str]:
        row, _ = self._write(rest)
        return self._done(row, await self.backend.assign(row.id, self.me))

    async def _snooze(self, rest: str) -> list[str]:
        row, words = self._write(rest)
        until = typed(words, self.clock())
        if until is None or not self._can.snooze:
            raise Rejected("write snooze, a number, and a moment: 3h, tomorrow, mon 9:00")
        await self.backend.snooze(row.id, until)
        return [f"{row.subject}: snoozed until {until:%A} {until.day} {until:%B %H:%M}."]

    async def _wake(self, rest: str) -> list[str]:
        row, _ = self._write(rest)
        await self.backend.snooze(row.id, None)
        return [f"{row.subject}: awake."]

    async def _reply(self, rest: str, *, everyone: bool = False) -> list[str]:
        row, _ = self._write(rest)
        messages = await self.backend.messages(row.id)
        return self._begin(reply_to(row, messages, self._inboxes, self.new_id(), everyone=everyone))

    async def _reply_all(self, rest: str) -> list[str]:
        return await self._reply(rest, everyone=True)

    async def _compose(self, rest: str) -> list[str]:
        self._may_write()
        return self._begin(new_mail(rest, self._inboxes, self.new_id()))

    def _begin(self, draft: Draft) -> list[str]:
        self._letter = Letter(self.backend, self._can, draft, self._inboxes)
        return self._letter.begin()

    async def _help(self, _: str) -> list[str]:
        return list(help_lines(("mine", *_LISTS)))

    async def _quit(self, _: str) -> list[str]:
        self.over = True
        return ["Goodbye."]

    def _write(self, rest: str) -> tuple[Thread, str]:
        self._may_write()
        return self._row(rest)

    def _may_write(self) -> None:
        if self.read_only:
            raise Forbidden("read-only: nothing is changed")

    def _row(self, rest: str) -> tuple[Thread, str]:
        """Return the thread of the number that `rest` begins with, else the last; and the rest."""
        first, _, more = rest.partition(" ")
        if first.isdecimal():
            self._last, rest = int(first) - 1, more
        if self._last is None or not 0 <= self._last < len(self.rows):
            raise Rejected(f"name a thread by its number, 1 to {len(self.rows)}")
        return self.rows[self._last], rest.strip()

    def _done(self, row: Thread, triage: Triage) -> list[str]:
        words = triage.status.value.replace("_", " ")
        owner = f"assigned to {triage.assigned_to}" if triage.assigned_to else "nobody's"
        tags = f"tags {', '.join(triage.tags)}" if triage.tags else "no tags"
        return [f"{row.subject}: {words}, {owner}, {tags}."]
