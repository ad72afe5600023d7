"""The bench of a market under load: its stream, its faults, its figures."""

from __future__ import annotations

from atomic.bench.load import HANGS, HEALTHY, JUNK, LIES, NATURES, Faults, rotation, says, table, truth


def test_each_fault_is_somebodys_in_turn_and_begins_when_told() -> None:
    for number in range(len(NATURES)):
        faults = Faults(number)
        before = {faults.of(nature.name) for nature in NATURES}
        faults.begun = True

        assert {HEALTHY} == before
        assert [HANGS, JUNK, LIES] == sorted({faults.of(nature.name) for nature in NATURES} - {HEALTHY})
        assert 2 == len(faults.well)


def test_bidders_are_as_right_as_their_nature_says_and_always_say_the_same() -> None:
    for nature in NATURES:
        said = [says(nature, str(number)) for number in range(2_000)]

        assert said == [says(nature, str(number)) for number in range(2_000)]
        assert abs(nature.right - sum(one == truth(str(n)) for n, one in enumerate(said)) / len(said)) < 0.02


async def test_a_short_stream_is_measured_in_both_markets_and_replays() -> None:
    found = await rotation(0, 30)

    assert 0 == found["healthy"]["different"] == found["faulty"]["different"]
    assert "ace hangs, bee lies, cat junk" == found["faults"]
    assert found["faulty"]["worst_ms"] > 0
    worst = {"p95_ratio": 1.0, "points_over_best": 0.0, "different": 0}
    assert "replayed: 0 different" in table({**worst, "rotations": [found]}).splitlines()[-1]
