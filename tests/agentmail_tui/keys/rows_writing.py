"""Keys that write mail: what leaves is asked of the server, and `u` takes it back there."""

from contextlib import nullcontext

from tests.agentmail_tui.keys.desk import Desk
from tests.agentmail_tui.keys.probes import drafts, goes_out, leaving, screen, scrolled
from tests.agentmail_tui.keys.row import Row, less, more

ADA, DAN, EVE = "ada@far.example", "dan@far.example", "eve@far.example"
RE, FWD = "Re: Damaged parcel", "Fwd: Re: Damaged parcel"
_SEND = "ctrl+j ~Send_this? enter"
_LONG = f"escape {' '.join(['enter'] * 16)} ctrl+j ~Send_this?"


async def _take_editor(desk: Desk) -> None:
    """Let an editor run though there is no terminal to give it; it is $VISUAL of the test."""
    desk.app.suspend = nullcontext  # type: ignore[assignment,method-assign]


async def _left(desk: Desk) -> int:
    """See how many drafts are left that are on disk too."""
    return len(desk.main.drafts) if await drafts(desk) else 0


async def _written(desk: Desk) -> str:
    return str(desk.app.screen.query_one("#body-text").text)  # type: ignore[attr-defined]


async def _files(desk: Desk) -> int:
    """See how many files hang on the draft."""
    return len(desk.app.screen._draft.attachments)  # type: ignore[attr-defined]


ROWS = (
    Row("mail.reply", leaving, goes_out(RE, ADA), after=f'~Reply_to_Ada "Thanks {_SEND}',
        undone=True, leads="Taken_back"),
    Row("mail.reply_all", leaving, goes_out(RE, f"{ADA} {DAN}"),
        after=f'~Reply_to_all "Thanks {_SEND}', undone=True, leads="Taken_back"),
    Row("mail.forward", leaving, goes_out(FWD, EVE), after=f'~Forward "{EVE} {_SEND}',
        undone=True, leads="Taken_back"),
    Row("mail.compose", leaving, goes_out("Hello", EVE),
        after=f'~New_mail "{EVE} tab tab "Hello tab "Hi {_SEND}', alone=True,
        undone=True, leads="Taken_back"),
    Row("composer.review", screen, "ReviewScreen"),
    Row("composer.editor", _written, "from the editor", prepare=_take_editor),
    Row("composer.attach", leaving, goes_out(RE, ADA, 1),
        after=f'~Attach "mug.txt enter ~Files____@ {_SEND}', undone=True, leads="Taken_back"),
    Row("composer.detach", _files, 0, before='f9 ~Attach "mug.txt enter ~Files____@', first=1),
    Row("composer.keep", _left, 1, before='"Hello'),
    Row("composer.discard", drafts, less, before='"Hello ctrl+s r ~Reply_to_Ada'),
    Row("review.send", leaving, goes_out(RE, ADA), undone=True, leads="Taken_back"),
    Row("review.edit", screen, "ComposeScreen"),
    Row("review.down", scrolled, more, before=_LONG),
    Row("review.up", scrolled, less, before=f"{_LONG} j j"),
)  # fmt: skip
