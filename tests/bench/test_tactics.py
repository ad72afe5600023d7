"""The bench of tactics: its split, its controls, and what it refuses."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from atomic.bench import tactics
from atomic.bench.tactics_text import TfIdf, row, split
from atomic.errors import TaskError

TOPICS = {
    "sport": "match goal team player stadium league",
    "money": "shares bonds market bank loan credit",
    "food": "bread butter cheese soup kitchen oven",
    "travel": "train ticket airport hotel luggage passport",
}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A folder with a pack of 480 short texts about four things."""
    file = tmp_path / "text" / "banking77.jsonl.xz"
    file.parent.mkdir()
    lines = []
    for number in range(480):
        label, words = list(TOPICS.items())[number % 4]
        mine = words.split()
        text = f"about the {mine[number % 6]} and {mine[number // 4 % 6]} of day {number}"
        lines.append(json.dumps({"id": f"banking77/{number}", "text": text, "label": label}))
    file.write_bytes(lzma.compress("\n".join(lines).encode()))
    return tmp_path


def test_nothing_measured_is_learned_from_and_a_tenth_of_the_rest_is(pack: Path) -> None:
    found = split(pack / "text" / "banking77.jsonl.xz", measured=80)

    assert (80, 40) == (len(found.measured), len(found.labelled))
    assert not {one.id for one in found.measured} & {one.id for one in found.labelled}
    assert tuple(sorted(TOPICS)) == found.task.labels


async def test_a_row_has_the_market_everybody_alone_and_the_controls(pack: Path) -> None:
    found = await row(pack / "text" / "banking77.jsonl.xz", model=False, measured=60)

    assert {"specialist+plain", "neighbours+plain"} == set(found["alone"])
    assert {"tf-idf logistic regression", "4-nn vote"} == set(found["controls"])
    assert found["market"]["right"] > 0.8
    assert {"other", "diff", "low", "high"} == set(found["versus"])


def test_the_linear_control_learns() -> None:
    labelled = [
        (f"the {word} of {number}", label)
        for label, words in TOPICS.items()
        for number, word in enumerate(words.split())
    ]

    assert ["money", "food"] == TfIdf(labelled).predict(["a bank", "warm soup"])


def test_a_folder_without_packs_is_refused_with_what_it_should_hold(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="holds no pack") as raised:
        tactics.run(tmp_path)

    assert "text/banking77.jsonl.xz" in raised.value.hint


def test_a_row_that_is_none_is_refused_with_all_that_are(tmp_path: Path) -> None:
    with pytest.raises(TaskError) as raised:
        tactics.run(tmp_path, only="nonsense")

    assert "one of banking77, clinc150, mails" in raised.value.hint
