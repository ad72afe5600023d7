"""What is believed of a bidder's price, speed and health."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic.belief.service import Health, Latency, Price
from atomic.records import Reason

SECOND = 1_000_000_000
AT_ONCE = [Reason.FAILED, Reason.TIMED_OUT, Reason.CRASHED, Reason.PRICE_OVER_OFFER]
JUNK = [Reason.NOT_THE_TYPE, Reason.EMPTY, Reason.CUT, Reason.REFUSED]
NO_ILLNESS = [Reason.CANCELLED, Reason.INTERRUPTED, Reason.DECLINED, Reason.NO_CAPACITY, Reason.NOTHING_SIMILAR]


@pytest.mark.parametrize("ratio", [0.25, 1.0, 3.0])
def test_a_price_is_corrected_by_what_was_billed(ratio: float) -> None:
    price = Price()
    corrected = [price.correct(1000)]
    for _ in range(200):
        price.add(int(1000 * ratio), 1000)
        corrected.append(price.correct(1000))

    assert 1000 == corrected[0]
    assert 1000 * ratio == pytest.approx(corrected[-1], rel=0.07)
    assert sorted(corrected, reverse=ratio < 1) == corrected


def test_who_bills_without_having_offered_a_price_is_expected_to_go_on() -> None:
    price = Price()
    for _ in range(300):
        price.add(500, 0)

    assert 500 == pytest.approx(price.correct(0), rel=0.02)


@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)), max_size=30), st.integers(0, 10**12))
def test_an_expected_bill_is_never_negative(history: list[tuple[int, int]], offered: int) -> None:
    price = Price()
    for billed, expected in history:
        price.add(billed, expected)

    assert 0 <= price.correct(offered)


def test_nine_in_ten_attempts_are_within_the_high_latency() -> None:
    latency = Latency()
    for n in range(1, 21):
        latency.add(n)

    assert (10, 18) == latency.expect(None)


def test_only_the_last_32_attempts_count() -> None:
    latency = Latency()
    for n in [10**9] * 50 + [5] * 32:
        latency.add(n)

    assert (5, 5) == latency.expect(None)


def test_a_hint_counts_as_two_attempts() -> None:
    latency = Latency()

    assert (700, 1400) == latency.expect(700)
    for _ in range(2):
        latency.add(100)
    assert (400, 400) == latency.expect(700)
    assert (100, 100) == latency.expect(None)


@pytest.mark.parametrize("reason", AT_ONCE)
def test_a_failure_leaves_a_bidder_out_at_once_and_for_5_seconds(reason: Reason) -> None:
    health = Health()
    health.add(reason, 10 * SECOND)

    assert 5 * SECOND == health.pause_left(10 * SECOND)
    assert 1 == health.pause_left(15 * SECOND - 1)
    assert 0 == health.pause_left(15 * SECOND)
    assert health.on_trial


@pytest.mark.parametrize("reason", JUNK)
def test_junk_is_borne_twice_and_not_three_times(reason: Reason) -> None:
    health = Health()
    lefts = []
    for _ in range(3):
        health.add(reason, 0)
        lefts.append(health.pause_left(0))

    assert [0, 0, 5 * SECOND] == lefts


@pytest.mark.parametrize("reason", NO_ILLNESS)
def test_being_cut_or_declining_is_no_illness(reason: Reason) -> None:
    health = Health()
    for _ in range(10):
        health.add(reason, 0)

    assert 0 == health.pause_left(0)
    assert not health.on_trial


def test_pauses_double_up_to_10_minutes() -> None:
    health, lefts, now = Health(), list[int](), 0
    for _ in range(10):
        health.add(Reason.FAILED, now)
        lefts.append(health.pause_left(now) // SECOND)
        now += health.pause_left(now)

    assert [5, 10, 20, 40, 80, 160, 320, 600, 600, 600] == lefts


def test_what_ends_while_the_breaker_is_open_began_before_and_decides_nothing() -> None:
    health = Health()
    for reason in [Reason.TIMED_OUT] * 20 + [None]:
        health.add(reason, 0)

    assert (5 * SECOND, 3) == (health.pause_left(0), health.failures)


def test_one_answer_on_trial_makes_well_again() -> None:
    health = Health()
    for _ in range(5):
        health.add(Reason.FAILED, 0)
    health.add(None, 5 * SECOND)

    assert 0 == health.pause_left(5 * SECOND)
    assert not health.on_trial
    health.add(Reason.NOT_THE_TYPE, 6 * SECOND)
    assert 0 == health.pause_left(6 * SECOND)


@given(
    st.lists(st.tuples(st.sampled_from([None, *AT_ONCE, *JUNK]), st.integers(0, 2**62)), max_size=20),
    st.integers(0, 2**62),
)
def test_a_clock_that_jumps_anywhere_keeps_nobody_out_for_longer_than_10_minutes(
    history: list[tuple[Reason | None, int]], now: int
) -> None:
    health = Health()
    for reason, time_ns in history:
        health.add(reason, time_ns)

    assert 0 <= health.pause_left(now) <= 600 * SECOND


def test_a_clock_set_back_before_the_pause_began_ends_it() -> None:
    health = Health()
    health.add(Reason.FAILED, 10**18)

    assert 0 == health.pause_left(10**18 - 1)


def test_three_times_overtaken_in_a_row_opens_the_breaker_and_a_closed_one_says_nothing() -> None:
    health = Health()
    said = []
    for _ in range(3):
        said.append(health.told(0))
        health.add(Reason.OVERTAKEN, 0)

    assert [""] * 3 == said
    assert "breaker open: 3 failures, last: overtaken; 5 s left" == health.told(0)
    assert "breaker half-open: 3 failures, last: overtaken; on trial" == health.told(5 * SECOND)
