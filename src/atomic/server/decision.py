"""How a request was decided, in a few words and numbers: for the metadata of a response."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from atomic.outcome import Outcome
from atomic.protocols import Ledger
from atomic.records.attempt import AttemptFinished
from atomic.records.award import Award, Slate
from atomic.records.event import Event, decode
from atomic.records.money import dollars

_NO_BIDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who won and who came second in the first round, by how much its score was higher (nano-USD), and why."""

    request_id: str
    winner: str
    runner_up: str
    margin: int | None
    cost: int
    reasons: list[str]


def decision_of(ledger: Ledger, outcome: Outcome[Any]) -> Decision:
    """The decision, read from the awards of the request."""
    events = [one for one in ledger.read(request_id=outcome.id) if one.tenant == outcome.tenant]
    awards = [one.payload for one in events if isinstance(one.payload, Award)]
    first = awards[0] if awards else None
    runner_up, margin = "", None
    if first is not None and first.chosen:
        others = [one for one in first.candidates if one.action != first.chosen]
        own = next((one.score for one in first.candidates if one.action == first.chosen), None)
        if others:
            runner_up = " and ".join(others[0].action) or "nobody"
            margin = None if own is None else own - others[0].score
    return Decision(
        request_id=outcome.id,
        winner=outcome.winner,
        runner_up=runner_up,
        margin=margin,
        cost=outcome.cost,
        reasons=list(_reasons(ledger, first, events, outcome)),
    )


def _reasons(ledger: Ledger, first: Award | None, events: list[Event], outcome: Outcome[Any]) -> Iterator[str]:
    if outcome.refused:
        yield f"refused: {outcome.why}"
    if first is not None:
        terms = first.position.terms
        chosen = " and ".join(first.chosen) or "nobody"
        if terms.mandate:
            yield f"{terms.mandate} was to answer"
        elif first.propensity < 1.0:
            yield f"{chosen} was drawn with the chance {first.propensity:.2f}, to learn"
        else:
            yield f"{chosen} was worth most for its price, at {dollars(terms.worth)} for a right answer"
        slate: Slate = decode(Slate, ledger.blob(first.slate))
        for bid in slate.bids:
            if bid.offer.warm:
                yield f"{bid.key} most likely has {bid.offer.warm} tokens of it in its cache: hence its price"
        for one in slate.no_bids[:_NO_BIDS]:
            detail = f" ({one.detail})" if one.detail else ""
            yield f"{one.bidder} did not bid: {one.reason.words}{detail}"
    for event in events:
        if isinstance(event.payload, AttemptFinished) and event.payload.reason is not None:
            yield f"{event.payload.key} failed: {event.payload.reason.words}"
