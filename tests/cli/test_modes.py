"""`atomic savings` and `atomic modes`, on what a team's configuration wrote."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.cli.conftest import Run, guess, kind

import atomic

CONFIG = """
[market]
per_day = "$1"
[bidders.seen]
kind = "cache"
[task.kind]
mode = "observe"
incumbent = "dear"
sample = 1.0
shadow = "$0.10/day"
"""


@pytest.fixture
def observed(run: Run) -> Run:
    """A folder whose market observed six mails; one was judged."""
    Path("atomic.toml").write_text(CONFIG)

    async def trade() -> None:
        bidders = [
            atomic.FunctionBidder("dear", guess, tasks=["kind"], price=5_000_000),
            atomic.FunctionBidder("cheap", lambda text: "ham", tasks=["kind"], price=5_000),
        ]
        async with atomic.open("atomic.toml", bidders=bidders) as opened:
            for number in range(6):
                await opened.buy(kind(f"pills {number}"), atomic.Trade(request_id=f"mail-{number}"))
            await opened.modes.beside.wait()
            await opened.feedback("mail-0", truth="spam")

    asyncio.run(trade())
    return run


def test_savings_tell_what_is_saved_and_lost_and_how_sure_that_is(observed: Run) -> None:
    told = observed("savings", "--against", "dear").output
    assert "kind: the market against dear, from 6 randomised pairs of 6 requests" in told
    assert "estimated, unverified" in told
    assert "not enough evidence yet" in told


def test_savings_are_json(observed: Run) -> None:
    (found,) = json.loads(observed("savings", "--against", "dear", "--task", "kind", "--json").output)
    assert (6, 1, "not enough evidence yet") == (found["pairs"], found["judged"], found["verdict"])
    assert found["saved"]["low"] <= found["saved"]["mean"] <= found["saved"]["high"]


def test_a_day_without_pairs_has_no_savings(observed: Run) -> None:
    result = observed("savings", "--against", "dear", "--since", "2999-01-01")
    assert (1, True) == (result.exit_code, "no randomised pair" in result.output)


def test_what_is_no_day_is_an_error(observed: Run) -> None:
    result = observed("savings", "--against", "dear", "--since", "monday")
    assert (1, True) == (result.exit_code, "is not a day" in result.output)


def test_a_bidder_nobody_was_compared_with_is_named_with_what_to_do(observed: Run) -> None:
    assert "incumbent" in observed("savings", "--against", "cheap").output


def test_modes_tell_who_answers_and_what_was_stated(observed: Run) -> None:
    told = observed("modes").output
    assert "kind: observe; who answers: dear 100 %" in told
    assert "stated: observe, incumbent dear" in told
    (row,) = json.loads(observed("modes", "--task", "kind", "--json").output)
    assert ({"dear": 1.0}, 6) == (row["shares"], row["evidence"]["market"]["pairs"])


def test_the_newest_request_is_one_that_somebody_made(observed: Run) -> None:
    assert "mail-5" in observed("explain", "last").output
    assert "dear was to answer (chance 100 %" in observed("explain", "mail-5").output
    assert "Bought to compare" in observed("explain", "mail-5~shadow").output
    assert observed("explain", "mail-5", "--brief").exit_code == 0


def test_replay_draws_who_was_to_answer_again(observed: Run) -> None:
    assert observed("replay", "--deep").exit_code == 0
    assert observed("ledger", "verify").exit_code == 0
    assert observed("ledger", "tail").exit_code == 0


def test_without_a_mode_it_says_so(market: Path, run: Run) -> None:
    assert "the market answers everything" in run("modes").output
