"""Pickers of what a message carries: its files, its links."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.screens.dates import size
from agentmail_tui.screens.fuzzy import best
from agentmail_tui.screens.modal import PickScreen
from agentmail_tui.widgets.lines import fit, fit_right
from agentmail_tui.widgets.pick_list import Choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentmail_tui.domain import Attachment
    from agentmail_tui.mailbox.html_links import Link
    from agentmail_tui.screens.context import Context

_NAME = 30  # cells
_SIZE = 7
_HOST = 24


class FilePicker(PickScreen[str]):
    """Returns the id of an attachment."""

    placeholder = "name"
    note = "enter takes this file · esc leaves"

    def __init__(self, context: Context, attachments: Sequence[Attachment], heading: str) -> None:
        self.heading = heading
        super().__init__(context)
        self._attachments = attachments

    def choices(self, query: str) -> list[Choice]:
        """Return the files that fit."""
        found = best(query, self._attachments, lambda each: each.name)
        return [
            Choice(
                (
                    (f"  {fit(each.name or '(no name)', _NAME)}", "text"),
                    (f"  {fit_right(size(each.size), _SIZE)}  {each.mime_type}", "faint"),
                ),
                each.id,
            )
            for each in found
        ] or [Choice((("    no file is called so", "muted"),))]

    def choose(self, value: str | None) -> None:
        """Take the file under the cursor."""
        if value is not None:
            self.dismiss(value)


class LinkPicker(PickScreen[str]):
    """Returns the address of a link."""

    heading = "Copy which link?"
    placeholder = "host or address"
    note = "enter copies it · nothing is opened · esc leaves"

    def __init__(self, context: Context, links: Sequence[Link]) -> None:
        super().__init__(context)
        self._links = links

    def choices(self, query: str) -> list[Choice]:
        """Return the links that fit, each with the host to which it truly leads."""
        rows: list[Choice] = []
        for link in best(query, self._links, lambda each: each.url):
            line = ((f"  {fit(link.host, _HOST)}  ", "text"), (link.url, "muted"))
            rows.append(Choice(line, str(link.url)))
            if link.warning:
                rows.append(Choice(((f"    ! {link.warning}", "warn"),)))
        return rows or [Choice((("    no link fits", "muted"),))]

    def choose(self, value: str | None) -> None:
        """Take the link under the cursor."""
        if value is not None:
            self.dismiss(value)
