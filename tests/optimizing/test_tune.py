"""`atomic tune`: real optimizers on a real ledger, with a model that answers better when it is asked better."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any, Literal

import pytest
from typer.testing import CliRunner

import atomic
from atomic.blocking import open_sync
from atomic.cli import app
from atomic.config import read_config
from atomic.config.tuned import Found, read_found, tuned_tactics, write_found
from atomic.errors import CallerError
from atomic.optimizing import TACTICS, optimize, verified
from atomic.optimizing.answers import is_held_out
from atomic.optimizing.running import OPTIMIZERS
from atomic.protocols import Profile
from atomic.records.attempt import AttemptStarted
from atomic.records.bid import Reason
from atomic.records.microtask import Ask
from atomic.records.outcome import OutcomeSettled
from atomic.testing import Line, ScriptedBidder, ask_for, check_tactic

PRICE = 1_000
BETTER = "Count the characters of the text. Say odd or even."


@atomic.microtask(worth="$0.01", explore=False)
async def letter(text: str) -> Literal["odd", "even"]:
    """Say odd or even."""
    raise NotImplementedError


@atomic.microtask(worth="$0.01", explore=False)
async def words(text: str) -> str:
    """Say something."""
    raise NotImplementedError


def truth(text: str) -> str:
    return "odd" if len(text) % 2 else "even"


class Model(ScriptedBidder):
    """Counts characters only when it is told to, or shown how; asked for a better instruction, it knows one."""

    def __init__(self) -> None:
        super().__init__(
            "model", self.says, profile=Profile(name="model", kind="scripted", speaks=True, deterministic=True)
        )

    def says(self, ask: Ask) -> Line:
        if ask.conversation is not None:
            said = [str(one["content"]) for one in ask.conversation.messages]
        elif "prompt" in ask.arguments:
            said = [content for _, content in json.loads(ask.arguments["prompt"])]
        else:
            return Line(answer="even", price=PRICE)
        if "new_instruction" in "".join(said):
            return Line(answer=json.dumps({"new_instruction": BETTER}), price=PRICE)
        if asked := re.findall(r"\[\[ ## (\w+) ## \]\]", said[-1].rpartition("Respond")[2]):
            return Line(answer="\n".join(f"[[ ## {one} ## ]]\n{BETTER}" for one in asked), price=PRICE)
        told = "Count the characters" in said[0] or len(said) > 2
        return Line(answer=truth(said[-1]) if told else "even", price=PRICE)


CONFIG: dict[str, Any] = {"market": {"per_day": "$1"}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger with sixty verified answers."""
    monkeypatch.chdir(tmp_path)

    async def teach() -> None:
        async with atomic.open(CONFIG, bidders=[Model()], tactics=[]) as market:
            for number in range(60):
                trade = atomic.Trade(request_id=f"r{number}", subjects=(f"s{number}@example.com",))
                await market.buy(letter("x" * number + str(number)), trade)
                await market.feedback(f"r{number}", truth=truth("x" * number + str(number)))

    asyncio.run(teach())
    return tmp_path


def tuned(optimizer: str, budget: int = 400 * PRICE) -> Any:
    with open_sync(CONFIG, bidders=[Model()], tactics=TACTICS) as market:
        answers = verified(market.ledger, letter, market.bidders["model"].profile)
        run = optimize(market, letter, answers, "model", optimizer, budget)
        costs = [
            one.payload.cost
            for one in market.ledger.read(kinds=("outcome",))
            if isinstance(one.payload, OutcomeSettled) and one.payload.task.startswith("tune-letter")
        ]
        shown = "".join(
            body.decode()
            for one in market.ledger.read(kinds=("request",))
            if one.payload.task.startswith("tune-letter")  # type: ignore[union-attr] # a request
            and (body := market.ledger.body(one.bodies[0])) is not None
        )
        subjects = {
            subject
            for one in market.ledger.read(kinds=("request",))
            if one.payload.task.startswith("tune-letter")  # type: ignore[union-attr] # a request
            for subject in market.ledger.subjects(one.bodies[0])
        }
    return run, costs, shown, subjects, answers


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_an_optimizer_finds_better_words_within_its_budget_and_never_sees_what_is_held_out(optimizer: str) -> None:
    run, costs, shown, subjects, answers = tuned(optimizer)

    assert run.found
    assert ("Count the characters" in run.instruction) or run.examples
    assert (sum(costs), len(costs)) == (run.spent, run.calls)
    assert 0 < run.spent <= 400 * PRICE
    assert answers.held
    assert [] == [
        one.request_id
        for one in answers.held
        if json.loads(one.input_json)["text"] in json.loads(f'"{_plain(shown)}"').split()
    ]
    assert [] == [one for one in run.examples if is_held_out(one)]
    assert set(answers.subjects) == subjects


def _plain(shown: str) -> str:
    return shown.replace("\\", " ").replace('"', " ").replace("\n", " ")


@pytest.mark.usefixtures("folder")
def test_a_budget_that_buys_too_little_is_refused_and_not_passed() -> None:
    with pytest.raises(CallerError, match="the budget buys about"):
        tuned("gepa", 20 * PRICE)
    with open_sync(CONFIG, bidders=[Model()]) as market:
        spent = sum(
            one.payload.cost
            for one in market.ledger.read(kinds=("outcome",))
            if isinstance(one.payload, OutcomeSettled) and one.payload.task.startswith("tune-letter")
        )
    assert spent <= 20 * PRICE


@pytest.mark.usefixtures("folder")
def test_a_budget_that_ends_it_is_never_passed() -> None:
    run, costs, *_ = tuned("gepa", 45 * PRICE)

    assert sum(costs) == run.spent <= 45 * PRICE


@pytest.mark.usefixtures("folder")
def test_the_day_s_cap_holds_for_tuning_too_and_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONFIG["market"], "per_day", "$0.0001")
    run, costs, *_ = tuned("gepa")

    assert run.ended
    assert sum(costs) <= 100 * PRICE


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_nothing_of_an_input_is_printed_or_logged(
    optimizer: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(CONFIG["market"], "per_day", "$0.0001")  # so that calls fail, too
    tuned(optimizer)
    out, err = capfd.readouterr()

    assert "xxxxxxx" not in out + err + caplog.text


@pytest.mark.usefixtures("folder")
def test_too_few_answers_are_refused() -> None:
    with open_sync(CONFIG, bidders=[Model()], tactics=TACTICS) as market:
        answers = verified(market.ledger, words, market.bidders["model"].profile)
        with pytest.raises(CallerError, match="words has 0 verified answers"):
            optimize(market, words, answers, "model", "gepa", 10**9)


def found(**changes: Any) -> Found:
    given = {
        "task": "letter",
        "name": "gepa-1",
        "instruction": "Count the characters. Say odd or even.",
        "optimizer": "gepa",
        "bidder": "model",
        "spent": 5,
        "day": "2026-11-24",
    }
    return Found.model_validate({**given, **changes})


def test_what_was_found_bids_as_a_variant_and_shows_what_was_chosen(folder: Path) -> None:
    shown = [f"r{number}" for number in range(20, 24)]
    write_found(folder / "tuned.json", [found(examples=shown)])

    async def buy() -> tuple[set[str], tuple[str, ...]]:
        async with atomic.open(CONFIG, bidders=[Model()]) as market:
            slate, _ = market.preview(letter("abc"), atomic.Trade())
            keys = {bid.key for bid in slate.bids}
            terms = atomic.Terms(worth=10**7, max_price=10**7, mandate="model+plain~gepa-1")
            outcome = await market.buy(letter("abc"), atomic.Trade(terms=terms, request_id="asked"))
            started = [one.payload for one in market.ledger.read(request_id="asked", kinds=("started",))]
            subjects = market.ledger.subjects(
                next(one for one in market.ledger.read(request_id="asked", kinds=("started",))).bodies[0]
            )
            theirs = [next(market.ledger.read(request_id=one, kinds=("request",))) for one in shown]
            assert {each for one in theirs for each in market.ledger.subjects(one.bodies[0])} <= set(subjects)
            assert outcome.winner == "model+plain~gepa-1"
            (only,) = [one for one in started if isinstance(one, AttemptStarted)]
            return keys, only.examples

    keys, used = asyncio.run(buy())
    assert {"model+plain", "model+plain~gepa-1"} <= keys
    assert set(shown) == set(used)


def test_a_finding_keeps_the_contract_of_tactics() -> None:
    for tactic in tuned_tactics([found(), found(examples=["r1"])]):
        for scores in (False, True):
            profile = Profile(name="m", kind="scripted", speaks=True, scores_labels=scores)
            check_tactic(tactic, ask_for(letter("abc")), profile, ())
            assert check_tactic(tactic, ask_for(words("abc")), profile, ()) is None


def test_findings_are_listed_and_removed(folder: Path) -> None:
    (folder / "atomic.toml").write_text("")
    write_found(folder / "tuned.json", [found(), found(name="bootstrap-1", optimizer="bootstrap")])
    runner = CliRunner()
    listed = runner.invoke(app, ["tune", "--list"])
    removed = runner.invoke(app, ["tune", "--remove", "gepa-1"])

    assert "gepa-1  letter, by gepa for model, 2026-11-24\n    Count the characters." in listed.output
    assert 0 == removed.exit_code
    assert ["bootstrap-1"] == [one.name for one in read_found(folder / "tuned.json")]
    assert 1 == runner.invoke(app, ["tune", "--remove", "gepa-1"]).exit_code


def test_a_file_that_is_no_file_of_findings_is_an_error_that_says_so(folder: Path) -> None:
    (folder / "tuned.json").write_text("[{}]")

    async def start() -> None:
        async with atomic.open(read_config(CONFIG)):
            pass

    with pytest.raises(atomic.ConfigError, match=r"tuned\.json is not as `atomic tune` writes it"):
        asyncio.run(start())


class Mute(Model):
    """Fails whatever it is asked."""

    def says(self, ask: Ask) -> Line:
        return Line(reason=Reason.FAILED)


@pytest.mark.usefixtures("folder")
def test_where_no_call_came_to_an_answer_the_reason_is_told() -> None:
    with open_sync(CONFIG, bidders=[Mute()], tactics=TACTICS) as market:
        answers = verified(market.ledger, letter, market.bidders["model"].profile)
        with pytest.raises(CallerError, match=r"no call came to an answer of letter: .*failed"):
            optimize(market, letter, answers, "model", "bootstrap", 400 * PRICE)
