"""Why a bidder did not win, and what it would have taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from atomic.counterfactual import (
    Action,
    Given,
    PriceBreak,
    ProbabilityBreak,
    best,
    price_breaks,
    probability_breaks,
)
from atomic.errors import NotFound
from atomic.explain.explaining import as_verdict, plain, unproven
from atomic.explain.story import RoundStory, Story, read_story
from atomic.explain.wording import both, exactly, likelier, named, priced
from atomic.protocols import History
from atomic.records.award import Award
from atomic.records.bid import Bid, NoBid
from atomic.rules.auction import Verdict
from atomic.rules.valuation import BEST_BY_ONE_STEP, CHEAPEST, MOST_PROBABLE

Fate = Literal["bought", "no bid", "no candidate", "not worth its price", "not drawn", "outscored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """What became of one bid, or no-bid, in one round; money in nano-USD.

    `short` is by how much its score was too low: below the award's, or below settling. `prices` and
    `probabilities` say what it would have taken, each proven by running the auction on both sides.
    """

    round: int
    key: str
    fate: Fate
    award: Action
    reason: int | None = None
    words: str = ""
    detail: str = ""
    probability: float | None = None
    price: int | None = None
    score: int | None = None
    short: int | None = None
    prices: tuple[PriceBreak, ...] = ()
    probabilities: tuple[ProbabilityBreak, ...] = ()
    unproven: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNot:
    """Why a bidder did not win a request. `won` says that it did; `winner` whose answer it was ("": nobody's)."""

    request_id: str
    task: str
    bidder: str
    won: bool
    winner: str
    parts: tuple[Lost, ...]

    def text(self) -> str:
        """In plain words: the answer in the first line, then a paragraph for each round and tactic."""
        ended = f"{self.winner} did" if self.winner else "nobody did"
        first = f"{self.bidder} did win" if self.won else f"{self.bidder} did not win; {ended}"
        return "\n".join([f"{first}: {self.task}, request {self.request_id}.", *_told(self.parts)])

    def json(self) -> dict[str, Any]:
        """The same record as JSON has it."""
        return {name: plain(value) for name, value in asdict(self).items()}


def why_not(ledger: History, bidder: str, request_id: str, *, tenant: str = "") -> WhyNot:
    """Why a bidder (a name, or "name+tactic") did not win a request.

    Raises NotFound for an unknown request and for somebody who neither bid nor was left out of any round.
    """
    story = read_story(ledger, request_id, tenant)
    parts = [part for one in story.rounds for part in _parts(one, bidder)]
    if not parts:
        raise NotFound(f"{bidder!r} took no part in request {request_id!r}", hint=_who(story))
    winner = story.outcome.winner if story.outcome is not None else ""
    return WhyNot(
        request_id=request_id,
        task=story.opened.task,
        bidder=bidder,
        won=bool(winner) and _is_of(bidder, winner),
        winner=winner,
        parts=tuple(parts),
    )


def _is_of(bidder: str, key: str) -> bool:
    return bidder in (key, key.rpartition("+")[0])


def _who(story: Story) -> str:
    known = {one.offer.bidder for told in story.rounds for one in told.slate.bids}
    known |= {one.bidder for told in story.rounds for one in told.slate.no_bids}
    return f"it was offered to {', '.join(sorted(known))}" if known else "no round was held"


def _parts(story: RoundStory, bidder: str) -> Iterator[Lost]:
    for bid in story.slate.bids:
        if _is_of(bidder, bid.key):
            yield _of_bid(story, bid)
    for none in story.slate.no_bids:
        if _is_of(bidder, none.key) or (none.tactic == "*" and none.bidder == bidder.partition("+")[0]):
            yield _of_no_bid(story.award, none)


def _of_no_bid(award: Award, none: NoBid) -> Lost:
    return Lost(
        round=award.position.round,
        key=none.key,
        fate="no bid",
        award=award.chosen,
        reason=int(none.reason),
        words=none.reason.words,
        detail=none.detail,
    )


def _of_bid(story: RoundStory, bid: Bid) -> Lost:
    award, key = story.award, bid.key
    verdict = as_verdict(award)
    became = fate(verdict, key)
    score, bar = _score(verdict, (key,)), _score(verdict, award.chosen) or 0
    given = Given(position=award.position, slate=story.slate, table=story.table, draw=award.draw)
    why = unproven(award, given)
    lost = became != "bought" and not why
    return Lost(
        round=award.position.round,
        key=key,
        fate=became,
        award=award.chosen,
        probability=bid.probability,
        price=bid.price,
        score=score,
        short=bar - score if score is not None and became in ("outscored", "not worth its price") else None,
        prices=price_breaks(given, [key]) if lost else (),
        probabilities=probability_breaks(given, key) if lost else (),
        unproven=why,
    )


def fate(verdict: Verdict, key: str) -> Fate:
    """What became of a bid in an auction."""
    score = _score(verdict, (key,))
    if key in verdict.chosen:
        return "bought"
    if score is None:
        return "no candidate"
    if not verdict.chosen:
        return "not worth its price"
    drawn_over = key in best(verdict) or score > (_score(verdict, verdict.chosen) or 0)
    return "not drawn" if drawn_over else "outscored"


def _score(verdict: Verdict, action: Action) -> int | None:
    return next((one.score for one in verdict.candidates if one.action == action), None)


def _told(parts: tuple[Lost, ...]) -> Iterator[str]:
    for one in parts:
        yield f"Round {one.round}: {_fate_told(one)}"
        twice = len(one.prices) > 1
        yield from (f"  {priced(found, twice=twice)}" for found in one.prices)
        twice = len(one.probabilities) > 1
        yield from (f"  {likelier(found, twice=twice)}" for found in one.probabilities)
        if one.unproven:
            yield f"  No counterfactuals: {one.unproven}."


def _fate_told(one: Lost) -> str:
    if one.fate == "no bid":
        detail = f": {one.detail}" if one.detail else ""
        return f"{one.key} did not bid: {one.words} (reason {one.reason}){detail}."
    bid = f"{one.key} bid {one.probability or 0.0:.3f} for {exactly(one.price or 0)}"
    if one.fate == "bought":
        return f"{bid} and was bought."
    if one.fate == "no candidate":
        return (
            f"{bid} and was no candidate: not among the {BEST_BY_ONE_STEP} best by one step, the {MOST_PROBABLE} "
            f"most probably right and the {CHEAPEST} cheapest. The award: {named(one.award)}."
        )
    if one.fate == "not worth its price":
        return f"{bid}; its score was {both(one.short or 0)} too low to be worth buying, and the market settled."
    if one.fate == "not drawn":
        return f"{bid} and scored {both(one.score or 0)}, but exploration drew {named(one.award)}."
    return f"{bid}; its score was {both(one.short or 0)} below that of {named(one.award)}, which was bought."
