"""A whole mail server in memory, for tests, pictures and a look without a network."""

from agentmail_tui.backends.memory.backend import EVERYTHING, MemoryBackend
from agentmail_tui.backends.memory.sample import sample_backend

__all__ = ["EVERYTHING", "MemoryBackend", "sample_backend"]
