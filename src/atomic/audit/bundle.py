"""Writing an audit bundle: a folder with a stretch of the chain between two signed heads, and what it names."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from atomic.audit import check
from atomic.errors import CallerError, LedgerUnwritable
from atomic.ledger import SqliteLedger
from atomic.ledger.export import export
from atomic.ledger.heads import public_key_of, signature_of
from atomic.ledger.keys import Keys, keys_path
from atomic.ledger.schema import connect_to_read
from atomic.version import __version__

_README = """What was decided, as the ledger has it: {decisions} decisions in events {first} to {last}.

decisions.jsonl  a line for each request that ended: what for, who was bought, at what price, how probable
events.jsonl     every event of that stretch, as it was hashed, from one signed head to another
heads.jsonl      the signed heads: the chain cannot be changed, shortened or lengthened between them
contents.jsonl   all bids of each award and the tables that it was computed from, named by their SHA-256
bodies.jsonl     inputs and answers, each with the key of its commitment{bodies}
manifest.json    the SHA-256 of every file, signed in manifest.sig
check.py         python check.py FOLDER --key KEY checks all this with Python alone

Take check.py and the signer's public key from a place that you trust, not from here.
It shows that nothing was changed since it was signed, that each event follows from the one before, and that no data
went to a bidder not cleared for them. It cannot show that what was never recorded happened or did not happen.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundled:
    """What a bundle holds: decisions, the range of events asked for, how many events there are, and who signed."""

    decisions: int
    first: int
    last: int
    events: int
    public_key: str


async def write_bundle(
    ledger: Path, folder: Path, *, since_ns: int = 0, until_ns: int | None = None, bodies: bool = False
) -> Bundled:
    """Write the bundle of what happened from `since_ns` to before `until_ns` (UTC, nanoseconds) into a new folder.

    The ledger is sealed first, so that the last event is covered by a signature. The order of the ledger is that of
    its events: the bundle goes from the first event in that time to the last. Without `bodies` it holds no input and
    no answer, but commitments to them.

    Raises CallerError when the folder is there already or nothing happened in that time; and what opening a ledger
    raises.
    """
    async with SqliteLedger.open(ledger) as opened:
        await opened.seal()
    return await asyncio.to_thread(_write_sealed, ledger, folder, (since_ns, until_ns), bodies)


def _write_sealed(ledger: Path, folder: Path, time: tuple[int, int | None], bodies: bool) -> Bundled:
    with closing(connect_to_read(ledger)) as connection:
        connection.execute("BEGIN")  # one moment
        first, last = _range(connection, *time)
        after, upto = _heads_around(connection, first, last)
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise CallerError(f"{folder} is there already", hint="name a folder that is not") from None
    except OSError as error:
        raise CallerError(f"{folder} cannot be made: {error.strerror}") from None
    try:
        return _written(ledger, folder, (first, last), (after, upto), bodies)
    except OSError as error:
        raise LedgerUnwritable(f"{folder} cannot be written: {error.strerror}", hint="remove it first") from error


def _range(connection: sqlite3.Connection, since_ns: int, until_ns: int | None) -> tuple[int, int]:
    until = "" if until_ns is None else " AND time_ns < ?"
    values = (since_ns,) if until_ns is None else (since_ns, until_ns)
    statement = f"SELECT min(seq), max(seq) FROM event WHERE time_ns >= ?{until}"
    first, last = connection.execute(statement, values).fetchone()
    if first is None:
        raise CallerError("nothing happened in that time", hint="`atomic ledger tail` shows what is there")
    return int(first), int(last)


def _heads_around(connection: sqlite3.Connection, first: int, last: int) -> tuple[int, int]:
    """The last head before the first event and the first one from the last event on."""
    (after,) = connection.execute("SELECT max(seq) FROM checkpoint WHERE seq < ?", (first,)).fetchone()
    (upto,) = connection.execute("SELECT min(seq) FROM checkpoint WHERE seq >= ?", (last,)).fetchone()
    return int(after), int(upto)


def _written(ledger: Path, folder: Path, wanted: tuple[int, int], chain: tuple[int, int], bodies: bool) -> Bundled:
    (first, last), (after, upto) = wanted, chain
    with closing(Keys(keys_path(ledger), read_only=True)) as keys:
        signing_key = keys.of_market("signing")
    public_key = public_key_of(signing_key).hex()
    events = _write_stretch(ledger, folder, after, upto, bodies)
    found = check.decisions(check.lines(folder / "events.jsonl"), first, last)
    decisions = _write(folder / "decisions.jsonl", found)
    _write(folder / "contents.jsonl", _contents(ledger, folder))
    told = "" if bodies else "\n                 (none: it was made without)"
    text = _README.format(decisions=decisions, first=first, last=last, bodies=told)
    (folder / "README.txt").write_text(text, encoding="utf-8")
    (folder / "check.py").write_bytes(Path(check.__file__).read_bytes())
    manifest = check.canonical(
        {
            "made_by": f"atomic-market {__version__}",
            "first": first,
            "last": last,
            "public_key": public_key,
            "files": {one.name: _digest(one) for one in sorted(folder.iterdir())},
        }
    )
    (folder / "manifest.json").write_bytes(manifest)
    (folder / "manifest.sig").write_text(signature_of(signing_key, manifest).hex(), encoding="ascii")
    return Bundled(decisions=decisions, first=first, last=last, events=events, public_key=public_key)


def _write_stretch(ledger: Path, folder: Path, after: int, upto: int, bodies: bool) -> int:
    """Write events, heads and bodies from the head `after` to the head `upto`; returns the number of events."""
    count = 0
    with (
        (folder / "events.jsonl").open("wb") as events,
        (folder / "heads.jsonl").open("wb") as heads,
        (folder / "bodies.jsonl").open("wb") as kept,
    ):
        into = {"head": heads, "event": events, "body": kept}
        for line in export(ledger, bodies=bodies, after=after, upto=upto):
            kind = line.pop("type")
            if kind in into:
                into[kind].write(check.canonical(line) + b"\n")
                count += kind == "event"
    return count


def _contents(ledger: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """The contents that the awards of the stretch name, each once."""
    seen: set[str] = set()
    with closing(connect_to_read(ledger)) as connection:
        for event in check.lines(folder / "events.jsonl"):
            award = orjson.loads(event["payload"]) if event["kind"] == "award" else {}
            for name in [award[one] for one in ("slate", "table") if one in award]:
                if name not in seen:
                    seen.add(name)
                    (content,) = connection.execute(
                        "SELECT bytes FROM blob WHERE id = ?", (bytes.fromhex(name),)
                    ).fetchone()
                    yield {"id": name, "text": bytes(content).decode()}


def _write(path: Path, values: Iterable[dict[str, Any]]) -> int:
    with path.open("wb") as file:
        return sum(file.write(check.canonical(value) + b"\n") > 0 for value in values)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
