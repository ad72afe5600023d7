"""The auction: a pure function of position, bids, table and draw. One version of these rules, one number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from atomic.protocols import Valuation, Valued
from atomic.records.award import Position, Scored, Slate, Table
from atomic.records.request import surveyed
from atomic.rules.exploration import CANDIDATES, pick, propensities, sharpness
from atomic.rules.in_time import in_time
from atomic.rules.valuation import lookahead

RULES_VERSION = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the auction found. Everything else in an award is what it was given."""

    standing: float
    standing_group: int
    considered: tuple[str, ...]
    candidates: tuple[Scored, ...]
    chosen: tuple[str, ...]
    propensity: float


def auction(
    position: Position, slate: Slate, table: Table, draw: float, *, valuation: Valuation = lookahead
) -> Verdict:
    """Which bids to buy now; none means: settle.

    At the first round, where the terms allow it, the leader and up to four others share the chance (exploration);
    later rounds take the best action if it scores above the standing answer's 0. The order is total: score,
    then price, then key. What may come after the deadline is worth less. A survey buys everybody whom its terms name at
    the first round, and settles at the next.
    A mandate buys whom it names, and settles for what comes of it. Where the caller reads along, one bid is bought at
    a time, valued as if nothing came after it, and the first answer settles it.
    """
    if settles(position):
        standing, group, _ = valuation(position, Slate(bids=(), no_bids=slate.no_bids), table)
        return _outright(standing, group, ())
    if position.terms.mandate:
        return _mandated(position, slate, table, valuation)
    if position.terms.survey:
        return _survey(position, slate, table, valuation)
    standing, group, values = _values(position, slate, table, valuation)
    valued = in_time(position, slate, values)
    if position.terms.streamed:  # the reader hears one
        valued = [one for one in valued if len(one.action) == 1]
    ordered = sorted(valued, key=lambda one: (-one.score, one.price, one.action))
    considered = tuple(sorted({key for one in valued for key in one.uses}))
    pays = bool(ordered) and ordered[0].score > 0
    explores = pays and position.terms.explore and position.round == 1 and not position.state.answered
    if not explores:
        candidates = tuple(
            Scored(action=one.action, score=one.score, propensity=1.0 if pays and index == 0 else 0.0)
            for index, one in enumerate(ordered)
        )
        chosen: tuple[str, ...] = ordered[0].action if pays else ()
        return Verdict(
            standing=standing,
            standing_group=group,
            considered=considered,
            candidates=candidates,
            chosen=chosen,
            propensity=1.0,
        )
    among = ordered[:CANDIDATES]
    lessons = _lessons(slate, among[0])
    shares = propensities([one.score for one in among], position.terms.worth, sharpness(lessons))
    drawn = pick(shares, draw)
    return Verdict(
        standing=standing,
        standing_group=group,
        considered=considered,
        candidates=tuple(
            Scored(action=one.action, score=one.score, propensity=shares[index] if index < len(shares) else 0.0)
            for index, one in enumerate(ordered)
        ),
        chosen=among[drawn].action,
        propensity=shares[drawn],
    )


def settles(position: Position) -> bool:
    """Whether nothing is bought from here, whoever bids: a mandate or a reader has an answer, a survey has been held.

    Such a round needs no bids.
    """
    terms = position.terms
    held = terms.mandate or (position.round > 1 if terms.survey else terms.streamed)
    return bool(held) and bool(position.state.answered)


def _survey(position: Position, slate: Slate, table: Table, valuation: Valuation) -> Verdict:
    """All bids that the terms name, the cheapest first while the price allows; what that is worth is not asked."""
    standing, group, _ = valuation(position, Slate(bids=(), no_bids=slate.no_bids), table)
    chosen: list[str] = []
    left = position.terms.max_price - position.spent
    for bid in sorted(slate.bids if position.round == 1 else (), key=lambda one: (one.offer.ceiling, one.key)):
        if bid.offer.ceiling <= left and surveyed(position.terms, bid.offer.bidder):
            chosen.append(bid.key)
            left -= bid.offer.ceiling
    return _outright(standing, group, tuple(sorted(chosen)))


def _mandated(position: Position, slate: Slate, table: Table, valuation: Valuation) -> Verdict:
    """The bid that the terms name, if it is there; what it is worth is not asked."""
    standing, group, _ = valuation(position, Slate(bids=(), no_bids=slate.no_bids), table)
    named = [bid.key for bid in slate.bids if position.terms.mandate in {bid.key, bid.offer.bidder}]
    return _outright(standing, group, tuple(named[:1]))


def _values(
    position: Position, slate: Slate, table: Table, valuation: Valuation
) -> tuple[float, int, Sequence[Valued]]:
    """What actions are worth; where the caller reads along, each bid by itself, since nobody else is heard after it."""
    if not position.terms.streamed:
        return valuation(position, slate, table)
    standing, group, _ = valuation(position, Slate(bids=(), no_bids=slate.no_bids), table)
    alone = [valuation(position, Slate(bids=(bid,), no_bids=slate.no_bids), table)[2] for bid in slate.bids]
    return standing, group, [one for values in alone for one in values if len(one.action) == 1]


def _outright(standing: float, group: int, action: tuple[str, ...]) -> Verdict:
    return Verdict(
        standing=standing,
        standing_group=group,
        considered=action,
        candidates=(Scored(action=action, score=0, propensity=1.0),) if action else (),
        chosen=action,
        propensity=1.0,
    )


def _lessons(slate: Slate, leader: Valued) -> float:
    """How many outcomes stand behind the leader's weakest bid in this task."""
    return min(bid.evidence.task_count for bid in slate.bids if bid.key in leader.action)


def without(slate: Slate, keys: Sequence[str]) -> Slate:
    """The slate as it would be without some bids."""
    return Slate(bids=tuple(bid for bid in slate.bids if bid.key not in keys), no_bids=slate.no_bids)
