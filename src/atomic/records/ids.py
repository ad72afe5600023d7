"""Ids: fresh ones are UUID version 7 (RFC 9562), so that they sort by the time they were made."""

from __future__ import annotations

import os
import uuid

from atomic.errors import CallerError


def fresh_id(time_ns: int) -> str:
    """A new UUIDv7 for a time in nanoseconds since 1970.

    >>> first, later = fresh_id(1_700_000_000_000_000_000), fresh_id(1_700_000_001_000_000_000)
    >>> first < later, first[14]
    (True, '7')
    """
    milliseconds = (time_ns // 1_000_000) & 0xFFFF_FFFF_FFFF
    random = int.from_bytes(os.urandom(10), "big")
    high = (milliseconds << 16) | 0x7000 | (random >> 68)
    low = (0b10 << 62) | (random & 0x3FFF_FFFF_FFFF_FFFF)
    return str(uuid.UUID(int=(high << 64) | low))


def check_writable(*names: str) -> None:
    """Ids and names are written as UTF-8. Raises CallerError for one that cannot be, such as half a surrogate pair.

    >>> check_writable("mail-7", "Grüße")
    >>> check_writable("mail-7\\ud800")
    Traceback (most recent call last):
    atomic.errors.CallerError: 'mail-7\\ud800' cannot be written as UTF-8: half a surrogate pair at character 7
      decode names with errors="replace", or leave the character out
    """
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise CallerError(
                f"{name!r} cannot be written as UTF-8: half a surrogate pair at character {error.start + 1}",
                hint='decode names with errors="replace", or leave the character out',
            ) from None
