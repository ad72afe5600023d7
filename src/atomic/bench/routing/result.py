"""The figures of a run as they are written: docs/bench-routing.schema.json is made of these models."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fixed(_Model):
    """A bidder that answers everything."""

    bidder: str
    right: Share
    usd_per_1k: Amount


class Against(_Model):
    """A control on the same items. `right_diff` is the market's less the control's, with its 95 % bootstrap interval;
    `price_ratio` the market's price over the control's."""

    right: Share
    usd_per_1k: Amount
    right_diff: float
    low: float
    high: float
    price_ratio: Amount


class Versus(_Model):
    """Every control; null where it cannot be made, since there are no answers to compare."""

    best_fixed: Against
    per_domain: Against
    random_mix: Against
    cascade: Against
    linucb: Against
    agreement: Against | None
    oracle: Against


class Result(_Model):
    """The market at one objective.

    `ece` is the debiased calibration error in ten bins of equal mass, `probability` what the market said on average,
    `latency_p95` in seconds by the table's latencies (0 without), `worth_usd` the operating point (a mean over folds).
    """

    objective: str
    right: Share
    usd_per_1k: Amount
    answers_per_item: Amount
    ece: Share
    probability: Share
    latency_p95: Amount
    worth_usd: Amount
    versus: Versus


class Figures(_Model):
    """What `atomic bench routing --json FILE` writes.

    `best_fixed` is the bidder that is best on learn items (over folds, the one that is so most often), `bidders` all of
    them, the best first. `aiq` is the area under quality over price, null where the best bidder is the cheapest;
    `apgr` by task the performance gap recovered on average, null where there are not two bidders.
    `decision_us_p50` is the median of a first round's bids and auction. `notes` say what could not be used.
    """

    pack: str
    items: Annotated[int, Field(ge=1)]
    bidders: list[Fixed]
    best_fixed: Fixed
    results: list[Result]
    aiq: float | None
    apgr: dict[str, float | None] | None
    decision_us_p50: Amount
    notes: list[str]
    seconds: Amount
