"""Plays the story in order of time: people write by SMTP, agents answer through the API."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import aiosmtplib

from agentmail_server.demo import mime
from agentmail_server.demo.script import Later, Script, Step, ThreadScript, address_of

if TYPE_CHECKING:
    from agentmail_server.demo.api import Api, OpenInbox
    from agentmail_server.demo.clock import DemoClock
    from agentmail_server.demo.watch import Watch

_TRIAGE_AT_ONCE = 8


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
        """Say goodbye."""
        if self._client.is_connected:
            await self._client.quit()


@dataclass(slots=True)
class _Course:
    """Where a thread stands while the story is played."""

    thread_id: str = ""
    message_ids: list[str] = field(default_factory=list)
    last_text: str = ""
    last_at: datetime | None = None


class Seeder:
    """Puts the clock to each step's time and lets the step happen."""

    def __init__(
        self, api: Api, intake: Intake, watch: Watch, clock: DemoClock, present: datetime
    ) -> None:
        self._api = api
        self._intake = intake
        self._watch = watch
        self._clock = clock
        self._present = present
        self._inboxes: dict[str, OpenInbox] = {}
        self._courses: dict[ThreadScript, _Course] = {}

    async def play(self, script: Script) -> None:
        """Bring the whole story in, and end with the clock at the present."""
        self._clock.put(self._present - script.steps[0].ago - timedelta(hours=1))
        for inbox in script.inboxes:
            made = await self._api.open_inbox(inbox.local_part, inbox.display_name, inbox.agent)
            self._inboxes[inbox.local_part] = made
        for step in script.steps:
            await self._step(step)
        self._clock.put(self._present)
        await self._triage([step.thread for step in script.steps if step.index == 0])

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
        known = await self._watch.received(message_id)
        course.thread_id = known.thread_id
        course.message_ids.append(known.rfc_message_id)

    async def _answer(self, step: Step, course: _Course) -> None:
        thread, post = step.thread, step.post
        inbox = self._inboxes[thread.inbox]
        cc = post.cc or thread.posts[0].cc
        message_id = await self._api.answer(
            inbox, course.thread_id, thread.person, _reply_subject(thread), post.text, cc
        )
        known = await self._watch.settled(message_id, 1 + len(cc))
        course.message_ids.append(known.rfc_message_id)

    async def _triage(self, threads: list[ThreadScript]) -> None:
        turn = asyncio.Semaphore(_TRIAGE_AT_ONCE)

        async def one(thread: ThreadScript) -> None:
            thread_id = self._courses[thread].thread_id
            async with turn:
                await self._api.triage(
                    thread_id,
                    status=thread.status,
                    tags=thread.tags,
                    assigned_to=thread.assigned_to,
                )
                if not thread.unread:
                    await self._api.mark_read(thread_id)

        async with asyncio.TaskGroup() as group:
            for thread in threads:
                group.create_task(one(thread))


def _reply_subject(thread: ThreadScript) -> str:
    subject = thread.subject
    return subject if subject.casefold().startswith("re:") else f"Re: {subject}"
