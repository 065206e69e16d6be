"""Keys that search, and searches that are kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual import on

from agentmail_tui.clean import clean_line
from agentmail_tui.keys import Place
from agentmail_tui.mailbox import searches
from agentmail_tui.mailbox.searches import SavedSearch
from agentmail_tui.mailbox.state import Tone
from agentmail_tui.mailbox.terms import finished, is_exact
from agentmail_tui.screens.completing import completions, examples
from agentmail_tui.screens.panes import Panes
from agentmail_tui.widgets.completion_list import CompletionList
from agentmail_tui.widgets.search_bar import Mode, SearchBar

if TYPE_CHECKING:
    from agentmail_tui.screens.context import Context
    from agentmail_tui.widgets.key_footer import FooterKeys

_OF_SEARCHES = frozenset({"complete", "exact"})  # acts that do nothing while the list is narrowed


class SearchActions(Panes):
    """Searches mail, and keeps searches as tabs."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.search_bar.complete = lambda text, every: completions(self.state, text, every)
        self.search_bar.examples = lambda: examples(self.state)
        self._writing = asyncio.Lock()

    def footer_keys(self, place: Place) -> FooterKeys:
        """Return the keys that are shown; to narrow the list is not to search."""
        found = super().footer_keys(place)
        hidden = set() if self.search_bar.completions.open else {"choose(1)"}
        if self.search_bar.mode is Mode.NARROW:
            hidden |= _OF_SEARCHES
        if place is Place.FIELD:
            return replace(found, keys=tuple(k for k in found.keys if k.action not in hidden))
        exact = self.state.search is not None and is_exact(self.state.search.query)
        return found.relabelled(exact="by meaning") if place is Place.HITS and exact else found

    def action_search(self) -> None:
        """Put the cursor into the search field."""
        if self._may_search():
            self.remember_place()
            self.search_bar.begin(Mode.SEARCH)

    def action_like(self) -> None:
        """Search for what is like the thread under the cursor, or the one that is read."""
        thread = self.shown_thread(self.state)
        if not self._may_search() or thread is None:
            return
        if not self.state.capabilities.search_like:
            self.say("this server cannot find more like a thread", Tone.WARNING)
            return
        self.remember_place()
        self.search_bar.put(Mode.SEARCH, "", f"like “{thread.subject or '(no subject)'}”")
        self.mailbox.search_like(thread)
        self.focus_list()

    def action_exact(self) -> None:
        """Ask for the words as they stand, or again for what they mean."""
        if not self.state.capabilities.search_exact:
            self.say("this server cannot search for exact words", Tone.WARNING)
        elif self.search_bar.mode is Mode.SEARCH and self.search_bar.words:
            self.search_bar.action_exact()
        else:
            self.say("/ searches; = then asks for the words as they stand")

    def _may_search(self) -> bool:
        if not self.state.capabilities.search:
            self.say("this server cannot search", Tone.WARNING)
        return self.state.capabilities.search

    @on(SearchBar.Asked)
    def _asked(self, event: SearchBar.Asked) -> None:
        if event.mode is Mode.NARROW:
            self.mailbox.narrow(event.words)
            return
        words = finished(event.words)
        if words:
            self.mailbox.search(words)
        elif not event.words:
            self.mailbox.end_search()

    @on(SearchBar.Left)
    def _field_left(self) -> None:
        self.focus_list()

    @on(CompletionList.Picked)
    def _completion_clicked(self, event: CompletionList.Picked) -> None:
        self.search_bar.accept(event.completion)

    def action_keep_search(self) -> None:
        """Keep the search as a tab, by a name that is asked for."""
        search = self.state.search
        if search is None or not search.query:
            self.say("/ searches; + then keeps the search as a tab", Tone.WARNING)
        elif any(each.query == search.query for each in self.state.saved):
            self.say("this search is kept already; g / renames and deletes")
        elif len(self.state.saved) >= searches.MOST:
            self.say(f"{searches.MOST} searches are kept; g / deletes one", Tone.WARNING)
        else:
            self._ask_name(searches.named("", search.query))

    def _ask_name(self, kept: SavedSearch) -> None:
        from agentmail_tui.screens.ask import AskScreen

        def named(name: str | None) -> None:
            if name is not None:
                search = self.state.search
                found = f"{len(search.hits)}{'+' if search.more else ''}" if search else ""
                fresh = replace(searches.named(name, kept.query), found=found)
                self._keep_searches((*self.state.saved, fresh))
                self.say(f"kept as tab {self._first_saved + len(self.state.saved)}", Tone.GOOD)

        screen = AskScreen(
            self.context, "Keep this search as", lambda _: clean_line(kept.query, 60), kept.name
        )
        self.app.push_screen(screen, named)

    def action_searches(self) -> None:
        """Pick one of the searches that are kept, to show, rename or delete it."""
        if not self.state.saved:
            self.say("no search is kept: / searches, + keeps it as a tab")
            return
        from agentmail_tui.screens.pick_search import SearchPicker

        self.app.push_screen(SearchPicker(self.context, self._keep_searches), self._search_picked)

    def _search_picked(self, query: str | None) -> None:
        found = next((each for each in self.state.saved if each.query == query), None)
        if found is not None:
            self.show_saved(found)

    def show_saved(self, saved: SavedSearch) -> None:
        """Show what a search that is kept finds now."""
        if self._may_search():
            self.remember_place()
            self.search_bar.put(Mode.SEARCH, saved.query)
            self.mailbox.search(saved.query)
            self.focus_list()

    @property
    def _first_saved(self) -> int:
        """How many tabs stand before those of searches."""
        return len(self.own_splits())

    def _keep_searches(self, saved: tuple[SavedSearch, ...]) -> None:
        self.mailbox.keep_searches(saved)
        self.run_worker(self._write_searches(), group="searches")

    async def _write_searches(self) -> None:
        """Write what is kept now: of several at once, the last one writes the newest."""
        async with self._writing:
            folder, state = self.context.state_dir, self.state
            try:
                await asyncio.to_thread(searches.save_searches, folder, state.server, state.saved)
            except (OSError, ValueError) as error:
                self.say(f"the searches could not be kept: {error}", Tone.ERROR)

    async def load_searches(self) -> None:
        """Read the searches that are kept for this server."""
        folder, server = self.context.state_dir, self.state.server
        try:
            found = await asyncio.to_thread(searches.load_searches, folder, server)
        except (OSError, ValueError) as error:
            self.say(f"the kept searches could not be read: {error}", Tone.WARNING)
        else:
            if found:
                self.mailbox.keep_searches(found)
