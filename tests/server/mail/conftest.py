"""Where the shared mail corpus is, if it is there; nothing of it is kept in this repository."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CORPUS = Path(__file__).parents[4] / "shared" / "corpora" / "mail"


@pytest.fixture(scope="session")
def corpus() -> Path:
    if not CORPUS.is_dir():
        pytest.skip("the shared mail corpus is not beside this repository")
    return CORPUS


@pytest.fixture(scope="session")
def expected(corpus: Path) -> Callable[[str], list[dict[str, Any]]]:
    def load(name: str) -> list[dict[str, Any]]:
        lines = (corpus / f"expect-{name}.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    return load
