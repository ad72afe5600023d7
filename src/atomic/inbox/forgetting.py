"""Forgetting: an inbox's results about somebody, found and removed. The mailbox itself is left alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from atomic.inbox.places import DIGITS, OUTBOX, TAGS

_OF_MAIL = re.compile(r"[0-9a-f]{16}/")  # a request id of a mail begins with its SHA-256
_NAME = re.compile(rf"-([0-9a-f]{{{DIGITS}}})\.")


def digests_of(requests: Collection[str]) -> frozenset[str]:
    """What names the files of the mails that these request ids are about.

    >>> digests_of(["0123456789abcdef/spam", "0123456789abcdef/mail", "something else"])
    frozenset({'0123456789ab'})
    """
    return frozenset(one[:DIGITS] for one in requests if _OF_MAIL.match(one))


def results_about(out: Path, subject: str, digests: Collection[str]) -> Iterator[Path]:
    """Every draft, tag file and filed mail that is of such a mail, or in which the subject's address stands."""
    words = subject.strip().lower().encode()
    for path in sorted(out.rglob("*")) if out.is_dir() else ():
        if not path.is_file() or path.is_symlink():
            continue
        named = _NAME.search(path.name)
        if (named and named.group(1) in digests) or (words and words in path.read_bytes().lower()):
            yield path


def forget_results(out: Path, subject: str, digests: Collection[str]) -> int:
    """Remove them; returns how many there were. A filed mail that is a link leaves the mailbox's own file as it is.

    Drafts go even where somebody has worked on them since. Raises OSError.
    """
    found = list(results_about(out, subject, digests))
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def about(out: Path, path: Path) -> str:
    """What a file of results is, for people."""
    folder = path.relative_to(out).parts[0]
    return {OUTBOX: "draft", TAGS: "tags"}.get(folder, "filed mail")
