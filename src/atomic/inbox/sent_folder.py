"""Looking for a sent mail in a Maildir folder, by its Message-ID: the proof that a server took it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from atomic.inbox.mail_headers import fields, identifiers, read_block

_HEADER_LIMIT = 65_536
_EARLIER_S = 172_800.0  # clocks differ, and what copies folders may set the time of a file


def is_sent(folder: Path, message_id: str, *, since: float) -> bool:
    """Whether a mail of that Message-ID lies in the folder, among the files written since then (Unix time, in seconds).

    False also where there is no such folder.
    """
    return any(message_id in _ids(path) for path in _written_since(folder, since - _EARLIER_S))


def _written_since(folder: Path, since: float) -> Iterator[Path]:
    for part in ("new", "cur"):
        try:
            entries = list(os.scandir(folder / part))
        except OSError:
            continue
        for entry in entries:
            try:
                if entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime >= since:
                    yield Path(entry.path)
            except OSError:  # moved meanwhile: `cur` is looked at after `new`
                continue


def _ids(path: Path) -> tuple[str, ...]:
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER_LIMIT)
    except OSError:
        return ()
    return identifiers(fields(read_block(head, 0, len(head), _HEADER_LIMIT).message).get("message-id", ()))
