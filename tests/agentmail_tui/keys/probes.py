"""What a row of a table of keys looks at: the server by its API, or the screen."""

from __future__ import annotations

from typing import Any

from agentmail_tui.mailbox import select
from tests.agentmail_tui.keys.desk import Desk
from tests.agentmail_tui.keys.row import Probe

NEWEST, SECOND, THIRD = "Damaged parcel", "Invoice 1042", "Where is my order"


def on_server(field: str, subject: str = NEWEST) -> Probe:
    """See one field of a thread, as the API tells it."""

    async def see(desk: Desk) -> Any:
        row = (await desk.home.threads())[subject]
        value = row[field]
        return sorted(value) if isinstance(value, list) else value

    return see


def on_server_all(field: str) -> Probe:
    """See one field of every thread, by its subject."""

    async def see(desk: Desk) -> Any:
        rows = await desk.home.threads()
        return [rows[subject][field] for subject in (NEWEST, SECOND, THIRD)]

    return see


async def leaving(desk: Desk) -> list[tuple[str, str, int]]:
    """See subject, recipients and files of mail on the server that goes out, oldest first."""
    rows = await desk.home.get("/messages", inbox_id=desk.home.inbox_id, limit=100)
    return [
        (
            row["subject"],
            " ".join(sorted(each["address"] for each in (*row["to"], *row["cc"]))),
            len(row["attachments"]),
        )
        for row in reversed(rows)
        if row["direction"] == "outbound" and row["delivery_status"] != "cancelled"
    ]


def goes_out(subject: str, to: str, files: int = 0) -> Any:
    """Want one more mail to go out than before: this one."""

    def wanted(first: Any) -> Any:
        return lambda found: sorted(found) == sorted([*first, (subject, to, files)])

    return wanted


async def inboxes(desk: Desk) -> list[tuple[str, str]]:
    """See names and display names of the organisation's inboxes."""
    rows = await desk.home.get("/inboxes")
    return sorted((row["local_part"], row.get("display_name") or "") for row in rows)


async def cursor(desk: Desk) -> int:
    """See the number of the row under the cursor."""
    return desk.state.selected


async def picked(desk: Desk) -> str | None:
    """See what is under the cursor of the list of choices on top."""
    rows = getattr(desk.app.screen, "picks", None) or getattr(desk.app.screen, "rows", None)
    return str(rows.value) if rows is not None else None


async def scrolled(desk: Desk) -> int:
    """See how far the reader, or the page on top, is scrolled, in lines."""
    page = getattr(desk.app.screen, "page", None) or desk.main.reader
    return int(page.scroll_offset.y)


async def screen(desk: Desk) -> str:
    """See which screen is on top."""
    return type(desk.app.screen).__name__


async def pane(desk: Desk) -> str:
    """See which pane keys go to."""
    return str(desk.main.place)


async def split(desk: Desk) -> str:
    """See which split the list shows."""
    return desk.state.split.key


async def marked(desk: Desk) -> list[str]:
    """See which threads are selected."""
    return sorted(str(row.subject).removeprefix("Re: ") for row in desk.state.marked.values())


async def listed(desk: Desk) -> list[str]:
    """See the subjects of the list, or of what was found."""
    rows = (select.visible_row(desk.state, n) for n in range(select.row_count(desk.state)))
    return [str(row.subject).removeprefix("Re: ") for row in rows if row is not None]


async def opened(desk: Desk) -> str:
    """See which thread keys act on."""
    found = desk.main.shown_thread(desk.state)
    return str(found.subject).removeprefix("Re: ") if found else ""


async def message(desk: Desk) -> int:
    """See the number of the current message of the reader, from 1."""
    return desk.main.reader._current + 1


async def unfolded(desk: Desk) -> bool:
    """See whether the current message is unfolded."""
    reader = desk.main.reader
    return reader._fold(reader._current).open


async def hit(desk: Desk) -> int:
    """See the number of the hit in the thread, from 1; 0 while nothing is looked for."""
    reader = desk.main.reader
    return reader._hit + 1 if reader.finding else 0


async def running(desk: Desk) -> bool:
    """See whether the application goes on."""
    return not desk.app._exit


async def clipboard(desk: Desk) -> str:
    """See what was given to the terminal to copy."""
    return desk.app.clipboard


async def theme(desk: Desk) -> str:
    """See the theme."""
    return desk.app.theme


async def read_only(desk: Desk) -> bool:
    """See whether writing is refused."""
    return desk.state.read_only


async def sidebar(desk: Desk) -> bool:
    """See whether the triage bar is shown."""
    return bool(desk.main.side.display)


async def inbox(desk: Desk) -> str | None:
    """See which inbox is shown, None for all."""
    return desk.state.inbox_id


async def drafts(desk: Desk) -> int:
    """See how many drafts are on disk."""
    folder = desk.folder / "drafts"
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def said(words: str) -> Probe:
    """See whether the status line says this."""

    async def see(desk: Desk) -> bool:
        notice = desk.state.notice
        return notice is not None and words in notice.text

    return see


def shown(words: str) -> Probe:
    """See whether this is on screen."""

    async def see(desk: Desk) -> bool:
        return words in desk.text

    return see
