"""Writing a mail: fields, text, and the mail it answers beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct
from msgspec.structs import replace
from textual import on
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, TextArea

from agentmail_tui.clean import clean_line
from agentmail_tui.keys import Place
from agentmail_tui.mailbox.drafts import KeptDraft
from agentmail_tui.mailbox.state import Tone
from agentmail_tui.screens import attaching, present_thread
from agentmail_tui.screens.addresses import read_addresses
from agentmail_tui.screens.ask import AskScreen
from agentmail_tui.screens.bindings import bindings
from agentmail_tui.screens.frame import framed
from agentmail_tui.screens.known import AddressSuggester, known_addresses
from agentmail_tui.screens.review import ReviewScreen
from agentmail_tui.screens.shown import StateScreen
from agentmail_tui.widgets.from_field import FromField, Senders
from agentmail_tui.widgets.key_footer import KeyFooter
from agentmail_tui.widgets.one_line import OneLine
from agentmail_tui.widgets.rule import Joints, Rule
from agentmail_tui.widgets.status_line import StatusInfo, StatusLine
from agentmail_tui.widgets.thread_view import ThreadView
from agentmail_tui.widgets.title_bar import TitleBar

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from agentmail_tui.domain import Draft
    from agentmail_tui.mailbox.state import MailState
    from agentmail_tui.screens.context import Context
    from agentmail_tui.widgets.card import Card
    from agentmail_tui.widgets.lines import Line


_SAVE_EVERY = 1.0  # seconds of typing that a power cut may cost


class Composed(Struct, frozen=True):
    """What became of a draft: sent, kept, or (None) thrown away."""

    draft: Draft | None
    send: bool


class ComposeScreen(StateScreen[Composed]):
    """Edits one draft."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.COMPOSER)
    HORIZONTAL_BREAKPOINTS = [(0, "-one"), (100, "-two")]  # noqa: RUF012 - as Textual has it

    def __init__(
        self,
        context: Context,
        kept: KeptDraft,
        source: tuple[Card, ...],
        *,
        fresh: bool = True,
    ) -> None:
        super().__init__(context)
        draft = kept.draft
        self._kept = kept
        self._draft = draft
        # What nobody typed is not kept; what was kept before is, also unchanged.
        self._fresh = fresh
        self._saved: Draft | None = None
        self._uploads = 0
        self._source = source
        self.title_bar = TitleBar(framed(self.state, "Write", kept.heading))
        senders = tuple((inbox.id, inbox.address) for inbox in self.state.inboxes)
        fixed = draft.thread_id is not None
        own = tuple(each for each in senders if not fixed or each[0] == draft.inbox_id)
        self.sender = FromField(Senders(own, draft.inbox_id), id="from")
        self.sender.can_focus = len(own) > 1
        self.to = self._field(", ".join(draft.to), "to")
        self.cc = self._field(", ".join(draft.cc), "cc")
        for field in (self.to, self.cc):
            field.suggester = AddressSuggester(lambda: known_addresses(self.state))
        self.subject = self._field(draft.subject, "subject")
        self.files = OneLine(_files(draft), id="draft-files")
        self.files.display = bool(draft.attachments)
        self.body = TextArea(
            draft.body, soft_wrap=True, compact=True, highlight_cursor_line=False, id="body-text"
        )
        self.body.cursor_blink = False
        # The field breaks lines at more signs than mail does: what came in, and what it made of it.
        self._given = (draft.body, self.body.text)
        self.source = ThreadView(id="source")
        self.source.can_focus = bool(source)
        self.status_line = StatusLine(StatusInfo())

    def _field(self, value: str, name: str) -> Input:
        # Whole, however long: an address that is cut would be another one.
        text = clean_line(value, max(len(value), 1))
        field = Input(text, compact=True, select_on_focus=False, id=f"field-{name}")
        field.cursor_blink = False
        return field

    def compose(self) -> ComposeResult:
        """Put fields and text at the left, the answered mail at the right."""
        yield self.title_bar
        yield Rule(Joints(), id="compose-rule")
        with Horizontal(id="compose"):
            with Vertical(id="draft"):
                fields = (self.sender, self.to, self.cc, self.subject)
                for name, field in zip(("From", "To", "Cc", "Subject"), fields, strict=True):
                    with Horizontal(classes="field"):
                        yield OneLine(((f" {name}", "faint"),), id=f"name-{name.lower()}")
                        yield field
                yield self.files
                yield Rule(Joints())
                yield self.body
            if self._source or self._kept.about:
                with Vertical(id="source-pane"):
                    yield self.source
        yield Rule(Joints(), id="compose-last-rule")
        yield self.status_line
        yield KeyFooter(self.footer_keys(Place.COMPOSER))

    def on_mount(self) -> None:
        """Show the answered mail, and begin where something is missing."""
        self.source.show(self._kept.about, self._source)
        first = self.to if not self._draft.to else self.body
        first.focus()
        self._saved = self._typed()
        self.set_interval(_SAVE_EVERY, self._save)

    def show_state(self, state: MailState) -> None:
        """Show what came to the answered thread meanwhile."""
        self.title_bar.show(framed(state, "Write", self._kept.heading))
        opened = state.open
        if opened is not None and opened.thread.id == self._kept.about and self.is_mounted:
            self.source.show(opened.thread.id, present_thread.cards(state, opened.thread, self.now))

    def _typed(self) -> Draft:
        """Return the draft with its addresses as typed, also those that cannot be sent to."""
        return replace(self.draft()[0], to=_as_typed(self.to.value), cc=_as_typed(self.cc.value))

    def _save(self) -> None:
        """Put the draft on disk if anything was typed since."""
        draft = self._typed()
        if draft != self._saved:
            self._saved, self._fresh = draft, False
            self.context.drafts.save(replace(self._kept, draft=draft), self._not_saved)

    def keep_typed(self) -> bool:
        """Put the draft on disk now; tell whether there is anything that was typed."""
        self._save()
        return not self._fresh

    def _not_saved(self, error: OSError) -> None:
        self.call_later(self.tell, f"the draft is not on disk: {error.strerror}")

    def on_resize(self, _event: events.Resize) -> None:
        """Join the rules with the line between the panes."""
        self.call_after_refresh(self._join_rules)

    def _join_rules(self) -> None:
        columns = tuple(pane.region.x for pane in self.query("#source-pane") if pane.region.x > 0)
        self.query_one("#compose-rule", Rule).show(Joints(down=columns))
        self.query_one("#compose-last-rule", Rule).show(Joints(up=columns))

    def draft(self) -> tuple[Draft, str | None]:
        """Return the draft as it stands, and what keeps it from being sent, if anything."""
        to, to_problem = read_addresses(self.to.value)
        cc, cc_problem = read_addresses(self.cc.value)
        nobody = None if to else "there is nobody in To"
        draft = replace(
            self._draft,
            inbox_id=self.sender.info.chosen,
            to=to,
            cc=cc,
            subject=self.subject.value.strip(),
            body=self.written,
        )
        late = "a file is still on its way" if self._uploads else None
        return draft, to_problem or cc_problem or nobody or late

    @property
    def written(self) -> str:
        """The text as it came in, to the last blank, until somebody types in the field."""
        given, shown = self._given
        return given if self.body.text == shown else self.body.text

    @on(KeyFooter.Picked)
    async def _key_clicked(self, event: KeyFooter.Picked) -> None:
        await self.run_action(event.action)

    @on(Input.Submitted)
    def _field_done(self) -> None:
        self.focus_next()

    def action_review(self) -> None:
        """Look at the mail once more before it leaves."""
        draft, problem = self.draft()
        if problem is not None:
            self.tell(problem)
            return
        self.tell("")
        self.app.push_screen(ReviewScreen(self.context, draft), self._reviewed)

    def _reviewed(self, send: bool | None) -> None:
        draft, problem = self.draft()
        if send and problem is not None:
            self.tell(problem)
        elif send:
            self._save()
            self.dismiss(Composed(draft, send=True))

    def tell(self, problem: str) -> None:
        """Say in the status line what is wrong."""
        self.status_line.show(
            StatusInfo(clean_line(problem), Tone.WARNING.value if problem else "info")
        )

    async def action_editor(self) -> None:
        """Write the text in the user's own editor."""
        from textual.app import SuspendNotSupported

        from agentmail_tui.screens import editor

        try:
            text = await editor.edit(self.app, self.written, self.context.state_dir)
        except SuspendNotSupported:
            self.tell("$EDITOR cannot be run here")
        except editor.EditorError as error:
            self.tell(str(error))
        else:
            if text is not None:
                # As it is: it is the writer's own, and the terminal is guarded by the Wall.
                self.body.text = text
                self._given = (text, self.body.text)
            self.body.focus()

    def action_attach(self) -> None:
        """Ask for the path of a file, and attach it."""
        screen = AskScreen(self.context, "Attach which file?", attaching.tell)
        self.app.push_screen(screen, self._path_typed)

    def _path_typed(self, written: str | None) -> None:
        if written is not None:
            self.run_worker(self._take_file(written), group="files")

    async def _take_file(self, written: str) -> None:
        self._uploads += 1
        try:
            await self._upload(written)
        finally:
            self._uploads -= 1

    async def _upload(self, written: str) -> None:
        try:
            name, kind, content = await attaching.read(written)
        except attaching.CannotAttach as error:
            self.tell(str(error))
            return
        self.tell(f"{name} is on its way to the server …")
        file_id = await self.mailbox.upload(name, kind, content)
        if file_id is None:
            notice = self.state.notice
            self.tell(str(notice.text) if notice else "the file was not attached")
            return
        self._carry((*self._draft.attachments, file_id), (*self._draft.attachment_names, name))
        self.tell("")

    def action_detach(self) -> None:
        """Take the file that was attached last off again."""
        self._carry(self._draft.attachments[:-1], self._draft.attachment_names[:-1])

    def _carry(self, ids: tuple[str, ...], names: tuple[str, ...]) -> None:
        self._draft = replace(self._draft, attachments=ids, attachment_names=names)
        self.files.show(_files(self._draft))
        self.files.display = bool(ids)

    def action_keep(self) -> None:
        """Leave, with the draft kept if anything was written."""
        self._save()
        self.dismiss(Composed(None if self._fresh else self._typed(), send=False))

    def action_discard(self) -> None:
        """Leave, and throw the draft away."""
        self.dismiss(Composed(None, send=False))


def _files(draft: Draft) -> Line:
    """Return the line that names the files of a draft."""
    names = ", ".join(clean_line(name, 60) for name in draft.attachment_names)
    return ((" Files    ", "faint"), ("@ ", "accent"), (names, "text"))


def _as_typed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
