"""Keys that triage: their effect is on the server, and `u` takes it back there."""

from agentmail_tui.keys import Place
from tests.agentmail_tui.keys.desk import Desk
from tests.agentmail_tui.keys.probes import (
    NEWEST,
    SECOND,
    THIRD,
    marked,
    on_server,
    on_server_all,
    said,
)
from tests.agentmail_tui.keys.row import Row
from tests.agentmail_tui.keys.world import ME

LIST, READER = (Place.LIST,), (Place.READER,)
STATUS, TAGS, OWNER = on_server("status"), on_server("tags"), on_server("assigned_to")
STATUSES, OWNERS = on_server_all("status"), on_server_all("assigned_to")


async def _asleep(desk: Desk) -> bool:
    row = (await desk.home.threads())[NEWEST]
    return row["snoozed_until"] is not None


_URGENT = 't ~Tags "+urgent enter'

ROWS = (
    Row("triage.close", STATUS, "closed", undone=True),
    Row("triage.wait", STATUS, "waiting", undone=True),
    Row("triage.open", STATUS, "open", before="s n", first="needs_reply", undone=True),
    Row("triage.needs_reply", STATUS, "needs_reply", before="s o", first="open", undone=True),
    Row("triage.tag", TAGS, ["urgent", "vip"], after='~Tags "+urgent_+vip enter', undone=True),
    Row("triage.tag_again", on_server("tags", SECOND), ["urgent"], before=f"{_URGENT} J",
        undone=True),
    Row("triage.assign", OWNER, "ann", after='~Assign "ann enter', undone=True),
    Row("triage.mine", OWNER, ME, undone=True),
    Row("triage.give_back", OWNER, None, before="m", first=ME, undone=True),
    Row("triage.unread", on_server("unread"), True, before="enter escape", first=False,
        places=LIST, undone=True),
    Row("triage.unread", on_server("unread"), True, first=False, places=READER, undone=True),
    Row("triage.repeat", on_server("assigned_to", SECOND), ME, before="m J", undone=True),
    Row("triage.undo", OWNER, None, before="m", first=ME),
    Row("triage.redo", OWNER, ME, before="m u", first=None, undone=True),
    Row("triage.snooze", _asleep, True, after='~Snooze "3h enter', undone=True),
    Row("select.one", marked, [NEWEST]),
    Row("select.one", OWNERS, [ME, ME, None], before="x", after="m", places=LIST, undone=True),
    Row("select.range", marked, [NEWEST, SECOND], before="x"),
    Row("select.all", marked, [NEWEST, SECOND, THIRD]),
    Row("select.none", marked, [], before="x"),
    Row("select.words", marked, [SECOND], after='"invoice enter'),
    Row("guard.delete", said("nothing is deleted here"), True),
)  # fmt: skip
