from collections import Counter
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from agentmail_tui.backends.memory import EVERYTHING, MemoryBackend, sample_backend
from agentmail_tui.domain import Direction, Status, ThreadFilter
from agentmail_tui.errors import Rejected

NOW = datetime(2026, 1, 15, 9, tzinfo=UTC)


async def everything(backend: MemoryBackend) -> list[object]:
    page = await backend.threads(ThreadFilter(), limit=1000)
    talks = [await backend.messages(thread.id) for thread in page.items]
    return [page, talks, await backend.delivery(None, "90d")]


async def test_the_sample_is_the_same_every_time_and_another_with_another_seed() -> None:
    once = await everything(sample_backend(NOW))
    assert once == await everything(sample_backend(NOW))
    assert once != await everything(sample_backend(NOW, seed=2))


async def test_the_sample_shows_all_that_there_is_to_show() -> None:
    backend = sample_backend(NOW)
    threads = (await backend.threads(ThreadFilter(), limit=1000)).items
    assert len(threads) == 60
    assert {thread.inbox_id for thread in threads} == {"i_support", "i_billing", "i_sales"}
    assert {thread.triage.status for thread in threads if thread.triage} == set(Status)
    assert any(thread.unread for thread in threads)
    assert any(thread.has_attachments for thread in threads)
    assert {thread.last_direction for thread in threads} == set(Direction)
    assert all(thread.last_message_at < NOW for thread in threads)
    sent = Counter(str(event.event_type) for event in backend.mail.events)
    assert min(sent["delivered"], sent["bounced"], sent["failed"]) > 0
    delivery = await backend.delivery(None, "90d")
    assert delivery.suppressions
    assert {call.status for call in delivery.webhooks} == {"delivered", "retrying", "dead"}


async def test_every_address_of_the_sample_can_only_be_an_example() -> None:
    backend = sample_backend(NOW)
    for talk in backend.mail.conversations.values():
        for message in talk:
            for address in (message.sender, *message.to):
                assert address.exact is not None
                assert address.exact.endswith((".test", ".example"))


async def test_without_row_numbers_no_total_is_told() -> None:
    backend = sample_backend(NOW, capabilities=replace(EVERYTHING, offsets=False))
    page = await backend.threads(ThreadFilter(), limit=10)
    assert (page.total, len(page.items)) == (None, 10)


@pytest.mark.parametrize("period", ["", "7", "d7", "0d", "7w"])
async def test_odd_periods_are_refused(period: str) -> None:
    with pytest.raises(Rejected):
        await sample_backend(NOW).delivery(None, period)
