"""Keys that find, and keys that go somewhere."""

from agentmail_tui.keys import Place
from agentmail_tui.mailbox.state import SPLITS
from tests.agentmail_tui.keys.desk import Desk
from tests.agentmail_tui.keys.probes import (
    SECOND,
    hit,
    inbox,
    listed,
    on_server,
    pane,
    read_only,
    running,
    said,
    screen,
    shown,
    split,
    theme,
)
from tests.agentmail_tui.keys.row import Row, more, other
from tests.agentmail_tui.keys.world import ME

LIST, READER = (Place.LIST,), (Place.READER,)
SPLIT_KEYS = [each.key for each in SPLITS]


async def _count_readings(desk: Desk) -> None:
    """Count how often the list is asked of the server."""
    backend = desk.mailbox._backend
    asked = backend.threads

    async def threads(*args: object, **kwargs: object) -> object:
        desk.kept["readings"] = desk.kept.get("readings", 0) + 1
        return await asked(*args, **kwargs)  # type: ignore[arg-type]

    if "readings" not in desk.kept:
        desk.kept["readings"] = 0
        backend.threads = threads  # type: ignore[assignment,method-assign]


async def _readings(desk: Desk) -> int:
    return int(desk.kept["readings"])


def _numbered(number: int) -> Row:
    if number == len(SPLITS):  # the one that is shown already
        return Row(f"split.{number}", split, "all", before="1", first=SPLIT_KEYS[0])
    if number < len(SPLITS):
        return Row(f"split.{number}", split, SPLIT_KEYS[number - 1])
    return Row(f"split.{number}", said(f"there is no split {number}"), True)


ROWS = (
    Row("find.search", listed, [SECOND], after='"VAT enter'),
    Row("find.narrow", listed, [SECOND], after='"invoice'),
    Row("find.in_thread", hit, 1, after='~Find "story enter'),
    Row("find.previous", hit, more, before='ctrl+f ~Find "story enter', first=1),
    Row("split.next", split, SPLIT_KEYS[0]),
    Row("split.previous", split, SPLIT_KEYS[-2]),
    *(_numbered(number) for number in range(1, 10)),
    Row("go.inboxes", inbox, other, after='~address_or_name "desk enter', alone=True),
    Row("go.manage", screen, "InboxesScreen"),
    *(
        Row(f"go.{key}", split, key)
        for key in ("needs_reply", "open", "waiting", "closed", "mine", "snoozed")
    ),
    Row("go.delivery", screen, "DeliveryScreen"),
    Row("go.suppressions", shown("No address is suppressed"), True),
    Row("go.webhooks", shown("No webhook"), True),
    Row("go.undo_list", on_server("assigned_to"), None, before="m", first=ME, after="~Undo enter"),
    Row("go.drafts", screen, "ComposeScreen", before='c ~New_mail "eve@far.example escape',
        after="~eve@far.example enter"),
    Row("go.read_only", read_only, True),
    Row("go.keys", screen, "CommandScreen"),
    Row("app.refresh", _readings, more, prepare=_count_readings),
    Row("app.theme", theme, other),
    Row("app.palette", screen, "CommandScreen"),
    Row("app.help", screen, "CommandScreen"),
    Row("app.close", running, False, places=LIST, alone=True),
    Row("app.close", pane, Place.LIST, places=READER),
    Row("app.quit", running, False, alone=True),
    Row("view.delivery", screen, "DeliveryScreen"),
)  # fmt: skip
