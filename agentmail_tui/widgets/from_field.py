"""From which inbox a mail goes: the arrow keys change it where there is a choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct
from textual.binding import Binding, BindingType

from agentmail_tui.widgets.lines import Line
from agentmail_tui.widgets.painted import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence


class Senders(Struct, frozen=True):
    """Inboxes by id and address, and the one that is taken."""

    inboxes: tuple[tuple[str, str], ...]
    chosen: str


class FromField(Shown[Senders], can_focus=True):
    """One line with an address."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up", "step(-1)", "previous inbox", show=False),
        Binding("right,down,space", "step(1)", "next inbox", show=False),
    ]

    def lay(self, width: int) -> Sequence[Line]:
        """Return the address, with arrows while it can be changed."""
        address = dict(self.info.inboxes).get(self.info.chosen, "—")
        if len(self.info.inboxes) < 2:
            return [((address, "text"),)]
        arrows = ("  ← → changes it", "faint" if self.has_focus else "")
        return [((address, "text"), arrows if self.has_focus else ("", ""))]

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show the arrows while the keys go here."""
        super().watch_has_focus(has_focus)
        self.refresh()

    def action_step(self, by: int) -> None:
        """Take another inbox."""
        ids = [inbox_id for inbox_id, _ in self.info.inboxes]
        if len(ids) > 1:
            at = ids.index(self.info.chosen) if self.info.chosen in ids else 0
            self.show(Senders(self.info.inboxes, ids[(at + by) % len(ids)]))
