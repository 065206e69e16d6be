"""Keys of pickers, of pages and questions, and of the screens for delivery and inboxes."""

from typing import Any

from agentmail_tui.keys import Place
from tests.agentmail_tui.keys.desk import Desk
from tests.agentmail_tui.keys.probes import (
    inbox,
    inboxes,
    on_server,
    pane,
    picked,
    read_only,
    screen,
    scrolled,
)
from tests.agentmail_tui.keys.row import Row, less, more, other


async def _second_inbox(desk: Desk) -> None:
    """Make another inbox, once."""
    if len(desk.state.inboxes) < 2:
        await desk.home.post("/inboxes", local_part=f"b{desk.home.inbox_id[2:8]}")
        await desk.until(lambda: len(desk.state.inboxes) == 2, "the second inbox")


async def _period(desk: Desk) -> str:
    return desk.state.delivery.period


async def _part(desk: Desk) -> int:
    return int(desk.app.screen._part)  # type: ignore[attr-defined]


async def _calls(desk: Desk) -> int:
    """See how often the webhook was called, as the API tells it."""
    rows = await desk.home.get("/webhooks/deliveries")
    return sum(int(row["attempt_count"]) for row in rows)


async def _names(desk: Desk) -> list[str]:
    return [name for _, name in await inboxes(desk)]


def _without(name: str) -> Any:
    return lambda first: lambda found: found == [each for each in first if each != name]


ROWS = (
    Row("picker.down", picked, other),
    Row("picker.up", picked, other, before="down"),
    Row("picker.mark", on_server("tags"), ["new", "vip"], alone=True,
        before='escape t ~Tags "vip', after='"new enter'),
    Row("picker.out", screen, "MailScreen"),
    Row("delivery.down", picked, other),
    Row("delivery.up", picked, other, before="j"),
    Row("delivery.open", pane, Place.READER, before="~queued"),
    Row("delivery.period", _period, other),
    Row("delivery.retry", _calls, more, before="tab tab ~hook"),
    Row("delivery.part", _part, 1),
    Row("delivery.out", screen, "MailScreen"),
    Row("inboxes.down", picked, other, prepare=_second_inbox),
    Row("inboxes.up", picked, other, before="j", prepare=_second_inbox),
    Row("inboxes.open", inbox, other, alone=True),
    Row("inboxes.new", _names, more, after='~New_inbox "sales enter', alone=True),
    Row("inboxes.name", _names, ["Front"], after='~Name_of ctrl+u "Front enter', alone=True),
    Row("inboxes.delete", _names, [], after='~Delete "{address} enter', alone=True),
    Row("inboxes.out", screen, "MailScreen"),
    Row("page.line_down", scrolled, more),
    Row("page.line_up", scrolled, less, before="j j"),
    Row("page.page_down", scrolled, more),
    Row("page.page_up", scrolled, less, before="space"),
    Row("page.out", screen, "MailScreen"),
    Row("question.yes", read_only, False),
    Row("question.no", screen, "MailScreen"),
)  # fmt: skip
