"""Patterns that are tried only where the words are that they cannot do without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern and what it needs: of each group of words at least one."""

    pattern: re.Pattern[str]
    needs: tuple[tuple[str, ...], ...]

    def hits(self, form: str) -> Iterator[re.Match[str]]:
        """Yield where the pattern fits; looking for words is much cheaper than the pattern."""
        if all(any(word in form for word in group) for group in self.needs):
            yield from self.pattern.finditer(form)


def rule(pattern: str, *needs: str) -> Rule:
    """Make a rule; each need is words parted by `|`."""
    return Rule(re.compile(pattern), tuple(tuple(need.split("|")) for need in needs))
