"""Mail from files: mbox (plain or compressed), maildir, .eml files and folders, or a pipe.

Everything is read in one pass and one mail at a time, so the size of the source does not matter.
"""

from __future__ import annotations

import bz2
import gzip
import io
import logging
import lzma
import os
import re
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from agentmail_server.errors import BadRequest
from agentmail_server.mail.dates import parse_date, sane_date
from agentmail_server.mail.headers import read_headers
from agentmail_server.mail.identity import identity_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

log = logging.getLogger(__name__)

FORMATS = ("mbox", "maildir", "eml")
MAX_MAIL = 100 * 1024 * 1024
_PIECE = 1024 * 1024
_ASCTIME = re.compile(rb"From .{0,300}\d\d?:\d\d(?::\d\d)?\b.{0,40}\b\d{4}\b")
_HEADER = re.compile(rb"[!-9;-~]{1,200}[ \t]*:")
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_PACKED: Mapping[bytes, Callable[[io.BufferedReader], object]] = {
    b"\x1f\x8b": gzip.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"BZh": bz2.open,
}
_EML = {".eml", ".mime", ".email", ".rfc822"}


@dataclass(frozen=True, slots=True)
class SourceMail:
    """A mail of a source; `dedupe_key` is the same whenever the source is read again."""

    raw: bytes
    dedupe_key: str
    received_at: datetime
    # Of `raw`, in hex; empty where nobody has made it yet.
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    raw: bytes
    from_line: bytes = b""


def iter_mails(path: str, source_format: str | None, *, now: datetime) -> Iterator[SourceMail]:
    """Yield the mails at `path` (`-` is stdin) in their order; the format is guessed if None.

    The date is the mail's own, else that of its mbox line, else `now`. Raises BadRequest for a
    path or format that cannot be read.
    """
    if source_format not in (*FORMATS, None):
        raise BadRequest(f"format '{source_format}' is not known; use mbox, maildir or eml")
    seen: Counter[bytes] = Counter()
    for found in _found(path, source_format):
        if not found.raw.strip():
            continue
        identity = identity_of(found.raw)
        digest = bytes.fromhex(identity.sha256)[:16]
        seen[digest] += 1
        number = seen[digest]
        yield SourceMail(
            raw=found.raw,
            sha256=identity.sha256,
            dedupe_key=identity.key if number == 1 else f"{identity.key}#{number}",
            received_at=_date_of(found, now),
        )


def _found(path: str, source_format: str | None) -> Iterator[_Found]:
    if path != "-" and Path(path).is_dir():
        yield from _folder(Path(path), source_format)
        return
    if source_format == "maildir":
        raise BadRequest(f"{path} is not a maildir")
    with _opened(path) as stream:
        is_mbox = source_format == "mbox"
        if source_format is None:
            is_mbox = stream.peek(5)[:5] == b"From "
        if is_mbox:
            yield from _mbox(stream)
        else:
            yield _whole(stream, path)


def _folder(folder: Path, source_format: str | None) -> Iterator[_Found]:
    if source_format == "mbox":
        raise BadRequest(f"{folder} is a folder, not an mbox file")
    is_maildir = (folder / "cur").is_dir() and (folder / "new").is_dir()
    if source_format == "maildir" and not is_maildir:
        raise BadRequest(f"{folder} is no maildir: it has no cur and new")
    if source_format == "maildir" or (source_format is None and is_maildir):
        paths = sorted(
            (path for part in ("cur", "new") for path in _files(folder / part)),
            key=lambda path: path.name,
        )
    else:
        paths = sorted(path for path in _files(folder) if path.suffix.lower() in _EML)
        if not paths:
            raise BadRequest(f"{folder} holds no .eml file")
    for path in paths:
        with path.open("rb") as stream:
            yield _whole(stream, str(path))


def _files(folder: Path) -> Iterator[Path]:
    """Yield the regular files below `folder`; symbolic links are not followed."""
    for root, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        for name in names:
            path = Path(root, name)
            if path.is_file() and not path.is_symlink():
                yield path


@contextmanager
def _opened(path: str) -> Iterator[io.BufferedReader]:
    try:
        # Not closed when it is stdin, which is not ours.
        source = sys.stdin.buffer if path == "-" else Path(path).open("rb")  # noqa: SIM115
    except OSError as error:
        raise BadRequest(f"cannot read {path}: {error.strerror}") from error
    plain: io.BufferedReader = io.BufferedReader(cast("io.RawIOBase", source), _PIECE)
    try:
        yield _unpacked(plain)
    except (EOFError, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise BadRequest(f"{path} is damaged: {error}") from error
    finally:
        if path == "-":
            plain.detach()
        else:
            plain.close()


def _unpacked(plain: io.BufferedReader) -> io.BufferedReader:
    """Return a reader of what `plain` holds, by its first bytes and not by its name."""
    start = plain.peek(6)[:6]
    for magic, unpack in _PACKED.items():
        if start.startswith(magic):
            return io.BufferedReader(cast("io.RawIOBase", unpack(plain)), _PIECE)
    return plain


def _whole(stream: IO[bytes], path: str) -> _Found:
    raw = stream.read(MAX_MAIL + 1)
    if len(raw) > MAX_MAIL:
        log.warning("%s is over 100 MB and was left out", path)
        return _Found(b"")
    return _Found(raw)


def _mbox(stream: io.BufferedReader) -> Iterator[_Found]:
    """Split at From_ lines; mboxrd quoting is undone."""
    from_line = b""
    lines: list[bytes] = []
    size = 0
    after_blank, at_line_start = True, True
    while line := stream.readline(_PIECE):
        starts = at_line_start and after_blank and _is_from_line(line, stream)
        if starts:
            if lines or from_line:
                yield _mbox_mail(lines, from_line, size)
            from_line, lines, size = line, [], 0
        else:
            size += len(line)
            if size <= MAX_MAIL:
                lines.append(line)
        after_blank = at_line_start and line in {b"\n", b"\r\n"}
        at_line_start = line.endswith(b"\n")
    if lines or from_line:
        yield _mbox_mail(lines, from_line, size)


def _is_from_line(line: bytes, stream: io.BufferedReader) -> bool:
    """Tell a separator from a sentence that begins with "From "."""
    if not line.startswith(b"From "):
        return False
    return bool(_ASCTIME.match(line) or _HEADER.match(stream.peek(200)[:200]))


def _mbox_mail(lines: list[bytes], from_line: bytes, size: int) -> _Found:
    if size > MAX_MAIL:
        log.warning("a mail of %d bytes is over 100 MB and was left out", size)
        return _Found(b"")
    # The blank line before the next From_ line is no part of the mail.
    if len(lines) > 1 and lines[-1] in {b"\n", b"\r\n"}:
        lines.pop()
    return _Found(_QUOTED_FROM.sub(rb"\1", b"".join(lines)), from_line)


def _date_of(found: _Found, now: datetime) -> datetime:
    own = parse_date(read_headers(found.raw).text("date"))
    marked = None
    if sane_date(own, now) is None and found.from_line:
        words = found.from_line.decode("latin-1").split(None, 2)
        marked = parse_date(words[2]) if len(words) == 3 else None
    return sane_date(own, now) or sane_date(marked, now) or now
