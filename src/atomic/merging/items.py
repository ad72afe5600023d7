"""What becomes of each request of a source: a pure look into two ledgers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from atomic.erasure import erased_requests
from atomic.errors import Tampered
from atomic.protocols import Contents, History
from atomic.records.event import Event
from atomic.records.imported import Origin
from atomic.records.lesson import FeedbackGiven, LessonsLearned
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import RequestOpened

Key = tuple[str, str]  # tenant and request id
Kind = Literal["request", "feedback", "there", "left", "conflict"]
Words = list[tuple[Event, tuple[object, ...]]]


class Source(Protocol):
    """A ledger to merge from, what is recorded of it, and the key that its subjects' tokens were made with."""

    @property
    def ledger(self) -> History:
        """Its events and bodies."""
        ...

    @property
    def origin(self) -> Origin:
        """Its newest signed head."""
        ...

    @property
    def index_key(self) -> bytes:
        """Under which a name becomes one of its tokens; empty where that is not known."""
        ...

    @property
    def nameless(self) -> bool:
        """Whether nobody could be found here by name in what comes from it."""
        ...


class Here(History, Protocol):
    """The same ledger, to look into before anything is written."""

    def erased_subject(self, tokens: Sequence[str]) -> bool:
        """Whether anybody whom these tokens stand for was erased."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What becomes of one request of the source, and why.

    "request": it comes, with all that was said of it; "feedback": what was said since comes; "there": it is here
    already; "left": it may not come; "conflict": here it is another. `words` are how many words of feedback come.
    """

    key: Key
    kind: Kind
    why: str = ""
    words: int = 0
    events: tuple[Event, ...] = ()  # of the source, that come


@dataclass(slots=True)
class Merged:
    """What a merge did, or would do: how many requests and words came, and each that did not, with its reason."""

    requests: int = 0
    feedback: int = 0
    there: int = 0
    not_verified: int = 0
    left: list[Item] = field(default_factory=list)
    conflicts: list[Item] = field(default_factory=list)

    def add(self, item: Item) -> None:
        """Count one."""
        self.requests += item.kind == "request"
        self.feedback += item.words
        self.there += item.kind == "there"
        if item.kind == "left":
            self.left.append(item)
        elif item.kind == "conflict":
            self.conflicts.append(item)


def _verified(ledger: History) -> dict[Key, None]:
    """The requests of which somebody said something, in the order of the first word."""
    return dict.fromkeys((event.tenant, event.request_id) for event in ledger.read(kinds=("feedback",)))


def not_verified(ledger: History) -> int:
    """How many settled requests nobody said a word of."""
    return len({(event.tenant, event.request_id) for event in ledger.read(kinds=("outcome",))} - {*_verified(ledger)})


def items_of(source: Source, here: Here) -> Iterator[Item]:
    """What becomes of each request of the source that somebody said something of, in the order of the first word."""
    gone_here, gone_there = erased_requests(here), erased_requests(source.ledger)
    for key in _verified(source.ledger):
        if key in gone_here:
            yield Item(key=key, kind="left", why="erased here")
        elif key in gone_there:
            yield Item(key=key, kind="left", why="erased there")
        else:
            try:
                yield item_of(key, source, here)
            except Tampered:
                yield Item(key=key, kind="conflict", why="damaged there: a body is not what its chain committed to")


def item_of(key: Key, source: Source, here: Here) -> Item:
    """What becomes of one request. Raises Tampered when a body is not what its chain committed to."""
    there = source.ledger
    theirs, ours = _of(there, key), _of(here, key)
    if why := _why_left(source, theirs, here, ours):
        return Item(key=key, kind="left", why=why)
    words = _words(there, theirs)
    if not ours:
        return Item(key=key, kind="request", words=len(words), events=tuple(_that_come(theirs, 0)))
    if why := _differs(there, theirs, here, ours):
        return Item(key=key, kind="conflict", why=why)
    known, said = ([one for _, one in found] for found in (_words(here, ours), words))
    if known[: len(said)] == said:
        return Item(key=key, kind="there")
    if said[: len(known)] != known:
        return Item(key=key, kind="conflict", why="something else was said of it here")
    since = words[len(known)][0].seq
    events = tuple(one for one in _that_come(theirs, since) if one.kind in {"feedback", "lessons"})
    return Item(key=key, kind="feedback", words=len(said) - len(known), events=events)


def _why_left(source: Source, theirs: Sequence[Event], here: Here, ours: Sequence[Event]) -> str:
    """Why a request may not come; "" when it may."""
    there = source.ledger
    if _first(theirs, "request") is None or _first(theirs, "outcome") is None:
        return "its request or outcome is not there"
    if _erased(there, _that_come(theirs, 0)):
        return "erased there"
    if _erased(here, ours):
        return "erased here"
    tokens = subjects_of(there, theirs)
    if tokens and source.nameless:
        return "about people whom nobody could erase here by name: import the ledger instead of its export"
    return "about somebody who was erased here" if here.erased_subject(tokens) else ""


def _differs(there: History, theirs: Sequence[Event], here: History, ours: Sequence[Event]) -> str:
    """Why a request is another one here than there; "" when it is not."""
    pairs = [(_first(theirs, kind), _first(ours, kind)) for kind in ("request", "outcome")]
    (request, our_request), (outcome, our_outcome) = pairs
    assert request is not None
    assert outcome is not None
    if our_request is None or content_of(there, request, "input") != content_of(here, our_request, "input"):
        return "another input has this id here"
    if (asked := task_of(request)) != (ours_asked := task_of(our_request)):
        return f"asked of {ours_asked} here, of {asked} there"
    if our_outcome is None:
        return "not settled here"
    if content_of(there, outcome, "answer") != content_of(here, our_outcome, "answer"):
        return "answered otherwise here"
    return ""


def _erased(ledger: Contents, events: Iterable[Event]) -> bool:
    """Whether anything of these was erased: what is left says too little to compare it, or to learn from it."""
    return any(ledger.body(one) is None for event in events for one in event.bodies)


def _of(ledger: History, key: Key) -> list[Event]:
    tenant, request_id = key
    return [event for event in ledger.read(request_id=request_id) if event.tenant == tenant]


def _first(events: Sequence[Event], kind: str) -> Event | None:
    return next((event for event in events if event.kind == kind), None)


def task_of(request: Event) -> str:
    """The microtask that a request is of."""
    return request.payload.task if isinstance(request.payload, RequestOpened) else ""


def content_of(ledger: Contents, event: Event, name: str) -> bytes | None:
    """A body of an event by its name; None when there is none, or it was erased."""
    commitment = next((one for one in event.bodies if one.name == name), None)
    return None if commitment is None else ledger.body(commitment)


def subjects_of(ledger: Contents, events: Sequence[Event]) -> tuple[str, ...]:
    """The tokens of everybody whose data comes with these events."""
    found = (token for event in _that_come(events, 0) for one in event.bodies for token in ledger.subjects(one))
    return tuple(dict.fromkeys(found))


def _words(ledger: Contents, events: Sequence[Event]) -> Words:
    """Each word of feedback with what makes it that word: who said what, and the truth if it was given."""
    return [
        (event, (event.payload, content_of(ledger, event, "truth")))
        for event in events
        if isinstance(event.payload, FeedbackGiven)
    ]


def _that_come(events: Sequence[Event], since: int) -> Iterator[Event]:
    for event in events:
        if event.seq >= since and isinstance(
            event.payload, RequestOpened | OutcomeSettled | FeedbackGiven | LessonsLearned
        ):
            yield event
