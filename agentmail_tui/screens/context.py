"""What every screen is given: the mail, the clock, the keys, and where files may be put."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from msgspec import Struct, field

from agentmail_tui.keys import Keymap
from agentmail_tui.mailbox.drafts import DraftBox
from agentmail_tui.mailbox.mailbox import Mailbox
from agentmail_tui.mailbox.waiting import Limits


class Context(Struct, frozen=True):
    """Shared by all screens of one application."""

    mailbox: Mailbox
    clock: Callable[[], datetime]
    keymap: Keymap
    state_dir: Path
    drafts: DraftBox
    config_file: Path
    switch: Callable[[str], None]  # ends this session and connects to a profile
    limits: Limits = field(default_factory=dict)  # how long threads may wait, by status
