"""A question that fails in both halves is told once."""

from __future__ import annotations

import asyncio
import gc
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from agentmail_server.errors import NotFound
from agentmail_server.service.indexing import Indexer
from agentmail_server.service.model import load_model
from agentmail_server.service.search import Wanted, find
from agentmail_server.store.engine import Store

NOW = datetime(2026, 1, 15, 9, tzinfo=UTC)


class Failing:
    """An index that finds out that there is no such inbox."""

    embedder = "hash"

    async def few(self, *_: object) -> bool:
        raise NotFound("no such inbox")


async def test_an_inbox_that_is_not_there_is_told_once(store: Store) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    wanted = Wanted("order", "i_none", None, 10)
    with pytest.raises(NotFound):
        await find(store, cast("Indexer", Failing()), "org_none", wanted, NOW)
    gc.collect()
    assert told == []


async def test_the_id_of_vectors_names_the_way_of_cutting() -> None:
    assert (await load_model("hash", None)).id == "hash-p1", "another id makes every index anew"
