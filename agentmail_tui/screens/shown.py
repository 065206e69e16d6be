"""What all screens have in common: they know the context and are told each new state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from textual.reactive import Reactive
from textual.screen import Screen

from agentmail_tui.mailbox.state import MailState, Tone
from agentmail_tui.screens.compositing import NarrowCompositor
from agentmail_tui.widgets.key_footer import FooterKey, FooterKeys

if TYPE_CHECKING:
    from datetime import datetime

    from textual import events
    from textual.geometry import Size
    from textual.widget import Widget

    from agentmail_tui.keys import Place
    from agentmail_tui.mailbox.mailbox import Mailbox
    from agentmail_tui.screens.context import Context

Result = TypeVar("Result")


class StateScreen(Screen[Result]):
    """A screen that shows some of the state of the mailbox."""

    # Each widget draws its own focus; Textual would have the whole screen drawn anew.
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._compositor: NarrowCompositor = NarrowCompositor()
        self._laid_out: Size | None = None
        self.settled = False
        self.context = context

    @property
    def mailbox(self) -> Mailbox:
        """The mail and its verbs."""
        return self.context.mailbox

    @property
    def state(self) -> MailState:
        """The state as of now."""
        return self.context.mailbox.state

    @property
    def now(self) -> datetime:
        """The time, in the zone of the reader."""
        return self.context.clock()

    def show_state(self, state: MailState) -> None:
        """Show a new state, first when all has its place; screens that need none leave it."""

    def expect(self, size: Size) -> Self:
        """Take the classes of a size now, so that all is styled and laid out once."""
        across, down = self.HORIZONTAL_BREAKPOINTS or [], self.VERTICAL_BREAKPOINTS or []
        names = self._get_breakpoint_classes(size.width, across)
        names |= self._get_breakpoint_classes(size.height, down)
        self.add_class(*names, update=False)
        return self

    def _screen_resized(self, size: Size) -> None:
        """Lay out for another size alone: at the start Textual tells the same one three times."""
        if size != self._laid_out:
            super()._screen_resized(size)
            self._laid_out = size if self.is_attached and self.stack_updates else None

    def _compositor_refresh(self) -> None:
        """Paint; first when all has its place, which Textual finds in two goes."""
        if self.settled:
            super()._compositor_refresh()

    def _on_timer_update(self) -> None:
        """Lay out and paint what has changed, in one picture."""
        if not self.settled:
            self.settled = True
            self.show_state(self.state)
        if self._layout_required and self._repaint_required:
            self._compositor.update_widgets({self})
            self._repaint_required = False
        super()._on_timer_update()

    async def take_key(self, key: events.Key) -> bool:
        """Do what a key of this screen does; return whether there is any such key."""
        await self.handle_key(key)
        return await self.app._check_bindings(key.key)  # noqa: SLF001

    def paint_now(self, widget: Widget) -> None:
        """Put what changed of a widget on the terminal at once, before anything else is drawn.

        By itself Textual would gather changes and draw them some turns of the loop later.
        """
        if not self.is_current or self._layout_required:
            return
        if widget in self._compositor.visible_widgets:
            others = self._dirty_widgets - {widget}
            self._compositor.update_widgets({widget})
            self._compositor_refresh()
            self._dirty_widgets.update(others)

    def say(self, text: str, tone: Tone = Tone.INFO) -> None:
        """Put a line into the status line: never as markup."""
        self.mailbox.say(text, tone)

    def footer_keys(self, place: Place) -> FooterKeys:
        """Return the keys for the foot of the screen."""
        keys = tuple(FooterKey(*row) for row in self.context.keymap.footer(place))
        return FooterKeys(keys)
