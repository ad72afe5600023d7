"""One runner per mailbox and ledger: told by a file lock, which the system takes back however its process ends."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atomic.errors import OperatorError


class MailboxTaken(OperatorError):
    """Another process runs the same mailbox with the same ledger."""

    retryable = True


@contextmanager
def only_runner(mailbox: Path, ledger: Path | None) -> Iterator[None]:
    """Be the only runner of a mailbox with a ledger; a ledger in memory is nobody else's, so anybody may.

    The lock is a file in `<ledger>.runners`, named by the mailbox's real path: it stays when the lock goes, since a
    file that is removed while somebody is about to lock it would let two in. It holds the process's number, for people.

    Raises MailboxTaken, or OperatorError when the lock cannot be had at all.
    """
    if ledger is None:
        yield
        return
    folder = ledger.with_name(ledger.name + ".runners")
    name = hashlib.sha256(os.fsencode(mailbox.resolve())).hexdigest()[:32]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise OperatorError(f"{folder}: cannot lock the mailbox: {error.strerror}") from error
    try:
        _lock(descriptor, mailbox, ledger)
        yield
    finally:
        os.close(descriptor)  # the lock goes with the open file


@contextmanager
def no_runner(ledger: Path | None) -> Iterator[None]:
    """Keep every mailbox that was ever run with a ledger from being run meanwhile.

    Raises MailboxTaken when one is, and OperatorError as `only_runner`.
    """
    folder = None if ledger is None else ledger.with_name(ledger.name + ".runners")
    held: list[int] = []
    try:
        for path in sorted(folder.iterdir()) if folder is not None and folder.is_dir() else ():
            held.append(os.open(path, os.O_RDWR | os.O_CLOEXEC))
            _lock(held[-1], "a mailbox", ledger)
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)


def _lock(descriptor: int, mailbox: Path | str, ledger: Path | None) -> None:
    # flock, not fcntl: the latter is lost when anybody in this process closes any descriptor of the file.
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        who = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        raise MailboxTaken(
            f"{mailbox} is being run with the ledger {ledger} by another process{f' ({who})' if who else ''}",
            hint="one runner per mailbox and ledger: stop the other one first, or let it work",
        ) from None
    except OSError as error:
        raise OperatorError(f"{ledger}: this file system has no locks: {error.strerror}") from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
