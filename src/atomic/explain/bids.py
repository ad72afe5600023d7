"""Bids with where each of their numbers came from."""

from __future__ import annotations

from atomic.explain.explained import BidTold, Grounds, Taught
from atomic.explain.story import RoundStory
from atomic.protocols import History
from atomic.records.bid import Bid, Evidence
from atomic.records.event import Event
from atomic.records.lesson import LessonsLearned


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
    )


class LessonBook:
    """Lessons by the seq that a bid's evidence names; each event is read once per explanation."""

    def __init__(self, ledger: History) -> None:
        self._ledger = ledger
        self._known: dict[int, Event | None] = {}

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
