"""From the state to the cards of the reader and the facts beside it; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.domain import Direction, Message
from agentmail_tui.mailbox import select
from agentmail_tui.mailbox.state import MailState, Outgoing, SendPhase
from agentmail_tui.mailbox.waiting import Limits, Wait, wait_of
from agentmail_tui.screens.dates import ahead, length, size, when
from agentmail_tui.screens.present import NO_LIMITS, mark, party_name
from agentmail_tui.screens.present_safety import RISKY, injection_line, safety_lines
from agentmail_tui.screens.words import step_of, step_span, word
from agentmail_tui.widgets.card import Card
from agentmail_tui.widgets.lines import Line, Span
from agentmail_tui.widgets.side import Brief, Fact, Section, Sections
from agentmail_tui.widgets.thread_row import STATUS_SIGNS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from agentmail_tui.domain import Address, DeliveryEvent, Thread

_PREVIEW = 300
_BAD = frozenset({"bounced", "failed", "complained", "suppressed"})
# Steps of one moment in the order in which they were taken.
_STEPS = ("scheduled", "queued", "delivery_delayed", "sent", "delivered", "opened")
_NEW_SUBJECT_PREFIX = ("re:", "aw:", "fwd:", "fw:")


def cards(state: MailState, thread: Thread | None, now: datetime) -> tuple[Card, ...]:
    """Return the cards of a thread: its messages, or a first one made of its row."""
    if thread is None:
        return ()
    opened = state.open if state.open is not None and state.open.thread.id == thread.id else None
    if opened is None or opened.messages is None:
        return (_from_row(thread, now),)
    events = state.delivery.data.events
    return tuple(
        card(state, message, thread, [e for e in events if e.message_id == message.id], now)
        for message in select.conversation(state)
    )


def card(
    state: MailState, message: Message, thread: Thread, events: list[DeliveryEvent], now: datetime
) -> Card:
    """Return one message as a card."""
    item = select.outgoing(state, message.local_id)
    files = (_attachment(file.name, file.size, file.mime_type) for file in message.attachments)
    extracted = (((f"{name}: ", "faint"), (value, "text")) for name, value in message.extracted)
    return Card(
        key=message.local_id or message.id,
        outbound=message.direction is Direction.OUTBOUND,
        author=message.sender.name or message.sender.shown or "(nobody)",
        address=message.sender.shown,
        to=", ".join(address.shown for address in (*message.to, *message.cc)),
        when="" if item else when(message.created_at, now),
        preview=" ".join(message.text[:_PREVIEW].split()),
        body=message.text,
        subject="" if _same_subject(message, thread) else message.subject,
        ticks=_on_its_way(item) if item else _ticks(message, events, now),
        warnings=tuple(_warnings(message)),
        notes=() if item is None else _unsent(item),
        attachments=tuple(files),
        extracted=tuple(extracted),
        safety=safety_lines(message.safety),
    )


def _on_its_way(item: Outgoing) -> tuple[Line, ...]:
    if item.phase is not SendPhase.SENDING:
        return ()
    return (((f"… {item.error or 'sending'}", "muted"),),)


def _warnings(message: Message) -> Iterator[Line]:
    """Yield what a reader should know before reading a message."""
    if message.parse_error is not None:
        yield (("! could not be read in full: ", "warn"), (message.parse_error, "warn"))
    risky = message.safety is not None and message.safety.risk in RISKY
    for flag in message.flags:
        if risky and flag.startswith("injection"):
            continue
        yield (("! ", "warn"), (word(flag), "warn"))
    if risky and message.safety is not None:
        yield injection_line(message.safety)


def _unsent(item: Outgoing) -> tuple[Line, ...]:
    """Return why a mail of ours is not on its way, and which keys lead on."""
    if item.phase is SendPhase.SENDING:
        return ()
    first = "✗ not sent" if item.phase is SendPhase.FAILED else "? may or may not have gone"
    return (
        ((f"{first}: ", "bad"), (str(item.error or ""), "bad")),
        (
            ("r", "key"),
            (" tries again  ", "muted"),
            ("enter", "key"),
            (" opens the draft", "muted"),
        ),
    )


def _from_row(thread: Thread, now: datetime) -> Card:
    """Return what the row of the list knows, until the messages are here."""
    return Card(
        key=f"row {thread.id}",
        outbound=thread.last_direction is Direction.OUTBOUND,
        author=party_name(thread),
        address=thread.party.shown,
        to="",
        when=when(thread.last_message_at, now),
        preview=thread.snippet,
        body=thread.snippet,
        stands_in=True,
    )


def _ticks(message: Message, events: list[DeliveryEvent], now: datetime) -> tuple[Line, ...]:
    """Return how far a mail of ours got; what went wrong has a line of its own."""
    if message.direction is Direction.INBOUND:
        return ()
    going: list[Span] = []
    wrong: list[Line] = []
    seen = set()
    for event in sorted(events, key=_in_order):
        if event.event_type in _BAD:
            wrong.append(_wrong(event.event_type, event.detail))
        elif event.event_type not in seen:
            going.append(_tick(event.event_type, when(event.at, now)))
        seen.add(str(event.event_type))
    status = message.delivery_status
    if status in _BAD and status not in seen:
        wrong.append(_wrong(status, ""))
    elif status and status not in seen and not any(step_of(each).over for each in seen):
        going.append(_tick(status, ""))
    return (*((tuple(going),) if going else ()), *wrong)


def _in_order(event: DeliveryEvent) -> tuple[datetime, int]:
    kind = str(event.event_type)
    return event.at, _STEPS.index(kind) if kind in _STEPS else len(_STEPS)


def _wrong(kind: str, detail: str) -> Line:
    return ((f"✗ {word(kind)}  ", "bad"), (detail, "bad"))


def _tick(kind: str, at: str) -> Span:
    step = step_of(kind)
    time = f" {at}" if at and step.over else ""
    return (f"{step.sign} {step.word}{time}  ", step.ink)


def _attachment(name: str, count: int, mime: str) -> Line:
    return (("@ ", "accent"), (name or "(no name)", "text"), (f"  {size(count)}  {mime}", "faint"))


def _same_subject(message: Message, thread: Thread) -> bool:
    """Tell whether the subject says nothing that the head of the reader does not."""
    return _bare(message.subject) == _bare(thread.subject)


def _bare(subject: str) -> str:
    bare = subject.strip().casefold()
    while bare.startswith(_NEW_SUBJECT_PREFIX):
        bare = bare.partition(":")[2].strip()
    return bare


def reader_head(
    state: MailState, thread: Thread | None, *, focused: bool = True
) -> tuple[Line, Line]:
    """Return the subject, bold where keys go to the reader, and how many messages there are."""
    if thread is None:
        return (), ()
    count = thread.message_count
    right = f"{count} message{'' if count == 1 else 's'} "
    if state.open is not None and state.open.thread.id == thread.id and state.open.error:
        right = f"✗ {state.open.error} "
    return ((" ", ""), (thread.subject or "(no subject)", "strong" if focused else "text")), (
        (right, "muted"),
    )


def status_spans(thread: Thread) -> tuple[Span, ...]:
    """Return sign and word of the status."""
    if thread.triage is None:
        return (("· not known yet", "faint"),)
    sign, ink = STATUS_SIGNS[thread.triage.status]
    status = thread.triage.status.value
    return ((f"{sign} ", ink), (word(status), "text"))


def side(
    state: MailState, thread: Thread | None, now: datetime, limits: Limits = NO_LIMITS
) -> Sections:
    """Return the triage bar."""
    if thread is None:
        return Sections()
    return Sections(
        (
            Section("TRIAGE", _triage_facts(state, thread, now, limits)),
            Section("PERSON", _person_facts(state, thread.party)),
            Section("THREAD", _thread_facts(state, thread, now)),
        )
    )


def _triage_facts(
    state: MailState, thread: Thread, now: datetime, limits: Limits
) -> tuple[Fact, ...]:
    triage = thread.triage
    owner = triage.assigned_to if triage else None
    who: tuple[Span, ...] = (("— ", "faint"), ("m takes it", "faint"))
    if owner:
        who = ((f"@{owner}", "accent"), (" (you)" if owner == state.me else "", "faint"))
    tags = tuple((f"{tag} ", "tag") for tag in triage.tags) if triage else ()
    facts = [
        Fact("status", status_spans(thread)),
        Fact("owner", who),
        Fact("tags", tags or (("— ", "faint"), ("t tags it", "faint"))),
    ]
    if thread.snoozed_until is not None:
        facts.append(Fact("snoozed", _moment(ahead(thread.snoozed_until, now))))
    wait = wait_of(thread, limits, now)
    if wait is not None:
        facts.append(Fact("waits", _waiting(wait)))
    if triage is not None and triage.local:
        facts.append(Fact("kept", (("only here", "warn"),)))
    return tuple(facts)


def _moment(text: str) -> tuple[Span, ...]:
    day, _, clock = text.rpartition(" ")
    return tuple((f"{part} ", "accent") for part in (day, clock) if part)


def _waiting(wait: Wait) -> tuple[Span, ...]:
    waited: Span = (f"{length(wait.waited)} of {length(wait.limit)} ", "muted")
    if wait.late:
        return waited, (f"! late {length(wait.rest)}", "bad")
    return waited, (f"due in {length(wait.rest)}", "warn" if wait.soon else "faint")


def _person_facts(state: MailState, party: Address) -> tuple[Fact, ...]:
    facts = [Fact("", ((party.name, "text"),))] if party.name else []
    facts.append(Fact("", ((party.shown, "muted"),)))
    blocked = [item for item in state.delivery.data.suppressions if item.address == party.shown]
    if blocked:
        facts.append(Fact("", (("✗ suppressed", "bad"),)))
        facts.append(Fact("", ((f"  {word(blocked[0].reason)}", "bad"),)))
    return tuple(facts)


def _thread_facts(state: MailState, thread: Thread, now: datetime) -> tuple[Fact, ...]:
    inbox = select.inbox(state, thread.inbox_id)
    facts = [
        Fact("", (((inbox.address if inbox else "—"), "muted"),)),
        Fact("began", ((when(thread.first_message_at, now), "muted"),)),
        Fact("last", ((when(thread.last_message_at, now), "muted"),)),
    ]
    if thread.delivery_status:
        facts.append(Fact("out", (step_span(thread.delivery_status),)))
    return tuple(facts)


def brief(
    state: MailState, thread: Thread | None, now: datetime, limits: Limits = NO_LIMITS
) -> Brief:
    """Return the triage bar of a small screen."""
    if thread is None:
        return Brief()
    triage = thread.triage
    owner: tuple[Span, ...] = (("no owner", "faint"),)
    if triage is not None and triage.assigned_to:
        owner = ((f"@{triage.assigned_to}", "accent"),)
    tags: Line = ((" ".join(triage.tags), "tag"),) if triage and triage.tags else ()
    facts = [status_spans(thread), owner, tags or (("no tags", "faint"),)]
    if thread.snoozed_until is not None:
        facts.insert(1, ((f"snoozed until {ahead(thread.snoozed_until, now)}", "accent"),))
    elif mark(thread, limits, now)[0]:
        facts.insert(1, (mark(thread, limits, now),))
    inbox = select.inbox(state, thread.inbox_id)
    if state.inbox_id is None and inbox is not None:
        facts.append(((f"to {inbox.address}", "muted"),))
    return Brief(tuple(facts), f"{party_name(thread)}: {thread.snippet}")
