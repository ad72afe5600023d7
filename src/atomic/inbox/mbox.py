"""Mail in one file (mbox, RFC 4155): found by its "From " lines, read mail by mail, never written.

The standard library's `mailbox` takes every line that begins with "From " for the beginning of a mail, and locks by
writing. Here such a line must follow an empty one and hold a time of day, the file is opened for reading alone, and
locks are only asked for: a program that is writing the file (dot-lock, flock or fcntl) is waited for, and afterwards
the file is left free while its mails are worked on.
"""

from __future__ import annotations

import errno
import fcntl
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

# "From ann@example.org Tue Nov 24 07:22:05 2026": who and the date are written in too many ways to ask for more.
_BEGIN = re.compile(rb"From [^\r\n]*\d{1,2}:\d{2}[^\r\n]*\r?\n?")
_QUOTED = re.compile(rb"^>(?=>*From )", re.MULTILINE)
_LINE = 1 << 20  # a longer line is read in pieces, none of which can be a beginning
PATIENCE_S = 5.0  # how long another program's lock is waited for
_POLL_S = 0.05


class MboxBusy(OSError):
    """Another program holds the file's lock, and did not let it go in time."""


@dataclass(frozen=True, slots=True)
class Part:
    """Where a mail lies in an mbox: its number from 1, the offset of its "From " line, and of the next one's."""

    number: int
    begin: int
    end: int


def is_mbox(path: Path) -> bool:
    """Whether a file is an mbox: it begins as one, or is empty. Raises OSError."""
    with path.open("rb") as file:
        first = file.readline(_LINE)
    return not first or _BEGIN.fullmatch(first) is not None


def parts_of(path: Path, *, patience: float = PATIENCE_S) -> list[Part]:
    """Where the mails of an mbox lie, read under a shared lock. Raises MboxBusy, or OSError."""
    begins: list[int] = []
    offset, after_empty, whole = 0, True, True
    with path.open("rb") as file, _shared(file, path, patience):
        while line := file.readline(_LINE):
            if whole and after_empty and _BEGIN.fullmatch(line):
                begins.append(offset)
            after_empty = whole and line in {b"\n", b"\r\n"}
            whole = line.endswith(b"\n")
            offset += len(line)
    ends = [*begins[1:], offset]  # one too many where there is no mail at all
    return [Part(number, begin, end) for number, (begin, end) in enumerate(zip(begins, ends, strict=False), start=1)]


def read_part(path: Path, part: Part, size_limit: int) -> tuple[bytes, int] | None:
    """The bytes of a mail, at most `size_limit`, and how many it has; None when it does not lie there any more.

    Without its "From " line and the empty line at its end; the quoting of lines that begin with "From " is undone,
    so a mail has the same SHA-256 in every mailbox it lies in. Raises OSError.
    """
    with path.open("rb") as file:
        file.seek(part.begin)
        first = file.readline(_LINE)
        if not _BEGIN.fullmatch(first):
            return None
        size = part.end - part.begin - len(first)
        raw = file.read(min(size, size_limit))
        if len(raw) < min(size, size_limit):
            return None
        if len(raw) == size:
            following = file.readline(_LINE)
            if following and not _BEGIN.fullmatch(following):
                return None
            raw = _without_last_empty_line(raw)
    return _QUOTED.sub(b"", raw), size


def _without_last_empty_line(raw: bytes) -> bytes:
    for end in (b"\r\n", b"\n"):
        if raw.endswith(end + end):
            return raw.removesuffix(end)
    return b"" if raw in {b"\n", b"\r\n"} else raw


@contextmanager
def _shared(file: BinaryIO, path: Path, patience: float) -> Iterator[None]:
    """Hold the file as a reader: no dot-lock is there, and both kinds of the kernel's locks are shared."""
    deadline = time.monotonic() + patience
    dot = path.with_name(path.name + ".lock")
    while dot.exists() or not _locked(file):
        if time.monotonic() >= deadline:
            raise MboxBusy(errno.EAGAIN, "another program is writing it (its lock is held)", str(path))
        time.sleep(_POLL_S)
    try:
        yield
    finally:
        fcntl.lockf(file, fcntl.LOCK_UN)
        fcntl.flock(file, fcntl.LOCK_UN)


def _locked(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.EAGAIN, errno.EACCES}:
            fcntl.flock(file, fcntl.LOCK_UN)
            return False
        if error.errno not in {errno.ENOLCK, errno.ENOTSUP}:  # this file system has no locks: nobody can hold one
            raise
    return True
