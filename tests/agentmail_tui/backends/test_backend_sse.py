from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmail_tui.backends import sse
from agentmail_tui.backends.sse import Parser, ServerEvent
from agentmail_tui.errors import BadReply

STREAM = (
    b': hello\n\nid: 1\nevent: thread.updated\ndata: {"a":\ndata: 1}\n\n'
    b"data: x\r\n\r\nevent: nothing\n\nid: 7\rdata: caf\xc3\xa9 \xe2\x80\xa8 y\r\r"
    b"data: unfinished"
)
EVENTS = [
    ServerEvent("thread.updated", '{"a":\n1}', "1"),
    ServerEvent("message", "x", "1"),
    ServerEvent("message", "café \u2028 y", "7"),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_events_are_the_same_however_the_stream_is_cut(places: list[int]) -> None:
    parser = Parser()
    cuts = [0, *sorted(places), len(STREAM)]
    found = [event for start, end in pairwise(cuts) for event in parser.feed(STREAM[start:end])]
    assert found == EVENTS


@pytest.mark.parametrize("bad", ["caf\xe9", "\x1b[2J", "a\x00b", "\u202e"])
def test_an_id_that_no_header_takes_is_passed_over(bad: str) -> None:
    stream = f"id: 1\ndata: a\n\nid: {bad}\ndata: b\n\n".encode()
    assert [event.id for event in Parser().feed(stream)] == ["1", "1"]


@pytest.mark.parametrize("piece", [b"data: " + b"x" * 100, b"data: " + b"x" * 100 + b"\n"])
def test_an_event_without_end_is_refused(monkeypatch: pytest.MonkeyPatch, piece: bytes) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT", 1000)
    with pytest.raises(BadReply):
        feed_for_ever(piece)


def feed_for_ever(piece: bytes) -> None:
    parser = Parser()
    for _ in range(50):
        list(parser.feed(piece))


@given(st.binary(max_size=200))
def test_no_bytes_break_it(noise: bytes) -> None:
    for event in Parser().feed(noise):
        assert event.data is not None
