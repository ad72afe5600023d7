"""Deep replay: beliefs rebuilt from the ledger in order, and every recorded bid and table drawn up from them again."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from atomic.belief import Beliefs
from atomic.erasure import fold
from atomic.errors import NotFound, Tampered
from atomic.protocols import History, Profile
from atomic.records.attempt import AttemptFinished
from atomic.records.award import Answered, Award, Slate, Table
from atomic.records.bid import Bid
from atomic.records.event import Event, decode, encode
from atomic.records.request import RequestOpened
from atomic.rules.auction import RULES_VERSION
from atomic.rules.valuation import lookahead
from atomic.stages.collect import Task, appraise
from atomic.stages.steer import steer

_CHUNK = 256
_REQUESTS = 64  # whose events are kept: the rounds of a request are near each other

Report = Callable[[Event | None, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """How much was drawn up again: `awards` whose beliefs were rebuilt, with their bids and tables."""

    events: int
    awards: int
    bids: int
    tables: int
    digest: str  # of the beliefs at the end
    erased: int = 0  # of the awards: their requests were erased since


def rebuild(ledger: History, awards: Callable[[], Iterator[Event]], report: Report) -> Rebuilt:
    """Fold the ledger; at each award's `beliefs_seq`, appraise its offers again and report what differs.

    `awards` gives the events to check, in order of seq, each time it is called. A second fold in larger steps must
    come to the same digest.
    """
    check = _Check(ledger, report)
    waiting = _in_order_of_beliefs(awards)
    upcoming = next(waiting, None)
    beliefs, again = Beliefs(), Beliefs()
    events = ledger.read()
    count = 0
    while chunk := list(islice(events, _CHUNK)):
        for event in chunk:
            while upcoming is not None and upcoming[0] < event.seq:
                check.award(beliefs, upcoming[1])
                upcoming = next(waiting, None)
            fold(beliefs, (event,), ledger)
        fold(again, chunk, ledger)
        count += len(chunk)
    while upcoming is not None:
        report(upcoming[1], "beliefs_seq: it lies after the ledger's end")
        upcoming = next(waiting, None)
    digest = beliefs.digest()
    erased = sum((one.tenant, one.request_id) in beliefs.erased for one in awards()) if beliefs.erased else 0
    if again.digest() != digest:
        report(None, "beliefs: folded twice, they are not the same")
    return Rebuilt(
        events=count, awards=check.awards, bids=check.bids, tables=check.tables, digest=digest, erased=erased
    )


def _in_order_of_beliefs(awards: Callable[[], Iterator[Event]]) -> Iterator[tuple[int, Event]]:
    """Awards in the order of the beliefs they were made with, which is nearly that of the ledger.

    The first pass notes 8 bytes an award; the second holds only those that came too early.
    """
    beliefs_seqs = array("q", (_beliefs_seq(event) for event in awards()))
    order = array("q", sorted(range(len(beliefs_seqs)), key=beliefs_seqs.__getitem__))
    source = enumerate(awards())
    early: dict[int, Event] = {}
    for index in order:
        while index not in early:
            number, event = next(source)
            early[number] = event
        yield beliefs_seqs[index], early.pop(index)


def _beliefs_seq(event: Event) -> int:
    return event.payload.beliefs_seq if isinstance(event.payload, Award) else 0


class _Check:
    """Compares awards with beliefs as they were."""

    def __init__(self, ledger: History, report: Report) -> None:
        self._ledger = ledger
        self._report = report
        self._requests: OrderedDict[tuple[str, str], tuple[Event, ...]] = OrderedDict()
        self.awards = 0
        self.bids = 0
        self.tables = 0

    def award(self, beliefs: Beliefs, event: Event) -> None:
        """One award, with beliefs as of its `beliefs_seq`."""
        award = event.payload
        if not isinstance(award, Award) or award.rules_version != RULES_VERSION:
            return
        if beliefs.seq != award.beliefs_seq or award.beliefs_seq >= event.seq:
            self._report(event, f"beliefs_seq: {award.beliefs_seq} is no event before the award")
            return
        events = self._events_of(event)
        opened = next((one.payload for one in events if isinstance(one.payload, RequestOpened)), None)
        if opened is None:
            self._report(event, "request: there is none for this award")
            return
        self.awards += 1
        self._bids(award, opened, beliefs, event)
        self.tables += 1
        _, table_id, _ = beliefs.table(opened.task, len(opened.labels))
        if table_id != award.table:
            self._report(event, f"table: recorded {award.table[:16]}, rebuilt {table_id[:16]}")
        for what in self._position_differs(award, [one for one in events if one.seq < event.seq]):
            self._report(event, what)
        if opened.terms.objective and award.position.round == 1:
            self._steering(award, opened, beliefs, event)

    def _steering(self, award: Award, opened: RequestOpened, beliefs: Beliefs, event: Event) -> None:
        """The worth of a target or a budget, steered again from where the ledger stood."""
        began = next(one.time_ns for one in self._events_of(event) if one.payload is opened)
        try:
            slate, table = (
                decode(kind, self._ledger.blob(named)) for kind, named in ((Slate, award.slate), (Table, award.table))
            )
        except (NotFound, Tampered, ValueError):
            return  # reported where the award was recomputed
        declared = replace(award.position, terms=opened.terms)
        fresh, _ = steer(opened.task, declared, began, beliefs, slate, table, lookahead)
        if fresh.terms != award.position.terms:
            self._report(event, f"worth: recorded {award.position.terms.worth}, steered {fresh.terms.worth}")

    def _bids(self, award: Award, opened: RequestOpened, beliefs: Beliefs, event: Event) -> None:
        try:
            recorded = self._ledger.blob(award.slate)
            slate: Slate = decode(Slate, recorded)
        except (NotFound, Tampered, ValueError):
            return  # reported where the award was recomputed
        fresh = tuple(_appraised(bid, opened, beliefs, dict(award.capacity)) for bid in slate.bids)
        self.bids += len(fresh)
        if encode(Slate(bids=fresh, no_bids=slate.no_bids)) != recorded:
            for one, other in zip(fresh, slate.bids, strict=True):
                for what in _bid_differs(one, other):
                    self._report(event, f"bid {one.key}: {what}")

    def _events_of(self, event: Event) -> tuple[Event, ...]:
        key = (event.tenant, event.request_id)
        known = self._requests.get(key)
        if known is None:
            found = self._ledger.read(request_id=event.request_id, kinds=("request", "finished"))
            known = self._requests[key] = tuple(one for one in found if one.tenant == event.tenant)
            if len(self._requests) > _REQUESTS:
                self._requests.popitem(last=False)
        return known

    def _position_differs(self, award: Award, before: Sequence[Event]) -> Iterator[str]:
        """Whether the attempts on record give the state and the spending that the award was made from."""
        ended = [(one, one.payload) for one in before if isinstance(one.payload, AttemptFinished)]
        spent = sum(done.price for _, done in ended)
        if spent != award.position.spent:
            yield f"spent: recorded {award.position.spent}, by its attempts {spent}"
        answered = tuple(
            Answered(key=done.key, group=done.group, probability=done.probability)
            for _, done in ended
            if done.group is not None
        )
        recorded = tuple(replace(one, lift=0.0) for one in award.position.state.answered)
        if answered != recorded and not self._erased([event for event, _ in ended]):
            yield "state: not the one that its attempts give"

    def _erased(self, events: Sequence[Event]) -> bool:
        """A request that was cut goes on without the answers that were erased meanwhile."""
        try:
            return any(self._ledger.body(body) is None for event in events for body in event.bodies)
        except NotFound:  # without its keys a ledger does not say what was erased
            return True


def _appraised(bid: Bid, opened: RequestOpened, beliefs: Beliefs, busy: Mapping[str, int]) -> Bid:
    seen = bid.evidence
    profile = Profile(
        name=bid.offer.bidder, kind="recorded", right=seen.prior, prior_weight=seen.prior_weight, family=seen.family
    )
    of = Task(opened.task, opened.domain, len(opened.labels), seen.version)
    return appraise(bid.offer, of, profile, beliefs, busy.get(bid.offer.bidder, 0))


def _bid_differs(fresh: Bid, recorded: Bid) -> Iterator[str]:
    for name in ("probability", "spread", "price", "latency_ns", "latency_high_ns", "evidence"):
        one, other = repr(getattr(fresh, name)), repr(getattr(recorded, name))  # exact, and -0.0 is not 0.0
        if one != other:
            yield f"{name}: recorded {other}, rebuilt {one}"
