"""Which keys stand at the foot of the screen, for each place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.keys.key import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the footer offers, most wanted first; ids side by side share one label.
FOOTERS: Mapping[Place, tuple[tuple[str, str], ...]] = {
    Place.LIST: (
        ("move.down move.up", "move"),
        ("thread.open", "open"),
        ("mail.reply", "reply"),
        ("triage.close", "close"),
        ("triage.wait", "wait"),
        ("triage.tag", "tag"),
        ("triage.assign", "assign"),
        ("triage.undo", "undo"),
        ("find.search", "search"),
        ("app.palette", "cmd"),
        ("mail.compose", "compose"),
        ("triage.mine", "mine"),
        ("view.delivery", "delivery"),
        ("go.inboxes", "inbox"),
    ),
    Place.READER: (
        ("move.down move.up", "scroll"),
        ("message.next message.previous", "message"),
        ("mail.reply", "reply"),
        ("triage.close", "close"),
        ("triage.wait", "wait"),
        ("thread.open", "unfold"),
        ("triage.tag", "tag"),
        ("thread.next thread.previous", "thread"),
        ("app.out", "back"),
        ("view.html", "HTML"),
        ("mail.forward", "forward"),
        ("triage.undo", "undo"),
    ),
    Place.FIELD: (("thread.open", "go to the list"), ("app.out", "leave")),
    Place.COMPOSER: (
        ("composer.review", "review"),
        ("composer.attach", "attach"),
        ("composer.editor", "$EDITOR"),
        ("composer.keep", "keep draft"),
        ("composer.discard", "throw away"),
    ),
    Place.REVIEW: (("review.send", "send"), ("review.edit", "edit")),
    Place.PICKER: (("picker.down", "next"), ("picker.up", "previous"), ("picker.out", "leave")),
    Place.DELIVERY: (
        ("delivery.down delivery.up", "move"),
        ("delivery.open", "open thread"),
        ("delivery.part", "next part"),
        ("delivery.period", "period"),
        ("delivery.retry", "call again"),
        ("delivery.out", "back"),
    ),
    Place.INBOXES: (
        ("inboxes.down inboxes.up", "move"),
        ("inboxes.open", "show"),
        ("inboxes.new", "new"),
        ("inboxes.name", "rename"),
        ("inboxes.delete", "delete"),
        ("inboxes.out", "back"),
    ),
    Place.PAGE: (("page.line_down page.line_up", "scroll"), ("page.out", "back")),
    Place.QUESTION: (("question.yes", "yes"), ("question.no", "no")),
}
