"""The key that opens a file of a message with another program, after a question."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from agentmail_tui.clean import clean_line
from agentmail_tui.mailbox import file_kinds, files
from agentmail_tui.mailbox.state import Tone
from agentmail_tui.screens.dates import size
from agentmail_tui.screens.saving import FileActions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentmail_tui.domain import Attachment
    from agentmail_tui.screens.context import Context

_SHOWN = 40  # signs of a name
_AT_ONCE = 2.0  # seconds in which a program that opens nothing has said so


class OpenActions(FileActions):
    """Opens attachments that are only looked at; nothing is opened by itself."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def action_open_file(self) -> None:
        """Open a file of the current message, after asking."""
        if not self.may_do("nothing is opened"):
            return
        message = self.current_message()
        if message is not None:
            self.pick_attachment(message, "Open which file?", self._ask_to_open)

    def _ask_to_open(self, attachment: Attachment) -> None:
        name = files.safe_name(attachment.name)
        why = file_kinds.refusal(name)
        command = open_command(os.environ)
        if why:
            self._refuse(name, why)
        elif self.app.is_web or command is None:
            self.say("nothing here can open files; S saves it", Tone.WARNING)
        else:
            self._ask(attachment, name, command)

    def _ask(self, attachment: Attachment, name: str, command: str) -> None:
        from agentmail_tui.screens.confirm import ConfirmScreen

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_worker(self._open(attachment, name, command), group="files")

        program = Path(command).name
        detail = f"{size(attachment.size)} {attachment.mime_type}, from a mail, given to {program}"
        question = ConfirmScreen(self.context, f"Open {name[:_SHOWN]}?", clean_line(detail, 60))
        self.app.push_screen(question, answered)

    def _refuse(self, name: str, why: str) -> None:
        self.say(f"{name[:_SHOWN]} is not opened: {why}; S saves it", Tone.WARNING)

    async def _open(self, attachment: Attachment, name: str, command: str) -> None:
        content = await self.mailbox.attachment(attachment.id)
        if content is None:
            return
        why = file_kinds.refusal_of(content)
        if why:
            self._refuse(name, why)
            return
        try:
            path = await asyncio.to_thread(self._keep_to_open, name, content)
            code = await asyncio.to_thread(start, command, path)
        except OSError as error:
            self.say(f"not opened: {error.strerror or error}", Tone.ERROR)
            return
        program = Path(command).name
        if code:
            self.say(f"{program} did not open {name[:_SHOWN]}; S saves it", Tone.WARNING)
        else:
            self.say(f"{name[:_SHOWN]} was given to {program}", Tone.GOOD)

    def _keep_to_open(self, name: str, content: bytes) -> Path:
        """Write a file for its owner alone, into a folder that goes when the client ends."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(
                prefix="agentmail-tui-", ignore_cleanup_errors=True
            )
        return files.save(Path(self._folder.name), name, content)

    def on_unmount(self) -> None:
        """Delete what was written to be opened."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def open_command(environ: Mapping[str, str], platform: str = sys.platform) -> str | None:
    """Return the program that opens files here; None where there is no desktop to open them on."""
    path = environ.get("PATH")
    if platform == "darwin":
        return shutil.which("open", path=path)
    if environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"):
        return shutil.which("xdg-open", path=path)
    return None


def start(command: str, path: Path) -> int | None:
    """Start a program by itself; return the code with which it ended at once, if it did."""
    # The program is this desktop's own; the path is one that was just made, and no option.
    process = subprocess.Popen(  # noqa: S603
        [command, str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(_AT_ONCE)
    except subprocess.TimeoutExpired:
        # It may stay open for as long as it is looked at; somebody has to hear of its end.
        threading.Thread(target=process.wait, daemon=True).start()
        return None
