"""One message on a page of its own, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from agentmail_tui.clean import clean
from agentmail_tui.keys import Place
from agentmail_tui.screens.bindings import bindings
from agentmail_tui.screens.shown import StateScreen
from agentmail_tui.widgets.key_footer import KeyFooter
from agentmail_tui.widgets.text_view import TextView
from agentmail_tui.widgets.title_bar import Title, TitleBar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from agentmail_tui.screens.context import Context


class PageScreen(StateScreen[None]):
    """A text to read, fetched or made after the page is there."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.PAGE)
    AUTO_FOCUS = "#page"

    def __init__(
        self, context: Context, heading: tuple[str, ...], load: Callable[[], Awaitable[str]]
    ) -> None:
        super().__init__(context)
        self._heading = heading
        self._read = load
        self.page = TextView("loading …", id="page")

    def compose(self) -> ComposeResult:
        """Put the text between title and keys."""
        yield TitleBar(Title(self._heading))
        yield self.page
        yield KeyFooter(self.footer_keys(Place.PAGE))

    def on_mount(self) -> None:
        """Fetch the text."""
        self.run_worker(self._load(), name="page")

    async def _load(self) -> None:
        text = await self._read()
        if self.is_attached:
            self.page.show(clean(text))

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
        """Go back."""
        self.dismiss(None)
