"""`atomic feedback import`: many words from a file, each once, and wrong lines by their numbers."""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.cli.conftest import Run, kind

import atomic
from atomic.ledger import LedgerReader
from atomic.records.lesson import FeedbackGiven

FIRST, SECOND = "first-aaaaaaaaaaaa", "second-aaaaaaaaaaa"


def written(folder: Path, *lines: dict[str, Any]) -> str:
    (folder / "words.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return "words.jsonl"


def given(folder: Path) -> list[tuple[str, str, float]]:
    with LedgerReader.open(folder / "atomic.db") as ledger:
        found = list(ledger.read(kinds=("feedback",)))
    return [
        (one.request_id, one.payload.source, one.payload.value)
        for one in found
        if isinstance(one.payload, FeedbackGiven)
    ]


def test_every_line_is_told_and_twice_is_once(run: Run, market: Path) -> None:
    before = given(market)
    file = written(
        market, {"request_id": FIRST, "truth": "spam"}, {"request_id": SECOND, "value": 0.5, "source": "judge"}
    )

    assert "2 given, 0 known before, 0 refused" in run("feedback", "import", file).output
    once = given(market)[len(before) :]
    assert {FIRST, SECOND} == {request for request, _, _ in once}
    assert "0 given, 2 known before, 0 refused" in run("feedback", "import", file).output
    assert once == given(market)[len(before) :]


def test_a_table_with_a_heading_is_read_as_the_answers_type_has_it(run: Run, market: Path) -> None:
    (market / "words.csv").write_text(f"request_id,truth,value\n{FIRST},spam,\n{SECOND},,1\n")
    assert "2 given" in run("feedback", "import", "words.csv", "--source", "fact").output
    assert "2 known" in run("feedback", "import", "words.csv", "--source", "fact").output


def test_what_cannot_be_told_is_named_by_its_line_and_the_rest_is_told(run: Run, market: Path) -> None:
    file = written(
        market,
        {"request_id": "nowhere", "value": 1},
        {"request_id": FIRST, "value": 1},
        {"request_id": SECOND, "value": 1.5},
        {"request_id": SECOND},
        {"request_id": SECOND, "value": 1, "truth": "ham"},
        {"value": 1},
        {"request_id": SECOND, "value": 1, "source": "gossip"},
        {"request_id": SECOND, "value": 1, "author": "ann@example.com"},
        {"request_id": SECOND, "worth": 1},
    )
    result = run("feedback", "import", file)

    assert 1 == result.exit_code
    assert "1 given, 0 known before, 8 refused" in result.output
    for line, what in [(1, "no settled request"), (3, "no probability"), (4, "either value or truth"), (6, "missing")]:
        assert f"line {line}: " in result.stderr
        assert what in result.stderr
    assert "ann@example.com" not in result.output


def test_lines_that_contradict_each_other_teach_nothing(run: Run, market: Path) -> None:
    before = given(market)
    file = written(market, {"request_id": FIRST, "value": 1}, {"request_id": FIRST, "value": 0})
    result = run("feedback", "import", file)

    assert 1 == result.exit_code
    assert f"line 1: lines 1, 2 contradict each other about '{FIRST}'" in result.stderr
    assert before == given(market)


def test_another_word_than_before_is_told(run: Run, market: Path) -> None:
    run("feedback", "import", written(market, {"request_id": FIRST, "value": 1}))
    assert "1 given" in run("feedback", "import", written(market, {"request_id": FIRST, "value": 0})).output


def test_erased_requests_are_named(run: Run, market: Path) -> None:
    async def trade() -> None:
        guess = atomic.FunctionBidder("guess", lambda text: "ham", tasks=["kind"])
        async with atomic.open("atomic.toml", bidders=[guess]) as opened:
            await opened.buy(kind("from ann"), atomic.Trade(request_id="hers", subjects=("ann",)))

    asyncio.run(trade())
    assert 0 == run("erase", "ann", "--yes").exit_code
    result = run("feedback", "import", written(market, {"request_id": "hers", "value": 1}))
    assert 1 == result.exit_code
    assert "line 1: request 'hers' was erased" in result.stderr
