"""Undoing what was done to mails: moves, tags and drafts go back; what left the house is told, since it cannot.

A file first, then the event: one that was cut in between is completed by undoing again. What was undone stays so, until
the mail's owner corrects it. Undone twice is undone once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from atomic.inbox.book import NOT_OURS, Book, Departure
from atomic.inbox.leaving import idempotency_key
from atomic.inbox.places import DIGITS, OUTBOX, Tags, place_around, remove_unchanged
from atomic.inbox.source import INBOX, Skipped, SourceMail, maildir_name, read_mail
from atomic.market import Market
from atomic.records.event import Entry, Event
from atomic.records.outcome import ActionDone, ActionIntended

_KINDS = ("intended", "action")
_UNDONE = ("move", "reply", "forward", "tag")  # in this order: the last done is undone first


@dataclass(slots=True)
class Undoing:
    """What came of undoing, in words: what is `undone`, what was `left` and why, and what is `lasting`."""

    undone: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    lasting: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Step:
    """An action as it was intended, with where its mail and its results lie."""

    sha256: str
    action: str
    target: str
    request_id: str
    path: Path
    out: Path

    @property
    def what(self) -> str:
        return f"{self.action}/{self.target}"


async def undo(market: Market, *, since_ns: int) -> Undoing:
    """Undo what was done since then (calendar time), and tell what left the house or may have.

    Raises LedgerUnwritable or LedgerLocked.
    """
    book, before, steps = Book(), Book(), dict[str, Event]()
    book.read(market.ledger)
    done_since = set[str]()
    for event in market.ledger.read(kinds=_KINDS):
        payload = event.payload
        if event.time_ns < since_ns:
            before.fold((event,))
        elif isinstance(payload, ActionDone) and payload.detail != NOT_OURS:
            done_since.add(payload.key)
        if isinstance(payload, ActionIntended):
            steps[payload.key] = event
    came = Undoing(lasting=[_told(market, one) for one in book.departures.values() if _lasts(one, since_ns)])
    wanted = [(key, event) for key, event in steps.items() if key in done_since and _stands(book, key)]
    for key, event in sorted(wanted, key=lambda one: (_order(one[0]), -one[1].seq)):
        step = _step(market, key, event)
        if step is None:
            came.left.append(f"{_words(key)}: where it was done is not known any more")
            continue
        try:
            why = _take_back(book, before, step)
        except OSError as error:
            why = error.strerror or type(error).__name__
        if why:
            came.left.append(f"{_words(key)}: {why}")
            continue
        prior = _prior(before, step) if step.action == "move" else ""
        done = ActionDone(action=step.action, key=key, status="undone", detail=prior)
        book.fold(await market.record([Entry(payload=done, request_id=step.request_id)]))
        came.undone.append(_words(key))
    return came


def _stands(book: Book, key: str) -> bool:
    sha256, _, what = key.partition("/")
    page = book.page(sha256)
    if what in page.drafts:
        return True
    return what.partition("/")[0] in {"move", "tag"} and page.status.get(what) == "done"


def _step(market: Market, key: str, event: Event) -> _Step | None:
    body = market.ledger.body(event.bodies[0]) if event.bodies else None
    content: dict[str, Any] = {} if body is None else orjson.loads(body)
    if "path" not in content or "out" not in content:
        return None
    sha256, action, target = key.split("/", 2)
    return _Step(sha256, action, target, event.request_id, Path(content["path"]), Path(content["out"]))


def _take_back(book: Book, before: Book, step: _Step) -> str:
    """Do it; why not, if not. Raises OSError."""
    page = book.page(step.sha256)
    if step.action == "tag":
        file = Tags(step.out).of(step.sha256)
        if file is not None:
            Tags.remove(file, [step.target])
        return ""
    if step.action in {"reply", "forward"}:
        files = (step.out / OUTBOX).glob(f"*-{step.sha256[:DIGITS]}.{step.action}.eml")
        removed = [remove_unchanged(file, page.drafts[step.what]) for file in files]
        return "" if all(removed) else "somebody has worked on the draft since"
    if page.folder != step.target:
        return "its owner has moved it since"
    return _move_back(step, _prior(before, step))


def _move_back(step: _Step, prior: str) -> str:
    place = place_around(step.path, step.out)
    found = _found(step, step.target, in_maildir=place.moves_source)
    if found is None:
        elsewhere = place.moves_source or any(step.out.glob(f"*/*-{step.sha256[:DIGITS]}.eml"))
        back = not elsewhere or _found(step, prior or INBOX, in_maildir=place.moves_source) is not None
        return "" if back else "it does not lie there any more"
    if not place.moves_source and not prior and _is_same(step.path, step.sha256):
        found.path.unlink()  # its original never left the mailbox
    else:
        place.move(found, found.path.stem, prior or INBOX)
    return ""


def _prior(before: Book, step: _Step) -> str:
    """The folder that it lay in; "" where it was never moved."""
    return before.page(step.sha256).folder


def _found(step: _Step, folder: str, *, in_maildir: bool) -> SourceMail | None:
    """The mail in a folder, whatever flags its file has by now."""
    for path in _candidates(step, folder) if in_maildir else (step.out / folder).glob(f"*-{step.sha256[:DIGITS]}.eml"):
        item = read_mail(path, folder=folder)
        if not isinstance(item, Skipped) and item.key == step.sha256:
            return item
    return None


def _candidates(step: _Step, folder: str) -> Iterator[Path]:
    root = step.path.parent.parent
    root = root.parent if root.name.startswith(".") else root
    home = root if folder == INBOX else root / f".{folder}"
    for part in ("new", "cur"):
        for path in sorted((home / part).glob("*")):
            if maildir_name(path.name) == maildir_name(step.path.name):
                yield path


def _is_same(path: Path, sha256: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    except OSError:
        return False


def _order(key: str) -> int:
    return _UNDONE.index(key.split("/", 2)[1])


def _words(key: str) -> str:
    sha256, action, target = key.split("/", 2)
    return f"{action} {target} (mail {sha256[:DIGITS]})"


def _lasts(departure: Departure, since_ns: int) -> bool:
    return departure.event.time_ns >= since_ns and departure.may_have_left


def _told(market: Market, one: Departure) -> str:
    """Something that left the house, for its owner."""
    sha256, action, target = one.key.split("/", 2)
    body = market.ledger.body(one.event.bodies[0]) if one.event.bodies else None
    to = "" if body is None else str(orjson.loads(body).get("to", ""))
    what = (
        f"mail to {to or 'somebody erased'}" if action == "send" else f"webhook {target} ({idempotency_key(one.key)})"
    )
    when = datetime.fromtimestamp(one.event.time_ns / 1e9, tz=UTC)
    came = "sent" if action == "send" else "told"
    certain = came if one.status == "done" else f"perhaps {came}: {one.detail or 'no end was recorded'}"
    return f"{what}, about mail {sha256[:DIGITS]}: {certain}, {when:%Y-%m-%d %H:%M:%S} UTC"
