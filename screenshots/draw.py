"""Draws the pictures of the README from the demo, its clock frozen: the same on every run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
CLOCK = "2026-01-15T09:00:00Z"
# Name, size, the keys that are pressed, and what must then be on screen.
PICTURES = (
    ("main", "120x36", "j,j", "my gooseneck kettle"),
    ("main-80x24", "80x24", "j,j", "my gooseneck kettle"),
    ("thread", "120x36", "j,j,j,j,enter", "A 4 mm flat"),
    ("snooze", "120x36", "g,n,x,x,x,b", "next week"),
    ("snoozed", "120x36", "b,t,o,m,o,r,r,o,w,enter,b,m,o,n,enter,g,b", "Snoozed 2"),
    ("compose", "120x36", "j,j,r", "Reply to Ada Byrne"),
    ("search", "120x36", "/,j,a,m,space,g,r,i,n,d,e,r,enter", "by meaning"),
    ("search-operators", "120x36", "/,tab", "who wrote"),
    ("delivery", "120x36", "D", "Suppressions 2"),
    ("delivery-80x24", "80x24", "D", "Suppressions 2"),
    ("schema", "120x36", "g,I,e", "order_id"),
)
_BOUND = 180


def main() -> int:
    """Draw all of them; return 0 if that went well."""
    environ = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environ |= {"AGENTMAIL_CLOCK": CLOCK, "TZ": "UTC", "TEXTUAL_ANIMATIONS": "none"}
    return max(draw(*picture, environ) for picture in PICTURES)


def draw(name: str, size: str, keys: str, expected: str, environ: dict[str, str]) -> int:
    """Draw one of them; return the exit code of `agentmail-tui shot`."""
    out = FOLDER / f"{name}.svg"
    command = [sys.executable, "-m", "agentmail_tui", "shot", "--demo", "--size", size]
    command += ["--press", keys, "--wait-for", expected, "--svg", str(out)]
    done = subprocess.run(command, env=environ, check=False, timeout=_BOUND)  # noqa: S603
    state = "drawn" if done.returncode == 0 else "FAILED"
    sys.stdout.write(f"{out.relative_to(FOLDER.parent)}: {state}\n")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
