"""Entries and processes for the ledger's tests."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

from atomic.ledger import Verification, verify
from atomic.ledger.keys import Keys, keys_path
from atomic.records import (
    Award,
    Body,
    Entry,
    FeedbackGiven,
    MarketOpened,
    Position,
    Slate,
    State,
    Table,
    Terms,
)
from atomic.records.canonical import content_id
from atomic.records.event import encode

HERE = Path(__file__).parent


def opened(config: str = "", **more: Any) -> Entry:
    return Entry(payload=MarketOpened(version="1", rules_version="1", config=config), **more)


def said(value: float, request_id: str = "r", **more: Any) -> Entry:
    return Entry(payload=FeedbackGiven(source="person", value=value), request_id=request_id, **more)


def awarded(draw: float = 0.5, **more: Any) -> Entry:
    slate, table = encode(Slate(bids=(), no_bids=())), encode(Table(alternatives=2))
    payload = Award(
        position=Position(terms=Terms(worth=1, max_price=1), state=State(), round=0, spent=0, elapsed_ns=0),
        slate=content_id(slate),
        table=content_id(table),
        draw=draw,
        beliefs_seq=0,
        rules_version="1",
        capacity=(),
        standing=0.0,
        standing_group=0,
        considered=(),
        candidates=(),
        chosen=(),
        propensity=1.0,
    )
    return Entry(payload=payload, request_id="r", blobs=(slate, table), **more)


def bodied(content: bytes, *subjects: str) -> Entry:
    return opened(bodies=(Body(name="input", content=content, subjects=subjects),))


def token(path: Path, subject: str) -> str:
    """What stands for a subject in the ledger at `path`."""
    with contextlib.closing(Keys(keys_path(path), read_only=True)) as keys:
        return keys.token(subject)


def lose_key(path: Path, subject: str) -> None:
    """Take a subject's key away, as a forger would: without an erasure."""
    with contextlib.closing(sqlite3.connect(keys_path(path), isolation_level=None)) as keys:
        assert 1 == keys.execute("DELETE FROM key WHERE subject = ?", (token(path, subject),)).rowcount


def files_with(folder: Path, *words: bytes) -> list[tuple[str, bytes]]:
    """Every file in a folder, at any depth, that holds one of these words, with the word."""
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}
    return [(path.name, word) for path, content in files.items() for word in words if word in content]


def sound(path: Path) -> Verification:
    """The verification of a ledger in which nothing may be wrong."""
    found = verify(path)
    assert () == found.problems
    return found


def process(script: str, *arguments: object) -> subprocess.Popen[str]:
    """A script of this folder in a process of its own, with its lines to read from and to write to."""
    return subprocess.Popen(
        [sys.executable, str(HERE / script), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
