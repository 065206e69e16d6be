"""Searching mail in memory: by words and operators, or for what is like a thread."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from agentmail_tui.backends.memory.mail import Mail
from agentmail_tui.backends.memory.operators import read_query, text_of
from agentmail_tui.clean import Safe, clean_line
from agentmail_tui.domain import Hit, Message, Thread, ThreadFilter

_WORD = re.compile(r"[^\W\d_]{4,}")
_SHOWN = 200  # signs of a snippet
_BEFORE = 40  # signs before the first word in it


def find(
    mail: Mail, query: str, inbox_id: str | None, now: datetime, *, exact: bool = False
) -> list[Hit]:
    """Return threads that hold any of the words, or all of them as typed; best first."""
    asked = read_query(query, now)
    words = asked.words
    hits: list[Hit] = []
    for thread in mail.listed(ThreadFilter(inbox_id=inbox_id)):
        messages = mail.conversations.get(thread.id, [])
        if not asked.lets_through(thread, messages):
            continue
        text = text_of(thread, messages)
        share = sum(word in text for word in words) / len(words) if words else 1.0
        if share and not (exact and not _as_typed(text, words)):
            hits.append(Hit(thread, share, *_snippet(thread, messages, words)))
    return sorted(hits, key=lambda hit: -hit.score)


def _as_typed(text: str, words: Sequence[str]) -> bool:
    return all(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) for word in words)


def find_like(mail: Mail, thread_id: str, inbox_id: str | None) -> list[Hit]:
    """Return threads that share words with another one, best first."""
    own = mail.thread(thread_id)
    wanted = set(_WORD.findall(text_of(own, mail.conversations[own.id])))
    hits: list[Hit] = []
    for thread in mail.listed(ThreadFilter(inbox_id=inbox_id)):
        shared = wanted & set(_WORD.findall(text_of(thread, mail.conversations[thread.id])))
        if shared and thread.id != own.id:
            hits.append(Hit(thread, len(shared) / len(wanted), thread.snippet))
    return sorted(hits, key=lambda hit: -hit.score)


def _snippet(
    thread: Thread, messages: Sequence[Message], words: Sequence[str]
) -> tuple[Safe, tuple[tuple[int, int], ...]]:
    """Return the part of a thread's text where the words are, and their places in it."""
    if not words:
        return thread.snippet, ()
    wanted = re.compile("|".join(map(re.escape, words)), re.IGNORECASE)
    for message in messages:
        line = " ".join(message.text.split())
        if found := wanted.search(line):
            start = max(line.rfind(" ", 0, max(found.start() - _BEFORE, 0)) + 1, 0)
            piece = clean_line(("…" if start else "") + line[start:], _SHOWN)
            return piece, tuple(each.span() for each in wanted.finditer(piece))
    return thread.snippet, ()
