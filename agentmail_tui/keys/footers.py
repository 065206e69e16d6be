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
    Place.HITS: (
        ("move.down move.up", "move"),
        ("thread.open", "open"),
        ("find.like", "more like it"),
        ("find.exact", "exact words"),
        ("find.keep", "keep as tab"),
        ("app.out", "back"),
        ("find.search", "search"),
        ("mail.reply", "reply"),
        ("triage.close", "close"),
    ),
    Place.FOUND: (
        ("message.next find.previous", "next hit"),
        ("move.down move.up", "scroll"),
        ("app.out", "end finding"),
        ("find.in_thread", "find"),
        ("mail.reply", "reply"),
        ("triage.close", "close"),
    ),
    Place.FIELD: (
        ("thread.open", "go to the list"),
        ("field.complete", "operators"),
        ("field.exact", "exact words"),
        ("app.out", "leave"),
    ),
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
        ("delivery.open", "open"),
        ("delivery.part", "next part"),
        ("delivery.period", "period"),
        ("delivery.filter", "filter"),
        ("delivery.suppress", "add"),
        ("delivery.allow", "allow again"),
        ("delivery.retry", "call again"),
        ("delivery.verify", "look up"),
        ("delivery.copy delivery.copy_name", "copy value/name"),
        ("delivery.out", "back"),
    ),
    Place.INBOXES: (
        ("inboxes.down inboxes.up", "move"),
        ("inboxes.open", "show"),
        ("inboxes.new", "new"),
        ("inboxes.name", "rename"),
        ("inboxes.delete", "delete"),
        ("inboxes.schema", "extract"),
        ("inboxes.out", "back"),
    ),
    Place.DOMAINS: (
        ("domains.down domains.up", "move"),
        ("domains.verify", "look up"),
        ("domains.copy domains.copy_name", "copy value/name"),
        ("domains.new", "new"),
        ("domains.delete", "give up"),
        ("domains.out", "back"),
    ),
    Place.API_KEYS: (
        ("api_keys.down api_keys.up", "move"),
        ("api_keys.new", "new"),
        ("api_keys.rotate", "new secret"),
        ("api_keys.revoke", "revoke"),
        ("api_keys.copy", "copy id"),
        ("api_keys.out", "back"),
    ),
    Place.SECRET: (("secret.copy", "copy"), ("secret.out", "I have it")),
    Place.ORG: (("org.rename", "rename"), ("org.copy", "copy id"), ("org.out", "back")),
    Place.SERVERS: (
        ("servers.down servers.up", "move"),
        ("servers.open", "connect"),
        ("servers.new", "new"),
        ("servers.remove", "remove"),
        ("servers.out", "back"),
    ),
    Place.SCHEMA: (
        ("schema.save", "save"),
        ("schema.remove", "remove"),
        ("schema.out", "leave"),
    ),
    Place.PAGE: (
        ("page.line_down page.line_up", "scroll"),
        ("page.find", "find"),
        ("page.next page.previous", "next hit"),
        ("page.out", "back"),
    ),
    Place.QUESTION: (("question.yes", "yes"), ("question.no", "no")),
}
