"""Calling webhooks: signed afresh for each attempt, on a schedule, a few at a time per endpoint.

What keeps strangers apart is the runner's lanes; what spares a dead endpoint is the breaker of its
lane. An attempt that a crash cut off is made again under the same delivery id, so that receivers
can fold it.
"""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING

from agentmail_server.errors import NotFound
from agentmail_server.ids import to_micros
from agentmail_server.jobs.runner import DONE, FINISHED, Kind, Later, Outcome
from agentmail_server.service import hookpayload, signing
from agentmail_server.store import breaker, outbox, webhooks
from agentmail_server.store.webhooks import ATTEMPTS, HookTry, HookWork

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from agentmail_server.ids import Clock
    from agentmail_server.relay.caller import Caller
    from agentmail_server.service.hookpayload import Render
    from agentmail_server.service.vault import Vault
    from agentmail_server.store.engine import Store
    from agentmail_server.store.records import JobRow

log = logging.getLogger(__name__)

# Seconds after each failure but the last.
PAUSES = (5, 30, 120, 600, 1800, 3600, 7200)
FIRST_TIMEOUT = 10.0
TIMEOUT = 30.0
_JITTER = 0.25
_SECOND = 1_000_000
_UNWANTED = "the inbox has no webhook any more"


class WebhookJob:
    """Handles jobs of kind `webhook`; the subject is a webhook delivery."""

    def __init__(
        self,
        store: Store,
        caller: Caller,
        vault: Vault,
        *,
        render: Render,
        clock: Clock,
        jitter: random.Random | None = None,
    ) -> None:
        self._store = store
        self._caller = caller
        self._vault = vault
        self._render = render
        self._clock = clock
        self._random = jitter or random.Random()  # noqa: S311 - spreads load, hides nothing

    def kind(self) -> Kind:
        """Return how the runner is to run it: four at once for each endpoint."""
        # The work of many dead endpoints, each with its lane full, must leave room for others.
        # Attempts are counted by the delivery: waiting with the breaker is none.
        return Kind(
            breaker.KIND, self, limit=1000, lease_seconds=120, max_attempts=10**9, lane_limit=4
        )

    async def __call__(self, job: JobRow) -> Outcome:
        """Make one attempt, or put it off while the breaker is open."""
        try:
            work, closed = await self._store.read(_load, job.subject_id)
            if work.delivery.status in webhooks.OVER:
                await self._store.write(close_over, self._now(), job)
                return FINISHED
            endpoint = _endpoint(work)
            if endpoint is None:
                await self._store.write(close_unwanted, self._now(), job)
                return FINISHED
            if endpoint != work.delivery.endpoint:
                await self._store.write(webhooks.readdress, work, endpoint)
                return Later(self._now(), "the endpoint has changed")
            lane = work.delivery.lane
            if not closed and not await self._store.write(may_attempt, self._now(), job, lane):
                return FINISHED
            return await self._attempt(job, work)
        except NotFound:
            # Inbox or message were deleted, and the delivery with them.
            return DONE

    async def _attempt(self, job: JobRow, work: HookWork) -> Outcome:
        hook, body = work.delivery, work.payload
        if body is None:
            occasion = await self._store.read(hookpayload.occasion_of, hook)
            made = hookpayload.encode(occasion, self._render)
            body = await self._store.write(webhooks.keep_payload, hook.id, made)
        now = self._now()
        keys = signing.valid_secrets(self._vault.webhooks(hook.org_id), work.webhook or {}, now)
        result = await self._caller.post(
            hook.endpoint,
            signing.headers(hook.id, hook.attempts + 1, body, keys, now),
            body,
            within=FIRST_TIMEOUT if hook.attempts == 0 else TIMEOUT,
        )
        tried = HookTry(result.status, result.error, round(result.seconds * 1000), result.ok)
        await self._store.write(close_attempt, self._now(), job, work, tried, self._pause(work))
        if not tried.ok:
            log.info("webhook failed", extra={"delivery": hook.id, "status": result.status})
        return FINISHED

    def _pause(self, work: HookWork) -> int | None:
        """Return the pause after a failure of this attempt (microseconds); None after the last."""
        hook = work.delivery
        spent = hook.attempts - (hook.max_attempts - ATTEMPTS)
        if spent >= len(PAUSES):
            return None
        return int(PAUSES[spent] * _SECOND * (1 + self._random.uniform(-_JITTER, _JITTER)))

    def _now(self) -> int:
        return to_micros(self._clock.now())


def _load(conn: Connection, delivery_id: str) -> tuple[HookWork, bool]:
    work = webhooks.load(conn, delivery_id)
    return work, breaker.is_closed(conn, work.delivery.lane)


def close_over(conn: Connection, now: int, job: JobRow) -> None:
    """Unit: end the job of a delivery that is over, unless it was asked for anew meanwhile.

    Who asks finds this job still open and makes no other.
    """
    lease = job.lease or ""
    if webhooks.is_over(conn, job.subject_id):
        outbox.finish(conn, now, job.id, lease)
    else:
        outbox.retry(conn, job.id, lease, now, "asked for anew")


def close_unwanted(conn: Connection, now: int, job: JobRow) -> None:
    """Unit: end a delivery whose inbox has no endpoint any more, and its job with it.

    One that was given an endpoint meanwhile is tried. Raises `NotFound` for one that was deleted.
    """
    lease = job.lease or ""
    if _endpoint(webhooks.load(conn, job.subject_id)) is not None:
        outbox.retry(conn, job.id, lease, now, "there is an endpoint again")
        return
    webhooks.drop(conn, now, job.subject_id, _UNWANTED)
    outbox.finish(conn, now, job.id, lease)


def _endpoint(work: HookWork) -> str | None:
    return (work.webhook or {}).get("endpoint")


def may_attempt(conn: Connection, now: int, job: JobRow, lane: str) -> bool:
    """Unit: ask the breaker; a job that has to wait is put off in the same commit.

    Else a probe that succeeds meanwhile would not find it, and leave it waiting.
    """
    until = breaker.may_call(conn, now, lane)
    if until is not None:
        reason = "the endpoint fails; waiting before it is tried again"
        outbox.retry(conn, job.id, job.lease or "", until, reason)
    return until is None


def close_attempt(
    conn: Connection, now: int, job: JobRow, work: HookWork, tried: HookTry, pause: int | None
) -> None:
    """Unit: what became of an attempt and the job's end or next date, in one commit."""
    retry_at = None if tried.ok or pause is None else now + pause
    webhooks.note(conn, now, work.delivery, tried, retry_at)
    lease = job.lease or ""
    if retry_at is None:
        outbox.finish(conn, now, job.id, lease)
    else:
        outbox.retry(conn, job.id, lease, retry_at, "the endpoint did not take it")
