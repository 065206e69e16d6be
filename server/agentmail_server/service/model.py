"""Which embedder to use, and getting its model in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from agentmail_server.search.passages import CUTTING

_WEIGHTS = ("-m", "agentmail_server.search.weights")


class NoModel(Exception):
    """There is no embedder; the text says why, in one line."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """An embedder: the id of its vectors, and its files if it has any."""

    id: str
    graph: str | None = None
    tokenizer: str | None = None


async def load_model(embedder: str, model_dir: Path | None) -> Loaded:
    """Return the embedder of this name, fetched first where needed; raises `NoModel`."""
    if embedder == "hash":
        return Loaded(f"hash-{CUTTING}")
    environ = dict(os.environ)
    if model_dir is not None:
        environ["AGENTMAIL_MODEL_DIR"] = str(model_dir)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *_WEIGHTS,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environ,
    )
    try:
        out, complaint = await process.communicate()
    except asyncio.CancelledError:
        # Of a process that has just ended it would say so, in place of the cancellation.
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        lines = complaint.decode("utf-8", "replace").strip().splitlines()
        raise NoModel(lines[-1] if lines else "the embedding model is not there")
    folder = Path(out.decode("utf-8").strip())
    return Loaded(
        f"{folder.name}-{CUTTING}", str(folder / "model.onnx"), str(folder / "tokenizer.json")
    )
