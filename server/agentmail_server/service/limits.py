"""How often somebody may do something: sliding windows in memory, empty at each start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agentmail_server.errors import RateLimited

_SECOND = 1_000_000
HOUR = 3600
DAY = 86_400
MINUTE = 60
_BURST = 10
_MAX_NAMES = 50_000


@dataclass(frozen=True, slots=True)
class RateSettings:
    """Most within a window; 0 lifts a limit."""

    emails_per_hour: int = 10_000
    emails_per_day: int = 100_000
    # Within 10 seconds, for each key.
    email_burst: int = 1_000
    requests_per_minute: int = 0
    auth_failures_per_minute: int = 60
    registrations_per_day: int = 5
    verifications_per_quarter: int = 10


class Window:
    """Counts by name over the last `seconds`, in sixty steps; the count errs to the safe side."""

    def __init__(self, most: int, seconds: int, now: Callable[[], int]) -> None:
        self.most = most
        self.seconds = seconds
        self._now = now
        self._step = max(seconds * _SECOND // 60, 1)
        self._counts: dict[str, dict[int, int]] = {}

    def used(self, name: str) -> int:
        """Return how many were counted within the window."""
        steps = self._counts.get(name)
        if steps is None:
            return 0
        oldest = self._now() // self._step - 60
        for step in [each for each in steps if each < oldest]:
            del steps[step]
        if not steps:
            del self._counts[name]
        return sum(steps.values())

    def left(self, name: str) -> int:
        """Return how many more there may be."""
        return max(self.most - self.used(name), 0)

    def wait(self, name: str) -> int:
        """Return the seconds until one more may be; 0 where it may be now."""
        if not self.most or self.used(name) < self.most:
            return 0
        return self.reset(name)

    def reset(self, name: str) -> int:
        """Return the seconds until the oldest counted leaves the window, at least 1."""
        self.used(name)
        oldest = min(self._counts.get(name, {self._now() // self._step: 0}))
        return max(1, ((oldest + 61) * self._step - self._now()) // _SECOND + 1)

    def add(self, name: str, count: int = 1) -> None:
        """Count; a negative number gives back."""
        if name not in self._counts and len(self._counts) >= _MAX_NAMES:
            self._counts.clear()
        steps = self._counts.setdefault(name, {})
        step = self._now() // self._step
        steps[step] = steps.get(step, 0) + count


class Limits:
    """All windows of one server; `now` tells microseconds."""

    def __init__(self, settings: RateSettings, now: Callable[[], int]) -> None:
        self.settings = settings
        self._now = now
        self.hour = Window(settings.emails_per_hour, HOUR, now)
        self.day = Window(settings.emails_per_day, DAY, now)
        self._burst = Window(settings.email_burst, _BURST, now)
        self._calls = Window(settings.requests_per_minute, MINUTE, now)
        self._failures = Window(settings.auth_failures_per_minute, MINUTE, now)
        self._registrations = Window(settings.registrations_per_day, DAY, now)
        self._verifications = Window(settings.verifications_per_quarter, 15 * MINUTE, now)

    def take_send(self, org_id: str, key_id: str) -> None:
        """Count a send before its work is done; raises RateLimited."""
        held = ((self.hour, org_id), (self.day, org_id), (self._burst, f"{org_id}/{key_id}"))
        _refuse_over("Too many emails", *held)
        for window, name in held:
            window.add(name)

    def give_back(self, org_id: str, key_id: str) -> None:
        """Uncount a send that was refused or done before."""
        for window, name in (
            (self.hour, org_id), (self.day, org_id), (self._burst, f"{org_id}/{key_id}"),
        ):  # fmt: skip
            window.add(name, -1)

    def take_call(self, org_id: str, key_id: str) -> None:
        """Count a request; raises RateLimited."""
        if not self._calls.most:
            return
        name = f"{org_id}/{key_id}"
        _refuse_over("Too many requests", (self._calls, name))
        self._calls.add(name)

    def refuse_guesser(self, address: str) -> None:
        """Raise RateLimited for an address from which too many bad keys came."""
        _refuse_over("Too many failed authentications", (self._failures, address))

    def failed(self, address: str) -> None:
        """Count a bad key."""
        self._failures.add(address)

    def take_registration(self, address: str) -> None:
        """Count a registration; raises RateLimited."""
        _refuse_over("Too many registrations", (self._registrations, address))
        self._registrations.add(address)

    def take_verification(self, address: str) -> None:
        """Count a verification; raises RateLimited."""
        _refuse_over("Too many verifications", (self._verifications, address))
        self._verifications.add(address)

    def send_headers(self, org_id: str) -> dict[str, str]:
        """Return what a reply to a send tells of the windows; resets in seconds since 1970."""
        found: dict[str, str] = {}
        for name, window in (("Hour", self.hour), ("Day", self.day)):
            if window.most:
                end = self._now() // _SECOND + window.reset(org_id)
                found[f"X-RateLimit-Limit-{name}"] = str(window.most)
                found[f"X-RateLimit-Remaining-{name}"] = str(window.left(org_id))
                found[f"X-RateLimit-Reset-{name}"] = str(end)
        return found


def _refuse_over(text: str, *held: tuple[Window, str]) -> None:
    wait = max(window.wait(name) for window, name in held)
    if wait:
        raise RateLimited(f"{text}: try again in {wait} seconds", retry_after=wait)
