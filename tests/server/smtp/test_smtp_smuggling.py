"""Ends of DATA that other servers take for one: never may one mail become two."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest
from agentmail_server.smtp import replies
from agentmail_server.smtp.data import DataRefused, MailReader, read_data
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.server.smtp.conftest import World

    Until = Callable[[Callable[[], bool]], Awaitable[None]]

ENDS = {
    "LF.LF": b"\n.\n",
    "LF.CRLF": b"\n.\r\n",
    "CRLF.LF": b"\r\n.\n",
    "CR.CR": b"\r.\r",
    "CR.CRLF": b"\r.\r\n",
    "CRLF.CR": b"\r\n.\r",
    "CRLF NUL.CRLF": b"\r\n\0.\r\n",
    "CRLF. NUL CRLF": b"\r\n.\0\r\n",
    "CRCRLF.CRCRLF": b"\r\r\n.\r\r\n",
    "CRLF.CRCRLF": b"\r\n.\r\r\n",
}
REFUSED = str(replies.BARE_LINE_ENDS).encode()
HEAD = b"Subject: one\r\n\r\nfirst"
SMUGGLED = (
    b"MAIL FROM:<evil@sender.test>\r\nRCPT TO:<helper@agents.test>\r\n"
    b"DATA\r\nSubject: two\r\n\r\nsecond\r\n.\r\n"
)


@pytest.mark.parametrize("bytewise", [False, True], ids=["one segment", "byte by byte"])
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_one_mail_or_one_refusal(world: World, end: bytes, bytewise: bool) -> None:
    await world.listen()
    line = await world.connect()
    await line.begin()
    payload = HEAD + end + SMUGGLED
    if bytewise:
        for number in range(len(payload)):
            await line.send(payload[number : number + 1])
            await asyncio.sleep(0)
    else:
        await line.send(payload)
    reply = await line.reply()
    mails = await world.mails()
    if b"\0" in end:
        assert reply.startswith("250 2.0.0")
        assert len(mails) == 1
        assert b"second" in mails[0].content
        assert (await line.say("NOOP")).startswith("250")
    else:
        assert reply.startswith("550 5.6.11")
        assert list(mails) == []
        assert await line.ended()


async def test_commands_behind_a_refused_mail_are_not_obeyed(world: World) -> None:
    await world.listen()
    line = await world.connect()
    await line.begin()
    await line.send(b"Subject: one\r\n\r\nbare\nline\r\n.\r\n" + SMUGGLED)
    assert (await line.reply()).startswith("550 5.6.11")
    assert await line.ended()
    assert list(await world.mails()) == []


async def _read(pieces: list[bytes], limit: int = 10**6) -> tuple[bytes, bytes]:
    """Return the mail and what is left for the next command."""
    reader = MailReader(limit=2**16)
    task = asyncio.ensure_future(read_data(reader, limit, lambda _: True))
    for piece in pieces:
        reader.feed_data(piece)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    reader.feed_eof()
    try:
        return await task, await reader.read()
    except DataRefused as refused:
        return str(refused.reply).encode(), await reader.read()


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_a_split_at_any_byte_changes_nothing(end: bytes) -> None:
    payload = HEAD + end + SMUGGLED
    whole = await _read([payload])
    assert whole[1] == b""
    for at in range(1, len(payload)):
        assert await _read([payload[:at], payload[at:]]) == whole


@pytest.mark.parametrize("at", range(1, 40))
async def test_the_true_end_is_found_wherever_it_is_split(at: int) -> None:
    payload = b"Subject: one\r\n\r\n..dots\r\n.\r\nRSET\r\n"
    expected = b"Subject: one\r\n\r\n.dots\r\n", b"RSET\r\n"
    assert await _read([payload[:at], payload[at:]] if at < len(payload) else [payload]) == expected


@given(
    body=st.lists(
        st.sampled_from([b".", b"\r\n", b"\r", b"\n", b"\0", b"a", b"..", b"\r\n.\r\n", b"DATA"]),
        max_size=30,
    ),
    cuts=st.lists(st.integers(0, 90), max_size=4),
)
def test_what_is_stored_comes_out_again_as_it_was_meant(body: list[bytes], cuts: list[int]) -> None:
    meant = b"".join(body).replace(b"\r\n.\r\n", b"\r\n") + b"\r\n"
    stuffed = (b"\r\n" + meant).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
    payload = stuffed + b"QUIT\r\n"
    edges = [0, *sorted(each for each in cuts if each < len(payload)), len(payload)]
    pieces = [payload[a:b] for a, b in itertools.pairwise(edges) if a < b]
    mail, rest = asyncio.run(_read(pieces))
    assert rest == b"QUIT\r\n"
    lines = meant.count(b"\r\n")
    clean = meant.count(b"\r") == lines and meant.count(b"\n") == lines
    assert mail == (meant.replace(b"\0", b"") if clean else REFUSED)


async def test_a_client_that_leaves_in_data_leaves_nothing(world: World, until: Until) -> None:
    listener = await world.listen()
    line = await world.connect()
    await line.begin()
    await line.send(b"Subject: half\r\n\r\nhalf")
    line.writer.close()
    await until(lambda: not listener.sessions)
    assert list(await world.mails()) == []
