"""Ids and names that cannot be written down, and requests that nobody made, are refused before anything is kept."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Literal

import pytest

import atomic
from atomic.errors import CallerError, NotFound
from atomic.market import Trade


@atomic.microtask(worth="$0.01")
async def kind(text: str) -> Literal["spam", "ham"]:
    """Is this spam?"""
    raise NotImplementedError


@pytest.mark.parametrize("names", [{"request_id": "a\ud800"}, {"tenant": "\udfff"}, {"subjects": ("ann", "\ud800")}])
def test_half_a_surrogate_pair_in_a_name_is_a_callers_error(names: dict[str, Any]) -> None:
    with pytest.raises(CallerError, match="half a surrogate pair at character"):
        Trade(**names)


@pytest.mark.parametrize("names", [{"request_id": "\ud800"}, {"tenant": "\ud800"}, {"author": "\ud800"}])
async def test_half_a_surrogate_pair_in_a_word_of_feedback_is_a_callers_error(names: dict[str, str]) -> None:
    async with atomic.open({"market": {"ledger": ":memory:"}}) as market:
        with pytest.raises(CallerError, match="half a surrogate pair"):
            await market.feedback(**{"request_id": "mail-7", "value": 1.0, **names})  # type: ignore[arg-type]


async def test_feedback_on_a_request_that_nobody_made_leaves_nothing_behind(tmp_path: Path) -> None:
    async with atomic.open({"market": {"ledger": str(tmp_path / "atomic.db")}}) as market:
        with pytest.raises(NotFound, match="no settled request 'mail-7'"):
            await market.feedback("mail-7", 1.0)

    connection = sqlite3.connect(tmp_path / "atomic.db")
    try:
        assert (0,) == connection.execute("SELECT count(*) FROM claim").fetchone()
    finally:
        connection.close()
