"""A sample mailbox, the same at every run: three inboxes of a small shop and their mail."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct, field

from agentmail_tui.backends.memory.administered import administer
from agentmail_tui.backends.memory.backend import EVERYTHING, MemoryBackend
from agentmail_tui.backends.memory.stories import ANSWERS, PEOPLE, SHORT, STORIES, Story
from agentmail_tui.clean import Safe, clean, clean_line
from agentmail_tui.domain import (
    Address,
    Attachment,
    Capabilities,
    DeliveryEvent,
    Direction,
    Inbox,
    Message,
    Status,
    Suppression,
    Triage,
    WebhookDelivery,
)

DOMAIN = "harbor-goods.test"
_INBOXES = (("support", "Harbor Support"), ("billing", "Harbor Billing"), ("sales", "Harbor Sales"))
_THREADS = 60
_REASONS = {
    "bounced": "550 5.1.1 no such user here",
    "failed": "451 4.3.0 gave up after 3 days",
}


def sample_backend(
    now: datetime,
    seed: int = 1,
    *,
    clock: Callable[[], datetime] | None = None,
    capabilities: Capabilities = EVERYTHING,
) -> MemoryBackend:
    """Return a backend with mail up to `now`; `clock` stands still there unless given."""
    inboxes = [
        Inbox(
            f"i_{local}", clean_line(f"{local}@{DOMAIN}"), clean_line(name), "d_1", Safe("active")
        )
        for local, name in _INBOXES
    ]
    backend = MemoryBackend(
        inboxes, clock=clock or (lambda: now), name="sample", capabilities=capabilities
    )
    chance = random.Random(seed)  # noqa: S311
    writer = _Writer(backend, chance, {inbox.id: inbox for inbox in inboxes})
    for number, story in enumerate(_stories(chance)):
        writer.tell(story, number, now - timedelta(minutes=7 + int(number**1.9) * 11))
    _suppress(backend, now)
    administer(backend.administration, now)
    return backend


def _stories(chance: random.Random) -> list[Story]:
    stories = list(STORIES)
    while len(stories) < _THREADS:
        inbox, subject, text = chance.choice(SHORT)
        number = chance.randint(4100, 5700)
        answered = chance.random() < 0.6
        turns = (
            (text.format(n=number), chance.choice(ANSWERS))
            if answered
            else (text.format(n=number),)
        )
        status = chance.choice(("waiting", "closed", "closed") if answered else ("open", "closed"))
        tags = tuple(sorted(chance.sample(("shipping", "refund", "question", "billing"), 1)))
        stories.append(
            Story(
                inbox,
                subject.format(n=number),
                turns,
                status,
                tags if chance.random() < 0.5 else (),
                chance.choice((None, None, "ann", "agent-7", "me")),
                delivery=chance.choice(("delivered",) * 8 + ("bounced", "failed")),
            )
        )
    return stories


class _Writer(Struct):
    """Writes stories into a backend, each with its last mail at a given moment."""

    backend: MemoryBackend
    chance: random.Random
    inboxes: dict[str, Inbox]
    events: int = field(default=0)

    def tell(self, story: Story, number: int, end: datetime) -> None:
        """Write one conversation."""
        name, address = PEOPLE[number % len(PEOPLE)]
        party = Address(clean_line(name), clean_line(address), address)
        thread_id = f"conv_{number:03d}"
        at = end - timedelta(hours=5 * (len(story.turns) - 1))
        for turn, text in enumerate(story.turns):
            message = self._message(story, thread_id, turn, text, party, at)
            self.backend.mail.add(message)
            if message.direction is Direction.OUTBOUND:
                last = turn >= len(story.turns) - 2
                self._delivered(message, story.delivery if last else "delivered")
            at += timedelta(hours=5)
        owner = None if story.owner is None else clean_line(story.owner)
        tags = tuple(clean_line(tag) for tag in story.tags)
        self.backend.mail.retriage(thread_id, Triage(Status(story.status), tags, owner))
        fresh = number < 14 and story.status in {"open", "needs_reply"}
        self.backend.mail.set_unread(thread_id, fresh and number % 3 != 1)

    def _message(
        self, story: Story, thread_id: str, turn: int, text: str, party: Address, at: datetime
    ) -> Message:
        inbound = (turn % 2 == 0) is not story.ours_first
        inbox = self.inboxes[f"i_{story.inbox}"]
        own = Address(inbox.name, inbox.address, str(inbox.address))
        files = story.files if turn == 0 else ()
        message_id = f"msg_{thread_id[5:]}_{turn}"
        domain = "mail.example" if inbound else DOMAIN
        return Message(
            id=message_id,
            thread_id=thread_id,
            inbox_id=inbox.id,
            direction=Direction.INBOUND if inbound else Direction.OUTBOUND,
            sender=party if inbound else own,
            to=(own if inbound else party,),
            cc=(),
            reply_to=(),
            subject=clean_line(f"Re: {story.subject}" if turn else story.subject),
            text=clean(text),
            html=None,
            created_at=at,
            attachments=tuple(
                Attachment(f"att_{message_id}_{place}", clean_line(name), clean_line(kind), size)
                for place, (name, kind, size) in enumerate(files)
            ),
            delivery_status=None if inbound else Safe("queued"),
            parse_error=None,
            rfc_message_id=clean_line(f"<{message_id}@{domain}>"),
        )

    def _delivered(self, message: Message, end: str) -> None:
        """Write the delivery of a message: sent, then what became of it."""
        for kind, seconds in (("sent", 1), (end, self.chance.randint(2, 9))):
            self.events += 1
            event = DeliveryEvent(
                id=f"evt_{self.events:04d}",
                message_id=message.id,
                thread_id=message.thread_id,
                event_type=clean_line(kind),
                recipient=message.to[0].shown,
                detail=clean_line(_REASONS.get(kind, "")),
                at=message.created_at + timedelta(seconds=seconds),
            )
            self.backend.mail.step(event)


def _suppress(backend: MemoryBackend, now: datetime) -> None:
    """Put some addresses on the list of those not written to, and some webhook calls."""
    for address, reason, days in (
        ("finn.obriain@corkboats.example", "hard_bounce", 1),
        ("old.shop@gone.example", "hard_bounce", 4),
        ("unsubscribed@postbox.example", "unsubscribe", 9),
    ):
        at = now - timedelta(days=days)
        backend.suppressions.append(
            Suppression(
                clean_line(address), clean_line(reason), at, backend.new_id("sup"), "i_support"
            )
        )
    for number, (status, tries) in enumerate((("delivered", 1), ("retrying", 3), ("dead", 8))):
        at = now - timedelta(minutes=5 + 40 * number)
        hook = clean_line(f"https://hooks.{DOMAIN}/mail")
        backend.webhooks.append(
            WebhookDelivery(f"wdel_{number}", hook, clean_line(status), tries, at)
        )
