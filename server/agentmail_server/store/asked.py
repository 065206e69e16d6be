"""What is asked of a search, and the messages that answer it before they become threads."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Filters:
    """What a thread must be like; times in microseconds, texts as typed.

    `phrases` and `without` hold for the thread, the others for the message that was found or for
    its thread, whichever knows of it. `assigned` is a name, or None in the tuple for nobody.
    """

    senders: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    assigned: tuple[str | None, ...] = ()
    phrases: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    # Must be in the message that is found, letter by letter.
    literal: tuple[str, ...] = ()
    has_attachment: bool = False
    unread: bool | None = None
    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Words to find and where; with neither inbox nor domain, in the whole organisation."""

    words: str = ""
    inbox_id: str | None = None
    domain_id: str | None = None
    filters: Filters = field(default_factory=Filters)
    # The thread that others should be like, itself left out.
    like: str | None = None

    @property
    def filtered(self) -> bool:
        """Whether anything but the words and the place is asked."""
        return self.filters != Filters()


@dataclass(frozen=True, slots=True)
class TextHit:
    """A message with the words; `share` is its BM25 as a part of the best possible, 0 to 1."""

    message_id: str
    share: float


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the vector index says: cosines by message, and the question as a vector (32-bit)."""

    embedder: str
    cosines: dict[str, float]
    vector: bytes
