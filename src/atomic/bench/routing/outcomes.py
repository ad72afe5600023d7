"""Outcome tables: who gets which question right, at what price. Read from a folder, checked line by line."""

from __future__ import annotations

import hashlib
import io
import lzma
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from atomic.errors import CallerError
from atomic.records.money import NANO

_LEAST_COVERAGE = 0.5  # a bidder that answered less of the items is left out, rather than all that it lacks
_MOST_DOLLARS = 1e6


@dataclass(frozen=True, slots=True)
class Item:
    """One question."""

    id: str
    task: str
    domain: str
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one bidder and one item. `price` in nano-USD; `answer` None: the table keeps none to compare."""

    right: float
    price: int
    answer: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    latency_s: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """An outcome table in which every bidder has a row for every item; `notes` say what could not be used."""

    name: str
    items: tuple[Item, ...]
    rows: Mapping[str, Mapping[str, Row]]  # bidder -> item id -> row
    notes: tuple[str, ...] = ()

    @property
    def bidders(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(sorted(self.rows))

    def only(self, items: Sequence[Item]) -> Table:
        """The same table with fewer items."""
        return replace(self, items=tuple(items))


def hashed(item: Item) -> int:
    """The SHA-256 of an item's id, as a number: it decides folds, and who is labelled first."""
    return int.from_bytes(hashlib.sha256(item.id.encode()).digest(), "big")


def read_table(folder: Path, bidders: Sequence[str] = ()) -> Table:
    """The table in a folder: `items.jsonl` and `outcomes.jsonl`, each also as `.xz`; of `bidders` alone, where named.

    Bidders that answered less than half of the items are left out, then items that not everybody answered.

    Raises CallerError, which says file, line and what is wrong there, for what cannot be an outcome table.
    """
    items = _items(folder)
    rows, notes = _rows(folder, items)
    if unknown := [name for name in bidders if name not in rows]:
        raise CallerError(
            f"{folder}: there is no bidder {unknown[0]!r}", hint=f"one of {', '.join(sorted(rows)) or 'none'}"
        )
    named = {name: rows[name] for name in bidders or rows}
    table = _covered(Table(folder.resolve().name, tuple(items.values()), named, tuple(notes)))
    if not table.items or not table.rows:
        raise CallerError(f"{folder}: no item that every bidder answered", hint="; ".join(table.notes))
    return table


def _covered(table: Table) -> Table:
    notes, least = list(table.notes), _LEAST_COVERAGE * len(table.items)
    kept = {name: rows for name, rows in table.rows.items() if len(rows) >= least}
    notes += [
        f"{name} answered {len(rows)} of {len(table.items)} items: left out"
        for name, rows in sorted(table.rows.items())
        if name not in kept
    ]
    items = tuple(item for item in table.items if all(item.id in rows for rows in kept.values()))
    if len(items) < len(table.items):
        notes.append(f"{len(table.items) - len(items)} items that not every bidder answered: left out")
    silent = sorted({item.task for item in items if any(rows[item.id].answer is None for rows in kept.values())})
    if silent:
        notes.append(f"no answers to compare in {', '.join(silent)}: agreement says nothing there")
    return replace(table, items=items, rows=kept, notes=tuple(notes))


def _items(folder: Path) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for where, line in _lines(folder, "items"):
        item = Item(*(_text(line, name, where) for name in ("id", "task", "domain", "text")))
        if item.id in found:
            raise CallerError(f"{where}: item {item.id!r} is there twice")
        found[item.id] = item
    if not found:
        raise CallerError(f"{folder}: there are no items")
    if len({item.task for item in found.values()}) == 1:
        return found
    return {one: replace(item, domain=_named(item)) for one, item in found.items()}


def _named(item: Item) -> str:
    """A domain's name where there are several tasks."""
    return item.task if item.domain in {"", item.task} else f"{item.task}/{item.domain}"


def _rows(folder: Path, items: Mapping[str, Item]) -> tuple[dict[str, dict[str, Row]], list[str]]:
    found: dict[str, dict[str, Row]] = {}
    strays = 0
    for where, line in _lines(folder, "outcomes"):
        item, bidder = _text(line, "id", where), _text(line, "model", where)
        if not bidder:
            raise CallerError(f"{where}: model is empty")
        row = _row(line, where)
        if item not in items:
            strays += 1
            continue
        of_bidder = found.setdefault(bidder, {})
        if item in of_bidder:
            raise CallerError(f"{where}: {bidder} and item {item!r} are there twice")
        of_bidder[item] = row
    return found, [f"{strays} outcomes of items that are not in the folder: left out"] if strays else []


def _row(line: Mapping[str, Any], where: str) -> Row:
    right = _number(line, "right", where)
    if right is None or not 0.0 <= right <= 1.0:
        raise CallerError(f"{where}: right is {line.get('right')!r}", hint="how right it was, from 0 to 1")
    price = _number(line, "price_usd", where)
    if price is None or not 0.0 < price <= _MOST_DOLLARS:
        raise CallerError(
            f"{where}: price_usd is {line.get('price_usd')!r}",
            hint="what this one answer cost, in USD: above 0; who does not know it cannot compare",
        )
    answer = line.get("answer")
    if answer is not None and not isinstance(answer, str):
        raise CallerError(f"{where}: answer is {answer!r}", hint="a text; leave it out where there is none")
    counts = [_number(line, name, where) for name in ("prompt_tokens", "completion_tokens", "latency_s")]
    if any(count is not None and count < 0 for count in counts):
        raise CallerError(f"{where}: counts and latencies are not negative")
    prompt, completion, latency = counts
    return Row(
        right=right,
        price=max(1, round(price * NANO)),
        answer=answer,
        prompt_tokens=None if prompt is None else int(prompt),
        completion_tokens=None if completion is None else int(completion),
        latency_s=latency,
    )


def _number(line: Mapping[str, Any], name: str, where: str) -> float | None:
    value = line.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise CallerError(f"{where}: {name} is {value!r}, no number")
    return float(value)


def _text(line: Mapping[str, Any], name: str, where: str) -> str:
    value = line.get(name)
    if not isinstance(value, str) or (name == "id" and not value):
        raise CallerError(f"{where}: {name} is {value!r}, no text")
    return value


def _lines(folder: Path, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    packed, plain = folder / f"{name}.jsonl.xz", folder / f"{name}.jsonl"
    file = packed if packed.exists() else plain
    try:
        content = lzma.decompress(file.read_bytes()) if file is packed else file.read_bytes()
    except FileNotFoundError:
        raise CallerError(f"{folder} holds no {name}.jsonl.xz and no {name}.jsonl") from None
    except (OSError, lzma.LZMAError) as error:
        raise CallerError(f"{file}: cannot be read: {error}") from None
    for number, line in enumerate(io.BytesIO(content), 1):
        if not line.strip():
            continue
        where = f"{file.name}:{number}"
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            # Strict JSON has no NaN, and whoever wrote one should be told so.
            odd = any(word in line for word in (b"NaN", b"Infinity"))
            raise CallerError(f"{where}: {'NaN or Infinity is no number' if odd else 'not JSON'}") from None
        if not isinstance(value, dict):
            raise CallerError(f"{where}: not an object")
        yield where, value
