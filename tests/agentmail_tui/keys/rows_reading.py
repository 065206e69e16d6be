"""Keys that show a message in another way, copy it, or save what hangs on it."""

from pathlib import Path

from tests.agentmail_tui.keys.desk import Desk
from tests.agentmail_tui.keys.probes import clipboard, screen, shown, sidebar
from tests.agentmail_tui.keys.row import Probe, Row, more, other
from tests.agentmail_tui.keys.world import FILE


def _copied(field: str) -> Probe:
    """See whether the clipboard holds what the API tells of the newest mail."""

    async def see(desk: Desk) -> bool:
        rows = await desk.home.get("/messages", inbox_id=desk.home.inbox_id, limit=100)
        newest = next(row for row in rows if row["subject"] == "Re: Damaged parcel")
        text = {"id": newest["id"], "sender": newest["sender"]["address"]}.get(field)
        return bool(desk.app.clipboard) and desk.app.clipboard.strip() in {
            text or newest["content"].strip(), f"Ada Byrne <{text}>"
        }  # fmt: skip

    return see


async def _forget_copy(desk: Desk) -> None:
    desk.app._clipboard = ""


async def _given(_desk: Desk) -> int:
    """See how often the desktop was given the file, with the bytes that came by mail."""
    given = list(Path.home().glob("given-*"))
    assert all(file.read_bytes() == FILE for file in given)
    return len(given)


async def _saved(desk: Desk) -> int:
    """See how many files are saved, each with the bytes that came by mail."""
    files = list((Path.home() / "Downloads").iterdir())
    assert all(file.read_bytes() == FILE for file in files)
    return len(files)


ROWS = (
    Row("view.text", shown("Line 25 of a long story"), True, after="~Line_1_of space"),
    Row("view.html", screen, "PageScreen"),
    Row("view.extracted", screen, "PageScreen"),
    Row("view.headers", shown("Message-ID: <4."), True, after="~Message-ID"),
    Row("view.source", shown("MIME-Version: 1.0"), True, after="~MIME"),
    Row("file.save", _saved, more, after="~Save_mug.png enter"),
    Row("copy.id", _copied("id"), True, prepare=_forget_copy),
    Row("copy.address", _copied("sender"), True, prepare=_forget_copy),
    Row("copy.message", _copied("text"), True, prepare=_forget_copy),
    Row("copy.link", clipboard, "https://far.example/mug", after="~Copy_which enter",
        prepare=_forget_copy),
    Row("file.open", _given, more, after="~Open_mug.png? y"),
    Row("view.sidebar", sidebar, other),
)  # fmt: skip
