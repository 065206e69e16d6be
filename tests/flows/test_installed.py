"""What each way to install brings is enough: whatever only another way brings is hidden."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# What a pytest plugin or the browser's page wants comes with other extras.
IMPORT_CLIENT = """
import importlib, pkgutil, agentmail_tui
OTHERS = "agentmail_tui.testing", "agentmail_tui.cli.web.serving", "agentmail_tui.__main__"
for each in pkgutil.walk_packages(agentmail_tui.__path__, "agentmail_tui."):
    if not each.name.startswith(OTHERS):
        print(importlib.import_module(each.name).__name__)
"""
# Every child of the process imports it first.
HIDE = """
import sys

HIDDEN = {hidden!r}

class Without:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        if name not in HIDDEN:
            return self.finder.find_spec(name, path, target)

sys.meta_path[:] = map(Without, sys.meta_path)
"""


def brought(name: str, extra: str = "") -> Iterator[str]:
    """Yield the distributions that an installation brings."""
    waiting, seen = [(name, extra)], set[tuple[str, str]]()
    while waiting:
        one, its_extra = waiting.pop()
        if (one, its_extra) in seen:
            continue
        seen.add((one, its_extra))
        yield canonicalize_name(one)
        for line in requires(one) or ():
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": its_extra}):
                waiting += [(wanted.name, each) for each in ("", *wanted.extras)]


def without_what_is_not(extra: str, folder: Path) -> dict[str, str]:
    """Return an environment in which only what an extra brings can be imported."""
    here = set(brought("agentmail-tui", extra))
    hidden = [
        module
        for module, makers in packages_distributions().items()
        if not here.intersection(map(canonicalize_name, makers))
    ]
    assert "pytest" in hidden
    (folder / "sitecustomize.py").write_text(HIDE.format(hidden=hidden))
    home = {"HOME": str(folder), "XDG_STATE_HOME": str(folder), "TMPDIR": str(folder)}
    return {**os.environ, **home, "PYTHONPATH": str(folder)}


def run(env: dict[str, str], *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words], env=env, input=typed, text=True,
        capture_output=True, timeout=90, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_the_server_extra_runs_the_demo(tmp_path: Path) -> None:
    env = without_what_is_not("server", tmp_path)
    done = run(env, "agentmail_tui", "--demo", "--plain", typed="quit\n")
    assert done.stdout.startswith("Connected to "), done.stdout + done.stderr
    assert "List all" in done.stdout


def test_without_extras_all_of_the_client_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "import_client.py").write_text(IMPORT_CLIENT)
    done = run(without_what_is_not("", tmp_path), "import_client")
    assert done.stderr == ""
    assert "agentmail_tui.app" in done.stdout


def test_without_extras_the_demo_says_what_to_install(tmp_path: Path) -> None:
    done = run(without_what_is_not("", tmp_path), "agentmail_tui", "--demo", "--plain")
    assert done.returncode != 0
    assert "agentmail-tui[server]" in done.stdout + done.stderr


def test_postgres_without_its_extra_says_what_to_install(tmp_path: Path) -> None:
    env = without_what_is_not("server", tmp_path)
    env["AGENTMAIL_DATABASE_URL"] = "postgresql://127.0.0.1:1/mail"
    done = run(env, "agentmail_server", "serve")
    assert done.returncode != 0
    assert "agentmail-tui[postgres]" in done.stderr
    assert "Traceback" not in done.stderr
