"""A pytest plugin that photographs mailbox flows: fixture `agentmail_snap`, see docs/testing.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agentmail_tui.testing.mails import Conversation, Mail

if TYPE_CHECKING:
    from agentmail_tui.testing.snap import Snap

__all__ = ["Conversation", "Mail", "agentmail_snap", "pytest_addoption"]

UPDATE = "--agentmail-update"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that keeps pictures anew."""
    group = parser.getgroup("agentmail")
    group.addoption(
        UPDATE, action="store_true", help="keep the pictures of agentmail_snap as they are now"
    )


@pytest.fixture
def agentmail_snap(request: pytest.FixtureRequest) -> Snap:
    """Return what compares the screen, after some keys, with the picture that is kept of it."""
    from agentmail_tui.testing.snap import Snap
    from agentmail_tui.testing.store import Album

    root = request.config.rootpath
    test = request.path
    return Snap(
        Album(
            kept=test.parent / "__snapshots__" / test.stem,
            refused=root / ".agentmail-pictures" / test.stem,
            update=bool(request.config.getoption(UPDATE)),
        )
    )
