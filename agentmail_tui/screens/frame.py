"""What the screens beside the mail share: title, status line, and what may be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.mailbox.state import Tone
from agentmail_tui.screens.present import LINKS, READ_ONLY
from agentmail_tui.screens.shown import Result, StateScreen
from agentmail_tui.widgets.status_line import StatusInfo
from agentmail_tui.widgets.title_bar import Title

if TYPE_CHECKING:
    from agentmail_tui.mailbox.state import MailState


def framed(state: MailState, *path: str) -> Title:
    """Return the title of a screen: the server, where on it the reader is, how the link stands."""
    marks = (READ_ONLY,) if state.read_only else ()
    return Title((state.server, *path), LINKS[state.link], marks)


def noticed(state: MailState) -> StatusInfo:
    """Return what was said last."""
    notice = state.notice
    return StatusInfo(notice.text, notice.tone.value) if notice else StatusInfo()


class FramedScreen(StateScreen[Result]):
    """A screen whose keys ask before they change something."""

    def may(self, *, able: bool, what: str) -> bool:
        """Tell whether something may be changed, and say why not."""
        if not able:
            self.say(f"this key may not change {what}", Tone.WARNING)
        elif self.state.read_only:
            self.say("read-only: nothing was changed", Tone.WARNING)
        return able and not self.state.read_only
