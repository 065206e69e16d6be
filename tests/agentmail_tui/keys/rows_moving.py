"""Keys that move: what they change is on the screen alone."""

from agentmail_tui.keys import Place
from tests.agentmail_tui.keys.probes import (
    NEWEST,
    SECOND,
    cursor,
    marked,
    message,
    opened,
    pane,
    scrolled,
    unfolded,
)
from tests.agentmail_tui.keys.row import Row, less, more, other

LIST, READER = (Place.LIST,), (Place.READER,)

ROWS = (
    Row("move.down", cursor, 1, first=0, places=LIST),
    Row("move.down", scrolled, more, before="home", places=READER),
    Row("move.up", cursor, 0, before="j", first=1, places=LIST),
    Row("move.up", scrolled, less, before="j j", places=READER),
    Row("thread.next", opened, SECOND, first=NEWEST),
    Row("thread.previous", opened, NEWEST, before="J", first=SECOND),
    Row("message.next", message, 3, before="p", first=2),
    Row("message.previous", message, 2, first=3),
    Row("page.down", scrolled, more, before="g g"),
    Row("page.up", scrolled, less, before="space space"),
    Row("move.top", cursor, 0, before="G", first=2, places=LIST),
    Row("move.top", scrolled, 0, before="G", places=READER),
    Row("move.bottom", cursor, 2, first=0, places=LIST),
    Row("move.bottom", scrolled, more, before="home", places=READER),
    Row("pane.next", pane, Place.READER, places=LIST),
    Row("pane.next", pane, Place.LIST, places=READER),
    Row("pane.previous", pane, Place.READER, places=LIST),
    Row("pane.previous", pane, Place.LIST, places=READER),
    Row("thread.open", pane, Place.READER, places=LIST),
    Row("thread.open", unfolded, other, places=READER),
    Row("app.out", marked, [], before="x", first=[NEWEST], places=LIST),
    Row("app.out", pane, Place.LIST, places=READER),
)
