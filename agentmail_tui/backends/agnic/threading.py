"""Which messages belong together, where the server gives nothing but a list of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from msgspec.structs import replace

from agentmail_tui.backends.agnic.wire import Letter
from agentmail_tui.domain import Direction, Message

_ANSWER = re.compile(r"\s*(?:re|aw|sv|antw|fw|fwd|wg)\s*(?:\[\d+\])?\s*:\s*", re.IGNORECASE)


def threaded(letters: Iterable[Letter]) -> list[tuple[Message, Letter]]:
    """Return the messages, oldest first, each with the id of its thread.

    The server's word counts, then the headers that name earlier mail, then the subject of an
    answer together with who is written to.  The id follows from the oldest mail that is named, so
    that it stays when that one is no longer shown.
    """
    known: dict[str, str] = {}
    subjects: dict[tuple[str, str], str] = {}
    found = []
    for letter in sorted(letters, key=lambda each: (each.message.created_at, each.message.id)):
        subject, answers = _base(letter.message.subject)
        topic = (subject, _party(letter.message))
        thread = letter.thread or _named(letter, known)
        if thread is None and (answers or letter.answered):
            thread = subjects.get(topic)
        thread = thread or _id_of(letter)
        for name in (letter.rfc_id, *letter.answered):
            if name is not None:
                known.setdefault(name, thread)
        subjects[topic] = thread
        found.append((replace(letter.message, thread_id=thread), letter))
    return found


def _named(letter: Letter, known: dict[str, str]) -> str | None:
    return next((known[each] for each in reversed(letter.answered) if each in known), None)


def _id_of(letter: Letter) -> str:
    oldest = next(iter(letter.answered), None) or letter.rfc_id or letter.message.id
    return f"t_{hashlib.sha256(oldest.encode()).hexdigest()[:20]}"


def _base(subject: str) -> tuple[str, bool]:
    rest, answers = subject, False
    while match := _ANSWER.match(rest):
        rest, answers = rest[match.end() :], True
    return " ".join(rest.split()).casefold(), answers


def _party(message: Message) -> str:
    other = message.sender if message.direction is Direction.INBOUND else message.to[0]
    return other.shown.casefold()
