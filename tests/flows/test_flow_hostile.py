"""Hostile mail on a real terminal: what it is made of never gets there, and nothing obeys it."""

import base64
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from email.header import Header
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from agentmail_tui.cli.process import ServerProcess
from tests.flows.terminal import Drawn, Terminal, pieces

KEY = "comm_" + "4d" * 32
SIZE = (100, 30)
ESCAPE = "\x1b[27u"  # as terminals write it that leave no doubt
CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "mail" / "hostile"

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="pseudo-terminals as Linux has them"
)

# What this program itself writes, and nothing else may come: true colours, places, modes.
_COLOUR = r"[34]8;2;\d{1,3};\d{1,3};\d{1,3}|[0134579]|2[2-9]|39|49"
OURS = re.compile(
    rf"\x1b\[(?:{_COLOUR})?(?:;(?:{_COLOUR}))*m|\x1b\[\d{{1,3}};\d{{1,3}}H|\r|\n"
    r"|\x1b\[\?(?:1000|1003|1015|1006|1049|25|1004|2004|7|2026|2048)[hl]"
    r"|\x1b\[\?(?:2026|2048)\$p|\x1b\[>\d+u|\x1b\[<u|\x1b\]22;\w*\x07"
)
COPIED = re.compile(r"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07")
UNSEEN = re.compile(
    "[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\U000e0000-\U000e0fff]"
)

_BOX = re.compile(
    r"esc leaves|esc cancels|enter runs it|Send this\?"
)  # while it is on screen, a box lies over the list

# Each way to speak to a terminal: colours, places, titles, clipboard, links, strings, 8-bit, bidi.
EVIL = (
    "\x1b[31mred\x1b[2J\x1b[5;5H\x1b]0;owned\x07\x1b]52;c;b3duZWQ=\x07\x1b]8;;https://evil.example\x07"
    "x\x1b]8;;\x07\x1bP+q\x1b\\\x1b_a\x1b\\\x1b^b\x1b\\\x1bc\x9b31m\x9d0;c1\x9c\x90q\x9c\x07\x08\x7f"
    "\u202eevil\u202c\u2066i\u2069\u200b\ufeff\U000e0041 [@click=app.quit]q[/]"
    " [$error][@click=app.bell('[')]b"
)


def _words(text: str) -> str:
    """Return an encoded word: the only way in which all of this fits into a header."""
    return Header(text, "utf-8", maxlinelen=5000).encode(maxlinelen=0).replace("\n", "")


def _mail(number: int, *, kind: str, body: str) -> bytes:
    evil = _words(EVIL)
    lines = (
        f"From: {evil} <eve{number}@evil.example>",
        f"To: {evil} <desk@near.test>",
        f"Subject: {evil}",
        f"Message-ID: <evil{number}@evil.example>",
        f"Date: Thu, 15 Jan 2026 08:{number:02d}:00 +0000",
        "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="b"',
        "",
        "--b",
        f"Content-Type: text/{kind}; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        body,
        "--b",
        f'Content-Type: application/octet-stream; name="{evil}"',
        f'Content-Disposition: attachment; filename="{evil}"',
        "",
        body,
        "--b--",
        "",
    )
    return "\r\n".join(lines).encode("utf-8", "surrogatepass")


_KINDS = ("plain", "html")  # of our own mails, oldest first


def _own() -> Iterator[bytes]:
    """Yield our own hostile mails, in which every text is the attack."""
    quoted = "\n".join(f"> {EVIL}" for _ in range(3))
    plain = f"{EVIL}\n{quoted}\nhttps://evil.example/{EVIL}"
    html = (
        f"<p style='display:none'>{EVIL}</p><a href='https://evil.example/{EVIL}'>{EVIL}</a>"
        f"<a href='javascript:alert(1)'>js</a><img src='https://evil.example/p.gif'><b>{EVIL}</b>"
    )
    for number, (kind, body) in enumerate(zip(_KINDS, (plain, html), strict=True)):
        yield _mail(number, kind=kind, body=body)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Start the bundled server with all of this mail in one inbox."""
    folder = tmp_path_factory.mktemp("server")
    environ = {**os.environ, "AGENTMAIL_BOOTSTRAP_KEY": KEY, "AGENTMAIL_EMBEDDER": "none"}
    arguments = ["serve", "--data-dir", str(folder), "--http", "127.0.0.1:0"]
    process = ServerProcess([*arguments, "--smtp", "127.0.0.1:0"], environ)
    try:
        ready = process.wait_ready(60)
        headers = {"Authorization": f"Bearer {KEY}"}
        with httpx.Client(
            base_url=ready.http, headers=headers, trust_env=False, timeout=60
        ) as http:
            _fill(http)
            yield http
    finally:
        process.stop()


def _fill(http: httpx.Client) -> None:
    files = sorted(CORPUS.glob("*.eml")) if CORPUS.is_dir() else []
    stored = _bring(http, "corpus", (file.read_bytes() for file in files))
    stored += _bring(http, "own", _own())
    # They are parsed after they were taken.
    deadline = time.monotonic() + 60
    while sum(int(row["message_count"]) for row in _threads(http)) < stored:
        assert time.monotonic() < deadline, "not all mail was parsed"


def _bring(http: httpx.Client, name: str, mails: Iterable[bytes]) -> int:
    """Bring mail into an inbox of its own; return how many the server took."""
    made = http.post("/v1/inboxes", json={"local_part": name, "display_name": EVIL[:60]})
    query = {"inbox_id": made.json()["data"]["id"]}
    kind = {"Content-Type": "message/rfc822"}
    stored = 0
    for raw in mails:
        done = http.post("/v1/import", params=query, content=raw, headers=kind)
        # A mail that the server refuses as a whole shows nothing on a screen.
        assert done.status_code in (200, 400), done.text
        stored += done.status_code == 200 and done.json()["data"]["imported"]
    return stored


class Watch:
    """The client on a terminal, its screen, and what it copied."""

    def __init__(self, server: httpx.Client, home: Path) -> None:
        self.opened = home / "opened"
        browser = home / "browser"
        browser.write_text(f'#!/bin/sh\necho "$@" >> "{self.opened}"\n')
        browser.chmod(0o700)
        environ = {
            "COMMUNE_BASE_URL": str(server.base_url),
            "COMMUNE_API_KEY": KEY,
            "AGENTMAIL_TUI_CONFIG": str(home / "none.toml"),
            "BROWSER": str(browser),
        }
        self.terminal = Terminal([], home, size=SIZE, environ=environ)
        self.drawn = Drawn(SIZE)

    @property
    def text(self) -> str:
        self.drawn.feed(self.terminal.shown)
        return self.drawn.text

    def shows(self, text: str) -> None:
        try:
            self.terminal.until(lambda: text in self.text, repr(text))
        except AssertionError:
            raise AssertionError(f"{text!r} never came; on screen:\n{self.text}") from None

    def press(self, keys: str) -> None:
        self.terminal.press(keys.encode())

    def copied(self) -> list[str]:
        """Return what the terminal was given to copy."""
        written = self.terminal.shown.decode("utf-8", "replace")
        return [base64.b64decode(found).decode() for found in COPIED.findall(written)]

    def show_own(self) -> None:
        """Show the inbox that has our own hostile mail only."""
        self.shows("● live")
        self.press("gi")
        self.shows("address or name")
        self.press("own@\r")
        self.shows(f"All {len(_KINDS)}")

    def lead(self, keys: str, shown: str) -> None:
        """Press keys until their screen is there: one may fall between two screens."""
        for _ in range(8):
            self.press(keys)
            if self._waited(lambda: shown in self.text):
                return
        raise AssertionError(f"{shown!r} never came; on screen:\n{self.text}")

    def go_back(self) -> None:
        """Leave whatever was opened, one level after the other, until the list alone is there."""
        for _ in range(20):
            if "search  : cmd" in self.text.splitlines()[-1] and not _BOX.search(self.text):
                return
            before = self.text
            self.press(ESCAPE)
            # One key at a time: what is left of them would close the next box, or end a prefix.
            self._waited(partial(self._changed, before))
        raise AssertionError(f"esc does not lead back from:\n{self.text}")

    def _waited(self, done: Callable[[], bool]) -> bool:
        """Wait a while for what a key does; return whether it came."""
        deadline = time.monotonic() + 15
        while not done():
            if time.monotonic() > deadline:
                return False
            self.terminal.read()
        return True

    def _changed(self, text: str) -> bool:
        """Tell whether the screen says something else by now, and nothing more is written."""
        before = len(self.terminal.shown)
        for _ in range(3):
            self.terminal.read()
        return self.text != text and len(self.terminal.shown) == before

    def until_read(self, seen: set[str]) -> None:
        """Wait for a message that was not read yet; that its id can be copied proves that it is."""
        for _ in range(600):
            self.press("yi")
            self.terminal.read()
            if not seen.issuperset(copied := self.copied()):
                seen.update(copied)
                return
        raise AssertionError(f"no other message can be copied from:\n{self.text}")

    def check(self) -> None:
        """See that all that was written is this program's own; text holds nothing to be obeyed."""
        # The last sequence may still be on its way.
        whole = self.terminal.shown[: self.terminal.shown.rfind(b"\x1b")]
        written = whole.decode("utf-8", "strict")
        for text, sequence in pieces(written):
            assert UNSEEN.search(text) is None, repr(text)
            known = not sequence or OURS.fullmatch(sequence) or COPIED.fullmatch(sequence)
            assert known, repr(sequence)
        assert self.terminal.process.poll() is None


@pytest.fixture
def watch(server: httpx.Client, tmp_path: Path) -> Iterator[Watch]:
    made = Watch(server, tmp_path)
    yield made
    made.terminal.close()


def _threads(server: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = server.get("/v1/threads", params={"all": "true", "limit": "100", **cursor}).json()
        found.extend(page["data"])
        if not page.get("next_cursor"):
            return found
        cursor = {"cursor": page["next_cursor"]}


def test_every_mail_is_read_and_none_speaks_to_the_terminal(
    watch: Watch, server: httpx.Client
) -> None:
    count = len(_threads(server))
    assert count > 3
    watch.shows(f"All {count}")
    watch.press("\r")
    seen: set[str] = set()
    for _ in range(count):
        watch.until_read(seen)
        watch.press("J")
    watch.check()
    assert len(seen) == count
    assert all(re.fullmatch(r"msg_[0-9a-f]{20}", each) for each in watch.copied())


# Keys from the list to a screen, each with what is seen there alone; the last one changes mail.
_READ = ("\r", "n/p message")
SCREENS: dict[str, tuple[tuple[str, str], ...]] = {
    "search": (("/", "go to the list"), ("evil\r", "best first")),
    "tags": (("t", "esc cancels"),),
    "owner": (("a", "enter assigns"),),
    "inbox": (("gi", "enter shows it"),),
    "inboxes": (("gI", "rename"),),
    "help": (("?", "it · esc leaves"),),
    "delivery": (("D", "p period"),),
    "text": (_READ, ("vt", "▸ Text ▸")),
    "html": (_READ, ("vw", "▸ HTML as text ▸")),
    "markdown": (_READ, ("vm", "▸ Markdown ▸")),
    "extracted": (_READ, ("ve", "▸ Extracted facts ▸")),
    "headers": (_READ, ("vh", "▸ Headers ▸"), ("", "Message-ID")),
    "source": (_READ, ("vr", "▸ Source ▸"), ("", "Message-ID")),
    "reply": (_READ, ("r", "ctrl+j review"), ("\x0a", "enter send")),
    "forward": (_READ, ("f", "ctrl+j review")),
    "save": (_READ, ("S", "esc leaves")),
    "notice": (("e", "closed"),),
}


@pytest.mark.parametrize("mail", _KINDS)
def test_every_screen_shows_it_and_lets_nothing_through(watch: Watch, mail: str) -> None:
    watch.show_own()
    number = _KINDS.index(mail)
    watch.press("j" * (len(_KINDS) - 1 - number))
    watch.shows(f"eve{number}@evil.example →")
    for steps in SCREENS.values():
        for keys, shown in steps:
            watch.lead(keys, shown)
        watch.go_back()
    watch.check()


def test_clicks_on_mail_do_nothing_but_select(watch: Watch, server: httpx.Client) -> None:
    watch.show_own()
    watch.press("\r")
    watch.shows("n/p message")
    before = _facts(server)
    for line in range(5, SIZE[1] - 4):
        for column in range(2, SIZE[0], 3):
            watch.press(f"\x1b[<0;{column};{line}M\x1b[<0;{column};{line}m")
    # Keys come after all the clicks: their answer shows that those are done with.
    watch.press(f"{ESCAPE}{ESCAPE}?")
    watch.shows("type to find")
    watch.check()
    assert _facts(server) == before
    assert watch.copied() == []
    assert not watch.opened.exists()


def _facts(server: httpx.Client) -> list[tuple[object, ...]]:
    """Return what a click might have changed; a click may open a mail, which is then read."""
    names = ("id", "status", "tags", "assigned_to", "message_count")
    return sorted(tuple(str(row[name]) for name in names) for row in _threads(server))
