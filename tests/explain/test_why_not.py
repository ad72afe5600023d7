"""Why a bidder did not win, for each way in which one can lose."""

from __future__ import annotations

import json

import pytest
from tests.explain.trading import REQUESTS
from tests.rules.slates import bid, position, slate

from atomic.counterfactual import Given
from atomic.errors import NotFound
from atomic.explain import WhyNot, why_not
from atomic.explain.losing import fate
from atomic.ledger import MemoryLedger
from atomic.records import OutcomeSettled, Table


@pytest.fixture(scope="module")
def losses(traded: MemoryLedger) -> list[WhyNot]:
    return [why_not(traded, "mini", f"r{number}") for number in range(REQUESTS)]


def test_who_did_not_bid_is_told_the_numbered_reason(traded: MemoryLedger) -> None:
    found = why_not(traded, "closed", "r1")

    assert {"no bid"} == {part.fate for part in found.parts}
    assert {10} == {part.reason for part in found.parts}
    assert "closed+plain did not bid: not configured (reason 10)." in found.text()


def test_the_winner_is_told_that_it_won(traded: MemoryLedger) -> None:
    settled = next(iter(traded.read(request_id="r1", kinds=("outcome",)))).payload
    assert isinstance(settled, OutcomeSettled)

    found = why_not(traded, settled.winner, "r1")

    assert found.won
    assert found.text().startswith(f"{settled.winner} did win")
    assert "bought" in {part.fate for part in found.parts}


def test_a_loser_is_told_by_how_much_and_what_it_would_have_taken(losses: list[WhyNot]) -> None:
    lost = [part for one in losses for part in one.parts if part.fate in ("outscored", "not worth its price")]

    assert lost
    assert all(part.short is not None and part.short >= 0 for part in lost)
    assert any(found.found == "proven" for part in lost for found in part.prices)
    assert all(part.prices and part.probabilities for part in lost)


def test_the_fates_of_a_bidder_cover_its_rounds(losses: list[WhyNot]) -> None:
    assert {"bought", "no bid", "outscored"} <= {part.fate for one in losses for part in one.parts}


def test_it_is_json_and_text(losses: list[WhyNot]) -> None:
    for one in losses[:5]:
        assert one.json() == json.loads(json.dumps(one.json()))
        assert one.text().splitlines()[0].endswith(f"request {one.request_id}.")


def test_somebody_who_was_not_there_is_not_found(traded: MemoryLedger) -> None:
    with pytest.raises(NotFound, match="mini"):
        why_not(traded, "minnie", "r1")


def test_each_way_to_lose_has_its_name() -> None:
    many = [bid(f"dear{number}", 0.6, 900_000 + number) for number in range(12)]
    crowd = Given(
        position=position(), slate=slate(bid("good", 0.95, 10), *many), table=Table(alternatives=2), draw=0.0
    ).verdict()
    poor = Given(
        position=position(worth=100), slate=slate(bid("dear", 0.9, 1_000)), table=Table(alternatives=2), draw=0.0
    ).verdict()
    drawn = Given(
        position=position(explore=True),
        slate=slate(bid("best", 0.95), bid("other", 0.7)),
        table=Table(alternatives=2),
        draw=0.9999,
    ).verdict()

    assert "bought" == fate(crowd, "good+plain")
    assert "outscored" == fate(crowd, "dear0+plain")
    assert "no candidate" == fate(crowd, "dear11+plain")
    assert "not worth its price" == fate(poor, "dear+plain")
    assert ("bought", "not drawn") == (fate(drawn, "other+plain"), fate(drawn, "best+plain"))
