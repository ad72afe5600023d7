"""Where mail comes from: a folder of `.eml` files, a Maildir, or a labelled pack; read once, lazily, in one order.

A mailbox is somebody else's and alive: files vanish, grow and move between folders while it is read. Nothing here
raises for one bad file; it is given as a `Skipped` with its reason. No symbolic link is followed, and nothing is
written.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

# Enough for what providers deliver (25 to 50 MB); one mail at a time is held in memory.
SIZE_LIMIT = 64 * 1024 * 1024

DEPTH_LIMIT = 50

INBOX = "INBOX"


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


class PackMail(NamedTuple):
    """One mail of a labelled pack."""

    id: str
    raw: bytes
    label: str


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
    it, else the relative path of their folder (`a/b`).

    A mail longer than `size_limit` bytes is given as far as the limit, with a defect (its key is then of the part
    that was read). Raises FileNotFoundError or NotADirectoryError at once when `root` is no folder.

    >>> first = next(item for item in read_mailbox(demo_folder()) if isinstance(item, SourceMail))
    >>> first.path.name, first.folder
    ('001.eml', 'INBOX')
    """
    if not root.exists():
        raise FileNotFoundError(f"no such mailbox: {root}")
    if not root.is_dir():
        raise NotADirectoryError(f"a mailbox is a folder of .eml files or a Maildir, and this is a file: {root}")
    read = _maildir if _is_maildir(root) else _plain_folder
    return read(root, size_limit)


def read_mail(path: Path, *, folder: str = INBOX, size_limit: int = SIZE_LIMIT) -> SourceMail | Skipped:
    """Read one mail by the path of its file, whatever its name.

    >>> read_mail(demo_folder() / "000.eml").reason
    'vanished before it was read'
    """
    return _read(path, folder, size_limit)


def read_pack(folder: Path, *, size_limit: int = SIZE_LIMIT) -> Iterator[PackMail]:
    """Read a labelled pack (`mail.tar.xz` with one file per mail, named as its id, and `labels.jsonl`), in its order.

    Raises ValueError, naming the id, when a mail has no label, a label has no mail, or the bytes of a mail are not
    those its label's `sha256` says. Members that are no regular files are ignored.
    """
    labels = _labels(folder / "labels.jsonl")
    with tarfile.open(folder / "mail.tar.xz", mode="r|xz") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            if content is None:
                continue
            row = labels.pop(member.name.removeprefix("./"), None)
            if row is None:
                raise ValueError(f"{folder}: mail {member.name} has no label (or occurs twice)")
            raw = content.read(size_limit)
            if "sha256" in row and len(raw) < size_limit and row["sha256"] != hashlib.sha256(raw).hexdigest():
                raise ValueError(f"{folder}: mail {member.name} is not the one that was labelled (sha256 differs)")
            yield PackMail(row["id"], raw, row["label"])
    if labels:
        raise ValueError(f"{folder}: {len(labels)} labels without a mail, the first is {next(iter(labels))}")


def _labels(path: Path) -> dict[str, dict[str, str]]:
    labels: dict[str, dict[str, str]] = {}
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            row = json.loads(line) if line.strip() else None
            if row is None:
                continue
            if not isinstance(row, dict) or not isinstance(row.get("id"), str) or not isinstance(row.get("label"), str):
                raise ValueError(f"{path}, line {number}: an object with the texts id and label was expected")
            labels[row["id"]] = row
    return labels


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
            inner = _shown(entry.name) if name == INBOX else f"{name}/{_shown(entry.name)}"
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
            yield from _maildir_folder(path, _shown(entry.name[1:]), size_limit)
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
                found[_unique(entry.name)] = folder / part / entry.name
    for unique in sorted(found):
        item = _read(found[unique], name, size_limit)
        moved = _moved(folder, unique) if isinstance(item, Skipped) and not found[unique].exists() else None
        yield _read(moved, name, size_limit) if moved else item


def _unique(name: str) -> str:
    """The part of a Maildir file name that never changes; flags follow after `:2,` (or `!2,` or `;2,`)."""
    for mark in (":2,", "!2,", ";2,"):
        name = name.partition(mark)[0]
    return name


def _moved(folder: Path, unique: str) -> Path | None:
    """Where a mail is now that was read by another program, and so moved or renamed, since it was listed."""
    for part in ("cur", "new"):
        entries = _entries(folder / part)
        for entry in entries if not isinstance(entries, Skipped) else ():
            if _unique(entry.name) == unique:
                return folder / part / entry.name
    return None


def _shown(name: str) -> str:
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
        return Skipped(path, "vanished before it was read")
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
