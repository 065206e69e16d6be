"""No unit shows or changes what is another organisation's: it is as if it were not there."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.errors import NotFound
from agentmail_server.mail.model import ParsedAttachment
from agentmail_server.store import (
    accounts,
    attachments,
    delivery,
    domains,
    filters,
    finding,
    inboxes,
    log,
    messages,
    outbound,
    snooze,
    text,
    threads,
)
from agentmail_server.store.asked import Asked
from agentmail_server.store.records import DeliveryScope, MessageQuery, MessageRow, ThreadQuery
from agentmail_server.store.tables import domains as domain_table

if TYPE_CHECKING:
    from tests.server.store.conftest import World

START = 1_768_467_600_000_000
_MODULES = (
    accounts,
    attachments,
    delivery,
    domains,
    filters,
    finding,
    inboxes,
    log,
    messages,
    outbound,
    snooze,
    text,
    threads,
)


@pytest.fixture
async def theirs(world: World) -> MessageRow:
    """Return a stranger's mail that this organisation asks for."""
    file = ParsedAttachment("a.txt", "text/plain", b"secret")
    return await world.arrive(world.mail(attachments=(file,)), inbox=world.foreign)


async def _domain(world: World) -> str:
    values = {
        "id": "d_theirs",
        "org_id": world.stranger.id,
        "name": "theirs.test",
        "status": "verified",
        "region": "local",
        "created_at": START,
    }
    await world.store.write(lambda conn: conn.execute(domain_table.insert().values(values)))
    return "d_theirs"


async def _key(world: World) -> str:
    row = await world.store.write(
        accounts.add_key, world.ids, START, world.stranger.id, "k", "d", "comm_", 1, ["admin"]
    )
    return row.id


def _refused(world: World, theirs: MessageRow, domain: str, key: str) -> dict[str, tuple[Any, ...]]:
    """Return for each unit the arguments that name what is foreign, after the organisation."""
    inbox, thread, message = world.foreign.id, theirs.thread_id, theirs.id
    file = theirs.attachments[0].id
    return {
        "get_key": (key,),
        "get_attachment": (file,),
        "attachments_by_id": ([file],),
        "attachment_content": (file,),
        "get_domain": (domain,),
        "own_domain": (domain,),
        "delete_domain": (domain,),
        "get_inbox": (inbox,),
        "update_inbox": (inbox, {"display_name": "x"}),
        "delete_inbox": (inbox,),
        "list_events": (DeliveryScope(inbox_id=inbox),),
        "metrics": (DeliveryScope(domain_id=domain), 0),
        "count_tried": (DeliveryScope(domain_id=domain), 0),
        "suppress": (DeliveryScope(inbox_id=inbox), "a@x.example", "manual"),
        "allow_again": (DeliveryScope(inbox_id=inbox), "a@x.example"),
        "list_suppressions": (DeliveryScope(inbox_id=inbox),),
        "thread_messages": (thread,),
        "list_messages": (MessageQuery(inbox_id=inbox),),
        "get_message": (message,),
        "raw_of": (message,),
        "reply_context": (thread,),
        "find_threads": (Asked("order", inbox), 10),
        "newest_threads": (Asked("order", inbox), 10),
        "exact_meaning": (Asked("order", inbox), "hash", bytes(8)),
        "vector_of_thread": (thread, "hash"),
        "telling_words": (thread,),
        "text_hits": (Asked("order", inbox),),
        "literal_hits": (Asked("order", inbox),),
        "conditions": (Asked("order", inbox),),
        "list_threads": (ThreadQuery(inbox_id=inbox),),
        "count_threads": (ThreadQuery(domain_id=domain),),
        "thread_counts": (inbox,),
        "get_thread": (thread,),
        "set_status": (thread, "closed"),
        "assign": (thread, "me"),
        "set_unread": (thread, False),
        "snooze": (thread, None),
        "add_tags": (thread, ["x"]),
        "remove_tags": (thread, ["x"]),
    }


# These name nothing foreign: what they return is tested below, or they make something new.
_OWN_ONLY = {
    "get_org",
    "rename_org",
    "list_keys",
    "list_domains",
    "list_inboxes",
    "add_key",
    "create_domain",
    "create_inbox",
    "upload_attachment",
    "find_idempotent",
    "find_thread",
    "append",
    "read_after",
    "last_seq",
    "first_seq",
}


def _units() -> dict[str, Any]:
    found = {}
    for module in _MODULES:
        for name, unit in vars(module).items():
            if inspect.isfunction(unit) and unit.__module__ == module.__name__:
                named = inspect.signature(unit).parameters
                if not name.startswith("_") and "org_id" in named:
                    found[name] = unit
    return found


async def test_every_unit_of_an_organisation_is_asked(world: World, theirs: MessageRow) -> None:
    """A new unit with an `org_id` belongs into one of the two tables above."""
    refused = _refused(world, theirs, await _domain(world), await _key(world))
    assert set(_units()) == set(refused) | _OWN_ONLY


async def test_what_is_foreign_is_not_found_and_stays_as_it_was(
    world: World, theirs: MessageRow
) -> None:
    before = await world.store.read(threads.get_thread, world.stranger.id, theirs.thread_id)
    units = _units()
    for name, args in _refused(world, theirs, await _domain(world), await _key(world)).items():
        first = list(inspect.signature(units[name]).parameters)[1]
        leading: tuple[Any, ...] = (START,) if first == "now" else ()
        if first == "ids":
            leading = (world.ids, START)
        write: Any = world.store.write
        with pytest.raises(NotFound):
            await write(units[name], *leading, world.org.id, *args)
    after = await world.store.read(threads.get_thread, world.stranger.id, theirs.thread_id)
    assert after == before


async def test_lists_hold_ones_own_alone(world: World, theirs: MessageRow) -> None:
    domain = await _domain(world)
    read, org = world.store.read, world.org.id
    assert await read(threads.list_threads, org, ThreadQuery()) == []
    assert await read(threads.count_threads, org, ThreadQuery()) == 0
    assert await read(messages.list_messages, org, MessageQuery()) == []
    assert await read(finding.find_threads, org, Asked("order"), 10) == []
    assert await read(finding.newest_threads, org, Asked(), 10) == []
    assert await read(threads.find_thread, org, theirs.thread_id) is None
    shared = world.inbox.domain_id
    assert await read(threads.list_threads, org, ThreadQuery(domain_id=shared)) == []
    assert {each.id for each in await read(inboxes.list_inboxes, org)} == {
        world.inbox.id,
        world.second.id,
    }
    assert domain not in {each.id for each in await read(domains.list_domains, org)}
    assert domain in {each.id for each in await read(domains.list_domains, world.stranger.id)}
    entries = await read(log.read_after, org, 0, 100)
    assert theirs.id not in {each.message_id for each in entries}
