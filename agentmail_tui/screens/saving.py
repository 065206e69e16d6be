"""Keys for the files of a message."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from agentmail_tui.clean import clean_line
from agentmail_tui.mailbox import files
from agentmail_tui.mailbox.state import Tone
from agentmail_tui.screens.viewing import ViewActions

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentmail_tui.domain import Attachment, Message


_SHOWN = 56  # signs of a path


class FileActions(ViewActions):
    """Saves attachments."""

    def action_save(self) -> None:
        """Save a file of the current message, after asking which and where."""
        if not self.may_do("nothing is saved"):
            return
        message = self.current_message()
        if message is not None:
            self.pick_attachment(message, "Save which file?", self._ask_where)

    def pick_attachment(
        self, message: Message, heading: str, then: Callable[[Attachment], None]
    ) -> None:
        """Do something with a file of a message; of several, with the one that is picked."""
        if not message.attachments:
            self.say("no file hangs on this message", Tone.WARNING)
            return
        if len(message.attachments) == 1:
            then(message.attachments[0])
            return
        from agentmail_tui.screens.pick_file import FilePicker

        by_id = {each.id: each for each in message.attachments}

        def picked(attachment_id: str | None) -> None:
            if attachment_id is not None:
                then(by_id[attachment_id])

        self.app.push_screen(FilePicker(self.context, message.attachments, heading), picked)

    def _ask_where(self, attachment: Attachment) -> None:
        from agentmail_tui.screens.ask import AskScreen

        name = files.safe_name(attachment.name)

        def tell(written: str) -> str:
            folder, file = files.target(written, attachment.name)
            told = f"{folder / file}" if files.is_folder(folder) else f"there is no folder {folder}"
            line = str(clean_line(told))
            # The end of a long path says more than its beginning.
            return line if len(line) <= _SHOWN else f"…{line[-_SHOWN:]}"

        def typed(written: str | None) -> None:
            if written is not None:
                self.run_worker(self._save(attachment, written), group="files")

        heading = f"Save {name} to"
        self.app.push_screen(AskScreen(self.context, heading, tell, f"{_downloads()}/"), typed)

    async def _save(self, attachment: Attachment, written: str) -> None:
        content = await self.mailbox.attachment(attachment.id)
        if content is None:
            return
        folder, name = files.target(written, attachment.name)
        try:
            path = await asyncio.to_thread(files.save, folder, name, content)
        except OSError as error:
            self.say(f"not saved: {error.strerror or error}: {folder / name}", Tone.ERROR)
        else:
            self.say(f"saved to {path}", Tone.GOOD)


def _downloads() -> Path:
    """Return where browsers put files, or the folder that the client was started in."""
    folder = files.typed_path("~/Downloads")
    return folder if files.is_folder(folder) else Path.cwd()
