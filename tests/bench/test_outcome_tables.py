"""Outcome tables: what is read, what is left out and said, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.bench.tables import items, outcomes, pack, written

from atomic.bench.routing.outcomes import read_table
from atomic.errors import CallerError


def test_a_table_is_read_with_every_bidder_and_item(tmp_path: Path) -> None:
    table = read_table(pack(tmp_path, 10))
    assert (10, ("large", "middle", "other", "small"), ()) == (len(table.items), table.bidders, table.notes)
    assert 100_000 == table.rows["small"]["t/0"].price


def test_a_plain_file_will_do(tmp_path: Path) -> None:
    (tmp_path / "items.jsonl").write_text('{"id": "1", "task": "t", "domain": "d", "text": "x"}\n\n')
    (tmp_path / "outcomes.jsonl").write_text('{"id": "1", "model": "m", "right": 1, "price_usd": 0.1}\n')
    assert ("m",) == read_table(tmp_path).bidders


def test_only_the_bidders_that_are_named_take_part(tmp_path: Path) -> None:
    assert ("large", "small") == read_table(pack(tmp_path, 3), ["small", "large"]).bidders


def test_a_bidder_that_is_not_there_is_an_error_that_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="no bidder 'huge'") as raised:
        read_table(pack(tmp_path, 3), ["huge"])
    assert "large, middle" in raised.value.hint


def test_items_that_not_everybody_answered_are_left_out_and_said(tmp_path: Path) -> None:
    questions = items(10)
    rows = [row for row in outcomes(questions) if (row["id"], row["model"]) != ("t/3", "small")]
    table = read_table(written(tmp_path, questions, rows))
    assert 9 == len(table.items)
    assert ("1 items that not every bidder answered: left out",) == table.notes


def test_a_bidder_with_few_answers_is_left_out_rather_than_all_that_it_lacks(tmp_path: Path) -> None:
    questions = items(10)
    rows = [row for row in outcomes(questions) if row["model"] != "small" or row["id"] == "t/3"]
    table = read_table(written(tmp_path, questions, rows))
    assert (10, 3) == (len(table.items), len(table.bidders))
    assert ("small answered 1 of 10 items: left out",) == table.notes


def test_outcomes_of_unknown_items_are_left_out_and_said(tmp_path: Path) -> None:
    questions = items(4)
    table = read_table(written(tmp_path, questions[:3], outcomes(questions)))
    assert ("4 outcomes of items that are not in the folder: left out",) == table.notes


def test_a_table_without_answers_says_that_nothing_can_be_compared(tmp_path: Path) -> None:
    assert "no answers to compare in quiz" in read_table(pack(tmp_path, 3, answers=False)).notes[0]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"right": 1.5}, "right is 1.5"),
        ({"right": None}, "right is None"),
        ({"right": float("nan")}, "NaN or Infinity"),
        ({"right": "yes"}, "right is 'yes', no number"),
        ({"price_usd": 0}, "price_usd is 0"),
        ({"price_usd": -0.1}, "price_usd is -0.1"),
        ({"price_usd": None}, "price_usd is None"),
        ({"price_usd": float("inf")}, "NaN or Infinity"),
        ({"latency_s": -1}, "not negative"),
        ({"answer": 5}, "answer is 5"),
        ({"model": ""}, "model is empty"),
        ({"id": 7}, "id is 7"),
    ],
)
def test_what_cannot_be_is_an_error_with_its_line(tmp_path: Path, change: dict[str, Any], what: str) -> None:
    questions = items(2)
    rows = outcomes(questions)
    rows[4] |= change
    with pytest.raises(CallerError, match=what) as raised:
        read_table(written(tmp_path, questions, rows))
    assert "outcomes.jsonl.xz:5" in str(raised.value)


def test_an_item_or_an_outcome_that_is_there_twice_is_an_error(tmp_path: Path) -> None:
    questions = items(2)
    rows = outcomes(questions)
    with pytest.raises(CallerError, match="'t/1' is there twice"):
        read_table(written(tmp_path / "a", [*questions, questions[1]], rows))
    with pytest.raises(CallerError, match="small and item 't/0' are there twice"):
        read_table(written(tmp_path / "b", questions, [*rows, rows[0]]))


def test_a_folder_that_is_no_table_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match=r"holds no items\.jsonl\.xz"):
        read_table(tmp_path)
    (tmp_path / "items.jsonl.xz").write_bytes(b"no archive")
    with pytest.raises(CallerError, match="cannot be read"):
        read_table(tmp_path)
