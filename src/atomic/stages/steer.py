"""steer: the worth that a request under a target or a budget is bought at, and who may bid when the budget is spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from atomic.belief import Beliefs
from atomic.belief.pace import FIRST_MULTIPLIER
from atomic.protocols import Valuation
from atomic.records.award import Position, Slate, State, Table
from atomic.records.bid import Bid, NoBid, Reason
from atomic.records.request import Terms
from atomic.rules.frontier import Held, frontier, worth_for_price, worth_for_right


def steer(
    task: str, position: Position, opened_ns: int, beliefs: Beliefs, slate: Slate, table: Table, valuation: Valuation
) -> tuple[Position, Slate]:
    """The position of a request that was opened then, with the worth that steering makes of its terms; under a budget
    without bids that are dearer than what is left of it.

    The first round is bought on the terms as they were declared; what comes of that holds for all rounds. Terms with a
    worth of their own stay as they are, and so do those of a survey or a mandate, which buy whatever it is worth.
    """
    terms = position.terms
    if not terms.objective or terms.survey or terms.mandate:
        return position, slate
    pace = beliefs.paces.of(task, terms)
    spent = False
    if pace.budget is not None:
        left = pace.left(opened_ns)
        affordable = [bid for bid in slate.bids if bid.price <= left]
        spent = left <= 0 or not affordable
        slate = _when_spent(terms, slate, position.state) if spent else _only(slate, affordable)
    if position.round > 1:
        return position, slate
    worth = pace.worth(opened_ns) or terms.worth or _first(position, pace.rho(opened_ns), slate, table, valuation)
    if terms.target > 0.0 or spent:
        # Every request of a target wants an answer, and so does one that "cheapest" or "observe" lets through.
        worth = max(worth, min((_enough(bid) for bid in slate.bids), default=0))
    return replace(position, terms=replace(terms, worth=worth)), slate


def _first(position: Position, rho: float, slate: Slate, table: Table, valuation: Valuation) -> int:
    """Where steering begins: on the frontier that these very bids show."""
    points = frontier([Held(position, slate, table)], valuation)
    if position.terms.target > 0.0:
        return worth_for_right(points, position.terms.target) or 1
    return worth_for_price(points, rho) or max(1, round(FIRST_MULTIPLIER * rho))


def _enough(bid: Bid) -> int:
    """A worth at which this bid alone is worth its price."""
    return int(bid.price / max(bid.probability, 1e-6)) + 2


def _when_spent(terms: Terms, slate: Slate, state: State) -> Slate:
    """The slate of a request whose window has no money left; what is free may always be bought."""
    budget = terms.budget
    assert budget is not None
    left = [bid for bid in slate.bids if bid.price == 0 and bid.offer.ceiling == 0]
    if budget.when_spent == "cheapest":
        ordered = sorted(slate.bids, key=lambda bid: (bid.price, -bid.probability, bid.key))
        left = [] if state.answered else ordered[:1]
    elif budget.when_spent == "observe":
        left = [] if state.answered else [bid for bid in slate.bids if bid.offer.bidder == budget.incumbent]
    return _only(slate, left)


def _only(slate: Slate, left: Sequence[Bid]) -> Slate:
    """The slate with these bids; of the others is said why."""
    if len(left) == len(slate.bids):
        return slate
    out = tuple(
        NoBid(bidder=bid.offer.bidder, tactic=bid.offer.tactic, reason=Reason.BUDGET_SPENT)
        for bid in slate.bids
        if bid not in left
    )
    no_bids = sorted((*slate.no_bids, *out), key=lambda no_bid: no_bid.key)
    return Slate(bids=tuple(bid for bid in slate.bids if bid in left), no_bids=tuple(no_bids))
