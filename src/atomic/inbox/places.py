"""Where results live, as files that people can see and move: folders of mail, tags beside them, drafts.

Everything here converges: done twice it is as if done once, also when a process died in the middle. A mail's name is
made of its subject and its SHA-256, so that one mail has one name wherever it lies.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import orjson

from atomic.inbox.mail import Mail
from atomic.inbox.source import INBOX, SourceMail, read_mailbox

OUTBOX, TAGS = "Outbox", "Tags"
DIGITS = 12  # of a mail's SHA-256, in the names of its files
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9]+")


class Place(Protocol):
    """A mailbox's results."""

    out: Path
    moves_source: bool  # whether moving takes a mail away from where it was found

    def move(self, mail: SourceMail, name: str, folder: str) -> Path:
        """Put a mail into a folder, from wherever it lies. Raises OSError."""
        ...

    def moved(self) -> Iterator[SourceMail]:
        """Each mail that lies where mail is moved to; mails that nobody moved may be among them."""
        ...


def name_of(mail: Mail) -> str:
    """A file name for a mail: from its subject, for people, and its SHA-256, so that it is the only one.

    >>> from atomic.inbox.mail import parse
    >>> name_of(parse(b"Subject: Re: Your order #12\\n\\n"))[:17]
    'Re-Your-order-12-'
    """
    plain = unicodedata.normalize("NFKD", mail.subject).encode("ascii", "ignore").decode()
    words = _NOT_PLAIN.sub("-", plain).strip("-")[:40].strip("-")
    return f"{words or 'mail'}-{mail.sha256[:DIGITS]}"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, also after a power failure. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The name is of the content: another process that writes the same file meanwhile does no harm.
    part = path.with_name(f".{path.name}.{hashlib.sha256(content).hexdigest()[:8]}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # some file systems cannot sync a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def digest_of(content: bytes) -> str:
    """What tells a file of ours from one that somebody has worked on."""
    return hashlib.sha256(content).hexdigest()


def remove_unchanged(path: Path, digest: str) -> bool:
    """Remove a file unless somebody has worked on it; False when somebody has. Raises OSError."""
    if not path.exists():
        return True
    if digest_of(path.read_bytes()) != digest:
        return False
    path.unlink(missing_ok=True)
    return True


def place_for(root: Path, out: Path) -> Place:
    """The place of results for a mailbox: a Maildir holds its own folders, any other keeps its files as they are."""
    maildir = (root / "new").is_dir() or (root / "cur").is_dir()
    return MaildirPlace(root, out) if maildir else FolderPlace(out)


def place_around(path: Path, out: Path) -> Place:
    """The place of results for a single mail: of the Maildir around it, if there is one."""
    root = path.parent
    if root.name in {"new", "cur"}:
        root = root.parent
        root = root.parent if root.name.startswith(".") else root
    return place_for(root, out)


class FolderPlace:
    """For a folder of `.eml` files, which is never touched: a copy of the mail goes to `<out>/<folder>/`."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.moves_source = False

    def move(self, mail: SourceMail, name: str, folder: str) -> Path:
        """Copy it there; from another folder of results it is moved."""
        target = self.out / folder / f"{name}.eml"
        target.parent.mkdir(parents=True, exist_ok=True)
        elsewhere = [path for path in self._found(name) if path.parent != target.parent]
        if elsewhere:
            elsewhere[0].replace(target)
        elif not target.exists():
            self._copy(mail, target)  # no link: who edits a result must not edit the mail
        for path in elsewhere[1:]:
            path.unlink(missing_ok=True)
        return target

    def moved(self) -> Iterator[SourceMail]:
        """By reading every mail in the folders of results."""
        if not self.out.is_dir():
            return
        for item in read_mailbox(self.out):
            if isinstance(item, SourceMail) and item.folder.partition("/")[0] not in {INBOX, OUTBOX, TAGS}:
                yield item

    def _found(self, name: str) -> list[Path]:
        return sorted(path for folder in self.out.iterdir() if (path := folder / f"{name}.eml").exists())

    @staticmethod
    def _copy(mail: SourceMail, target: Path) -> None:
        try:
            part = target.with_name(f".{target.name}.{os.getpid()}.part")
            shutil.copyfile(mail.path, part, follow_symlinks=False)
            part.replace(target)
        except (FileNotFoundError, NotADirectoryError):  # gone, or inside an mbox
            write_whole(target, mail.raw)


class MaildirPlace:
    """For a Maildir: mail moves into its folder `.Name`, and stays unread or read as it was."""

    def __init__(self, root: Path, out: Path) -> None:
        self.root = root
        self.out = out
        self.moves_source = True

    def move(self, mail: SourceMail, name: str, folder: str) -> Path:
        """Rename it there, within the Maildir. Its file keeps its name, with the flags in it."""
        home = self.root if folder == INBOX else self.root / f".{folder}"
        for part in ("tmp", "new", "cur"):
            (home / part).mkdir(parents=True, exist_ok=True)
        target = home / mail.path.parent.name / mail.path.name
        if target == mail.path:
            return target
        try:
            # A link first, so that another mail of that name is never overwritten; then the old name goes.
            os.link(mail.path, target, follow_symlinks=False)
            mail.path.unlink(missing_ok=True)
        except FileNotFoundError:
            if not target.exists():  # else we have moved it before
                raise
        except FileExistsError:
            if hashlib.sha256(target.read_bytes()).hexdigest() != mail.key:
                raise
            mail.path.unlink(missing_ok=True)
        return target

    def moved(self) -> Iterator[SourceMail]:
        """By reading the Maildir, its INBOX too: a mail that was put back there was put back by somebody."""
        for item in read_mailbox(self.root):
            if isinstance(item, SourceMail):
                yield item


class Tags:
    """Tags as a small file for each mail, which people may edit."""

    def __init__(self, out: Path) -> None:
        self._folder = out / TAGS

    def add(self, name: str, mail: Mail, tag: str) -> Path:
        """Add a tag; a file that somebody edited keeps what is in it. Raises OSError."""
        path = self._folder / f"{name}.json"
        known = self.read(path)
        if tag not in known:
            self._write(path, mail, (*known, tag))
        return path

    def of(self, sha256: str) -> Path | None:
        """The file of a mail, if it has one."""
        return next(iter(sorted(self._folder.glob(f"*-{sha256[:DIGITS]}.json"))), None)

    @classmethod
    def remove(cls, path: Path, wrong: Sequence[str]) -> None:
        """Take some tags away, if they are there. Raises OSError."""
        known = cls.read(path)
        if any(one in wrong for one in known):
            left = {**_json(path), "tags": [one for one in known if one not in wrong]}
            write_whole(path, orjson.dumps(left, option=orjson.OPT_INDENT_2) + b"\n")

    def all(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """(SHA-256, tags) of each mail that has some; a file that cannot be read is left out."""
        for path in sorted(self._folder.glob("*.json")) if self._folder.is_dir() else ():
            content = _json(path)
            key = content.get("sha256")
            if isinstance(key, str):
                yield key, _texts(content.get("tags"))

    @staticmethod
    def read(path: Path) -> tuple[str, ...]:
        """The tags in a file; none when there is none."""
        return _texts(_json(path).get("tags"))

    @staticmethod
    def _write(path: Path, mail: Mail, tags: Sequence[str]) -> None:
        content = {"tags": list(tags), "subject": mail.subject, "from": mail.sender, "sha256": mail.sha256}
        write_whole(path, orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")


def _json(path: Path) -> dict[str, object]:
    try:
        content = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {}
    return content if isinstance(content, dict) else {}


def _texts(value: object) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
