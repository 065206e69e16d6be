"""What one SMTP client may do, and how much mail may be in the air at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from agentmail_server.config import Settings


@dataclass(frozen=True, slots=True)
class SmtpLimits:
    """Sizes in bytes, times in seconds; 0 connections per address is no cap."""

    max_size: int = 25 * 1024 * 1024
    max_recipients: int = 100
    max_connections: int = 10_000
    connections_per_ip: int = 20
    memory: int = 256 * 1024 * 1024
    idle_seconds: float = 300
    session_seconds: float = 600
    junk_commands: int = 100
    bad_recipients: int = 10

    @classmethod
    def of(cls, settings: Settings) -> SmtpLimits:
        """Take the limits from the settings."""
        return cls(
            max_size=settings.smtp_max_size,
            max_recipients=settings.smtp_max_recipients,
            max_connections=settings.smtp_max_connections,
            connections_per_ip=settings.smtp_connections_per_ip,
            memory=settings.smtp_memory,
            idle_seconds=settings.smtp_idle_seconds,
            session_seconds=settings.smtp_session_seconds,
            junk_commands=settings.smtp_junk_commands,
            bad_recipients=settings.smtp_bad_recipients,
        )


class Memory:
    """Counts the bytes of all mails being received."""

    def __init__(self, size: int) -> None:
        self.free = size


class Room:
    """The share of one mail in the memory; given back on leaving."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._held = 0

    def take(self, size: int) -> bool:
        """Ask for `size` bytes more; False when there is no room."""
        if size > self._memory.free:
            return False
        self._memory.free -= size
        self._held += size
        return True

    def __enter__(self) -> Room:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._memory.free += self._held
        self._held = 0
