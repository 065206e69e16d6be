"""One message on a page of its own, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from agentmail_tui.clean import clean, clean_line
from agentmail_tui.keys import Place
from agentmail_tui.mailbox.state import Tone
from agentmail_tui.screens.bindings import bindings
from agentmail_tui.screens.find_words import FindWords
from agentmail_tui.screens.frame import framed
from agentmail_tui.widgets.key_footer import KeyFooter
from agentmail_tui.widgets.status_line import StatusInfo, StatusLine
from agentmail_tui.widgets.text_view import TextView
from agentmail_tui.widgets.title_bar import TitleBar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from agentmail_tui.screens.context import Context
    from agentmail_tui.widgets.find_lines import FindLines
    from agentmail_tui.widgets.text_view import Block

    Load = Callable[[], Awaitable[str | Sequence[Block]]]


class PageScreen(FindWords):
    """A text to read, fetched or made after the page is there."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.PAGE)
    AUTO_FOCUS = "#page"

    def __init__(self, context: Context, heading: tuple[str, ...], load: Load) -> None:
        super().__init__(context)
        self._heading = heading
        self._read = load
        self.page = TextView("loading …", id="page")
        self.status = StatusLine(StatusInfo(), id="page-status")

    def compose(self) -> ComposeResult:
        """Put the text between title and keys."""
        yield TitleBar(framed(self.state, *self._heading))
        yield self.page
        yield self.status
        yield KeyFooter(self.footer_keys(Place.PAGE))

    def on_mount(self) -> None:
        """Fetch the text."""
        self.run_worker(self._load(), name="page")

    async def _load(self) -> None:
        text = await self._read()
        if self.is_attached:
            self.page.show(clean(text) if isinstance(text, str) else text)

    @property
    def found_in(self) -> FindLines:
        """The text of the page."""
        return self.page

    def tell(self, text: str, tone: Tone = Tone.INFO) -> None:
        """Say something below the text."""
        self.status.show(StatusInfo(clean_line(text), tone.value))

    def action_find(self) -> None:
        """Find words on the page."""
        self.ask_words()

    async def on_key_footer_picked(self, event: KeyFooter.Picked) -> None:
        """Do what was clicked."""
        await self.run_action(event.action)

    def action_down(self) -> None:
        """Scroll a line down."""
        self.page.scroll_relative(y=1, animate=False)

    def action_up(self) -> None:
        """Scroll a line up."""
        self.page.scroll_relative(y=-1, animate=False)

    def action_page(self, by: int) -> None:
        """Scroll a page."""
        self.page.scroll_relative(y=by * max(self.page.size.height - 2, 1), animate=False)

    def action_out(self) -> None:
        """End finding, else go back."""
        if self.page.finding:
            self.page.find("")
            self.status.show(StatusInfo())
        else:
            self.dismiss(None)
