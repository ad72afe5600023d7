"""Holders: which open ledgers are alive, told by a file lock that the system takes back when a process dies."""

from __future__ import annotations

import fcntl
import os
import uuid
import weakref
from pathlib import Path


def holders_path(ledger: Path) -> Path:
    """The folder with a file per open ledger."""
    return ledger.with_name(ledger.name + ".holders")


class Holder:
    """A place among the living: alive as long as this process lives and has not closed it.

    flock, not POSIX record locks: those are lost when any descriptor of the file is closed in the process, and
    would not see another ledger of the same process. A flock belongs to the open file, so a fork inherits it:
    a child closes its copy at once, else it would keep a dead parent alive.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self._bury_the_dead()
        while True:
            self.name = f"{os.getpid()}-{uuid.uuid4().hex}"
            self._file = (folder / self.name).open("xb")
            if _lock(self._file.fileno()) and (folder / self.name).exists():
                _OPEN.add(self)
                return
            self._file.close()  # somebody cleaned it away in the instant before it was locked

    def alive(self, name: str) -> bool:
        """Whether the holder of that name lives. A false "yes" lasts until the lease ends, so doubt says yes."""
        try:
            descriptor = os.open(self._folder / name, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        try:
            return not _lock(descriptor)
        finally:
            os.close(descriptor)

    def _bury_the_dead(self) -> None:
        for path in self._folder.iterdir():
            if not self.alive(path.name):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Leave; open claims may be taken over from now on."""
        (self._folder / self.name).unlink(missing_ok=True)
        self._file.close()

    def leave_to_parent(self) -> None:
        """In a forked child: drop the inherited lock; the parent's own descriptor still holds it."""
        self._file.close()


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


_OPEN: weakref.WeakSet[Holder] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for holder in tuple(_OPEN):
        holder.leave_to_parent()


os.register_at_fork(after_in_child=_after_fork_in_child)
