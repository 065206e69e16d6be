"""The API keys of the organisation: made, given a new secret, revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from agentmail_tui.domain_admin import NewKey
from agentmail_tui.keys import Place
from agentmail_tui.mailbox.state import Tone
from agentmail_tui.screens import clipboard
from agentmail_tui.screens import present_keys as present
from agentmail_tui.screens.ask import AskScreen
from agentmail_tui.screens.bindings import bindings
from agentmail_tui.screens.confirm import ConfirmScreen
from agentmail_tui.screens.listed import ListedScreen
from agentmail_tui.screens.pick_scopes import EndPicker, ScopePicker
from agentmail_tui.screens.secret import SecretScreen

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from textual.binding import BindingType

    from agentmail_tui.domain_admin import ApiKey, FreshKey
    from agentmail_tui.mailbox.state import MailState
    from agentmail_tui.widgets.lines import Line
    from agentmail_tui.widgets.pick_list import Choice


class ApiKeysScreen(ListedScreen[None]):
    """Shows every key, and what the one under the cursor may do."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.API_KEYS)
    PLACE = Place.API_KEYS
    HEADING = "API keys"

    def on_mount(self) -> None:
        """Show what is known, and read it anew."""
        self.mailbox.load_keys()

    def head(self, state: MailState) -> Line:
        """Return the heads of the columns."""
        return present.heads()

    def choices(self, state: MailState) -> list[Choice]:
        """Return the keys."""
        return present.key_choices(state, self.now)

    def details(self) -> tuple[Line, ...]:
        """Return what the key under the cursor may do."""
        return present.key_details(self.key, self.now) if self.key is not None else ()

    @property
    def key(self) -> ApiKey | None:
        """The key under the cursor."""
        keys = self.state.admin.keys or ()
        return next((each for each in keys if each.id == self.rows.value), None)

    def action_new(self) -> None:
        """Ask for a name, for what the key may do and for how long, and make it."""
        if self._may():
            tell = "what it is for, such as support-agent"
            self.app.push_screen(AskScreen(self.context, "New key", lambda _: tell), self._named)

    def _named(self, name: str | None) -> None:
        if name:
            self.app.push_screen(
                ScopePicker(self.context), lambda scopes: self._scoped(name, scopes)
            )

    def _scoped(self, name: str, scopes: tuple[str, ...] | None) -> None:
        if scopes:
            self.app.push_screen(
                EndPicker(self.context), lambda seconds: self._wanted(name, scopes, seconds)
            )

    def _wanted(self, name: str, scopes: tuple[str, ...], seconds: int | None) -> None:
        if seconds is not None:
            self._reveal(self.mailbox.create_key(NewKey(name, scopes, seconds or None)))

    def _reveal(self, asked: Coroutine[Any, Any, FreshKey | None]) -> None:
        """Show a secret when it comes, also where this screen was left meanwhile."""
        app, context = self.app, self.context

        async def reveal() -> None:
            fresh = await asked
            if fresh is not None:
                app.push_screen(SecretScreen(context, fresh))

        app.run_worker(reveal(), group="secret")

    def action_rotate(self) -> None:
        """Give the key a new secret, after a question."""
        key = self._active()
        if key is not None:
            detail = "Whoever uses the old one is locked out at once."
            ask = ConfirmScreen(self.context, f"A new secret for {key.name}?", detail)
            self.app.push_screen(ask, lambda sure: self._rotated(key, sure=bool(sure)))

    def _rotated(self, key: ApiKey, *, sure: bool) -> None:
        if sure:
            self._reveal(self.mailbox.rotate_key(key.id))

    def action_revoke(self) -> None:
        """Revoke the key, after a question."""
        key = self._active()
        if key is not None:
            detail = "It opens nothing any more, for good."
            ask = ConfirmScreen(self.context, f"Revoke {key.name}?", detail)
            self.app.push_screen(ask, lambda sure: self._revoked(key, sure=bool(sure)))

    def _revoked(self, key: ApiKey, *, sure: bool) -> None:
        if sure:
            self.mailbox.revoke_key(key.id)

    def action_copy(self) -> None:
        """Copy the id of the key; its secret is known to nobody but its user."""
        if self.key is not None:
            clipboard.copy(self, "id of the key", self.key.id)

    def _active(self) -> ApiKey | None:
        """Return the key under the cursor if it can be acted on."""
        key = self.key
        if key is None or not self._may():
            return None
        if not key.active:
            self.say(f"{key.name} opens nothing any more", Tone.WARNING)
            return None
        return key

    def _may(self) -> bool:
        return self.may(able=self.state.capabilities.manage_keys, what="keys")
