"""What happens to a search, and to the searches that are kept."""

from __future__ import annotations

from msgspec import Struct

from agentmail_tui.clean import Safe
from agentmail_tui.domain import SearchResult
from agentmail_tui.mailbox.searches import SavedSearch


class SearchStarted(Struct, frozen=True):
    """A search left; hits of an older one stay meanwhile.  `like` names a thread, in words."""

    query: str
    number: int
    like: Safe | None = None


class SearchDone(Struct, frozen=True):
    """The answer to search `number`; `more` where the server may know more than it gave."""

    number: int
    result: SearchResult
    more: bool = False
    again: bool = False  # the same question as before, as the index has come on since


class SearchFailed(Struct, frozen=True):
    """Search `number` was not answered; `waiting` where it is asked again with the next link."""

    number: int
    error: Safe
    waiting: bool = False


class SearchEnded(Struct, frozen=True):
    """Back to the list."""


class SavedChanged(Struct, frozen=True):
    """The searches that are kept are these now."""

    saved: tuple[SavedSearch, ...]
