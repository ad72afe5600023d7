"""Bids with where each of their numbers came from."""

from __future__ import annotations

from atomic.belief.rights import is_of
from atomic.explain.explained import BidTold, Grounds, Taught
from atomic.explain.story import RoundStory
from atomic.protocols import History
from atomic.records.bid import Bid, Evidence
from atomic.records.event import Event
from atomic.records.lesson import BidderChanged, LessonsLearned

_MOST_NEAR = 50  # changes looked through: those of one cause are written at once


def bid_told(bid: Bid, story: RoundStory, book: LessonBook) -> BidTold:
    """A bid beside what the auction made of it."""
    award = story.award
    alone = next((one for one in award.candidates if one.action == (bid.key,)), None)
    return BidTold(
        key=bid.key,
        bidder=bid.offer.bidder,
        tactic=bid.offer.tactic,
        bought=bid.key in award.chosen,
        considered=bid.key in award.considered,
        probability=bid.probability,
        spread=bid.spread,
        claim=bid.offer.claim,
        read=bid.offer.read,
        price=bid.price,
        offered_price=bid.offer.price,
        ceiling=bid.offer.ceiling,
        latency_ns=bid.latency_ns,
        latency_high_ns=bid.latency_high_ns,
        offered_latency_ns=bid.offer.latency_ns,
        score=alone.score if alone else None,
        propensity=alone.propensity if alone else None,
        grounds=_grounds(bid.key, bid.evidence, story.event, book),
    )


def _grounds(key: str, seen: Evidence, award: Event, book: LessonBook) -> Grounds:
    return Grounds(
        prior=seen.prior,
        prior_weight=seen.prior_weight,
        domain_count=seen.domain_count,
        domain_share=seen.domain_right / seen.domain_count if seen.domain_count > 0.0 else None,
        task_count=seen.task_count,
        task_share=seen.task_right / seen.task_count if seen.task_count > 0.0 else None,
        # A clock that was set back must not make evidence come from the future.
        youngest_age_ns=max(0, award.time_ns - seen.last_ns) if seen.last_ns else None,
        lessons=tuple(taught for seq in dict.fromkeys(seen.lessons) for taught in book.of(seq, key)),
        family=seen.family,
        family_count=seen.family_count,
        family_share=seen.family_right / seen.family_count if seen.family_count > 0.0 else None,
        agreed_count=seen.agreed_count,
        agreed_share=seen.agreed_right / seen.agreed_count if seen.agreed_count > 0.0 else None,
        version_count=seen.version_count,
        changed=book.changed(seen.changed, key) if seen.changed else "",
    )


class LessonBook:
    """Lessons by the seq that a bid's evidence names; each event is read once per explanation."""

    def __init__(self, ledger: History) -> None:
        self._ledger = ledger
        self._known: dict[int, Event | None] = {}

    def changed(self, cause: int, key: str) -> str:
        """Why a bid seemed to be another than before, shown by the event `cause`."""
        for event in self._ledger.read(after=cause, kinds=("changed",), limit=_MOST_NEAR):
            found = event.payload
            if isinstance(found, BidderChanged) and found.cause == cause and is_of(key, found.key):
                return found.words
        return f"it seemed to be another (since #{cause})"  # its process ended before it could write down why

    def of(self, seq: int, key: str) -> tuple[Taught, ...]:
        """What the event `seq` taught of one bid's being right."""
        if seq not in self._known:
            found = next(iter(self._ledger.read(after=seq - 1, limit=1)), None)
            self._known[seq] = found if found is not None and found.seq == seq else None
        event = self._known[seq]
        if event is None or not isinstance(event.payload, LessonsLearned):
            return ()
        return tuple(
            Taught(
                seq=seq,
                time_ns=event.time_ns,
                request_id=event.request_id,
                source=event.payload.source,
                target=lesson.target,
                weight=lesson.weight,
            )
            for lesson in event.payload.lessons
            if lesson.kind == "right" and lesson.key == key
        )
