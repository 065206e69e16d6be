"""The screen of a running app as text and as a picture, and whether it has come to rest."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from importlib import import_module, util
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from agentmail_tui.errors import MailError
from agentmail_tui.mailbox.state import Link

if TYPE_CHECKING:
    from textual.app import App

    from agentmail_tui.mailbox.state import MailState

_FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}\s*")
_PNG_WIDTH = 1600
_CONVERT_SECONDS = 60


class CannotDraw(MailError):
    """The wanted kind of picture cannot be made here."""


def screen_text(app: App[None]) -> str:
    """Return what is on screen, a line for each row, blanks at line ends cut."""
    lines = _printed(app).export_text(styles=False).splitlines()
    return "\n".join(line.rstrip() for line in lines[: app.size.height]) + "\n"


def screen_svg(app: App[None], title: str) -> str:
    """Return what is on screen as an SVG that asks nothing of the network."""
    svg = _FONT_FACE.sub("", _printed(app).export_svg(title=title))
    # Some readers of SVG take blanks off the ends of texts, hard ones too.
    return svg.replace("<svg ", '<svg xml:space="preserve" ', 1)


def at_rest(state: MailState) -> bool:
    """Return whether nothing is under way that would change the screen by itself."""
    if state.link in (Link.OFFLINE, Link.REFUSED):
        return True
    waits = (
        state.link is Link.CONNECTING,
        state.window.loading,
        state.open is not None and state.open.loading,
        state.search is not None and state.search.running,
        state.delivery.loading,
        state.admin.loading,
        state.pending > 0,
        bool(state.outgoing) and any(out.error is None for out in state.outgoing),
    )
    return not any(waits)


def write_png(svg: str, out: Path) -> None:
    """Write a picture as PNG with what is installed for it; raises CannotDraw."""
    if util.find_spec("cairosvg") is not None:
        cairosvg = import_module("cairosvg")
        cairosvg.svg2png(bytestring=svg.encode(), write_to=str(out), output_width=_PNG_WIDTH)
        return
    tool = shutil.which("rsvg-convert")
    if tool is None:
        raise CannotDraw(
            "PNG needs cairosvg (pip install cairosvg) or rsvg-convert; SVG needs none"
        )
    try:
        subprocess.run(  # noqa: S603
            [tool, "--width", str(_PNG_WIDTH), "--output", str(out)],
            input=svg.encode(),
            capture_output=True,
            timeout=_CONVERT_SECONDS,
            check=True,
        )
    except subprocess.SubprocessError as error:
        raise CannotDraw(f"rsvg-convert failed: {error}") from None


def _printed(app: App[None]) -> Console:
    width, height = app.size
    console = Console(
        width=width,
        height=height,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        record=True,
        legacy_windows=False,
        safe_box=False,
    )
    console.print(
        app.screen._compositor.render_update(  # noqa: SLF001 - as App.export_screenshot does it
            full=True,
            screen_stack=app._background_screens,  # noqa: SLF001
        )
    )
    return console
