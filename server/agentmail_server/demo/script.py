"""The demo's story: threads of mail written in TOML, read into one line of time."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import getaddresses
from importlib.resources import files
from pathlib import Path
from typing import Any

INBOXES = ("support", "billing", "orders", "research")

_SPAN = re.compile(r"(\d+)\s*([dhms])")
# A shorter line was meant to end where it ends; an item of a list begins a line.
_WRAPPED = 72
_BEGINS = re.compile(r"\s|\d+\.\s|[-*>]\s")
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


@dataclass(frozen=True, slots=True)
class Post:
    """One mail: by a person (`sender` is set) or by the inbox's agent."""

    text: str
    sender: str | None
    subject: str | None = None
    html: str | None = None
    cc: tuple[str, ...] = ()
    attachments: tuple[str, ...] = ()
    bulk: bool = False
    auto: bool = False


@dataclass(frozen=True, slots=True)
class ThreadScript:
    """A conversation and the state in which its triage ends."""

    inbox: str
    posts: tuple[Post, ...]
    status: str
    tags: tuple[str, ...]
    assigned_to: str | None
    unread: bool

    @property
    def subject(self) -> str:
        """The subject of the first mail."""
        return self.posts[0].subject or ""

    @property
    def person(self) -> str:
        """Who wrote first, as `Name <address>`."""
        return self.posts[0].sender or ""


@dataclass(frozen=True, slots=True)
class Step:
    """A mail and when it was sent, counted back from the present."""

    ago: timedelta
    thread: ThreadScript
    index: int

    @property
    def post(self) -> Post:
        """The mail of this step."""
        return self.thread.posts[self.index]


@dataclass(frozen=True, slots=True)
class Later:
    """A mail that comes in while somebody watches, `after` the demo is ready."""

    after: timedelta
    inbox: str
    post: Post


@dataclass(frozen=True, slots=True)
class InboxScript:
    """An inbox and the agent that answers from it."""

    local_part: str
    display_name: str
    agent: str


@dataclass(frozen=True, slots=True)
class Script:
    """The whole story; `steps` are in order of time."""

    inboxes: tuple[InboxScript, ...]
    steps: tuple[Step, ...]
    later: tuple[Later, ...] = field(default=())


def load_script() -> Script:
    """Read the story that comes with the package."""
    later = tuple(
        Later(parse_span(entry["after"]), entry["to"], _post(entry))
        for entry in _read("later")["mail"]
    )
    return _script([_read(name) for name in INBOXES], later)


def read_story(path: Path) -> Script:
    """Read a story of one's own from JSON: `{"inboxes": [...]}`, each as in the TOML files here.

    Raises OSError, and ValueError where it is no such thing.
    """
    story = json.loads(path.read_text("utf-8"))
    try:
        return _script(story["inboxes"], ())
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a story: {type(error).__name__}: {error}") from None


def parse_span(text: str) -> timedelta:
    """Read a span such as `1d 3h`."""
    parts = {_UNITS[unit]: int(number) for number, unit in _SPAN.findall(text)}
    return timedelta(**parts)


def address_of(person: str) -> str:
    """Return the bare address of `Name <address>`."""
    return getaddresses([person])[0][1]


def unwrap(text: str) -> str:
    """Join the lines of each paragraph, as mail programs write today; short lines stay."""
    lines: list[str] = []
    before = ""
    for line in text.splitlines():
        if len(before) >= _WRAPPED and line and _BEGINS.match(line) is None:
            lines[-1] += f" {line}"
        else:
            lines.append(line)
        before = line
    return "\n".join(lines)


def _script(told: list[dict[str, Any]], later: tuple[Later, ...]) -> Script:
    inboxes = tuple(
        InboxScript(each["local_part"], each["display_name"], each.get("agent", ""))
        for each in told
    )
    found = (
        step
        for each in told
        for entry in each["thread"]
        for step in _steps(each["local_part"], entry)
    )
    steps = sorted(found, key=lambda step: step.ago, reverse=True)
    return Script(inboxes, tuple(steps), later)


def _read(name: str) -> dict[str, Any]:
    text = files("agentmail_server.demo").joinpath("mail", f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


def _steps(inbox: str, entry: dict[str, Any]) -> list[Step]:
    thread = ThreadScript(
        inbox=inbox,
        posts=tuple(_post(mail) for mail in entry["mail"]),
        status=entry["status"],
        tags=tuple(entry.get("tags", ())),
        assigned_to=entry.get("assigned_to"),
        unread=entry.get("unread", False),
    )
    ago = parse_span(entry["ago"])
    steps = []
    for index, mail in enumerate(entry["mail"]):
        ago -= parse_span(mail.get("after", "0s"))
        steps.append(Step(ago, thread, index))
    return steps


def _post(entry: dict[str, Any]) -> Post:
    return Post(
        text=unwrap(entry["text"].strip()) + "\n",
        sender=entry.get("from"),
        subject=entry.get("subject"),
        html=entry.get("html"),
        cc=tuple(entry.get("cc", ())),
        attachments=tuple(entry.get("attachments", ())),
        bulk=entry.get("bulk", False),
        auto=entry.get("auto", False),
    )
