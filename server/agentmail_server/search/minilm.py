"""all-MiniLM-L6-v2 as an ONNX graph of our own making, from its published weights.

Six BERT layers, mean pooling over the tokens, length 1. Quantised, the weights are signed 8-bit
numbers with one scale for each output column, and activations are quantised as they come, each
token by itself.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from agentmail_server.search.onnxfile import FLOAT, INT64, Array, Graph

DIMENSIONS = 384
_LAYERS, _HEADS = 6, 12
_EPSILON = 1e-12
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def build(weights: Path, bits: int | None) -> bytes:
    """Return the graph over a safetensors file; `bits` of each weight, None for 32-bit floats."""
    return _Encoder(_Tensors(weights), bits).build()


class _Tensors:
    """The arrays of a safetensors file: a length, a JSON header, then the numbers."""

    def __init__(self, file: Path) -> None:
        self._bytes = np.memmap(file, dtype=np.uint8, mode="r")
        size = int.from_bytes(self._bytes[:8].tobytes(), "little")
        self._header: dict[str, Any] = json.loads(self._bytes[8 : 8 + size].tobytes())
        self._start = 8 + size

    def __getitem__(self, name: str) -> Array:
        about = self._header[name]
        if about["dtype"] != "F32":
            raise ValueError(f"{name} is not made of 32-bit floats")
        first, last = (self._start + place for place in about["data_offsets"])
        return np.frombuffer(self._bytes[first:last].tobytes(), "<f4").reshape(about["shape"])


class _Encoder:
    def __init__(self, tensors: _Tensors, bits: int | None) -> None:
        self._tensors = tensors
        self._bits = bits
        self._graph = Graph()

    def build(self) -> bytes:
        graph = self._graph
        mask = graph.node("Cast", "attention_mask", to=FLOAT)
        hidden = self._embeddings()
        bias = self._attention_bias(mask)
        for number in range(_LAYERS):
            hidden = self._layer(f"encoder.layer.{number}.", hidden, bias)
        self._pool(hidden, mask)
        return graph.model(
            dict.fromkeys(_INPUTS, (INT64, ("batch", "tokens"))),
            {"embedding": (FLOAT, ("batch", DIMENSIONS))},
        )

    def _embeddings(self) -> str:
        graph, tensors = self._graph, self._tensors
        words = self._rows(tensors["embeddings.word_embeddings.weight"], "input_ids")
        kinds = graph.node(
            "Gather",
            graph.constant(tensors["embeddings.token_type_embeddings.weight"]),
            "token_type_ids",
        )
        ends = self._ints(1), self._ints(2)
        length = graph.node("Slice", graph.node("Shape", "input_ids"), *ends)
        table = graph.constant(tensors["embeddings.position_embeddings.weight"])
        places = graph.node("Slice", table, self._ints(0), length, self._ints(0))
        total = graph.node("Add", graph.node("Add", words, kinds), places)
        return self._normed(total, "embeddings.LayerNorm")

    def _attention_bias(self, mask: str) -> str:
        """Return 0 for tokens and a very negative number for padding."""
        graph = self._graph
        padded = graph.node("Sub", self._float(1.0), mask)
        spread = graph.node("Unsqueeze", padded, self._ints(1, 2))
        return graph.node("Mul", spread, self._float(float(np.finfo(np.float32).min)))

    def _layer(self, name: str, hidden: str, bias: str) -> str:
        graph = self._graph
        attended = self._attention(name + "attention.self.", hidden, bias)
        projected = self._dense(attended, name + "attention.output.dense")
        hidden = self._normed(
            graph.node("Add", projected, hidden), name + "attention.output.LayerNorm"
        )
        wide = self._gelu(self._dense(hidden, name + "intermediate.dense"))
        narrow = self._dense(wide, name + "output.dense")
        return self._normed(graph.node("Add", narrow, hidden), name + "output.LayerNorm")

    def _attention(self, name: str, hidden: str, bias: str) -> str:
        """Return what each token takes from the others; the three projections are one product."""
        graph = self._graph
        parts = [name + part for part in ("query", "key", "value")]
        weight = np.concatenate([self._tensors[part + ".weight"] for part in parts])
        offset = np.concatenate([self._tensors[part + ".bias"] for part in parts])
        width = DIMENSIONS // _HEADS
        # The scale of the scores is folded into the query.
        weight[:DIMENSIONS] /= math.sqrt(width)
        offset[:DIMENSIONS] /= math.sqrt(width)
        joined = self._product(hidden, weight, offset)
        sizes = graph.constant(np.array([DIMENSIONS] * 3, np.int64))
        split = graph.nodes("Split", (joined, sizes), 3, {"axis": -1})
        shape = self._ints(0, 0, _HEADS, width)
        orders = ((0, 2, 1, 3), (0, 2, 3, 1), (0, 2, 1, 3))
        query, key, value = (
            graph.node("Transpose", graph.node("Reshape", part, shape), perm=order)
            for part, order in zip(split, orders, strict=True)
        )
        scores = graph.node("Add", graph.node("MatMul", query, key), bias)
        mixed = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), value)
        side_by_side = graph.node("Transpose", mixed, perm=(0, 2, 1, 3))
        return graph.node("Reshape", side_by_side, self._ints(0, 0, DIMENSIONS))

    def _dense(self, value: str, name: str) -> str:
        return self._product(value, self._tensors[name + ".weight"], self._tensors[name + ".bias"])

    def _product(self, value: str, weight: Array, offset: Array) -> str:
        graph = self._graph
        if self._bits is None:
            times = graph.node("MatMul", value, graph.constant(weight.T))
            return graph.node("Add", times, graph.constant(offset))
        small, scale = _quantised(weight.T, self._bits, axis=0)
        # Every token in units of its largest number: one loud token would coarsen all others.
        largest = graph.node("ReduceMax", graph.node("Abs", value), axes=(-1,), keepdims=1)
        level = graph.node("Div", value, largest)
        taken, taken_scale, zero = graph.nodes("DynamicQuantizeLinear", (level,), 3, {})
        whole = graph.node("MatMulInteger", taken, graph.constant(small), zero)
        factor = graph.node("Mul", taken_scale, graph.constant(scale))
        times = graph.node("Mul", graph.node("Cast", whole, to=FLOAT), factor)
        return graph.node("Add", graph.node("Mul", times, largest), graph.constant(offset))

    def _rows(self, table: Array, ids: str) -> str:
        graph = self._graph
        if self._bits is None:
            return graph.node("Gather", graph.constant(table), ids)
        small, scale = _quantised(table, 8, axis=1)
        picked = graph.node("Cast", graph.node("Gather", graph.constant(small), ids), to=FLOAT)
        factor = graph.node("Gather", graph.constant(scale[:, None]), ids)
        return graph.node("Mul", picked, factor)

    def _normed(self, value: str, name: str) -> str:
        gain, offset = (
            self._graph.constant(self._tensors[f"{name}.{part}"]) for part in ("weight", "bias")
        )
        return self._graph.node(
            "LayerNormalization", value, gain, offset, axis=-1, epsilon=_EPSILON
        )

    def _gelu(self, value: str) -> str:
        graph = self._graph
        share = graph.node("Erf", graph.node("Div", value, self._float(math.sqrt(2))))
        doubled = graph.node("Mul", value, graph.node("Add", share, self._float(1.0)))
        return graph.node("Mul", doubled, self._float(0.5))

    def _pool(self, hidden: str, mask: str) -> None:
        graph = self._graph
        kept = graph.node("Mul", hidden, graph.node("Unsqueeze", mask, self._ints(2)))
        total = graph.node("ReduceSum", kept, self._ints(1), keepdims=0)
        count = graph.node("ReduceSum", mask, self._ints(1), keepdims=1)
        mean = graph.node("Div", total, count)
        graph.named("LpNormalization", "embedding", mean, axis=1, p=2)

    def _ints(self, *values: int) -> str:
        return self._graph.constant(np.array(values, np.int64))

    def _float(self, value: float) -> str:
        return self._graph.constant(np.array(value, np.float32))


def _quantised(weight: Array, bits: int, axis: int) -> tuple[Array, Array]:
    """Return signed numbers of `bits` and the scale of each line across `axis`."""
    most = 2 ** (bits - 1) - 1
    scale = np.maximum(np.abs(weight).max(axis=axis, keepdims=True), 1e-8) / most
    small = np.clip(np.rint(weight / scale), -most, most).astype(np.int8)
    return small, scale.reshape(-1).astype(np.float32)
