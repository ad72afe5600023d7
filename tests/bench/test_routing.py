"""`atomic bench routing`: the market on an outcome table, and its controls."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from tests.bench.tables import BIDDERS, items, outcomes, pack, written
from typer.testing import CliRunner

from atomic.bench.routing import Figures, Options, objectives, run, text
from atomic.bench.routing.learned import Trial, first_labelled, learned
from atomic.bench.routing.objectives import FRONTIER
from atomic.bench.routing.outcomes import hashed, read_table
from atomic.bench.routing.run import folds
from atomic.bench.routing.tasks import Tasks
from atomic.bench.virtual_time import run_virtually
from atomic.cli import app
from atomic.clock import FrozenClock
from atomic.errors import CallerError
from atomic.market import Trade
from atomic.records.attempt import AttemptFinished
from atomic.records.award import Award, Slate
from atomic.records.event import decode
from atomic.replay import replay

SCHEMA = Path(__file__).parents[2] / "docs" / "bench-routing.schema.json"


def test_the_schema_in_the_docs_is_the_one_that_figures_have() -> None:
    assert json.loads(SCHEMA.read_text()) == TypeAdapter(Figures).json_schema()


def test_a_table_is_played_through_the_market_with_every_control(tmp_path: Path) -> None:
    found = run(pack(tmp_path / "quiz", 60), Options(objectives=objectives(["worth=$0.01", "price=0.5x"]), folds=2))

    assert ("quiz", ["worth=$0.01", "price=0.5x"]) == (found.pack, [one.objective for one in found.results])
    assert "large" == found.best_fixed.bidder
    assert {*BIDDERS} == {one.bidder for one in found.bidders}
    for one in found.results:
        assert one.versus.oracle.right >= one.right
        assert one.versus.oracle.right_diff <= 0
        assert one.versus.random_mix.usd_per_1k == pytest.approx(one.usd_per_1k, rel=0.2)
        assert one.versus.best_fixed.low <= one.versus.best_fixed.right_diff <= one.versus.best_fixed.high
    assert found == Figures.model_validate_json(found.model_dump_json())
    assert "best fixed: large" in text(found)


def test_two_folders_learn_from_one_and_try_the_other(tmp_path: Path) -> None:
    table = pack(tmp_path / "all", 40)
    found = run(table, Options(objectives=objectives(["worth=$0.01"])), learn=pack(tmp_path / "more", 60))
    assert 40 == found.items
    assert ["40 items are in both folders: not learned from"] == found.notes


def test_two_bidders_have_a_gap_to_recover_and_without_answers_no_agreement(tmp_path: Path) -> None:
    folder = pack(tmp_path, 60, answers=False)
    found = run(folder, Options(objectives=objectives(["price=0.5x"]), folds=1), bidders=["small", "large"])
    assert found.apgr is not None
    assert ["quiz"] == list(found.apgr)
    assert found.results[0].versus.agreement is None
    assert "cannot be made here" in text(found)


def test_latencies_of_the_table_pass_in_virtual_time(tmp_path: Path) -> None:
    folder = pack(tmp_path, 30, latency_s=4000.0)
    found = run(folder, Options(objectives=objectives(["worth=$0.01"]), folds=1))
    assert found.results[0].latency_p95 >= 4000.0


@pytest.mark.parametrize("feedback", ["bought", "all"])
def test_what_is_told_after_each_item_is_learned(tmp_path: Path, feedback: str) -> None:
    options = Options(objectives=objectives(["worth=$0.01"]), labels=0, feedback=feedback, shuffle=3, folds=1)  # type: ignore[arg-type]
    assert 0 < run(pack(tmp_path, 40), options).results[0].right


def test_folds_are_fifths_by_hash_and_the_first_labels_are_the_lowest(tmp_path: Path) -> None:
    table = read_table(pack(tmp_path, 50))
    trials = list(folds(table, None, Options(objectives=(), labels=7)))
    assert {item.id for item in table.items} == {item.id for trial in trials for item in trial.test.items}
    for trial in trials:
        assert not {item.id for item in trial.learn.items} & {item.id for item in trial.test.items}
        assert {item.id for item in sorted(trial.learn.items, key=hashed)[:7]} == trial.labelled


def test_surveys_are_replayed_from_the_ledger_bit_for_bit(tmp_path: Path) -> None:
    table = read_table(pack(tmp_path, 6))
    trial = Trial(learn=table, test=table, tasks=Tasks([table]), labelled=first_labelled(table.items, 3))
    clock = FrozenClock()
    market = run_virtually(learned(trial, clock), clock)
    assert 0 == replay(market.ledger, deep=True).differences


def test_bids_are_made_of_expected_prices_and_billed_at_the_true_ones(tmp_path: Path) -> None:
    table = read_table(pack(tmp_path, 6))
    clock = FrozenClock()
    trial = Trial(learn=table, test=table, tasks=Tasks([table]), labelled=frozenset())
    market = run_virtually(learned(trial, clock), clock)
    outcome = asyncio.run(market.buy(trial.tasks.call(table.items[0]), Trade(request_id="test:t/0")))
    award = next(market.ledger.read(request_id="test:t/0", kinds=("award",))).payload
    assert isinstance(award, Award)
    slate: Slate = decode(Slate, market.ledger.blob(award.slate))
    assert {100_000, 300_000, 400_000, 4_000_000} == {bid.offer.price for bid in slate.bids}
    assert outcome.cost > 0


def test_a_frontier_is_eight_shares_of_the_best_price() -> None:
    assert [f"price={share}" for share in FRONTIER] == [one.text for one in objectives(["frontier"])]


@pytest.mark.parametrize("wrong", ["cheap", "worth=", "worth=-1", "price=0.6", "budget=$2", "target=1.5", "target=x"])
def test_what_is_no_objective_is_an_error_that_shows_some(wrong: str) -> None:
    with pytest.raises(CallerError):
        objectives([wrong])


def test_a_slice_of_a_real_table_is_played(tmp_path: Path) -> None:
    found = run(Path(__file__).parent / "slice", Options(objectives=objectives(["worth=$0.05", "target=0.7"]), folds=1))
    assert [] == found.notes
    assert 4 == len(found.bidders)
    for one in found.results:
        assert one.versus.agreement is not None
        assert 1.0 <= one.answers_per_item <= 4.0


def test_the_command_prints_a_table_and_writes_what_the_schema_says(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    options = ["--objective", "worth=$0.01", "--labels", "20", "--folds", "1", "--json", str(file)]
    result = CliRunner().invoke(app, ["bench", "routing", str(pack(tmp_path / "quiz", 60)), *options])

    assert 0 == result.exit_code, result.output
    assert "best fixed: large" in result.output
    assert "quiz" == Figures.model_validate_json(file.read_text()).pack


@pytest.mark.parametrize("labels", ["some", "-1", "0.5"])
def test_labels_are_all_none_or_a_number(tmp_path: Path, labels: str) -> None:
    result = CliRunner().invoke(app, ["bench", "routing", str(pack(tmp_path, 5)), f"--labels={labels}"])
    assert 2 == result.exit_code


def test_an_unknown_outcome_table_is_an_error_in_plain_words(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["bench", "routing", str(tmp_path)])
    assert 1 == result.exit_code
    assert "holds no items.jsonl.xz and no items.jsonl" in result.output


def test_tables_that_cannot_be_tried_say_why(tmp_path: Path) -> None:
    options = Options(objectives=objectives(["worth=$0.01"]))
    with pytest.raises(CallerError, match="1 items are too few"):
        run(pack(tmp_path / "one", 1), options)
    with pytest.raises(CallerError, match="no bidder is in both folders"):
        run(pack(tmp_path / "one", 5), options, learn=pack(tmp_path / "two", 5, bidders={"else": (0.5, 0.1)}))


def test_one_bidder_alone_is_its_own_control(tmp_path: Path) -> None:
    found = run(pack(tmp_path, 30), Options(objectives=objectives(["price=1.0x"]), folds=1), bidders=["large"])
    (one,) = found.results
    assert 0.0 == one.versus.best_fixed.right_diff == one.versus.cascade.right_diff == one.versus.linucb.right_diff
    assert found.aiq is None


def test_labels_that_differ_in_case_alone_are_two_answers(tmp_path: Path) -> None:
    questions = items(30)
    rows = [
        row | {"answer": str(row["answer"]).lower() if row["model"] == "small" else row["answer"]}
        for row in outcomes(questions)
    ]
    found = run(written(tmp_path, questions, rows), Options(objectives=objectives(["worth=$1"]), folds=1))
    assert 1.0 <= found.results[0].answers_per_item


def test_who_often_gives_no_answer_is_asked_about_every_item_all_the_same(tmp_path: Path) -> None:
    questions = items(40)
    rows = [row | {"answer": ""} if row["model"] == "small" else row for row in outcomes(questions)]
    table = read_table(written(tmp_path, questions, rows))
    trial, clock = Trial(learn=table, test=table, tasks=Tasks([table]), labelled=frozenset()), FrozenClock()
    market = run_virtually(learned(trial, clock), clock)
    asked = [one.payload.bidder for one in market.ledger.read() if isinstance(one.payload, AttemptFinished)]
    assert 40 == asked.count("small")
