"""execute: bounded in time, typed or refused."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.rules.slates import bid

from atomic.stages.execute import patience_ns

SECOND = 1_000_000_000
times = st.integers(1, 10_000 * SECOND)


@given(times, times)
def test_patience_never_outlasts_the_deadline(latency_ns: int, left_ns: int) -> None:
    assert 0 < patience_ns(bid("a", 0.5, latency_ns=latency_ns), left_ns) <= max(left_ns, 1)


@given(times, times)
def test_half_the_time_is_kept_for_a_runner_up_unless_the_bid_needs_more(latency_ns: int, left_ns: int) -> None:
    patience = patience_ns(bid("a", 0.5, latency_ns=latency_ns), left_ns)

    assert patience <= max(left_ns // 2, 2 * latency_ns)


def test_a_quick_bidder_is_given_two_seconds_and_a_slow_one_four_times_its_nine_in_ten() -> None:
    assert 2 * SECOND == patience_ns(bid("a", 0.5, latency_ns=1), 60 * SECOND)
    assert 8 * SECOND == patience_ns(bid("a", 0.5, latency_ns=SECOND), 60 * SECOND)
