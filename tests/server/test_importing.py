"""Bringing history in from files, into a real store, more than once."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from agentmail_server.errors import BadRequest, NotFound
from agentmail_server.ids import FrozenClock, Ids, from_micros, to_micros
from agentmail_server.mail.parse import ParsedMail, parse
from agentmail_server.service.importing import Imported, SourceMail, import_mails, iter_mails
from agentmail_server.store import accounts, domains, inboxes, messages, outbox, threads
from agentmail_server.store.engine import Store, open_store
from agentmail_server.store.records import MessageQuery, MessageRow, ThreadQuery

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
ADDRESS = "desk@agents.test"
BULK = Path(__file__).parents[3] / "shared" / "corpora" / "mail" / "bulk" / "spamassassin.mbox.xz"


def mail(number: int, *, subject: str = "Launch plan", more: str = "", body: str = "hi") -> bytes:
    return (
        f"From: Ann <ann@a.test>\nTo: {ADDRESS}\nSubject: {subject}\n"
        f"Message-ID: <{number}@a.test>\nDate: Mon, {number} Feb 2026 10:00:00 +0000\n"
        f"{more}\n{body}\n"
    ).encode()


def mbox(*mails: bytes) -> bytes:
    line = b"From ann@a.test Mon Feb  2 11:00:00 2026\n"
    return b"".join(line + raw.replace(b"\nFrom ", b"\n>From ") + b"\n" for raw in mails)


def read(path: Path | str, source_format: str | None = None) -> list[SourceMail]:
    return list(iter_mails(str(path), source_format, now=NOW))


def test_an_mbox_is_split_at_its_from_lines(tmp_path: Path) -> None:
    mails = [
        mail(1, body="From here on it is quoted\nand >From there"),
        mail(2, body="a blank line, then\n\nFrom time to time a sentence\n\nends"),
        mail(3),
    ]
    path = tmp_path / "old.mbox"
    path.write_bytes(mbox(*mails))
    assert [each.raw for each in read(path)] == mails


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress, bytes])
def test_packed_files_are_known_by_their_bytes(tmp_path: Path, pack: type[bytes]) -> None:
    path = tmp_path / "history"
    path.write_bytes(pack(mbox(mail(1), mail(2))))
    assert [each.raw for each in read(path)] == [mail(1), mail(2)]


def test_a_damaged_file_is_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "history.gz"
    path.write_bytes(gzip.compress(mbox(mail(1)) * 1000)[:-50])
    with pytest.raises(BadRequest, match="damaged"):
        read(path)


def test_a_maildir_is_read_but_not_left(tmp_path: Path) -> None:
    outside = tmp_path / "outside.eml"
    outside.write_bytes(mail(9))
    folder = tmp_path / "Maildir"
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True)
    (folder / "cur" / "1001.a:2,S").write_bytes(mail(1))
    (folder / "new" / "1002.b").write_bytes(mail(2))
    (folder / "tmp" / "1003.c").write_bytes(mail(3))
    (folder / "cur" / "1004.d").symlink_to(outside)
    assert [each.raw for each in read(folder)] == [mail(1), mail(2)]
    with pytest.raises(BadRequest):
        read(tmp_path, "maildir")


def test_eml_files_are_found_in_folders(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "one.eml").write_bytes(mail(1))
    (tmp_path / "a" / "two.EML").write_bytes(mail(2))
    (tmp_path / "a" / "notes.txt").write_bytes(b"no mail")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert [each.raw for each in read(tmp_path)] == [mail(1), mail(2)]
    assert [each.raw for each in read(tmp_path / "a" / "two.EML")] == [mail(2)]
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadRequest, match=r"no \.eml"):
        read(tmp_path / "empty")


@pytest.mark.parametrize(
    ("data", "count"), [(mbox(mail(1), mail(2)), 2), (mail(1), 1), (b"", 0), (b"\n\n", 0)]
)
def test_a_pipe_is_an_mbox_or_one_mail(
    monkeypatch: pytest.MonkeyPatch, data: bytes, count: int
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert len(read("-")) == count


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="cannot read"):
        read(tmp_path / "missing")
    with pytest.raises(BadRequest, match="not known"):
        read(tmp_path, "pst")


def test_dates_are_the_mails_own_else_the_marks_else_now(tmp_path: Path) -> None:
    own, marked = mail(1), mail(2).replace(b"Mon, 2 Feb 2026", b"nonsense")
    ahead = mail(3).replace(b"2026 10", b"2036 10")
    path = tmp_path / "m.mbox"
    path.write_bytes(mbox(own, marked, ahead) + b"From x\n" + marked)
    assert [each.received_at for each in read(path)] == [
        datetime(2026, 2, 1, 10, tzinfo=UTC),
        datetime(2026, 2, 2, 11, tzinfo=UTC),
        datetime(2026, 2, 2, 11, tzinfo=UTC),
        NOW,
    ]


def test_equal_mails_of_one_source_have_keys_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "m.mbox"
    path.write_bytes(mbox(mail(1), mail(1), mail(2), mail(1)))
    keys = [each.dedupe_key for each in read(path)]
    assert len(set(keys)) == 4
    assert keys[0].startswith("1@a.test|")
    assert (keys[1], keys[3]) == (f"{keys[0]}#2", f"{keys[0]}#3")
    assert keys == [each.dedupe_key for each in read(path)]


def test_the_bulk_corpus_has_3125_mails() -> None:
    if not BULK.exists():
        pytest.skip("the shared mail corpus is not beside this repository")
    count, size = 0, 0
    for each in iter_mails(str(BULK), None, now=NOW):
        count += 1
        size += len(each.raw)
    assert count == 3125
    assert size > 10_000_000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    clock, ids = FrozenClock(NOW), Ids(1)
    opened = await open_store(tmp_path / "store.db", clock=clock, ids=ids)
    now = to_micros(NOW)
    org = await opened.write(accounts.create_org, ids, now, "Org", "org")
    domain = await opened.write(domains.ensure_shared_domain, ids, now, "agents.test")
    await opened.write(
        inboxes.create_inbox, ids, now, org.id, local_part="desk", domain_id=domain.id
    )
    try:
        yield opened
    finally:
        await opened.aclose()


async def bring(store: Store, mails: Iterator[SourceMail], **options: object) -> Imported:
    return await import_mails(store, Ids(), FrozenClock(NOW), ADDRESS, mails, **options)  # type: ignore[arg-type]


async def stored(store: Store) -> list[MessageRow]:
    org = await store.read(accounts.first_org)
    assert org is not None
    return list(await store.read(messages.list_messages, org.id, MessageQuery(limit=1000)))


def source(*mails: bytes) -> Iterator[SourceMail]:
    return iter([SourceMail(raw, f"k{n}", parse(raw).date or NOW) for n, raw in enumerate(mails)])


async def test_history_comes_in_threaded_and_dated(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "m.mbox"
    answer = mail(2, subject="Re: Launch plan", more="In-Reply-To: <1@a.test>\n")
    path.write_bytes(mbox(mail(1), answer, mail(3, subject="Other")))
    seen: list[Imported] = []
    done = await bring(store, iter_mails(str(path), None, now=NOW), on_progress=seen.append)
    assert done == Imported(read=3, stored=3, repeated=0)
    assert seen[-1] == done
    rows = {row.rfc_message_id: row for row in await stored(store)}
    assert rows["1@a.test"].thread_id == rows["2@a.test"].thread_id
    assert rows["3@a.test"].thread_id != rows["1@a.test"].thread_id
    assert from_micros(rows["2@a.test"].created_at) == datetime(2026, 2, 2, 10, tzinfo=UTC)
    assert await store.read(messages.raw_of, rows["2@a.test"].org_id, rows["2@a.test"].id) == answer


async def test_run_again_nothing_comes_twice(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "m.mbox"
    path.write_bytes(mbox(*(mail(n % 28 + 1) for n in range(120))))
    assert (await bring(store, iter_mails(str(path), None, now=NOW))).stored == 120
    again = await bring(store, iter_mails(str(path), None, now=NOW))
    assert again == Imported(read=120, stored=0, repeated=120)
    assert len(await stored(store)) == 120


async def test_an_import_broken_off_goes_on_where_it_was(store: Store) -> None:
    mails = [mail(n % 28 + 1, body=f"number {n}") for n in range(130)]

    def broken() -> Iterator[SourceMail]:
        for number, each in enumerate(source(*mails)):
            if number == 70:
                raise KeyboardInterrupt
            yield each

    with pytest.raises(KeyboardInterrupt):
        await bring(store, broken())
    held = len(await stored(store))
    assert 0 < held < 130
    assert await bring(store, source(*mails)) == Imported(130, 130 - held, held)
    assert len(await stored(store)) == 130


async def test_no_parsing_is_left_to_do(store: Store) -> None:
    await bring(store, source(mail(1), mail(2)))
    assert await store.read(outbox.backlog) == {}


async def test_a_mail_the_store_refuses_is_kept_by_its_headers(store: Store) -> None:
    class Poison:
        async def parse(self, raw: bytes) -> ParsedMail:
            parsed = parse(raw)
            if b"poison" in raw:
                return ParsedMail(subject=parsed.subject, text=object())  # type: ignore[arg-type]
            return parsed

    mails = source(mail(1), mail(2, subject="Bad", body="poison"), mail(3))
    assert (await bring(store, mails, parser=Poison())).stored == 3
    rows = {row.subject: row for row in await stored(store)}
    assert "cannot be stored as parsed" in (rows["Bad"].parse_error or "")
    assert rows["Bad"].text == ""
    assert sum(row.parse_error is None for row in rows.values()) >= 1


async def test_hostile_mail_is_only_mail(store: Store) -> None:
    hostile = [b"", b"\0" * 100, b"\xff\xfe" * 50, b"From: \xed\xa0\x80@x\r\n\r\n\x00\x1b[2J"]
    assert (await bring(store, source(*hostile))).stored == 4


async def test_an_unknown_inbox_is_said(store: Store) -> None:
    with pytest.raises(NotFound, match="create it first"):
        await import_mails(store, Ids(), FrozenClock(NOW), "no@agents.test", source(mail(1)))


async def test_threads_show_the_newest_whatever_the_order(store: Store) -> None:
    late = mail(5, subject="Re: Launch plan", more="References: <1@a.test>\n", body="late")
    await bring(store, source(late, mail(1, body="early")))
    org = await store.read(accounts.first_org)
    assert org is not None
    rows = await store.read(threads.list_threads, org.id, ThreadQuery(limit=10))
    assert [row.snippet for row in rows] == ["late"]
    assert from_micros(rows[0].last_message_at) - from_micros(
        rows[0].first_message_at
    ) == timedelta(4)
