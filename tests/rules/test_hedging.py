"""hedge: a pure choice between waiting on, asking somebody else as well, and waiting no longer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.rules.slates import WORTH, bid, position, slate, state

from atomic.records import Slate, Table
from atomic.records.hedge import Waiting
from atomic.rules.hedging import Choice, Duration, hedge

MILLISECOND = 1_000_000
TWO = Table(alternatives=2)
SLOW = bid("slow", 0.9, 20_000, latency_ns=50 * MILLISECOND)
OTHER = bid("other", 0.85, 20_000, latency_ns=50 * MILLISECOND)


def choice(waited: int, *bids: Any, held: Any = None, left_out: tuple[str, ...] = (), **terms: Any) -> Choice:
    """What is chosen after so many milliseconds of waiting for the slow one."""
    what = Waiting(
        running=("slow+plain",),
        waited_ns=waited * MILLISECOND,
        patience_ns=max(0, 2000 - waited) * MILLISECOND,
        left_out=left_out,
    )
    where = position(held, elapsed_ns=waited * MILLISECOND, **terms)
    return hedge(where, slate(SLOW, *(bids or (OTHER,))), TWO, what)


def test_where_a_second_costs_the_answers_worth_the_other_is_asked_after_a_while_and_not_before() -> None:
    chosen = [choice(waited, latency_price=WORTH).chosen for waited in (10, 50, 400)]

    assert [None, None, ("other+plain",)] == chosen


@given(st.integers(1, 1990), st.floats(0.5, 0.9), st.integers(1, 100_000), st.integers(1, 1000))
def test_where_time_costs_nothing_and_is_plenty_nobody_is_asked_at_a_price(
    waited: int, right: float, price: int, takes: int
) -> None:
    other = bid("other", right, price, latency_ns=takes * MILLISECOND)

    assert choice(waited, other).chosen is None


def test_before_a_deadline_the_other_is_asked_while_it_can_still_make_it() -> None:
    late = bid("other", 0.85, 20_000, latency_ns=500 * MILLISECOND)

    assert choice(50, late, deadline_ns=60_000 * MILLISECOND).chosen is None
    assert ("other+plain",) == choice(400, late, deadline_ns=1000 * MILLISECOND).chosen


@given(st.integers(1, 1500), st.integers(0, 2 * WORTH), st.integers(0, 200_000), st.integers(0, 200_000))
def test_what_is_too_dear_is_not_bought_at_a_higher_price_either(
    waited: int, latency_price: int, one: int, other: int
) -> None:
    cheap, dear = sorted((one, other))

    def chosen(price: int) -> tuple[str, ...] | None:
        return choice(waited, bid("other", 0.85, price), latency_price=latency_price).chosen

    assert chosen(cheap) is not None or chosen(dear) is None


@given(st.integers(1, 1990), st.integers(0, 4 * WORTH), st.floats(0.1, 0.99), st.integers(0, WORTH))
def test_what_is_chosen_is_worth_more_than_waiting(waited: int, latency_price: int, right: float, price: int) -> None:
    found = choice(waited, bid("other", right, price), latency_price=latency_price)

    assert found.gain >= found.waiting
    assert found.chosen is not None or found.gain == found.waiting
    assert found == choice(waited, bid("other", right, price), latency_price=latency_price)


def test_who_is_away_too_dear_for_the_request_or_already_heard_is_not_asked() -> None:
    urgent: dict[str, Any] = {"latency_price": 2 * WORTH}

    assert ("other+plain",) == choice(400, **urgent).chosen
    assert choice(400, left_out=("other+plain",), **urgent).chosen is None
    assert choice(400, max_price=39_999, **urgent).chosen is None
    assert choice(400, held=state(("other", 0, 0.85)), **urgent).chosen == ()


def test_another_tactic_of_the_one_that_is_slow_is_no_help() -> None:
    again = bid("slow", 0.95, 0, tactic="examples")

    assert choice(1500, again, latency_price=2 * WORTH).chosen is None


def test_with_an_answer_in_hand_that_more_would_hardly_better_waiting_ends() -> None:
    held = state(("a", 0, 0.95), ("b", 0, 0.95))

    assert () == choice(400, held=held, latency_price=WORTH).chosen
    assert choice(400, held=held).chosen is None


def test_with_nothing_in_hand_waiting_does_not_just_end() -> None:
    assert choice(1990, slate_only(), latency_price=100 * WORTH).chosen is None


def slate_only() -> Any:
    """Somebody who knows nothing and takes for ever."""
    return bid("other", 0.0, WORTH, latency_ns=10**12)


def test_what_has_taken_long_is_expected_to_take_longer_yet() -> None:
    of = Duration.of(SLOW)
    left = [sum(of.left(float(waited * MILLISECOND))) for waited in (0, 50, 500, 5000)]

    assert left[1:] == sorted(left[1:])
    assert left[0] < left[2]


def test_nine_in_ten_are_within_the_nine_in_ten_time() -> None:
    assert 0.9 == round(Duration.of(SLOW).within(SLOW.latency_high_ns), 9)
    assert 0.5 == Duration.of(SLOW).within(SLOW.latency_ns)


def test_of_the_slate_only_what_is_not_running_matters_and_its_order_does_not() -> None:
    what = Waiting(running=("slow+plain",), waited_ns=400 * MILLISECOND, patience_ns=1600 * MILLISECOND)
    third = bid("third", 0.8, 10_000, latency_ns=20 * MILLISECOND)
    where = position(latency_price=2 * WORTH)
    one = slate(SLOW, OTHER, third)
    other = replace(one, bids=tuple(reversed(one.bids)))

    assert hedge(where, one, TWO, what) == hedge(where, Slate(bids=other.bids, no_bids=()), TWO, what)
