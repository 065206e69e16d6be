"""The delivery panel in its parts, and the screens of an operator, at both sizes."""

from pathlib import Path
from typing import Any

import pytest

from tests.snapshots.conftest import SIZES, Photograph, Steps

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
    "delivery-bounced": 'D f ~all_events "bounced enter ~Events:_bounced_3_in_7d j',
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
    "inboxes": "g I ~billing j",
    "schema": "g I e ~wants_refund",
    "schema-wrong": 'g I e ~wants_refund down down down down "x ~line_5',
}


@pytest.fixture(autouse=True)
def _servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text(SERVERS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AGENTMAIL_TUI_CONFIG", "config.toml")


def scripted(script: str) -> Steps:
    """Return steps that do what a script says."""

    async def steps(picture: Any) -> None:
        for word in script.split():
            text = word[1:].replace("_", " ")
            if word.startswith("~"):
                # Names of the sample have underscores of their own.
                await picture.until(
                    lambda text=text, word=word: (
                        text in picture.text() or word[1:] in picture.text()
                    )
                )
            else:
                await picture.press(*(text if word.startswith('"') else (word,)))

    return steps


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCREENS)
def test_picture(name: str, size: str, photograph: Photograph) -> None:
    photograph(name, size, scripted(SCREENS[name]))
