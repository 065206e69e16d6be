"""What happens to a search, and to the searches that are kept."""

from __future__ import annotations

from dataclasses import dataclass

from agentmail_tui.clean import Safe
from agentmail_tui.domain import SearchResult
from agentmail_tui.mailbox.searches import SavedSearch


@dataclass(frozen=True, slots=True)
class SearchStarted:
    """A search left; hits of an older one stay meanwhile.  `like` names a thread, in words."""

    query: str
    number: int
    like: Safe | None = None


@dataclass(frozen=True, slots=True)
class SearchDone:
    """The answer to search `number`; `more` where the server may know more than it gave."""

    number: int
    result: SearchResult
    more: bool = False
    again: bool = False  # the same question as before, as the index has come on since


@dataclass(frozen=True, slots=True)
class SearchFailed:
    """Search `number` was not answered."""

    number: int
    error: Safe


@dataclass(frozen=True, slots=True)
class SearchEnded:
    """Back to the list."""


@dataclass(frozen=True, slots=True)
class SavedChanged:
    """The searches that are kept are these now."""

    saved: tuple[SavedSearch, ...]
