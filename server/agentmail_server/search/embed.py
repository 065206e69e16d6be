"""Embedders: from texts to vectors of length 1, so that near in meaning is near in angle."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from agentmail_server.search.onnxfile import Array

DIMENSIONS = 384
_MOST_TOKENS = 256
_WORD = re.compile(r"\w+")


class Embedder(Protocol):
    """Turns texts into vectors."""

    def embed(self, texts: Sequence[str], pool: ThreadPoolExecutor | None = None) -> Array:
        """Return one row a text; the work may be spread over the threads of `pool`."""


class HashEmbedder:
    """Counts words in hashed places: no meaning, but the same everywhere; for tests."""

    def embed(self, texts: Sequence[str], pool: ThreadPoolExecutor | None = None) -> Array:
        """Return one row a text."""
        rows = np.zeros((len(texts), DIMENSIONS), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in _WORD.findall(text.casefold()):
                number = zlib.crc32(word.encode())
                row[number % DIMENSIONS] += 1.0 if number & 0x10000 else -1.0
        return _unit(rows)


class MiniLmEmbedder:
    """all-MiniLM-L6-v2 on the processor, one thread for each call."""

    def __init__(self, model: Path, tokenizer: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self._session: Any = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer: Any = Tokenizer.from_file(str(tokenizer))
        # The file asks for 128 tokens and for padding to as many.
        self._tokenizer.enable_truncation(_MOST_TOKENS)
        self._tokenizer.no_padding()

    def embed(self, texts: Sequence[str], pool: ThreadPoolExecutor | None = None) -> Array:
        """Return one row a text, each by itself.

        Together they would be padded, and quantised by the largest among them: slower, and a
        text's vector would depend on its neighbours.
        """
        run = map if pool is None else pool.map
        return np.concatenate([np.zeros((0, DIMENSIONS), np.float32), *run(self._run, texts)])

    def _run(self, text: str) -> Array:
        encoded = self._tokenizer.encode(text)
        tokens = np.array([encoded.ids], np.int64)
        mask = np.ones_like(tokens)
        feed = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(mask)}
        found: Array = self._session.run(None, feed)[0]
        return found


def _unit(rows: Array) -> Array:
    unit: Array = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return unit
