"""The delivery panel in its parts, and the screens of an operator, at both sizes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

SIZES = {"120x36": (120, 36), "80x24": (80, 24)}
SERVERS = """default = "work"

[profiles.work]
url = "https://mail.example"
api_key_env = "WORK_KEY"

[profiles.staging]
url = "https://staging.mail.example"
api_key_file = "~/keys/staging.key"
read_only = true
"""
# Keys with blanks between; `~text` is waited for and `"text` is typed, `_` standing for a blank.
SCREENS = {
    "delivery": "D ~Suppressions",
    "delivery-filter": 'D f ~all_events "bo',
    "delivery-bounced": 'D f ~all_events "bounced enter ~Events:_bounced_4 j',
    "suppressions": "g s ~gone",
    "suppressions-question": "g s ~gone X ~again?",
    "webhooks": "g k ~taken j",
    "delivery-domains": "g k tab ~DMARC j j",
    "domains": "g M ~DMARC j j j",
    "api-keys": "g K ~revoked j",
    "api-key-scopes": 'g K ~revoked n ~New_key "bot enter ~What_the_key tab tab',
    "api-key-secret": 'g K ~revoked n ~New_key "bot enter ~What tab enter ~When enter ~once',
    "organisation": "g O ~plan",
    "servers": "g S ~staging",
    "server-key": 'g S ~staging n ~New "one enter ~URL "https://a.example enter ~key "abc',
    "schema": "g I e ~wants_refund",
    "schema-wrong": 'g I e ~wants_refund down down down down "x ~line_5',
}


@pytest.fixture(autouse=True)
def _servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text(SERVERS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AGENTMAIL_TUI_CONFIG", "config.toml")


async def _press(picture: Any, script: str) -> None:
    for word in script.split():
        text = word[1:].replace("_", " ")
        if word.startswith("~"):
            # Names of the sample have underscores of their own.
            await picture.until(
                lambda text=text, word=word: text in picture.text() or word[1:] in picture.text()
            )
        elif word.startswith('"'):
            await picture.press(*text)
        else:
            await picture.press(word)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCREENS)
def test_picture(
    name: str,
    size: str,
    picture: Any,
    snap_compare: Any,
    text_kept: Callable[[str, str], None],
) -> None:
    seen: list[str] = []

    async def before(pilot: Pilot[None]) -> None:
        picture.pilot = pilot
        await picture.settle()
        await _press(picture, SCREENS[name])
        await picture.until(lambda: not picture.mailbox.state.admin.loading)
        await picture.until(lambda: not picture.mailbox.state.delivery.loading)
        await pilot.pause()
        seen.extend(picture.lines())

    assert snap_compare(picture.app, terminal_size=SIZES[size], run_before=before)
    width, height = SIZES[size]
    assert len(seen) == height
    assert {cell_len(line) for line in seen} == {width}
    text_kept(f"{name}-{size}", "\n".join(line.rstrip() for line in seen))
