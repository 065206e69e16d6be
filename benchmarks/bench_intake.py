"""SMTP intake at 1, 10 and 50 sessions, beside an aiosmtpd that keeps nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.figures import ms, percentile, table
from benchmarks.server import new_key, serving, throw_away_folder

TITLE = "SMTP intake"
# Sessions, and mails in each of them.
LOADS = ((1, 200), (10, 60), (50, 20))
SIZE = 20 * 1024

_BARE = """
import asyncio
from aiosmtpd.smtp import SMTP
class Handler:
    async def handle_DATA(self, server, session, envelope):
        return "250 OK"
async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(Handler(), hostname="bare.test", loop=loop), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


@dataclass(slots=True)
class Result:
    """What one load took."""

    messages: int
    seconds: float
    acks: list[float] = field(repr=False)

    @property
    def rate(self) -> float:
        return self.messages / self.seconds


async def session(host: str, port: int, recipient: str, mails: list[bytes]) -> list[float]:
    """Send mails one after the other in one session; return the times from the dot to the 250."""
    reader, writer = await asyncio.open_connection(host, port)
    acks = []

    async def say(line: bytes, expect: bytes) -> None:
        writer.write(line)
        await writer.drain()
        while (reply := await reader.readline())[3:4] == b"-":
            pass
        if not reply.startswith(expect):
            raise RuntimeError(reply.decode("ascii", "replace").strip())

    await say(b"", b"220")
    await say(b"EHLO bench.example\r\n", b"250")
    for mail in mails:
        await say(b"MAIL FROM:<load@bench.example>\r\n", b"250")
        await say(b"RCPT TO:<%s>\r\n" % recipient.encode(), b"250")
        await say(b"DATA\r\n", b"354")
        writer.write(mail)
        await writer.drain()
        start = time.perf_counter()
        await say(b".\r\n", b"250")
        acks.append(time.perf_counter() - start)
    await say(b"QUIT\r\n", b"221")
    writer.close()
    await writer.wait_closed()
    return acks


async def load(host: str, port: int, recipient: str, tag: str, sessions: int, each: int) -> Result:
    boxes = [[_mail(f"{tag}-{s}-{n}") for n in range(each)] for s in range(sessions)]
    start = time.perf_counter()
    acks = await asyncio.gather(*(session(host, port, recipient, mails) for mails in boxes))
    took = time.perf_counter() - start
    return Result(sessions * each, took, [ack for some in acks for ack in some])


def _mail(name: str) -> bytes:
    head = (
        f"From: Load <load@bench.example>\r\nTo: bench@agents.localhost\r\n"
        f"Subject: Load {name}\r\nMessage-ID: <{name}@bench.example>\r\n"
        "Date: Thu, 15 Jan 2026 09:00:00 +0000\r\nContent-Type: text/plain\r\n\r\n"
    ).encode()
    line = b"The box was wet on one side and the lid has a dent, so it does not close.\r\n"
    return head + line * ((SIZE - len(head)) // len(line))


@contextmanager
def bare() -> Iterator[int]:
    """Run the aiosmtpd to compare with: no store, no checks, the 250 at once."""
    child = subprocess.Popen([sys.executable, "-c", _BARE], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        yield int(child.stdout.readline())
    finally:
        child.terminate()
        child.wait(10)


def _settled(server_messages: int, expected: int, seconds: float) -> str:
    return f"{server_messages} of {expected} in the list {seconds:.1f} s after the last 250"


def main() -> None:
    rows = []
    sent = 0
    key = new_key()
    with throw_away_folder() as folder, serving(folder, key) as server, bare() as port:
        address = server.post("/v1/inboxes", {"local_part": "bench"})["data"]["address"]
        host, smtp = server.smtp
        for sessions, each in LOADS:
            tag = f"s{sessions}"
            ours = asyncio.run(load(host, smtp, address, tag, sessions, each))
            sent += ours.messages
            seen, waited = _wait_listed(server.get, sent)
            plain = asyncio.run(load(host, port, address, tag, sessions, each))
            rows.append(
                (
                    str(sessions),
                    f"{ours.rate:.0f}",
                    ms(percentile(ours.acks, 0.5)),
                    ms(percentile(ours.acks, 0.99)),
                    f"{plain.rate:.0f}",
                    ms(percentile(plain.acks, 0.5)),
                    ms(percentile(plain.acks, 0.99)),
                    _settled(seen, sent, waited),
                )
            )
    head = ("sessions", "messages/s", "ack p50", "ack p99")
    table((*head, "bare messages/s", "bare p50", "bare p99", "afterwards"), rows)


def _wait_listed(get: object, expected: int) -> tuple[int, float]:
    start = time.perf_counter()
    while True:
        found = get("/v1/threads/counts?all=true")  # type: ignore[operator]
        total = int(found["data"]["total"])
        waited = time.perf_counter() - start
        if total >= expected or waited > 120:
            return total, waited
        time.sleep(0.1)


if __name__ == "__main__":
    main()
