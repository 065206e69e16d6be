"""A draft as the mail that it becomes."""

from __future__ import annotations

from agentmail_tui.backends.memory.world import World
from agentmail_tui.clean import Safe, clean, clean_line
from agentmail_tui.domain import Address, Direction, Draft, Inbox, Message, Thread


def written(draft: Draft, sender: Inbox, thread: Thread | None, world: World) -> Message:
    """Return a draft as the mail that it becomes."""
    message_id = world.new_id("msg")
    return Message(
        id=message_id,
        thread_id=thread.id if thread else world.new_id("conv"),
        inbox_id=draft.inbox_id,
        direction=Direction.OUTBOUND,
        sender=Address(sender.name, sender.address, str(sender.address)),
        to=tuple(_address(each) for each in draft.to),
        cc=tuple(_address(each) for each in draft.cc),
        reply_to=(),
        subject=clean_line(draft.subject or (thread.subject if thread else "")),
        text=clean(draft.body),
        html=None,
        created_at=world.now(),
        attachments=(),
        delivery_status=clean_line("queued"),
        parse_error=None,
        rfc_message_id=clean_line(f"<{message_id}@memory.test>"),
    )


def _address(written: str) -> Address:
    return Address(Safe(), clean_line(written), written)
