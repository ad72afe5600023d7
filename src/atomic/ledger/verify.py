"""Verifying: walks the whole ledger and names everything that is not as it was written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from atomic.ledger.chain import COLUMNS, GENESIS, NO_BODIES, link
from atomic.ledger.failures import explained
from atomic.ledger.heads import Head, head_of, heads_path, lines, public_key_of
from atomic.ledger.keys import Keys, keys_path
from atomic.ledger.schema import connect_to_read
from atomic.ledger.sealing import head_in
from atomic.ledger.verify_bodies import Bodies, blob_problems

PROBLEMS_KEPT = 1_000
OUTSIDE, INSIDE = "outside", "in the ledger"
_CHUNK = 1_000
_EVENTS = f"SELECT {','.join(COLUMNS)} FROM event ORDER BY seq"
_HEADS = "SELECT seq, hash, time_ns, public_key, signature FROM checkpoint ORDER BY seq"

Problem = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a verification found. `problems` holds (seq, what), at most 1,000 of them; seq 0: of no event.

    `sealed_to` is the seq of the last genuine head in the outside file, `unsealed` how many events lie after it:
    whoever can write the database could have rewritten those. `bodies` and `blobs` were compared, `erased` bodies
    could not be, and an erasure in the chain speaks of each of them.
    """

    events: int
    sealed_to: int
    unsealed: int
    problems: tuple[Problem, ...]
    bodies: int = 0
    erased: int = 0
    blobs: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.problems


def verify(path: str | Path, *, bodies: bool = True, public_key: bytes | None = None) -> Verification:
    """Check every event, head, and (unless told otherwise) body and blob, in bounded memory.

    Changes nothing; works on a copy and beside processes that write, of which it sees one moment. Heads must be
    signed by `public_key`, by default that of the keys beside the ledger; where neither is at hand, all by the same.
    Without the keys bodies cannot be compared, only counted.

    Raises LedgerUnwritable when there is no ledger at `path`, OperatorError when a newer release wrote it.
    """
    path = Path(path)
    try:
        # Before the snapshot: lines that are added later would speak of events that it does not hold.
        outside = heads_path(path)
        size = outside.stat().st_size if outside.exists() else 0
        connection = connect_to_read(path)
        try:
            connection.execute("BEGIN")
            return _Walk(path, connection, size, public_key).run(bodies=bodies)
        finally:
            connection.close()
    except Exception as error:  # of storage or not: `explained` tells
        raise explained(error, path) from error


class _Walk:
    """One pass over the events, with the heads, the lines outside and the bodies walking along."""

    def __init__(self, path: Path, connection: sqlite3.Connection, size: int, public_key: bytes | None) -> None:
        self._path = path
        self._connection = connection
        self._problems: list[Problem] = []
        self._keys = Keys(keys_path(path), read_only=True) if keys_path(path).exists() else None
        if public_key is None and self._keys is not None:
            public_key = public_key_of(self._keys.of_market("signing"))
        self._public_key = public_key
        self._sealed_to = 0
        self._not_outside: list[int] = []
        self._inside = _Heads(self._heads_inside())
        self._outside = _Heads(self._heads_outside(size))

    def run(self, *, bodies: bool) -> Verification:
        """Walk."""
        beside = Bodies(self._connection, self._keys, self._problem) if bodies else None
        seq, events, hash_ = 0, 0, GENESIS
        self._compare_heads(0, hash_)
        cursor = self._connection.execute(_EVENTS)
        while rows := cursor.fetchmany(_CHUNK):
            for row in rows:
                if row[0] != seq + 1:
                    self._problem(seq + 1, f"events {seq + 1} to {row[0] - 1} are missing")
                seq = row[0]
                try:
                    whole = link(hash_, row[:8], row[8], row[9]) == row[10]
                except TypeError:  # a column of another type than was written
                    whole = False
                if not whole:
                    self._problem(seq, "the event or its place was changed: its hash does not follow")
                hash_ = row[10]  # go on from what it claims, so that one change is one problem
                if seq >= self._next_head:
                    self._compare_heads(seq, hash_)
                if beside is not None and (row[9] != NO_BODIES or row[1] == "award"):
                    beside.compare(seq, row)
            events += len(rows)
        self._compare_heads_beyond(seq)
        blobs = 0
        if beside is not None:
            beside.finish()
            blobs = blob_problems(self._connection, self._problem)
        if self._keys is not None:
            self._keys.close()
        return Verification(
            events=events,
            sealed_to=self._sealed_to,
            unsealed=max(0, seq - self._sealed_to),
            problems=tuple(self._problems),
            bodies=beside.compared if beside else 0,
            erased=beside.erased if beside else 0,
            blobs=blobs,
        )

    def _problem(self, seq: int, what: str) -> None:
        if len(self._problems) < PROBLEMS_KEPT:
            self._problems.append((seq, what))

    @property
    def _next_head(self) -> int:
        return min(self._inside.seq, self._outside.seq)

    def _compare_heads(self, seq: int, hash_: object) -> None:
        """Compare the heads up to `seq`; those before it speak of events that are not there."""
        found: dict[str, set[int]] = {}
        for heads, where in ((self._outside, OUTSIDE), (self._inside, INSIDE)):
            found[where] = set()
            while heads.head is not None and heads.head.seq <= seq:
                head = heads.head
                found[where].add(head.seq)
                if head.seq < seq or head.hash != hash_:
                    self._problem(head.seq, f"the head {where} speaks of another event than the one that is here")
                elif self._genuine(head, where) and where == OUTSIDE:
                    self._sealed_to = seq
                heads.step()
        for lacking in found[OUTSIDE] - found[INSIDE]:
            self._problem(lacking, f"there is no head {INSIDE} for the one {OUTSIDE}")
        # A crash may keep the last ones from getting outside, but none before one that did.
        if found[OUTSIDE]:
            for lacking in self._not_outside:
                self._problem(lacking, f"there is no head {OUTSIDE} for the one {INSIDE}")
            self._not_outside = []
        self._not_outside += found[INSIDE] - found[OUTSIDE]

    def _compare_heads_beyond(self, seq: int) -> None:
        for heads, where in ((self._outside, OUTSIDE), (self._inside, INSIDE)):
            while heads.head is not None:
                self._problem(seq + 1, f"cut off: the head {where} speaks of event {heads.head.seq}, the last is {seq}")
                heads.step()

    def _genuine(self, head: Head, where: str) -> bool:
        if self._public_key is None:
            self._public_key = head.public_key
        if head.public_key == self._public_key and head.genuine:
            return True
        self._problem(head.seq, f"the head {where} is not signed by this ledger's key")
        return False

    def _heads_inside(self) -> Iterator[Head]:
        for row in self._connection.execute(_HEADS):
            yield head_in(row)

    def _heads_outside(self, size: int) -> Iterator[Head]:
        path, found = heads_path(self._path), 0
        for number, line in enumerate(lines(path, size) if size else (), 1):
            try:
                yield head_of(line)
                found += 1
            except ValueError:
                self._problem(0, f"line {number} of {path.name} is not a head")
        if not found:
            self._problem(0, f"{path.name}, which holds the heads outside, is missing or empty")


class _Heads:
    """Heads one at a time; `seq` is that of the one at hand, beyond every event when there is none."""

    def __init__(self, heads: Iterator[Head]) -> None:
        self._heads = heads
        self.step()

    def step(self) -> None:
        """Go on to the next."""
        self.head = next(self._heads, None)
        self.seq = self.head.seq if self.head is not None else 1 << 63
