"""Damaged texts come to their values or to a refusal, and never to another value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("baml_py")

from tests.engines.damage import generated

from atomic.bench import repair
from atomic.errors import CallerError

BY_HAND = Path(__file__).with_name("repair_by_hand.jsonl")
HELD_OUT = Path(__file__).with_name("repair_held_out.jsonl")  # new ones; what was right at first sight: decision 0134


@pytest.fixture
def generated_file(tmp_path: Path) -> Path:
    path = tmp_path / "cases.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in generated(seed=11)))
    return path


def test_no_case_by_hand_comes_to_a_wrong_value_and_nearly_all_to_the_right_one() -> None:
    _enough(repair.run(BY_HAND), cases=300)


def test_no_case_that_was_held_out_comes_to_a_wrong_value_and_nearly_all_to_the_right_one() -> None:
    _enough(repair.run(HELD_OUT), cases=280)


def test_no_generated_case_comes_to_a_wrong_value_and_nearly_all_to_the_right_one(generated_file: Path) -> None:
    _enough(repair.run(generated_file), cases=300)


def _enough(counts: dict[str, int], cases: int) -> None:
    assert counts["cases"] >= cases
    assert counts["wrong"] == 0
    assert counts["right"] >= 0.93 * (counts["right"] + counts["missed"])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "cases.jsonl:1: no JSON"),
        ("[]", "cases.jsonl:1: no case"),
        ('{"schema": {}, "text": "x"}', "either `value` or `refuse`"),
    ],
)
def test_a_line_that_is_no_case_is_named(tmp_path: Path, line: str, words: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(line)
    with pytest.raises(CallerError, match=r"cases\.jsonl:1") as caught:
        repair.run(path)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "schema", [{"not": {"type": "string"}}, {"$ref": "https://example.org/x"}, {"type": "whatever"}]
)
def test_a_schema_that_is_not_supported_is_missed_and_counted_as_such(tmp_path: Path, schema: Any) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps({"schema": schema, "text": "1", "value": 1}))
    counts = repair.run(path)
    assert (counts["missed"], counts["unsupported"]) == (1, 1)
