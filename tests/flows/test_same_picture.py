"""`agentmail-tui shot`: the same input, the same bytes, whatever the machine says of itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BOUND = 120  # seconds
OTHER_MACHINE = {
    "NO_COLOR": "1",
    "TZ": "Pacific/Auckland",
    "LANG": "tr_TR.UTF-8",
    "LC_ALL": "tr_TR.UTF-8",
    "TERM": "dumb",
    "COLUMNS": "40",
    "USER": "somebody-else",
    "LOGNAME": "somebody-else",
}


def _shoot(folder: Path, environ: dict[str, str]) -> tuple[bytes, bytes]:
    folder.mkdir()
    svg, text = folder / "screen.svg", folder / "screen.txt"
    command = [sys.executable, "-m", "agentmail_tui", "shot", "--demo", "--size", "100x30"]
    command += ["--press", "j,j,e,D", "--wait-for", "Suppressions"]
    command += ["--svg", str(svg), "--text", str(text)]
    clean = {name: value for name, value in os.environ.items() if name not in OTHER_MACHINE}
    clean |= {"AGENTMAIL_CLOCK": "2026-01-15T09:00:00Z", "HOME": str(folder)}
    done = subprocess.run(
        command, env=clean | environ, timeout=BOUND, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    return svg.read_bytes(), text.read_bytes()


@pytest.mark.slow
def test_picture_of_the_demo_has_the_same_bytes_everywhere(tmp_path: Path) -> None:
    first = _shoot(tmp_path / "one", {"TERM": "xterm-256color", "TZ": "UTC"})
    assert _shoot(tmp_path / "two", OTHER_MACHINE) == first
