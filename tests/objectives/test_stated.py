"""Objectives as a configuration states them, and as `atomic objectives` tells how they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.objectives.streams import MIDNIGHT, parity, stream, trader
from typer.testing import CliRunner

from atomic.belief.examples import ExampleStore
from atomic.cli import app
from atomic.clock import FrozenClock
from atomic.config import read_config
from atomic.errors import ConfigError
from atomic.inbox.policy_settings import TermsSettings
from atomic.ledger import SqliteLedger
from atomic.market import Market
from atomic.records import Terms
from atomic.records.budget import Budget
from atomic.records.microtask import with_terms
from atomic.tactics.plain import Plain

TERMS = Terms(worth=5, max_price=7)


def test_a_configuration_may_state_a_target() -> None:
    terms = TermsSettings.model_validate({"target": 0.9}).applied(TERMS)
    assert (0, 0.9, 7) == (terms.worth, terms.target, terms.max_price)


@pytest.mark.parametrize(
    "said", ["$2/day", {"amount": "$2/day", "when_spent": "cheapest", "time_zone": "Europe/Berlin"}]
)
def test_a_configuration_may_state_a_budget_short_or_at_length(said: Any) -> None:
    terms = TermsSettings.model_validate({"budget": said}).applied(TERMS)
    options = {} if isinstance(said, str) else {"when_spent": "cheapest", "time_zone": "Europe/Berlin"}
    assert terms.budget == Budget.of("$2/day", **options)  # type: ignore[arg-type]
    assert 0 == terms.worth


def test_what_is_not_said_stays_the_tasks_own() -> None:
    assert TermsSettings.model_validate({}).applied(TERMS) == TERMS


@pytest.mark.parametrize(
    "said",
    [
        {"target": 1.5},
        {"target": 0.9, "worth": "$1"},
        {"budget": "$2"},
        {"budget": {"amount": "$2/day", "time_zone": "Nowhere"}},
        {"budget": {"amount": "$2/day", "zone": "UTC"}},
        {"budget": {"amount": "$2/day", "when_spent": "observe"}},
    ],
    ids=str,
)
def test_an_objective_that_cannot_be_is_an_error_that_names_its_place(said: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"inbox\.terms\.spam"):
        read_config({"inbox": {"terms": {"spam": said}}})


async def bought(path: Path) -> None:
    """A ledger with some requests under a target that is met and a budget."""
    clock = FrozenClock(MIDNIGHT)
    async with SqliteLedger.open(path) as ledger:
        bidders = [trader("cheap", 100_000, 0.75, 0.75), trader("dear", 3_000_000, 0.95, 0.95)]
        market = Market(ledger=ledger, bidders=bidders, tactics=[Plain()], examples=ExampleStore(), clock=clock)
        await market.start()
        aims: tuple[dict[str, Any], ...] = ({"target": 0.99}, {"budget": "$1/day"})
        for number, aim in enumerate(aims):
            await stream(market, with_terms(parity.terms, max_price=10**9, **aim), range(60 * number, 60 * number + 60))
        await market.close()


@pytest.fixture
async def ledger(tmp_path: Path) -> Path:
    await bought(tmp_path / "atomic.db")
    return tmp_path / "atomic.db"


def test_the_command_tells_what_was_reached_and_what_cannot_be(ledger: Path) -> None:
    said = CliRunner().invoke(app, ["objectives", "--ledger", str(ledger)])
    assert 0 == said.exit_code
    target, budget = sorted(said.output.splitlines(), reverse=True)
    assert "parity: target 0.99; 60 settled" in target
    assert "not attainable" in target
    assert "budget $1.00/day" in budget


def test_the_command_tells_programs_the_same(ledger: Path) -> None:
    said = CliRunner().invoke(app, ["objectives", "--json", "--ledger", str(ledger)])
    found = {one["objective"]: one for one in orjson.loads(said.output)}
    assert found["target 0.99"]["attainable"] is False
    assert found["budget $1.00/day"]["left"] is not None


def test_explain_says_what_the_worth_was_and_what_it_was_steered_for(ledger: Path) -> None:
    said = CliRunner().invoke(app, ["explain", "r3", "--ledger", str(ledger)])
    assert 0 == said.exit_code
    assert "(steered for the target 0.99)" in said.output
    assert "worth $0 " not in said.output


def test_the_tail_of_a_ledger_names_the_objective(ledger: Path) -> None:
    said = CliRunner().invoke(app, ["ledger", "tail", "-n", "400", "--ledger", str(ledger)])
    assert "parity, budget $1.00/day" in said.output
