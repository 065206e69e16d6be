"""Terminal mail client for AI-agent inboxes."""

__version__ = "0.1.0"
