"""A labelled pack of mails, as benches and tests read it."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from atomic.inbox.source import SIZE_LIMIT


class PackMail(NamedTuple):
    """One mail of a labelled pack."""

    id: str
    raw: bytes
    label: str


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
