"""Plays the story in order of time: people write by SMTP, agents answer through the API."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import aiosmtplib
from sqlalchemy import Connection

from agentmail_server.demo import mime
from agentmail_server.demo.script import Later, Script, Step, ThreadScript, address_of
from agentmail_server.ids import to_micros
from agentmail_server.store import threads

if TYPE_CHECKING:
    from agentmail_server.demo.api import Api, OpenInbox
    from agentmail_server.demo.clock import DemoClock
    from agentmail_server.demo.watch import Watch
    from agentmail_server.store.engine import Store


# How long before the present the inboxes begin to call their endpoints.
_HOOKED = timedelta(days=1)


class Intake:
    """Hands mail to the server's SMTP port, as the outside would."""

    def __init__(self, host: str, port: int) -> None:
        self._client = aiosmtplib.SMTP(
            hostname=host,
            port=port,
            local_hostname="outside.example",
            start_tls=False,
            use_tls=False,
            timeout=20,
        )
        self._turn = asyncio.Lock()

    async def deliver(self, sender: str, recipient: str, content: bytes) -> None:
        """Send one mail; returns after the server's 250.  Raises OSError if it is refused."""
        async with self._turn:
            try:
                if not self._client.is_connected:
                    await self._client.connect()
                await self._client.sendmail(sender, [recipient], content)
            except aiosmtplib.SMTPException as error:
                raise ConnectionError(str(error)) from error

    async def aclose(self) -> None:
        """Hang up; a goodbye would read the reply to a mail that was broken off."""
        self._client.close()


@dataclass(frozen=True, slots=True)
class Tools:
    """How the story reaches the server."""

    api: Api
    intake: Intake
    watch: Watch
    store: Store
    org_id: str
    # Endpoints by inbox; empty where nobody is to be called.
    hooks: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Course:
    """Where a thread stands while the story is played."""

    thread_id: str = ""
    message_ids: list[str] = field(default_factory=list)
    unparsed: str = ""
    last_text: str = ""
    last_at: datetime | None = None


class Seeder:
    """Puts the clock to each step's time and lets the step happen."""

    def __init__(self, tools: Tools, clock: DemoClock, present: datetime, *, in_turn: bool) -> None:
        """Begin; `in_turn` has each mail parsed before the next comes, so that ids repeat."""
        self._api = tools.api
        self._intake = tools.intake
        self._watch = tools.watch
        self._tools = tools
        self._hooks = tools.hooks
        self._clock = clock
        self._present = present
        self._in_turn = in_turn
        self._inboxes: dict[str, OpenInbox] = {}
        self._courses: dict[ThreadScript, _Course] = {}

    async def play(self, script: Script) -> None:
        """Bring the whole story in, and end with the clock at the present."""
        first = script.steps[0].ago if script.steps else timedelta()
        self._clock.put(self._present - first - timedelta(hours=1))
        for inbox in script.inboxes:
            made = await self._api.open_inbox(inbox.local_part, inbox.display_name, inbox.agent)
            self._inboxes[inbox.local_part] = made
        for step in script.steps:
            if step.ago < _HOOKED:
                await self._set_webhooks()
            await self._step(step)
        for course in self._courses.values():
            await self._catch_up(course)
        self._clock.put(self._present)
        ends = {course.thread_id: thread for thread, course in self._courses.items()}
        await self._tools.store.write(triage, to_micros(self._present), self._tools.org_id, ends)

    async def _set_webhooks(self) -> None:
        """Let the last part of the story call the endpoints."""
        waiting, self._hooks = self._hooks, {}
        for name, endpoint in waiting.items():
            if name in self._inboxes:
                await self._api.set_webhook(self._inboxes[name], endpoint)

    async def come_in(self, later: Later) -> None:
        """Let one of the late mails arrive now."""
        inbox = self._inboxes[later.inbox]
        _, content = mime.compose(
            later.post,
            to=inbox.address,
            subject=later.post.subject or "",
            at=self._clock.now(),
        )
        await self._intake.deliver(address_of(later.post.sender or ""), inbox.address, content)

    async def _step(self, step: Step) -> None:
        at = self._present - step.ago
        self._clock.put(at)
        course = self._courses.setdefault(step.thread, _Course())
        if step.post.sender is None:
            await self._answer(step, course)
        else:
            await self._arrive(step, course, at)
        course.last_text, course.last_at = step.post.text, at

    async def _arrive(self, step: Step, course: _Course, at: datetime) -> None:
        thread, post = step.thread, step.post
        inbox = self._inboxes[thread.inbox]
        quoted = ""
        if course.last_at is not None:
            quoted = mime.quote(course.last_text, by=inbox.address, at=course.last_at)
        message_id, content = mime.compose(
            post,
            to=inbox.address,
            subject=_reply_subject(thread) if course.message_ids else thread.subject,
            at=at,
            answers=tuple(course.message_ids),
            quoted=quoted,
        )
        await self._intake.deliver(address_of(post.sender or ""), inbox.address, content)
        course.message_ids.append(message_id)
        course.unparsed = message_id
        if self._in_turn:
            await self._catch_up(course)

    async def _catch_up(self, course: _Course) -> None:
        """Wait until the thread's last mail has been parsed."""
        if course.unparsed:
            course.thread_id = (await self._watch.received(course.unparsed)).thread_id
            course.unparsed = ""

    async def _answer(self, step: Step, course: _Course) -> None:
        thread, post = step.thread, step.post
        inbox = self._inboxes[thread.inbox]
        cc = post.cc or thread.posts[0].cc
        await self._catch_up(course)
        message_id = await self._api.answer(
            inbox, course.thread_id, thread.person, _reply_subject(thread), post.text, cc
        )
        known = await self._watch.settled(message_id, 1 + len(cc))
        course.message_ids.append(known.rfc_message_id)


def triage(conn: Connection, now: int, org_id: str, ends: Mapping[str, ThreadScript]) -> None:
    """Unit: put threads into the state in which their triage ends."""
    for thread_id, script in ends.items():
        threads.add_tags(conn, now, org_id, thread_id, script.tags)
        threads.assign(conn, now, org_id, thread_id, script.assigned_to)
        threads.set_status(conn, now, org_id, thread_id, script.status)
        threads.set_unread(conn, now, org_id, thread_id, script.unread)


def _reply_subject(thread: ThreadScript) -> str:
    subject = thread.subject
    return subject if subject.casefold().startswith("re:") else f"Re: {subject}"
