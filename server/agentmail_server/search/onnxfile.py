"""Writes ONNX files: the few parts of its protobuf form that one transformer needs.

Field numbers are those of onnx.proto3, ONNX IR version 8.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Value = int | float | str | Sequence[int]

_IR_VERSION = 8
_OPSET = 17
# TensorProto.DataType
_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7}
FLOAT, INT64 = _TYPES["float32"], _TYPES["int64"]


class Graph:
    """A graph under construction; every method that adds a node returns its output's name."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._tensors: list[bytes] = []
        self._count = 0

    def constant(self, array: Array) -> str:
        """Add a tensor to the file."""
        name = self._name("c")
        dims = b"".join(_varint(1, size) for size in array.shape)
        raw = np.ascontiguousarray(array).tobytes()
        kind = _varint(2, _TYPES[array.dtype.name])
        self._tensors.append(_bytes(5, dims + kind + _text(8, name) + _bytes(9, raw)))
        return name

    def node(self, operator: str, *inputs: str, **attributes: Value) -> str:
        """Add a node with one output."""
        return self.nodes(operator, inputs, 1, attributes)[0]

    def named(self, operator: str, output: str, *inputs: str, **attributes: Value) -> None:
        """Add a node whose output leaves the graph under a name of its own."""
        self._add(operator, inputs, [output], attributes)

    def nodes(
        self, operator: str, inputs: Sequence[str], outputs: int, attributes: Mapping[str, Value]
    ) -> list[str]:
        """Add a node with several outputs."""
        names = [self._name("n") for _ in range(outputs)]
        self._add(operator, inputs, names, attributes)
        return names

    def model(
        self,
        inputs: Mapping[str, tuple[int, Sequence[str | int]]],
        outputs: Mapping[str, tuple[int, Sequence[str | int]]],
    ) -> bytes:
        """Return the finished file."""
        ends = b"".join(_bytes(11, _value_info(name, *what)) for name, what in inputs.items())
        ends += b"".join(_bytes(12, _value_info(name, *what)) for name, what in outputs.items())
        graph = b"".join(self._nodes) + _text(2, "encoder") + b"".join(self._tensors) + ends
        opset = _bytes(8, _text(1, "") + _varint(2, _OPSET))
        return _varint(1, _IR_VERSION) + _text(2, "agentmail") + _bytes(7, graph) + opset

    def _add(
        self,
        operator: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        attributes: Mapping[str, Value],
    ) -> None:
        body = b"".join(_text(1, name) for name in inputs)
        body += b"".join(_text(2, name) for name in outputs)
        body += _text(3, self._name("op")) + _text(4, operator)
        body += b"".join(_bytes(5, _attribute(*each)) for each in attributes.items())
        self._nodes.append(_bytes(1, body))

    def _name(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"


def _attribute(name: str, value: Value) -> bytes:
    head = _text(1, name)
    if isinstance(value, int):
        return head + _varint(3, value) + _varint(20, 2)
    if isinstance(value, float):
        return head + _key(2, 5) + struct.pack("<f", value) + _varint(20, 1)
    if isinstance(value, str):
        return head + _text(4, value) + _varint(20, 3)
    return head + b"".join(_varint(8, each) for each in value) + _varint(20, 7)


def _value_info(name: str, kind: int, shape: Sequence[str | int]) -> bytes:
    sizes = b"".join(
        _bytes(1, _text(2, size) if isinstance(size, str) else _varint(1, size)) for size in shape
    )
    tensor = _varint(1, kind) + _bytes(2, sizes)
    return _text(1, name) + _bytes(2, _bytes(1, tensor))


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode())


def _bytes(field: int, content: bytes) -> bytes:
    return _key(field, 2) + _number(len(content)) + content


def _varint(field: int, value: int) -> bytes:
    # Negative numbers are written as their two's complement in 64 bits.
    return _key(field, 0) + _number(value & 0xFFFFFFFFFFFFFFFF)


def _key(field: int, wire_type: int) -> bytes:
    return _number(field << 3 | wire_type)


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
