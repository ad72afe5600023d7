"""tune: inference-time fine-tuning. The awarded tactic becomes a plan for this very input; nothing is retrained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from atomic.protocols import Bidder, Tactic
from atomic.records.attempt import Plan
from atomic.records.bid import Bid
from atomic.records.microtask import Ask, Example
from atomic.stages.prepare import visible
from atomic.stages.speech import Speech


def tune(
    chosen: Sequence[Bid],
    ask: Ask,
    bidders: Mapping[str, Bidder],
    tactics: Sequence[Tactic],
    examples: Sequence[tuple[float, Example]],
    speech: Speech | None = None,
) -> Sequence[Plan]:
    """A plan for each awarded bid, in their order; it goes on with what a caller who reads along has heard."""
    by_name = {tactic.name: tactic for tactic in tactics}
    plans: list[Plan] = []
    for bid in chosen:
        profile = bidders[bid.offer.bidder].profile
        try:
            plans.append(by_name[bid.offer.tactic].plan(ask, profile, visible(examples, profile)))
        except Exception as error:  # a tactic is foreign code; what it says may quote the input
            log = structlog.get_logger()
            log.error("a tactic crashed", tactic=bid.offer.tactic, bidder=profile.name, error=type(error).__name__)
            raise
    return plans if speech is None else speech.onto(plans)
