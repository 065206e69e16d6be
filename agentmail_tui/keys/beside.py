"""The keys of the screens beside the mail: delivery, administration, pages, questions."""

from __future__ import annotations

from agentmail_tui.keys.key import Group, Key, Place

BESIDE: tuple[Key, ...] = (
    Key("delivery.down", ("j", "down"), "down", "next", Group.MOVE, (Place.DELIVERY,)),
    Key("delivery.up", ("k", "up"), "up", "previous", Group.MOVE, (Place.DELIVERY,)),
    Key("delivery.open", ("enter", "o"), "open", "open thread", Group.READ, (Place.DELIVERY,)),
    Key("delivery.period", ("p",), "period", "24h, 7d, 30d", Group.READ, (Place.DELIVERY,)),
    Key(
        "delivery.retry",
        ("r",),
        "retry",
        "call it again",
        Group.APP,
        (Place.DELIVERY,),
        writes=True,
    ),
    Key("delivery.part", ("tab",), "part", "next part", Group.MOVE, (Place.DELIVERY,)),
    Key("delivery.out", ("escape", "q", "D", "h"), "out", "back", Group.APP, (Place.DELIVERY,)),
    Key("inboxes.down", ("j", "down"), "down", "next", Group.MOVE, (Place.INBOXES,)),
    Key("inboxes.up", ("k", "up"), "up", "previous", Group.MOVE, (Place.INBOXES,)),
    Key("inboxes.open", ("enter", "o"), "open", "show its mail", Group.GO, (Place.INBOXES,)),
    Key("inboxes.new", ("n",), "new", "new inbox", Group.APP, (Place.INBOXES,), writes=True),
    Key("inboxes.name", ("r",), "rename", "rename", Group.APP, (Place.INBOXES,), writes=True),
    Key("inboxes.delete", ("X",), "delete", "delete", Group.APP, (Place.INBOXES,), writes=True),
    Key("inboxes.out", ("escape", "q", "h"), "out", "back", Group.APP, (Place.INBOXES,)),
    Key("page.line_down", ("j", "down"), "down", "a line down", Group.MOVE, (Place.PAGE,)),
    Key("page.line_up", ("k", "up"), "up", "a line up", Group.MOVE, (Place.PAGE,)),
    Key("page.page_down", ("space", "ctrl+d"), "page(1)", "page down", Group.MOVE, (Place.PAGE,)),
    Key("page.page_up", ("ctrl+u", "b"), "page(-1)", "page up", Group.MOVE, (Place.PAGE,)),
    Key("page.out", ("escape", "q", "h", "v"), "out", "back", Group.APP, (Place.PAGE,)),
    Key("question.yes", ("y",), "answer(True)", "yes", Group.APP, (Place.QUESTION,)),
    Key("question.no", ("n", "escape", "q"), "answer(False)", "no", Group.APP, (Place.QUESTION,)),
)
