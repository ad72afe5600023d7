"""Modes on a real market: an incumbent as if there were no market, pairs beside it, canaries."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.market.shop import SECOND, bidder, careful, events, finished, hasty, opened, slate_of, spam, until

from atomic.bidders.cache import ExactCache
from atomic.clock import FrozenClock
from atomic.erasure import erase
from atomic.errors import ConfigError, NotFound
from atomic.ledger import MemoryLedger, SqliteLedger
from atomic.market import Market, Trade
from atomic.protocols import account
from atomic.records import Award, ModeChanged, OutcomeSettled, PairMade, Reason, RequestOpened
from atomic.records.microtask import Ask
from atomic.records.mode import MARKET, Mode
from atomic.replay import replay
from atomic.savings import savings
from atomic.testing import Line

DOLLAR = 1_000_000_000
DAY = "2023-11-14"


def mode(name: Any = "observe", **changes: Any) -> Mode:
    return Mode(**{"mode": name, "incumbent": "big", "sample": 1.0, "shadow_per_day": DOLLAR, **changes})


def observing(**changes: Any) -> dict[str, Mode]:
    return {"spam": mode(**changes)}


async def bought(market: Market, request_id: str, text: str = "a mail", **trade: Any) -> Any:
    outcome = await market.buy(spam(text), Trade(request_id=request_id, **trade))
    await market.modes.beside.wait()
    return outcome


def pairs(market: Market) -> list[PairMade]:
    return [one.payload for one in events(market, "pair") if isinstance(one.payload, PairMade)]


def changes(market: Market) -> list[ModeChanged]:
    return [one.payload for one in events(market, "moved") if isinstance(one.payload, ModeChanged)]


def arms(market: Market) -> list[str]:
    """Who answered the callers."""
    found = [one.payload for one in events(market, "request")]
    assigned = [one.assignment for one in found if isinstance(one, RequestOpened)]
    return [one.arm for one in assigned if one is not None and not one.shadows]


def shadow_spent(market: Market, day: str = DAY) -> int:
    return spent(market, account(f"shadow {day}", "spam"))


def spent(market: Market, day: str = DAY) -> int:
    assert isinstance(market.ledger, MemoryLedger | SqliteLedger)
    return market.ledger.spent(day)


# --- observe -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("price", [0, 500_000, 5_000_000, 5 * DOLLAR])
async def test_the_incumbent_answers_whatever_it_costs(price: int) -> None:
    market = await opened(
        bidder("big", [Line(answer="ham", price=price)], right=0.6),
        bidder("small", ["spam"], right=0.95),
        modes=observing(),
        per_day=1_000,
    )
    outcome = await bought(market, "one")
    assert ("ham", "big+plain", price) == (outcome.answer, outcome.winner, outcome.cost)


async def test_no_doubt_refuses_what_the_incumbent_says() -> None:
    market = await opened(bidder("big", ["ham"], right=0.55), modes={"careful": mode()})
    assert (await market.buy(careful("a mail"), Trade())).answer == "ham"


async def test_failures_of_the_incumbent_do_not_keep_it_out() -> None:
    lines = [Line(raises=RuntimeError()) for _ in range(8)]
    market = await opened(bidder("big", [*lines, "ham"]), modes=observing())
    outcomes = [await bought(market, str(number)) for number in range(9)]
    assert [True] * 8 + [False] == [one.refused for one in outcomes]


async def test_its_failure_is_an_error_as_before() -> None:
    market = await opened(
        bidder("big", [Line(raises=RuntimeError())]), bidder("small", ["spam"]), modes=observing(sample=0.0)
    )
    outcome = await bought(market, "one")
    assert outcome.why == "big alone was to answer, and did not: crashed"
    assert {one.bidder for one in finished(market)} == {"big"}


async def test_the_market_answers_instead_where_that_is_asked_for() -> None:
    market = await opened(
        bidder("big", [Line(raises=RuntimeError())]),
        bidder("small", ["spam"]),
        modes=observing(sample=0.0, if_incumbent_fails="market"),
    )
    outcome = await bought(market, "one")
    assert ("spam", "small+plain") == (outcome.answer, outcome.winner)
    assert replay(market.ledger, deep=True).exit_code == 0


async def test_the_market_within_its_own_bounds_answers_for_an_incumbent_that_cannot() -> None:
    market = await opened(
        bidder("big", ["ham"], accepts="public"),
        bidder("small", [Line(answer="spam", price=1_500)]),
        bidder("free", ["spam"], right=0.7),
        modes=observing(sample=0.0, if_incumbent_fails="market"),
        per_day=1_000,
    )
    outcome = await bought(market, "one")
    assert ("free+plain", 0) == (outcome.winner, outcome.cost)


async def test_an_incumbent_gets_all_the_time_there_is() -> None:
    market = await opened(bidder("big", [Line(answer="ham", seconds=0.12)]), modes={"hasty": mode()})
    assert (await market.buy(hasty("a mail"), Trade())).answer == "ham"  # others get half of 0.2 s


async def test_a_data_label_holds_for_an_incumbent_too() -> None:
    market = await opened(bidder("big", ["ham"], accepts="public"), modes=observing())
    outcome = await bought(market, "one", label="confidential")
    assert outcome.why == "big alone was to answer, and did not: label not accepted"


async def test_nobody_else_is_even_asked_for_an_offer() -> None:
    small = bidder("small", ["spam"])
    market = await opened(bidder("big", ["ham"]), small, modes=observing(sample=0.0))
    await bought(market, "one")
    assert small.offers == 0
    award = next(one.payload for one in events(market, "award") if isinstance(one.payload, Award))
    assert [("small", Reason.NOT_ASKED)] == [(one.bidder, one.reason) for one in slate_of(market, award).no_bids]


# --- beside ------------------------------------------------------------------------------------------


async def test_the_caller_does_not_wait_for_what_is_bought_beside_it() -> None:
    gate = asyncio.Event()
    market = await opened(
        bidder("big", [Line(answer="ham", price=900)]),
        bidder("small", [Line(answer="spam", price=5, until=gate)], right=0.9),
        modes=observing(),
    )
    outcome = await market.buy(spam("a mail"), Trade(request_id="one"))
    assert outcome.answer == "ham"
    assert pairs(market) == []
    gate.set()
    await market.modes.beside.wait()
    assert [(MARKET, "small+plain", 5)] == [
        (one.beside.arm, one.beside.winner, one.beside.price) for one in pairs(market)
    ]


async def test_the_incumbents_answer_is_recalled_not_paid_again() -> None:
    big = bidder("big", [Line(answer="ham", price=1_000)], right=0.97)
    market = await opened(big, modes=observing())
    await bought(market, "one")
    (pair,) = pairs(market)
    assert (1, True, 1_000) == (len(big.attempts), pair.equal, pair.beside.price)
    assert spent(market) == 1_000
    assert shadow_spent(market) == 0
    assert [False, True] == [one.recalled for one in finished(market)]


async def test_the_same_request_twice_is_one_pair() -> None:
    market = await opened(bidder("big", ["ham"]), bidder("small", ["spam"]), modes=observing())
    await asyncio.gather(*(bought(market, "one") for _ in range(5)))
    await bought(market, "one")
    assert len(pairs(market)) == 1


async def test_a_shadow_buyer_sees_no_label_that_it_may_not() -> None:
    small = bidder("small", ["spam"], right=0.99, accepts="internal", jurisdictions=("us",))
    market = await opened(bidder("big", [Line(answer="ham", price=900)]), small, modes=observing())
    await bought(market, "one", label="confidential")
    assert small.attempts == []
    await bought(market, "two", label="internal")
    assert len(small.attempts) == 1


async def test_people_are_not_asked_for_a_comparison() -> None:
    person = bidder("person", ["spam"], right=0.99, lasting_ns=SECOND)
    market = await opened(bidder("big", [Line(answer="ham", price=900)]), person, modes=observing())
    await bought(market, "one")
    assert person.attempts == []


async def test_no_learner_answers_beside_with_what_the_caller_just_got() -> None:
    market = await opened(
        bidder("big", [Line(answer="ham", price=900)], right=0.9), ExactCache("cache"), modes=observing()
    )
    await bought(market, "one")
    assert {"big"} == {one.bidder for one in finished(market, request_id="one~shadow")}
    await bought(market, "two")
    assert {"big", "cache"} == {one.bidder for one in finished(market, request_id="two~shadow")}


async def test_the_shadow_budget_is_never_exceeded() -> None:
    small = bidder("small", [Line(answer="spam", price=300)], right=0.9)
    market = await opened(bidder("big", [Line(answer="ham", price=900)]), small, modes=observing(shadow_per_day=1_000))
    await asyncio.gather(*(market.buy(spam(str(number)), Trade()) for number in range(12)))
    await market.modes.beside.wait()
    assert (3, 900) == (len(small.attempts), shadow_spent(market))


async def test_two_processes_share_one_shadow_budget(tmp_path: Path) -> None:
    clock = FrozenClock()
    ledgers = [SqliteLedger.open(tmp_path / "market.db", clock=clock) for _ in range(2)]
    smalls = [bidder("small", [Line(answer="spam", price=300)], right=0.9) for _ in range(2)]
    markets = [
        await opened(
            bidder("big", [Line(answer="ham", price=900)]),
            small,
            ledger=ledger,
            clock=clock,
            modes=observing(shadow_per_day=2_000),
        )
        for ledger, small in zip(ledgers, smalls, strict=True)
    ]
    await asyncio.gather(*(market.buy(spam(str(n)), Trade()) for n in range(10) for market in markets))
    for market in markets:
        await market.modes.beside.wait()
    assert sum(len(small.attempts) for small in smalls) == 6
    assert 1_800 == shadow_spent(markets[0])
    await markets[0].record(())
    assert markets[0].modes.standings.tasks["spam"].place.number == 1  # stated once
    assert replay(ledgers[0], deep=True).exit_code == 0
    for ledger in ledgers:
        await ledger.close()


async def test_what_is_said_of_the_answer_holds_for_both(failures: list[BaseException]) -> None:
    market = await opened(
        bidder("big", [Line(answer="ham", price=900)]), bidder("small", ["spam"], right=0.9), modes=observing()
    )
    await bought(market, "one")
    await market.feedback("one", truth="spam")
    await market.feedback("one", value=1.0, source="fact")  # a person's word outranks it
    (found,) = savings(market.ledger, "big")
    assert (1.0, "all judged", 0.0, 1.0) == (found.gained.mean, found.basis, found.bidder_right, found.right)
    assert 1.0 == market.beliefs.evidence("small+plain", "spam", "", 2, market.bidders["small"].profile).task_right
    assert not failures


async def test_a_word_said_before_the_other_answer_came_reaches_it() -> None:
    gate = asyncio.Event()
    market = await opened(
        bidder("big", [Line(answer="ham", price=900)]),
        bidder("small", [Line(answer="spam", until=gate)], right=0.9),
        modes=observing(),
    )
    await market.buy(spam("a mail"), Trade(request_id="one"))
    elsewhere = await opened(ledger=market.ledger)
    await elsewhere.feedback("one", value=0.0)
    gate.set()
    await market.modes.beside.wait()
    (found,) = savings(market.ledger, "big")
    assert (1.0, "all judged") == (found.gained.mean, found.basis)


async def test_nobody_asked_beside_hears_first_what_is_right() -> None:
    gate = asyncio.Event()
    small = bidder("small", [Line(answer="spam", until=gate, price=1)], right=0.6)
    big = bidder("big", [Line(answer="ham", price=900)], right=0.9)
    market = await opened(big, small, ExactCache("cache"), modes=observing())
    await market.buy(spam("a mail"), Trade(request_id="one"))
    said = asyncio.create_task(market.feedback("one", truth="spam"))
    await until(lambda: bool(small.attempts) or bool(pairs(market)))
    gate.set()
    await said
    assert "cache" not in {one.bidder for one in finished(market, request_id="one~shadow")}
    assert 2 == len(events(market, "feedback"))


async def test_a_lesson_is_not_drawn_twice_from_an_answer_that_is_recalled() -> None:
    market = await opened(bidder("big", [Line(answer="ham", price=1_000)], right=0.97), modes=observing())
    await bought(market, "one")
    await market.feedback("one", truth="ham")
    assert 1.0 == market.beliefs.evidence("big+plain", "spam", "", 2, market.bidders["big"].profile).task_count


async def test_a_refusal_is_a_side_of_a_pair() -> None:
    market = await opened(
        bidder("big", [Line(raises=RuntimeError())], right=0.9), bidder("small", ["spam"], right=0.9), modes=observing()
    )
    await bought(market, "one")
    (pair,) = pairs(market)
    assert (False, True, False) == (pair.caller.answered, pair.beside.answered, pair.equal)


async def test_a_request_that_was_cut_is_answered_by_whom_it_was_assigned_to(tmp_path: Path) -> None:
    clock = FrozenClock()
    async with SqliteLedger.open(tmp_path / "market.db", clock=clock) as ledger:
        big, small = bidder("big", [Line(hangs=True), "ham"]), bidder("small", ["spam"], right=0.9)
        market = await opened(big, small, ledger=ledger, clock=clock, modes=observing())
        asked = asyncio.create_task(market.buy(spam("a mail"), Trade(request_id="one")))
        await until(lambda: bool(big.attempts))
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        other = observing(name="canary", share=0.999)
        again = await opened(big, small, ledger=ledger, clock=clock, modes=other)
        outcome = await bought(again, "one")
        assert "big" in outcome.winner or outcome.refused
        assert ["big"] == arms(again)
        assert replay(ledger, deep=True).exit_code == 0


async def test_erasing_a_subject_erases_what_was_bought_beside(tmp_path: Path) -> None:
    clock = FrozenClock()
    async with SqliteLedger.open(tmp_path / "market.db", clock=clock) as ledger:
        market = await opened(
            bidder("big", ["ham"]), bidder("small", ["spam"]), ledger=ledger, clock=clock, modes=observing()
        )
        await bought(market, "one", subjects=("ann@example.org",))
        before = [one for event in ledger.read() for one in event.bodies]
        assert {"one", "one~shadow"} == {event.request_id for event in ledger.read() if event.bodies}
        await erase(ledger, "ann@example.org")
        assert {None} == {ledger.body(one) for one in before}
        assert replay(ledger).exit_code == 0


@pytest.mark.parametrize("changes", [{"accepts": "public"}, {"lasting_ns": SECOND}])
async def test_an_incumbent_that_could_not_be_asked_is_not_called_wrong(changes: dict[str, Any]) -> None:
    market = await opened(bidder("big", ["ham"], **changes), bidder("small", ["spam"]), modes=observing(name="market"))
    await bought(market, "one")
    assert [False] == [one.whole for one in pairs(market)]
    assert market.modes.standings.tasks["spam"].evidence[MARKET].won.count == 0


async def test_a_spent_day_makes_no_pairs_against_the_market() -> None:
    market = await opened(
        bidder("big", [Line(answer="ham", price=900)]),
        bidder("small", [Line(answer="spam", price=300)], right=0.9),
        modes=observing(),
        per_day=1_000,
    )
    await bought(market, "one")
    assert [False] == [one.whole for one in pairs(market)]
    assert 0 == shadow_spent(market)


_DIES = """
import asyncio, os, sys
sys.path.insert(0, {tests!r})
from tests.market.shop import Line, bidder, opened, spam
from atomic.clock import FrozenClock
from atomic.ledger import SqliteLedger
from atomic.market import Trade
from atomic.records.mode import Mode

async def main():
    clock = FrozenClock()
    ledger = SqliteLedger.open({path!r}, clock=clock)
    class Deadly:
        profile = bidder("small", ["spam"], right=0.9).profile
        def offer(self, ask, sketch):
            return bidder("small", [Line(answer="spam", price=300)]).offer(ask, sketch)
        async def attempt(self, ask, plan):
            os._exit(9)
        async def close(self):
            pass
    modes = {{"spam": Mode(mode="observe", incumbent="big", sample=1.0, shadow_per_day=1000)}}
    big = bidder("big", [Line(answer="ham", price=900)])
    market = await opened(big, Deadly(), ledger=ledger, clock=clock, modes=modes)
    await market.buy(spam("a mail"), Trade(request_id="one"))
    await market.modes.beside.wait()

asyncio.run(main())
"""


async def test_a_crash_in_the_middle_of_a_shadow_costs_its_reservation_and_nothing_else(tmp_path: Path) -> None:
    code = _DIES.format(tests=str(Path(__file__).parents[2]), path=str(tmp_path / "market.db"))
    died = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code], check=False, capture_output=True)
    assert died.returncode == 9, died.stderr.decode()
    clock = FrozenClock()
    async with SqliteLedger.open(tmp_path / "market.db", clock=clock) as ledger:
        small = bidder("small", [Line(answer="spam", price=300)], right=0.9)
        market = await opened(
            bidder("big", [Line(answer="ham", price=900)]),
            small,
            ledger=ledger,
            clock=clock,
            modes=observing(shadow_per_day=1_000),
        )
        assert 300 == shadow_spent(market)
        assert (await bought(market, "one")).answer == "ham"
        assert (small.attempts, pairs(market)) == ([], [])
        await bought(market, "two")
        assert 600 == shadow_spent(market)
        assert replay(ledger, deep=True).exit_code == 0


# --- canary ------------------------------------------------------------------------------------------


def true_answer(ask: Ask) -> str:
    return "spam" if ask.request_id.partition("~")[0][-1] in "02468" else "ham"


def right_in(tenths: int) -> Any:
    """A script that is right in so many of ten."""

    def script(ask: Ask) -> Line:
        number = int(ask.request_id.partition("~")[0])
        truth = true_answer(ask)
        wrong = {"spam": "ham", "ham": "spam"}[truth]
        return Line(answer=truth if (number * 7 // 10) % 10 < tenths else wrong, price=100)

    return script


async def stream(market: Market, numbers: range, *, judged: bool = True) -> None:
    for number in numbers:
        await bought(market, str(number), f"mail {number}")
        if judged:
            await market.feedback(str(number), truth="spam" if number % 2 == 0 else "ham")


async def test_a_share_of_the_traffic_goes_to_the_market() -> None:
    market = await opened(
        bidder("big", right_in(9)), bidder("small", right_in(9)), modes=observing(name="canary", share=0.3, sample=0.0)
    )
    await stream(market, range(300), judged=False)
    assert 60 < arms(market).count(MARKET) < 120
    assert replay(market.ledger, deep=True).exit_code == 0


async def test_a_better_challenger_is_promoted_and_returns_when_it_gets_worse() -> None:
    skill = {"small": 10, "big": 6}
    market = await opened(
        bidder("big", lambda ask: right_in(skill["big"])(ask)),
        bidder("small", lambda ask: right_in(skill["small"])(ask)),
        modes=observing(name="canary", share=0.2, challengers=("small",)),
    )
    await stream(market, range(150))
    assert ["won"] == [one.why for one in changes(market)]
    await stream(market, range(150, 170), judged=False)
    assert {"small"} == set(arms(market)[150:])
    skill.update(small=5, big=10)
    await stream(market, range(170, 400))
    assert ["won", "lost"] == [one.why for one in changes(market)][:2]
    assert "big" in arms(market)[-20:]
    assert replay(market.ledger, deep=True).exit_code == 0


async def test_one_no_better_is_not_promoted() -> None:
    market = await opened(
        bidder("big", right_in(7)),
        bidder("small", right_in(7)),
        modes=observing(name="canary", share=0.2, challengers=("small",)),
    )
    await stream(market, range(200))
    assert changes(market) == []


async def test_a_canary_below_its_floor_returns_by_itself() -> None:
    market = await opened(
        bidder("big", right_in(10)),
        bidder("small", right_in(4)),
        modes=observing(name="canary", share=0.5, floor=0.8, challengers=("small",), sample=0.0),
    )
    await stream(market, range(120))
    assert ("returned", "below the floor") == (changes(market)[0].to, changes(market)[0].why)
    assert {"big"} == set(arms(market)[-20:])


async def test_nothing_moves_while_it_is_observed_but_who_won_is_named() -> None:
    market = await opened(
        bidder("big", right_in(5)), bidder("small", right_in(10)), modes=observing(challengers=("small",))
    )
    await stream(market, range(120))
    assert [("observe", "small")] == [(one.to, one.arm) for one in changes(market)]
    assert {"big"} == set(arms(market))


async def test_a_change_is_the_same_for_every_process(tmp_path: Path) -> None:
    clock = FrozenClock()
    ledgers = [SqliteLedger.open(tmp_path / "market.db", clock=clock) for _ in range(2)]
    markets = [
        await opened(
            bidder("big", right_in(6)),
            bidder("small", right_in(10)),
            ledger=ledger,
            clock=clock,
            modes=observing(name="canary", share=0.2, challengers=("small",)),
        )
        for ledger in ledgers
    ]
    for number in range(160):
        await bought(markets[number % 2], str(number))
        await markets[number % 2].feedback(str(number), truth="spam" if number % 2 == 0 else "ham")
    await asyncio.gather(*(market.record(()) for market in markets))
    places = [market.modes.standings.tasks["spam"].place for market in markets]
    assert places[0] == places[1]
    assert places[0].phase == "promoted"
    assert replay(ledgers[0], deep=True).exit_code == 0
    for ledger in ledgers:
        await ledger.close()


async def test_a_market_that_opens_again_goes_on_where_it_stood() -> None:
    modes = observing(name="canary", share=0.2, challengers=("small",))
    market = await opened(bidder("big", right_in(6)), bidder("small", right_in(10)), modes=modes)
    await stream(market, range(150))
    again = await opened(bidder("big", right_in(6)), bidder("small", right_in(10)), modes=modes, ledger=market.ledger)
    assert "promoted" == again.modes.standings.tasks["spam"].place.phase
    assert 1 == len(events(again, "mode"))
    other = await opened(bidder("big", ["ham"]), bidder("small", ["ham"]), modes=observing(), ledger=market.ledger)
    assert "observe" == other.modes.standings.tasks["spam"].place.phase


async def test_in_mode_market_the_incumbent_is_bought_beside() -> None:
    market = await opened(bidder("big", right_in(8)), bidder("small", right_in(9)), modes=observing(name="market"))
    await stream(market, range(30))
    assert {MARKET} == set(arms(market))
    assert len(pairs(market)) == 30
    (found,) = savings(market.ledger, "big")
    assert (30, "big", MARKET) == (found.answered, found.bidder, found.arm)


async def test_labels_missing_where_answers_differ_never_promote_at_worst() -> None:
    """An incumbent that is praised whenever it is right, and never blamed: silence is no approval of the challenger."""
    market = await opened(
        bidder("big", right_in(9)), bidder("small", right_in(4)), modes=observing(name="canary", challengers=("small",))
    )
    for number in range(150):
        outcome = await bought(market, str(number))
        if outcome.answer != ("spam" if number % 2 == 0 else "ham"):
            await market.feedback(str(number), value=0.0)
    assert all(one.why != "won" for one in changes(market))


async def test_a_survey_is_nobodys_to_answer() -> None:
    market = await opened(bidder("big", ["ham"]), bidder("small", ["spam"]), modes=observing())
    terms = replace(spam.terms, survey=("*",))
    await bought(market, "one", terms=terms)
    assert {"big", "small"} == {one.bidder for one in finished(market, request_id="one")}


# --- savings, errors ----------------------------------------------------------------------------------


async def test_savings_say_how_many_more_pairs_it_takes() -> None:
    market = await opened(bidder("big", right_in(8)), bidder("small", right_in(9)), modes=observing())
    await stream(market, range(6))
    (found,) = savings(market.ledger, "big")
    assert "not enough evidence yet" == found.verdict
    assert found.more > 0
    assert f"{found.more:,} more" in found.text()


async def test_savings_of_a_clear_case_hold_the_truth() -> None:
    big = bidder("big", lambda ask: Line(answer=true_answer(ask), price=900_000), right=0.9)
    small = bidder("small", lambda ask: Line(answer=true_answer(ask), price=100_000), right=0.9)
    market = await opened(big, small, modes=observing())
    await stream(market, range(80))
    (found,) = savings(market.ledger, "big")
    assert found.verdict == "better"
    assert found.saved.low < found.saved.mean <= 800_000 <= found.saved.high
    assert (0.0, "all judged") == (found.gained.mean, found.basis)


async def test_where_some_were_judged_they_stand_for_the_others() -> None:
    market = await opened(
        bidder("big", right_in(9)), bidder("small", right_in(5)), modes=observing(challengers=("small",))
    )
    for number in range(120):
        await bought(market, str(number))
        if number % 3 == 0:
            await market.feedback(str(number), truth="spam" if number % 2 == 0 else "ham")
    (found,) = savings(market.ledger, "big")
    assert found.basis == "judged"
    assert found.gained.low < -0.4 < found.gained.high  # what it truly is
    assert "as judged in" in found.text()


async def test_savings_without_a_pair_say_what_to_do() -> None:
    market = await opened(bidder("big", ["ham"]), modes=observing(sample=0.0))
    with pytest.raises(NotFound, match="incumbent"):
        savings(market.ledger, "big")
    await bought(market, "one")
    with pytest.raises(NotFound, match="no pair is there yet"):
        savings(market.ledger, "big")


@pytest.mark.parametrize(
    "wrong",
    [
        Mode(mode="observe"),
        Mode(mode="observe", incumbent="nobody"),
        mode(challengers=("big",)),
        mode(challengers=("nobody",)),
        mode(challengers=()),
        mode(sample=1.5),
        mode(alpha=0.0),
    ],
)
async def test_a_mode_that_cannot_be_is_an_error(wrong: Mode) -> None:
    with pytest.raises(ConfigError, match="mode of spam"):
        await opened(bidder("big", ["ham"]), modes={"spam": wrong})


async def test_an_outcome_of_a_shadow_is_settled_apart() -> None:
    market = await opened(bidder("big", ["ham"]), bidder("small", ["spam"]), modes=observing())
    await bought(market, "one")
    settled = [one.request_id for one in events(market, "outcome") if isinstance(one.payload, OutcomeSettled)]
    assert ["one", "one~shadow"] == settled
