"""The bench of flows runs both sides and pairs them; how fast they are is its own to print."""

from __future__ import annotations

import pytest

pytest.importorskip("dbos", reason="the extra `flows` is not installed")

from atomic.bench import flows


def test_each_round_of_ours_is_paired_with_one_of_bare_dbos() -> None:
    found = flows.run(rounds=2)

    shapes = [name for name in found if name != "ratio"]
    assert ["one_flow", "twenty_flows", "short_flows"] == shapes
    assert all(2 == len(found[name]["ratios"]) for name in shapes)
    assert found["ratio"] == min(found[name]["ratio"] for name in shapes)
    assert "of bare" in flows.table(found)
