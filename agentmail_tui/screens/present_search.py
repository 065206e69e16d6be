"""From the state of a search to what is shown of it; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.mailbox import select, terms
from agentmail_tui.screens.dates import number
from agentmail_tui.widgets.lines import clip
from agentmail_tui.widgets.split_bar import Tab

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

    from agentmail_tui.domain import Hit
    from agentmail_tui.mailbox.searches import SavedSearch
    from agentmail_tui.mailbox.state import MailState, SearchState
    from agentmail_tui.widgets.lines import Line, Span

_ENGINES = {"vector": "by meaning", "regex": "by words"}
_ENGINE = 16  # cells
_NAME = 16
_SLOW = 60.0  # seconds from which a lag is told in minutes


def info(state: MailState) -> Line:
    """Return what came of the search: how many, which engine, the best score."""
    search = state.search
    words = state.window.wanted.words
    if search is None:
        return ((f"narrowed to {number(state.window.total)} ", "muted"),) if words else ()
    if select.search_waits(state):
        return (("◌ waiting ", "warn"),)
    if search.error is not None:
        return (*_older_hits(search), ("✗ not searched ", "bad"))
    if search.engine is None:
        return (("searching … ", "muted"),) if search.running else ()
    return _answered(search, search.engine)


def _answered(search: SearchState, name: str) -> Line:
    best = f" · best {max(hit.score for hit in search.hits):.2f}" if scored(search.hits) else ""
    engine = _ENGINES.get(name, clip(name, _ENGINE))
    if search.like is not None and name == "vector":
        engine = "alike in meaning"
    if terms.is_exact(search.query):
        engine = "exact words"
    count = f"{hits_told(search).strip()} · " if search.hits else ""
    return (
        (f"{'… ' if search.running else ''}{count}", "muted"),
        (engine, "on"),
        (f" ({clip(name, _ENGINE)}){best} ", "muted"),
    )


def scored(hits: Sequence[Hit]) -> bool:
    """Tell whether the scores say anything: words and operators alone give all the same."""
    return len({hit.score for hit in hits}) > 1


def hits_told(search: SearchState) -> str:
    """Return how many hits there are; where they answer an older question, which one."""
    if not search.hits:
        return ""
    noun = "hit" if len(search.hits) == 1 and not search.more else "hits"
    asked = search.answer.query if search.answer is not None else ""
    of = f" of: {clip(asked, _NAME)}" if search.error is not None and asked else ""
    return f" {len(search.hits)}{'+' if search.more else ''} {noun}{of}"


def _older_hits(search: SearchState) -> Line:
    """Return which question the hits on screen answer."""
    return ((f"{hits_told(search).strip()} · ", "muted"),) if search.hits else ()


def note(state: MailState) -> Line:
    """Return what the answer leaves open: an error, why meaning did not answer, a late index."""
    search = state.search
    if search is None:
        return ()
    if search.error is not None and select.search_waits(state):
        told = f"asked again when the server is there: {search.error}"
        return ((" ◌ ", "warn"), (told, "muted"))
    if search.error is not None:
        return ((" ✗ ", "bad"), (search.error, "warn"))
    if search.answer is None:
        return ()
    spans: list[Span] = []
    if search.answer.fallback:
        spans += [(" ! ", "warn"), (f"words alone: {search.answer.fallback}", "muted")]
    if search.answer.backlog:
        spans += [(" ◌ ", "warn"), (_late(search.answer.backlog, search.answer.lag), "muted")]
    return tuple(spans)


def _late(backlog: int, lag: float) -> str:
    noun = "mail is" if backlog == 1 else "mails are"
    behind = f"{lag:.0f} s" if lag < _SLOW else f"{lag / _SLOW:.0f} min"
    told = f", {behind} behind" if lag >= 1 else ""
    return f"{number(backlog)} {noun} not in the index yet{told}"


def wanted(state: MailState) -> re.Pattern[str] | None:
    """Return which words to mark in what was found."""
    search = state.search
    return terms.pattern(search.query) if search is not None and select.searching(state) else None


def matches(hit: Hit | None, pattern: re.Pattern[str] | None) -> tuple[tuple[int, int], ...]:
    """Return where the words are in a hit's snippet: as the server says, else as found here."""
    if hit is None:
        return ()
    if hit.matches:
        return tuple(span for span in hit.matches if terms.is_telling(hit.snippet[slice(*span)]))
    if pattern is None:
        return ()
    return tuple(each.span() for each in pattern.finditer(hit.snippet))


def nothing_found(state: MailState) -> list[str]:
    """Return what to say where there are no hits, and what could be tried."""
    search = state.search
    ways = ["esc goes back to the list"]
    if search is not None and terms.is_exact(search.query):
        ways.insert(0, "= looks for the meaning again")
    elif search is not None and ":" in search.query:
        ways.insert(0, "fewer operators let more through")
    return ["Nothing found.", *ways]


def shown_search(state: MailState) -> SavedSearch | None:
    """Return the kept search whose hits are shown."""
    search: SearchState | None = state.search
    if search is None or search.like is not None:
        return None
    return next((each for each in state.saved if each.query == search.query), None)


def saved_tabs(state: MailState) -> list[Tab]:
    """Return the tabs of the searches that are kept."""
    shown = shown_search(state)
    return [
        Tab(f"/{clip(each.name, _NAME)}", each.found, each is shown, f"/{clip(each.name, 8)}")
        for each in state.saved
    ]
