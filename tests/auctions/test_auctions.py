"""Auctions as data: each JSON file beside this one holds a request, its bids and the award that is to come of them.

`expected` holds the action that is chosen, the standing probability and the propensity (to six digits), and `why`
what became of every bid that was not bought.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from atomic.counterfactual import Given
from atomic.explain.losing import fate
from atomic.records import (
    Answered,
    Bid,
    Evidence,
    NoBid,
    Offer,
    Position,
    Reason,
    Slate,
    State,
    Table,
    Terms,
    nano_usd,
)

CASES = sorted(Path(__file__).parent.glob("*.json"))


def _bid(case: dict[str, Any]) -> Bid:
    price, latency = nano_usd(case.get("price", 0)), int(case.get("latency_ms", 0) * 1e6)
    outcomes, probability = float(case.get("outcomes", 0)), case["probability"]
    evidence = Evidence(
        prior=probability,
        prior_weight=4.0,
        chance=0.0,
        domain_count=outcomes,
        domain_right=outcomes * probability,
        task_count=outcomes,
        task_right=outcomes * probability,
        last_ns=0,
        lessons=(),
    )
    return Bid(
        offer=Offer(bidder=case["bidder"], tactic=case.get("tactic", "plain"), price=price, ceiling=price),
        probability=probability,
        spread=0.05,
        price=price,
        latency_ns=latency,
        latency_high_ns=2 * latency,
        evidence=evidence,
    )


def _given(case: dict[str, Any]) -> Given:
    terms = case["terms"]
    worth = nano_usd(terms["worth"])
    answered = tuple(
        Answered(key=one["who"], group=one["group"], probability=one["probability"]) for one in case.get("answered", ())
    )
    return Given(
        position=Position(
            terms=Terms(
                worth=worth,
                max_price=worth,
                latency_price=nano_usd(terms.get("latency_price", 0)),
                explore=terms.get("explore", True),
            ),
            state=State(answered=answered),
            round=case.get("round", 1),
            spent=0,
            elapsed_ns=0,
        ),
        slate=Slate(
            bids=tuple(sorted(map(_bid, case["bids"]), key=lambda bid: bid.key)),
            no_bids=tuple(
                NoBid(bidder=one["bidder"], tactic="plain", reason=Reason[one["reason"]], detail=one.get("detail", ""))
                for one in case.get("no_bids", ())
            ),
        ),
        table=Table(
            alternatives=case["table"]["alternatives"],
            copying=tuple(sorted(case["table"].get("copying", {}).items())),
        ),
        draw=case["draw"],
    )


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_an_auction_ends_as_its_case_says(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    given = _given(case)
    verdict = given.verdict()

    found = {
        "chosen": list(verdict.chosen),
        "standing": round(verdict.standing, 6),
        "propensity": round(verdict.propensity, 6),
        "why": {bid.key: fate(verdict, bid.key) for bid in given.slate.bids if bid.key not in verdict.chosen},
    }

    assert case.get("expected") == found


def test_the_case_shown_in_the_documents_is_one_of_them() -> None:
    page = (Path(__file__).parents[2] / "docs/explanation.md").read_text(encoding="utf-8")
    shown = json.loads(page.split("```json\n")[1].split("```")[0])

    assert len(CASES) >= 8
    assert shown in [json.loads(path.read_text(encoding="utf-8")) for path in CASES]
