"""Whether an index is sound: a few of its own vectors are looked for in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from agentmail_server.search.collection import Collection, IndexBroken


class Graph:
    """A collection whose graph does not reach some of what it holds."""

    def __init__(self, held: int, lost: int) -> None:
        self.names = [f"m{number}" for number in range(held)]
        self.lost = set(self.names[:lost])
        self.vectors = np.eye(max(held, 4))[:held]

    def count(self) -> int:
        return len(self.names)

    def get(self, limit: int, **_: Any) -> dict[str, Any]:
        return {"ids": self.names[:limit], "embeddings": self.vectors[:limit]}

    def query(self, query_embeddings: list[Any], n_results: int, **_: Any) -> dict[str, Any]:
        near = np.argsort(-(self.vectors @ query_embeddings[0]), kind="stable")
        reached = [at for at in near if self.names[at] not in self.lost][:n_results]
        away = [1.0 - float(self.vectors[at] @ query_embeddings[0]) for at in reached]
        return {"ids": [[self.names[at] for at in reached]], "distances": [away or [1.0]]}


class Client:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def get_or_create_collection(self, name: str, **_: Any) -> Graph:
        return self.graph


@pytest.mark.parametrize(("held", "lost"), [(0, 0), (3, 0), (20, 0), (400, 1), (400, 5)])
def test_a_sound_index_may_not_reach_a_few(held: int, lost: int) -> None:
    Collection(Client(Graph(held, lost)), "messages", None).probe()


@pytest.mark.parametrize(("held", "lost"), [(3, 3), (20, 6), (400, 20)])
def test_an_index_that_reaches_little_is_broken(held: int, lost: int) -> None:
    with pytest.raises(IndexBroken):
        Collection(Client(Graph(held, lost)), "messages", None).probe()
