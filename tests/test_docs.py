"""The generated pages say what the tables say."""

from __future__ import annotations

from docs.generate import pages


def test_generated_pages_are_those_of_the_tables() -> None:
    for path, text in pages().items():
        stored = path.read_text(encoding="utf-8")
        assert stored == text.rstrip("\n") + "\n", f"{path.name} is old: run `make docs`"
