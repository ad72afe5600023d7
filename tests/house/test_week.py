"""A simulated week: nothing is lost, doubled or over its cap, whatever happens meanwhile."""

from __future__ import annotations

import pytest

from atomic.bench import week


@pytest.mark.timeout(600)
def test_two_thousand_mails_of_a_week_survive_a_kill_clock_jumps_and_a_full_disk() -> None:
    found = week.run(2_000)

    assert {"lost": 0, "doubled": 0, "days_over_cap": 0} == {
        name: found[name] for name in ("lost", "doubled", "days_over_cap")
    }
    assert found["chain_valid"]
    assert found["days_at_cap"] > 0  # so that the cap was what held
    assert found["kills"] > 0
    assert found["full_disk"] > 0
    assert "chain is valid" in week.table(found)


@pytest.mark.timeout(3_600)
def test_memory_of_a_long_week_stays(slow: bool) -> None:
    if not slow:
        pytest.skip("--slow runs it")
    found = week.run()

    assert found["chain_valid"]
    assert (0, 0, 0) == (found["lost"], found["doubled"], found["days_over_cap"])
    assert found["memory_growth"] <= 0.05
