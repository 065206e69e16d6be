"""What an inbox reads out of its mail: a JSON schema, checked by the server that uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace
from textual import on
from textual.containers import Horizontal
from textual.widgets import Input, TextArea

from agentmail_tui.clean import clean_line
from agentmail_tui.domain_admin import Extraction
from agentmail_tui.errors import MailError
from agentmail_tui.keys import Place
from agentmail_tui.mailbox.schema_text import TEMPLATE, Complaint, complaint_of, placed
from agentmail_tui.mailbox.state import Tone
from agentmail_tui.screens.bindings import bindings
from agentmail_tui.screens.confirm import ConfirmScreen
from agentmail_tui.screens.frame import framed, noticed
from agentmail_tui.screens.shown import StateScreen
from agentmail_tui.widgets.key_footer import KeyFooter
from agentmail_tui.widgets.one_line import OneLine
from agentmail_tui.widgets.paragraph import Paragraph
from agentmail_tui.widgets.rule import Joints, Rule
from agentmail_tui.widgets.status_line import StatusInfo, StatusLine
from agentmail_tui.widgets.title_bar import Title, TitleBar

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from agentmail_tui.domain import Inbox
    from agentmail_tui.mailbox.state import MailState
    from agentmail_tui.screens.context import Context
    from agentmail_tui.widgets.lines import Line

_NEW = Extraction("facts", TEMPLATE)


class SchemaScreen(StateScreen[None]):
    """Edits the schema of one inbox; a refusal leaves the cursor where it is meant."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.SCHEMA)

    def __init__(self, context: Context, inbox: Inbox) -> None:
        super().__init__(context)
        self._inbox = inbox
        self._held: Extraction | None = None
        self._written = _NEW
        self.title_bar = TitleBar(Title())
        self.named = Input(compact=True, select_on_focus=False, id="schema-field")
        self.named.cursor_blink = False
        self.text = TextArea(
            "", soft_wrap=False, compact=True, show_line_numbers=True, id="schema-text"
        )
        self.text.cursor_blink = False
        self.note = Paragraph((), id="schema-note")
        self.status_line = StatusLine(StatusInfo())

    def compose(self) -> ComposeResult:
        """Put name and schema under one another."""
        yield self.title_bar
        yield Rule(Joints())
        with Horizontal(id="schema-name"):
            yield OneLine(((" Name", "faint"),))
            yield self.named
        yield self.text
        yield self.note
        yield Rule(Joints())
        yield self.status_line
        yield KeyFooter(self.footer_keys(Place.SCHEMA))

    def on_mount(self) -> None:
        """Read what is set."""
        self.text.read_only = True
        self.show_state(self.state)
        self.run_worker(self._load())

    def show_state(self, state: MailState) -> None:
        """Show what was said last."""
        self.title_bar.show(framed(state, self._inbox.address, "Extraction"))
        self.status_line.show(noticed(state))

    async def _load(self) -> None:
        try:
            self._held = await self.mailbox.extraction(self._inbox)
        except MailError as error:
            self._tell(Complaint(f"it could not be read: {error.message}"))
            return
        self._written = self._held or _NEW
        self.named.value = clean_line(self._written.name)
        self.text.text = self._written.schema
        self.text.read_only = False
        self.text.focus()
        if self._held is None:
            self.note.show(((("nothing is extracted yet: this is an example", "muted"),),))

    @property
    def wanted(self) -> Extraction:
        """What stands on the screen."""
        name = self.named.value.strip()
        return replace(self._written, name=name, schema=self.text.text)

    @on(TextArea.Changed)
    def _typed(self) -> None:
        """Say while it is typed whether it is JSON."""
        if not self.text.read_only and self.wanted != self._written:
            wrong = complaint_of(self.text.text)
            self.note.show((_note(wrong) if wrong else (("✓ JSON", "good"),),))

    def action_save(self) -> None:
        """Have the server check and take it."""
        wrong = complaint_of(self.text.text)
        if not self.named.value.strip():
            wrong = Complaint("the name is missing")
            self.named.focus()
        if wrong is not None:
            self._tell(wrong)
        elif not self.text.read_only:
            self.run_worker(self._save(self.wanted), exclusive=True)

    async def _save(self, wanted: Extraction) -> None:
        refusal = await self.mailbox.set_extraction(self._inbox, wanted)
        if refusal:
            self._tell(placed(wanted.schema, refusal))
            return
        self.say(f"{self._inbox.address} extracts {wanted.name} from new mail", Tone.GOOD)
        self.dismiss(None)

    def action_remove(self) -> None:
        """Have nothing extracted any more, after a question."""
        if self._held is None:
            self.say("nothing is extracted here", Tone.WARNING)
            return
        detail = "Facts that were found already stay; the schema is gone."
        ask = ConfirmScreen(self.context, f"Extract nothing from {self._inbox.address}?", detail)
        self.app.push_screen(ask, self._removal)

    def _removal(self, sure: bool | None) -> None:
        if sure:
            self.run_worker(self._remove(), exclusive=True)

    async def _remove(self) -> None:
        refusal = await self.mailbox.set_extraction(self._inbox, None)
        if refusal:
            self._tell(Complaint(refusal))
            return
        self.say(f"{self._inbox.address} extracts nothing any more", Tone.GOOD)
        self.dismiss(None)

    def action_out(self) -> None:
        """Leave; ask where something was changed."""
        if self.text.read_only or self.wanted == self._written:
            self.dismiss(None)
            return
        ask = ConfirmScreen(self.context, "Leave the schema as it was?", "What you typed is lost.")
        self.app.push_screen(ask, self._left)

    def _left(self, sure: bool | None) -> None:
        if sure:
            self.dismiss(None)

    async def on_key_footer_picked(self, event: KeyFooter.Picked) -> None:
        """Do what was clicked."""
        await self.run_action(event.action)

    def _tell(self, wrong: Complaint) -> None:
        """Show what is wrong, with the cursor on its line."""
        self.note.show((_note(wrong),))
        if wrong.line is not None:
            self.text.focus()
            self.text.move_cursor((wrong.line, 0))


def _note(wrong: Complaint) -> Line:
    where = "" if wrong.line is None else f"line {wrong.line + 1}: "
    return ((f"✗ {where}", "bad"), (clean_line(wrong.text, 300), "bad"))
