"""What changed in a mailbox since it was last looked at: by listing its folders, without reading a mail.

Polling, because it sees the same on every file system, network ones too, and a listing costs little: 10,000 mails take
about 0.2 s. A file is known by where it lies and its inode, size and time of change, so marking a mail as read (a
rename within its Maildir folder) is no change, and moving it to another folder is one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from atomic.inbox.mbox import parts_of
from atomic.inbox.places import OUTBOX, TAGS
from atomic.inbox.source import (
    DEPTH_LIMIT,
    INBOX,
    Skipped,
    SourceMail,
    maildir_name,
    read_mail,
    read_maildir_mail,
    read_mbox_part,
    shown_name,
)

Sign = tuple[int, int, int]  # inode, size, time of change in ns


@dataclass(frozen=True, slots=True)
class Spot:
    """A file, or a part of an mbox, that holds a mail: `id` stays when it is only renamed to show flags."""

    id: str
    folder: str
    sign: Sign
    read: Callable[[], SourceMail | Skipped] = field(compare=False)


Listing = Callable[[], Iterator[Spot]]


class Watch:
    """Finds the spots that are new or changed since the last look.

    With `settle`, a file is given once it looked the same twice: somebody may still be writing it. A Maildir's files
    appear whole, an mbox is locked while it is written.
    """

    def __init__(self, listing: Listing, *, settle: bool = False) -> None:
        self._listing = listing
        self._settle = settle
        self._known: dict[str, Sign] = {}
        self._seen: dict[str, Sign] = {}

    def look(self) -> list[Spot]:
        """The spots that are new or changed, in the mailbox's order. Raises OSError when it cannot be listed."""
        spots = list(self._listing())
        fresh = [
            spot
            for spot in spots
            if self._known.get(spot.id) != spot.sign and (not self._settle or self._seen.get(spot.id) == spot.sign)
        ]
        self._seen = {spot.id: spot.sign for spot in spots}
        known = {spot_id: sign for spot_id, sign in self._known.items() if spot_id in self._seen}
        self._known = known | {spot.id: spot.sign for spot in fresh}
        return fresh

    @property
    def count(self) -> int:
        """How many there were at the last look."""
        return len(self._seen)

    def has(self, spot: Spot) -> bool:
        """Whether it was there at the last look."""
        return spot.id in self._seen


def mails_in(root: Path, out: Path) -> Watch:
    """Watches a mailbox of whatever kind; mail among the results is none of it."""
    if root.is_file():
        return Watch(_Mbox(root))
    if (root / "new").is_dir() or (root / "cur").is_dir():
        return Watch(lambda: _maildir(root))
    return Watch(lambda: _plain(root, INBOX, out), settle=True)


def results_in(out: Path) -> Watch:
    """Watches the folders of results, where people move mail; drafts and tags are none."""
    own = {INBOX, OUTBOX, TAGS}
    return Watch(lambda: (spot for spot in _plain(out, INBOX, None) if spot.folder.partition("/")[0] not in own))


def tags_in(out: Path) -> Watch:
    """Watches the files of tags."""
    return Watch(lambda: (_spot(entry, TAGS, entry.name) for entry in _files(out / TAGS) if _ends(entry, ".json")))


def _maildir(root: Path) -> Iterator[Spot]:
    homes = [(root, INBOX)]
    homes += [(root / name, shown_name(name[1:])) for name in _folders(root) if name.startswith(".")]
    for home, folder in homes:
        # A mail that moves from `new` to `cur` meanwhile is then seen twice, never missed.
        found = {maildir_name(entry.name): entry for part in ("new", "cur") for entry in _files(home / part)}
        for unique, entry in sorted(found.items()):
            yield _spot(
                entry, folder, f"{folder}/{unique}", partial(read_maildir_mail, Path(entry.path), folder=folder)
            )


def _plain(folder: Path, name: str, without: Path | None) -> Iterator[Spot]:
    if folder == without:
        return
    for entry in _files(folder):
        if _ends(entry, ".eml"):
            yield _spot(entry, name, f"{name}/{entry.name}")
    for inner in _folders(folder):
        below = shown_name(inner) if name == INBOX else f"{name}/{shown_name(inner)}"
        if not inner.startswith(".") and below.count("/") < DEPTH_LIMIT:
            yield from _plain(folder / inner, below, without)


class _Mbox:
    """The parts of an mbox; it is read again only when it changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sign: Sign = (0, 0, 0)
        self._spots: list[Spot] = []

    def __call__(self) -> Iterator[Spot]:
        sign = _sign(self._path.stat())
        if sign != self._sign:
            self._spots = [
                Spot(f"{part.begin}", INBOX, (sign[0], part.end, 0), partial(read_mbox_part, self._path, part))
                for part in parts_of(self._path)
            ]
            self._sign = sign
        return iter(self._spots)


def _spot(
    entry: os.DirEntry[str], folder: str, spot_id: str, read: Callable[[], SourceMail | Skipped] | None = None
) -> Spot:
    try:
        sign = _sign(entry.stat(follow_symlinks=False))
    except FileNotFoundError:  # reading it will say so
        sign = (0, 0, 0)
    return Spot(spot_id, folder, sign, read or partial(read_mail, Path(entry.path), folder=folder))


def _sign(status: os.stat_result) -> Sign:
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def _ends(entry: os.DirEntry[str], ending: str) -> bool:
    return entry.name.lower().endswith(ending)


def _files(folder: Path) -> list[os.DirEntry[str]]:
    """Regular files by name, without hidden ones; none when there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            found = [one for one in entries if not one.name.startswith(".") and one.is_file(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(found, key=lambda one: os.fsencode(one.name))


def _folders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(one.name for one in entries if one.is_dir(follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        return []
