"""The searches that are kept: one to show, to rename, to delete."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from agentmail_tui.clean import clean_line
from agentmail_tui.mailbox.searches import SavedSearch, named
from agentmail_tui.screens.fuzzy import best
from agentmail_tui.screens.modal import PickScreen
from agentmail_tui.widgets.lines import fit
from agentmail_tui.widgets.pick_list import Choice

if TYPE_CHECKING:
    from agentmail_tui.screens.context import Context

Keep = Callable[[tuple[SavedSearch, ...]], None]
_NAME = 24  # cells


class SearchPicker(PickScreen[str]):
    """Returns the query of a search that is kept."""

    heading = "Kept searches"
    placeholder = "name"
    note = "enter shows it · f2 renames · f8 deletes · esc leaves"

    def __init__(self, context: Context, keep: Keep) -> None:
        super().__init__(context)
        self._keep = keep

    def choices(self, query: str) -> list[Choice]:
        """Return the searches that fit."""
        found = best(query, self.state.saved, lambda each: each.name)
        return [
            Choice(
                (
                    (f"  {fit(each.name, _NAME)}", "text"),
                    (f"  {clean_line(each.query, 60)}", "muted"),
                    (f"  {each.found}", "faint"),
                ),
                each.query,
            )
            for each in found
        ] or [Choice((("    no search is called so", "muted"),))]

    def choose(self, value: str | None) -> None:
        """Show the search under the cursor."""
        if value is not None:
            self.dismiss(value)

    def action_rename(self) -> None:
        """Ask for another name of the search under the cursor."""
        query = self.picks.value
        kept = next((each for each in self.state.saved if each.query == query), None)
        if kept is None:
            return
        from agentmail_tui.screens.ask import AskScreen

        def renamed(name: str | None) -> None:
            if name is not None:
                fresh = replace(kept, name=named(name, kept.query).name)
                self._change(fresh if each == kept else each for each in self.state.saved)

        screen = AskScreen(
            self.context, "Call this search", lambda _: clean_line(kept.query, 60), kept.name
        )
        self.app.push_screen(screen, renamed)

    def action_delete(self) -> None:
        """Keep the search under the cursor no more."""
        query = self.picks.value
        if query is not None:
            self._change(each for each in self.state.saved if each.query != query)

    def _change(self, saved: Iterable[SavedSearch]) -> None:
        self._keep(tuple(saved))
        self.show_choices()
        if not self.state.saved:
            self.dismiss(None)
