"""Who answers under a mode, and what a pair says."""

from collections import Counter
from typing import Any

import pytest

from atomic.records.mode import MARKET, Mode, PairMade, Side
from atomic.rules.modes import Judged, Place, assign, gains, needed, quality, shares

SECRET = b"secret"


def place(phase: Any = "canary", champion: str = "", **changes: Any) -> Place:
    mode = Mode(**{"mode": "canary", "incumbent": "big", "share": 0.2, "sample": 0.5, **changes})
    return Place(mode=mode, number=1, phase=phase, champion=champion)


def side(arm: str, **changes: Any) -> Side:
    known: dict[str, Any] = {"winner": f"{arm}+plain", "answered": True, "price": 0, "probability": 0.7}
    return Side(arm=arm, source="prior", **{**known, **changes})


def pair(*, equal: bool = False, big: Any = None, market: Any = None) -> PairMade:
    return PairMade(
        task="spam",
        number=1,
        pair=0.5,
        shadow="r~shadow",
        caller=side("big", **(big or {})),
        beside=side(MARKET, **(market or {})),
        equal=equal,
        worth=1_000,
        most=1_000,
    )


def test_shares_and_inclusion_are_what_is_drawn() -> None:
    drawn = [assign(place(), SECRET, "", str(number)) for number in range(4_000)]
    arms = Counter(one.arm for one in drawn)
    assert 0.17 < arms[MARKET] / 4_000 < 0.23
    assert 0.46 < sum(bool(one.other) for one in drawn) / 4_000 < 0.54
    assert {one.other for one in drawn if one.arm == "big"} == {"", MARKET}
    assert {one.other for one in drawn if one.arm == MARKET} == {"", "big"}


def test_the_same_request_is_always_assigned_alike_and_nobody_can_tell_without_the_secret() -> None:
    assert assign(place(), SECRET, "", "r") == assign(place(), SECRET, "", "r")
    other = [assign(place(), b"other", "", str(number)).draw for number in range(5)]
    assert other != [assign(place(), SECRET, "", str(number)).draw for number in range(5)]


def test_a_pair_is_as_likely_as_it_says_whichever_answer_comes_first() -> None:
    two = place(challengers=(MARKET, "small"))
    drawn = [assign(two, SECRET, "", str(number)) for number in range(6_000)]
    for arm in (MARKET, "small"):
        made = [one for one in drawn if {one.arm, one.other} == {"big", arm}]
        assert {one.pair for one in made} == {made[0].pair}
        assert abs(len(made) / 6_000 - made[0].pair) < 0.03


@pytest.mark.parametrize(
    ("phase", "champion", "expected"),
    [
        ("observe", "", {"big": 1.0}),
        ("returned", "", {"big": 1.0}),
        ("promoted", MARKET, {MARKET: 1.0}),
        ("canary", "", {"big": 0.8, MARKET: 0.2}),
        ("market", "", {MARKET: 1.0}),
    ],
)
def test_who_answers_in_each_phase(phase: Any, champion: str, expected: dict[str, float]) -> None:
    assert expected == shares(place().mode, phase, champion)


def test_equal_answers_are_equally_right_whoever_knows() -> None:
    assert quality(pair(equal=True), "big", Judged()) == (0.0, 0.0, 0.0)


def test_an_unjudged_difference_is_estimated_between_its_bounds() -> None:
    estimate, worst, best = quality(pair(market={"probability": 0.9}, big={"probability": 0.05}), "big", Judged())
    assert (estimate, worst, best) == pytest.approx((0.85, -1.0, 1.0))


def test_where_the_incumbent_is_right_another_answer_is_wrong() -> None:
    assert quality(pair(), "big", Judged(incumbent=1.0)) == (-1.0, -1.0, -1.0)


def test_where_the_incumbent_is_wrong_the_other_may_be_too() -> None:
    assert quality(pair(), "big", Judged(incumbent=0.0)) == pytest.approx((0.7, 0.0, 1.0))


def test_no_answer_is_not_right() -> None:
    refused = pair(market={"answered": False})
    assert quality(refused, "big", Judged(incumbent=1.0)) == (-1.0, -1.0, -1.0)


def test_what_nobody_judged_counts_against_whatever_is_to_be_proven() -> None:
    won, lost = gains(pair(big={"price": 500}), place().mode, Judged())
    assert (won, lost) == pytest.approx((-0.25, 0.75))
    both = gains(pair(big={"price": 500}), place(unlabelled="estimate").mode, Judged())
    assert both == pytest.approx((0.25, 0.25))


def test_all_challengers_and_all_changes_share_alpha() -> None:
    total = sum(1.0 / needed(Mode(alpha=0.05, challengers=("a", "b")), changes) for changes in range(10_000))
    assert 2 * total <= 0.05
