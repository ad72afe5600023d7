"""Where mail comes from: a folder of `.eml` files, a Maildir, or an mbox; read once, lazily, in one order.

A mailbox is somebody else's and alive: files vanish, grow and move between folders while it is read. Nothing here
raises for one bad file; it is given as a `Skipped` with its reason. No symbolic link is followed, and nothing is
written.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from atomic.inbox.mbox import Part, is_mbox, parts_of, read_part

# Enough for what providers deliver (25 to 50 MB); one mail at a time is held in memory.
SIZE_LIMIT = 64 * 1024 * 1024

DEPTH_LIMIT = 50

INBOX = "INBOX"
VANISHED = "vanished before it was read"


@dataclass(frozen=True, slots=True)
class SourceMail:
    """One mail as found: `key` is the SHA-256 (hex) of `raw`; `defects` says what was odd about the file."""

    key: str
    path: Path
    folder: str
    raw: bytes
    defects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that was not read, and why."""

    path: Path
    reason: str


def demo_folder() -> Path:
    """Give the folder of the demo's mails (`001.eml` …, `labels.jsonl`); they were written for the demo.

    >>> (demo_folder() / "001.eml").is_file()
    True
    """
    return Path(__file__).parent / "demo_mails"


def read_mailbox(root: Path, *, size_limit: int = SIZE_LIMIT) -> Iterator[SourceMail | Skipped]:
    """Read every mail below `root` once, in a fixed order, and tell of everything that was skipped.

    A folder with `new` or `cur` in it is a Maildir: its mails come first (folder `INBOX`), then those of its
    subfolders `.Name` (folder `Name`, as spelled on disk) by name; within a folder by the unique part of the file
    name, which begins with the time of delivery and stays when a mail moves from `new` to `cur` or changes its flags.
    Any other folder is read recursively: files named `*.eml`, by their path; folder `INBOX` for those directly in
    it, else the relative path of their folder (`a/b`). A file that is an mbox: its mails in their order, all `INBOX`.

    A mail longer than `size_limit` bytes is given as far as the limit, with a defect (its key is then of the part
    that was read). Raises FileNotFoundError or NotADirectoryError at once when `root` is no mailbox.

    >>> first = next(item for item in read_mailbox(demo_folder()) if isinstance(item, SourceMail))
    >>> first.path.name, first.folder
    ('001.eml', 'INBOX')
    """
    if not root.exists():
        raise FileNotFoundError(f"no such mailbox: {root}")
    if not root.is_dir():
        if not (root.is_file() and is_mbox(root)):
            raise NotADirectoryError(
                f"a mailbox is a folder of .eml files or a Maildir, or a file whose first line begins with 'From ' "
                f"(mbox), and this is none: {root}"
            )
        return _mbox(root, size_limit)
    read = _maildir if _is_maildir(root) else _plain_folder
    return read(root, size_limit)


def read_mail(path: Path, *, folder: str = INBOX, size_limit: int = SIZE_LIMIT) -> SourceMail | Skipped:
    """Read one mail by the path of its file, whatever its name.

    >>> read_mail(demo_folder() / "000.eml").reason
    'vanished before it was read'
    """
    return _read(path, folder, size_limit)


def read_mbox_part(path: Path, part: Part, *, size_limit: int = SIZE_LIMIT) -> SourceMail | Skipped:
    """Read one mail of an mbox. Its path is one that cannot be: the mbox's, with its number below it."""
    name = path / f"{path.name}#{part.number}"
    try:
        found = read_part(path, part, size_limit)
    except OSError as error:
        return Skipped(name, f"unreadable: {error.strerror or type(error).__name__}")
    if found is None:
        return Skipped(name, "the mbox changed while it was read")
    raw, size = found
    defects = (f"{size} bytes long: only the first {size_limit} read",) if size > size_limit else ()
    return SourceMail(hashlib.sha256(raw).hexdigest(), name, INBOX, raw, defects)


def maildir_name(name: str) -> str:
    """The part of a Maildir file name that never changes; flags follow after `:2,` (or `!2,` or `;2,`)."""
    for mark in (":2,", "!2,", ";2,"):
        name = name.partition(mark)[0]
    return name


def _mbox(path: Path, size_limit: int) -> Iterator[SourceMail | Skipped]:
    try:
        parts = parts_of(path)
    except OSError as error:
        yield Skipped(path, error.strerror or type(error).__name__)
        return
    for part in parts:
        yield read_mbox_part(path, part, size_limit=size_limit)


def _is_maildir(root: Path) -> bool:
    return (root / "new").is_dir() or (root / "cur").is_dir()


def _plain_folder(folder: Path, size_limit: int, name: str = INBOX) -> Iterator[SourceMail | Skipped]:
    entries = _entries(folder)
    if isinstance(entries, Skipped):
        yield entries
        return
    for entry in entries:
        path = folder / entry.name
        if entry.name.startswith("."):
            yield Skipped(path, "hidden")
        elif entry.is_symlink():
            yield Skipped(path, "symbolic link: not followed")
        elif entry.is_dir(follow_symlinks=False):
            inner = shown_name(entry.name) if name == INBOX else f"{name}/{shown_name(entry.name)}"
            if inner.count("/") >= DEPTH_LIMIT:
                yield Skipped(path, f"folders nested deeper than {DEPTH_LIMIT}")
            else:
                yield from _plain_folder(path, size_limit, inner)
        elif not entry.name.lower().endswith(".eml"):
            yield Skipped(path, "not an .eml file")
        else:
            yield _read(path, name, size_limit)


def _maildir(root: Path, size_limit: int) -> Iterator[SourceMail | Skipped]:
    yield from _maildir_folder(root, INBOX, size_limit)
    entries = _entries(root)
    if isinstance(entries, Skipped):
        yield entries
        return
    for entry in entries:
        path = root / entry.name
        if entry.name in {"new", "cur", "tmp"}:
            continue
        if entry.is_symlink():
            yield Skipped(path, "symbolic link: not followed")
        elif entry.is_dir(follow_symlinks=False) and entry.name.startswith(".") and _is_maildir(path):
            yield from _maildir_folder(path, shown_name(entry.name[1:]), size_limit)
        else:
            yield Skipped(path, "not part of the Maildir's mail")


def _maildir_folder(folder: Path, name: str, size_limit: int) -> Iterator[SourceMail | Skipped]:
    found: dict[str, Path] = {}
    # `new` before `cur`: a mail that moves in between is then seen twice, never missed.
    for part in ("new", "cur"):
        entries = (
            _entries(folder / part) if not (folder / part).is_symlink() else Skipped(folder / part, "symbolic link")
        )
        if isinstance(entries, Skipped):
            if (folder / part).exists():
                yield entries
            continue
        for entry in entries:
            if entry.name.startswith("."):
                yield Skipped(folder / part / entry.name, "hidden")
            else:
                found[maildir_name(entry.name)] = folder / part / entry.name
    for unique in sorted(found):
        yield read_maildir_mail(found[unique], folder=name, size_limit=size_limit)


def read_maildir_mail(path: Path, *, folder: str = INBOX, size_limit: int = SIZE_LIMIT) -> SourceMail | Skipped:
    """Read one mail of a Maildir, also where another program has read it, and so moved or renamed it, meanwhile."""
    item = _read(path, folder, size_limit)
    moved = None
    if isinstance(item, Skipped) and not path.exists():
        moved = _moved(path.parent.parent, maildir_name(path.name))
    return _read(moved, folder, size_limit) if moved else item


def _moved(folder: Path, unique: str) -> Path | None:
    """Where a mail is now that was read by another program, and so moved or renamed, since it was listed."""
    for part in ("cur", "new"):
        entries = _entries(folder / part)
        for entry in entries if not isinstance(entries, Skipped) else ():
            if maildir_name(entry.name) == unique:
                return folder / part / entry.name
    return None


def shown_name(name: str) -> str:
    """A file name as text that encodes to UTF-8, whatever its bytes."""
    return os.fsencode(name).decode("utf-8", "replace")


def _entries(folder: Path) -> list[os.DirEntry[str]] | Skipped:
    """The entries of a folder by name, or why it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        return Skipped(folder, f"unreadable folder: {error.strerror or type(error).__name__}")


def _read(path: Path, folder: str, size_limit: int) -> SourceMail | Skipped:
    # O_NOFOLLOW: it may have become a link since it was listed; O_NONBLOCK: a named pipe would wait for ever.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            before = os.fstat(file.fileno())
            if not stat.S_ISREG(before.st_mode):
                return Skipped(path, "not a regular file")
            raw = file.read(min(size_limit, before.st_size + 65_536))  # `read` sets aside what it is asked for
            after = os.fstat(file.fileno())
    except FileNotFoundError:
        return Skipped(path, VANISHED)
    except OSError as error:
        return Skipped(path, f"unreadable: {error.strerror or type(error).__name__}")
    defects = []
    if after.st_size > size_limit:
        defects.append(f"{after.st_size} bytes long: only the first {size_limit} read")
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or (
        len(raw) != min(after.st_size, size_limit)
    ):
        defects.append("changed while it was read")
    return SourceMail(hashlib.sha256(raw).hexdigest(), path, folder, raw, tuple(defects))
