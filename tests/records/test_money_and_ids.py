"""Money in nano-USD, and ids that sort by time."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic.errors import TaskError
from atomic.records import dollars, fresh_id, nano_usd

amounts = st.integers(0, 9_000_000_000_000_000_000)


@given(amounts)
def test_an_amount_written_out_is_read_back_exactly(nano: int) -> None:
    assert nano == nano_usd(f"${Decimal(nano) / 10**9:.9f}")


@pytest.mark.parametrize(
    ("written", "nano"),
    [
        ("$0.002", 2_000_000),
        ("0.002", 2_000_000),
        ("$.5", 500_000_000),
        (" $1_000 ", 10**12),
        (1e-7, 100),
        (3, 3 * 10**9),
        (Decimal("0.000000001"), 1),
    ],
)
def test_amounts_are_read_as_written(written: str | float | Decimal, nano: int) -> None:
    assert nano == nano_usd(written)


@pytest.mark.parametrize(
    "junk",
    [
        "",
        "$",
        "free",
        "$-1",
        "-1",
        "1e3",
        "$1,000",
        "€5",
        "$1.2.3",
        -0.5,
        float("nan"),
        float("inf"),
        True,
        1e10,
        "$1\n2",
    ],
)
def test_what_is_no_amount_is_refused(junk: str | float) -> None:
    with pytest.raises(TaskError, match="is not an amount of money"):
        nano_usd(junk)


@given(amounts)
def test_an_amount_for_people_is_an_amount_and_near_the_true_one(nano: int) -> None:
    shown = nano_usd(dollars(nano))

    assert abs(shown - nano) <= max(0.0051 * 10**9 if nano >= 10**9 else 0.006 * nano, 0)


@pytest.mark.parametrize(
    ("nano", "shown"),
    [(999_999_999, "$1"), (1, "$0.000000001"), (10**9, "$1.00"), (100_000_000, "$0.1"), (-5, "-$0.000000005")],
)
def test_amounts_for_people_are_well_formed(nano: int, shown: str) -> None:
    assert shown == dollars(nano)


@given(st.lists(st.integers(0, 2**47), min_size=2, max_size=20, unique=True))
def test_fresh_ids_sort_by_the_millisecond_they_were_made_in(milliseconds: list[int]) -> None:
    ids = {ms: fresh_id(ms * 1_000_000) for ms in milliseconds}

    assert [ids[ms] for ms in sorted(milliseconds)] == sorted(ids.values())


@given(st.integers(0, 2**63 - 1))
def test_a_fresh_id_is_a_uuid_of_version_7(time_ns: int) -> None:
    made = uuid.UUID(fresh_id(time_ns))

    assert (7, uuid.RFC_4122) == (made.version, made.variant)
    assert fresh_id(time_ns) != fresh_id(time_ns)
