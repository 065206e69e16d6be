"""A row of the list made of its messages, for servers that give out no single row."""

from __future__ import annotations

from collections.abc import Sequence

from agentmail_tui.clean import clean_line
from agentmail_tui.domain import Direction, Message, Thread
from agentmail_tui.errors import NotFound


def row_of(thread_id: str, messages: Sequence[Message]) -> Thread:
    """Return the row; raises NotFound where there are no messages."""
    if not messages:
        raise NotFound("thread not found")
    first, last = messages[0], messages[-1]
    inbound = [each for each in messages if each.direction is Direction.INBOUND]
    party = inbound[-1].sender if inbound else (*last.to, last.sender)[0]
    return Thread(
        id=thread_id,
        inbox_id=last.inbox_id,
        subject=last.subject,
        snippet=clean_line(last.text[:400], 200),
        party=party,
        last_message_at=last.created_at,
        first_message_at=first.created_at,
        message_count=len(messages),
        last_direction=last.direction,
        has_attachments=any(each.attachments for each in messages),
        unread=False,
        triage=None,
        delivery_status=last.delivery_status,
    )
