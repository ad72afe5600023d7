"""`atomic calibrate`: everybody's answers to a file of inputs, bought within a budget and never twice."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from tests.calibrate.shop import bidder, inputs, kind, market, reply, said
from tests.market.shop import opened

from atomic.calibrate import after, before, buy, label, measured, page, picture, planned, read_cases
from atomic.errors import CallerError
from atomic.ledger import MemoryLedger
from atomic.records import AttemptFinished
from atomic.replay import replay

EACH = 56_000  # nano-USD that all three ask for one input
MUCH = 1_000_000_000


def quiet(done: int) -> None:
    pass


def attempts(ledger: MemoryLedger) -> int:
    return sum(isinstance(event.payload, AttemptFinished) for event in ledger.read())


async def test_what_it_will_cost_is_said_before_anything_is_bought(tmp_path: Path) -> None:
    shop = await market()
    cases = read_cases(inputs(tmp_path / "in.jsonl", 10, labelled=0), kind)
    plan = planned(shop, cases, MUCH)
    assert (10 * EACH, 20 * EACH) == (plan.expected, plan.ceiling)
    assert "10 inputs from 3 bidders (large, middle, small): about $0.00056, at most $0.00112" in before(
        plan, MUCH, cases
    )
    assert [] == list(shop.ledger.read())


async def test_a_budget_buys_as_many_inputs_as_it_reaches_for_and_is_never_passed(tmp_path: Path) -> None:
    shop, cases = await market(), read_cases(inputs(tmp_path / "in.jsonl", 10, labelled=0), kind)
    plan = planned(shop, cases, 4 * EACH)
    await buy(shop, plan, 4 * EACH, quiet)
    assert (4, 6) == (len(plan.wanted), plan.left)
    spent = planned(shop, cases, 4 * EACH).spent
    assert 0 < spent <= 4 * EACH


async def test_what_was_bought_is_not_bought_again_and_counts_against_the_budget(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    cases = read_cases(inputs(tmp_path / "in.jsonl", 6, labelled=3), kind)
    first = await market(ledger)
    await buy(first, planned(first, cases[:2], MUCH), MUCH, quiet)
    await first.close()

    again = await market(ledger)
    plan = planned(again, cases, MUCH)
    assert (4, 2, 2 * EACH) == (len(plan.wanted), plan.bought, plan.spent)
    await buy(again, plan, MUCH, quiet)
    assert 18 == attempts(ledger)
    assert (3, 0) == (await label(again, cases), await label(again, cases))


async def test_cut_in_the_middle_it_goes_on_where_it_was(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    cases = read_cases(inputs(tmp_path / "in.jsonl", 30, labelled=0), kind)
    first = await market(ledger)
    work = asyncio.ensure_future(buy(first, planned(first, cases, MUCH), MUCH, quiet))
    while not attempts(ledger):  # noqa: ASYNC110 - a cut at a chosen place
        await asyncio.sleep(0)
    work.cancel()
    await asyncio.wait({work})

    again = await market(ledger)
    await buy(again, planned(again, cases, MUCH), MUCH, quiet)
    assert 30 == planned(again, cases, MUCH).bought
    assert 0 == replay(ledger, deep=True).differences


@pytest.mark.parametrize(("labelled", "judged"), [(60, "labels"), (0, "agreement")])
async def test_it_ends_with_a_frontier_and_a_recommendation(tmp_path: Path, labelled: int, judged: str) -> None:
    shop, cases = await market(), read_cases(inputs(tmp_path / "in.jsonl", 60, labelled=labelled), kind)
    await buy(shop, planned(shop, cases, MUCH), MUCH, quiet)
    await label(shop, cases)
    found = await asyncio.to_thread(measured, shop, cases)

    assert not isinstance(found, str)
    assert judged == found.judged
    assert {"small+plain", "middle+plain", "large+plain"} == {one.bidder for one in found.figures.bidders}
    said = after(found, "kind")
    assert "Recommended: worth=$" in said
    assert f'@atomic.microtask(worth="{found.best.objective.removeprefix("worth=")}")' in said
    assert "[inbox.terms.spam]\nworth = " in after(found, "spam")
    ET.fromstring(picture(found, "kind"))
    assert "http" not in picture(found, "kind").replace("http://www.w3.org/2000/svg", "")
    assert "<pre>" in page(found, "kind", said)


async def test_too_little_gives_no_frontier(tmp_path: Path) -> None:
    shop, cases = await market(), read_cases(inputs(tmp_path / "in.jsonl", 5, labelled=5), kind)
    await buy(shop, planned(shop, cases, MUCH), MUCH, quiet)
    assert "it takes 20 inputs" in str(measured(shop, cases))


async def test_answers_that_are_never_equal_need_labels(tmp_path: Path) -> None:
    shop = await opened(*(said(name) for name in "ab"))
    cases = read_cases(inputs(tmp_path / "in.jsonl", 30, labelled=0), reply)
    await buy(shop, planned(shop, cases, MUCH), MUCH, quiet)
    assert "label 30 inputs" in str(measured(shop, cases))


async def test_that_there_will_be_no_frontier_is_said_before_anything_is_bought(tmp_path: Path) -> None:
    shop = await opened(*(said(name) for name in "ab"))
    free = read_cases(inputs(tmp_path / "free.jsonl", 30, labelled=3), reply)
    few = read_cases(inputs(tmp_path / "few.jsonl", 5, labelled=0), kind)
    enough = read_cases(inputs(tmp_path / "enough.jsonl", 30, labelled=0), kind)
    assert "30 inputs must be labelled, and 3 are" in before(planned(shop, free, MUCH), MUCH, free)
    assert "it takes 20 inputs, and these are 5" in before(planned(shop, few, MUCH), MUCH, few)
    assert "no frontier" not in before(planned(shop, enough, MUCH), MUCH, enough)
    assert [] == list(shop.ledger.read())


async def test_who_joined_since_is_asked_for_what_was_bought_and_nobody_else_again(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    cases = read_cases(inputs(tmp_path / "in.jsonl", 40, labelled=40), kind)
    first = await opened(*map(bidder, ("small", "large")), ledger=ledger)
    await buy(first, planned(first, cases, MUCH), MUCH, quiet)
    await label(first, cases)
    await first.close()

    again = await market(ledger)
    plan = planned(again, cases, MUCH)
    assert (40, 40, ("middle",)) == (plan.bought, len(plan.wanted), plan.bidders)
    assert "40 of them were bought before" in before(plan, MUCH, cases)
    await buy(again, plan, MUCH, quiet)
    assert 40 == await label(again, cases)
    assert (120, 0) == (attempts(ledger), len(planned(again, cases, MUCH).wanted))
    found = await asyncio.to_thread(measured, again, cases)
    assert not isinstance(found, str)
    assert {"small+plain", "middle+plain", "large+plain"} == {one.bidder for one in found.figures.bidders}
    assert 0 == replay(ledger, deep=True).differences


def test_a_table_with_a_heading_will_do(tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_text("text,truth\nCheap pills,spam\nMinutes,\n")
    first, second = read_cases(file, kind)
    assert ("spam", True, False) == (first.truth, first.labelled, second.labelled)


def test_the_same_input_is_asked_once(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text('{"text": "a"}\n{"text": "a", "truth": "ham"}\n')
    (case,) = read_cases(file, kind)
    assert ("ham", 2) == (case.truth, case.line)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"text": "a"}\n{"letter": "b"}\n', "line 2: kind: the input does not fit"),
        ('{"text": "a", "truth": "eggs"}\n', "line 1: the truth is no answer of kind"),
        (
            '{"text": "a", "truth": "ham"}\n{"text": "a", "truth": "spam"}\n',
            "line 2: the input of line 1 with another truth",
        ),
        ('{"text": "a", "domain": 3}\n', "line 1: domain is no text"),
        ("text\n", ":1: not JSON"),
        ("[1]\n", ":1: not an object"),
        ("\n", "no input in it"),
    ],
)
def test_a_line_that_is_wrong_is_an_error_with_its_number(tmp_path: Path, text: str, what: str) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text(text)
    with pytest.raises(CallerError) as raised:
        read_cases(file, kind)
    assert what in str(raised.value)
