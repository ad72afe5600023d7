"""reading: the market's own claims by the text alone, of bids that make none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from atomic.belief.examples import ExampleStore
from atomic.erasure import erase
from atomic.explain import explain
from atomic.ledger import MemoryLedger, SqliteLedger
from atomic.market import Market, Trade
from atomic.protocols import SharedLedger
from atomic.records.bid import Offer
from atomic.records.lesson import Lesson
from atomic.records.microtask import Ask, microtask
from atomic.stages import reading
from atomic.stages.reading import FEWEST, Judged, Reading
from atomic.stages.sound import sound_offer
from atomic.tactics.plain import Plain
from atomic.testing import Line, ScriptedBidder, ask_for

KEY = "model+plain"


@microtask(worth="$0.002", explore=False)
async def spam(text: str) -> Literal["spam", "ham"]:
    """Is this mail spam?"""
    raise NotImplementedError


def text(number: int) -> str:
    """The even ones are about lunch, the odd ones about taxes."""
    return f"{'lunch with friends' if number % 2 == 0 else 'taxes of companies'} and word{number % 7}"


def judged(number: int, tenant: str = "") -> Judged:
    return Judged(f"r{number}", tenant, spam(text(0)).task.name, "", text(number))


def right(target: float, weight: float = 1.0, key: str = KEY) -> Lesson:
    return Lesson(kind="right", key=key, target=target, weight=weight)


def taught(count: int = 120, tenant: str = "") -> Reading:
    found = Reading()
    for number in range(count):
        found.learn(judged(number, tenant), [right(1.0 - number % 2)])
    return found


def ask(about: str, **changes: str) -> Ask:
    return replace(ask_for(spam(about)), **changes)  # type: ignore[arg-type]


def test_it_knows_from_the_text_alone_which_inputs_a_bid_is_right_about() -> None:
    found = taught()

    assert found.claims(ask("lunch with friends"))[KEY] > 0.8
    assert found.claims(ask("taxes of companies"))[KEY] < 0.2


def test_nothing_is_claimed_of_a_bid_with_few_judged_texts() -> None:
    assert not taught(FEWEST - 1).claims(ask("lunch"))
    assert list(taught(FEWEST).claims(ask("lunch"))) == [KEY]


def test_one_tenants_texts_say_nothing_to_another() -> None:
    assert not taught(tenant="ann").claims(ask("lunch", tenant="bob"))


def test_the_same_lessons_in_the_same_order_give_the_same_claims_bit_for_bit() -> None:
    assert taught().claims(ask("lunch and taxes")) == taught().claims(ask("lunch and taxes"))


def test_a_request_is_not_judged_by_itself() -> None:
    found = taught()
    found.learn(Judged("odd", "", judged(0).task, "", "quite another thing"), [right(1.0)])
    found.learn(Judged("new", "", judged(0).task, "", "quite another thing"), [right(0.0)])

    asked = "quite another thing"
    assert found.claims(ask(asked, request_id="odd"))[KEY] < found.claims(ask(asked, request_id="other"))[KEY]


def test_a_later_word_takes_the_place_of_an_earlier_one() -> None:
    found, known = taught(), taught()
    for number in range(0, 120, 2):
        found.learn(judged(number), [right(1.0, -1.0), right(0.0)])

    assert found.claims(ask("lunch with friends"))[KEY] < 0.2 < known.claims(ask("lunch with friends"))[KEY]


def test_what_is_taken_back_counts_no_more() -> None:
    found = taught(FEWEST)
    found.learn(judged(0), [right(1.0, -1.0)])

    assert not found.claims(ask("lunch"))


def test_memory_is_bounded_by_texts_and_by_tasks() -> None:
    found = Reading()
    for number in range(reading.MOST_TEXTS + 30):
        found.learn(judged(number), [right(1.0)])
    shelf = next(iter(found._shelves.values()))
    assert len(shelf._rows) == len(shelf._turns) == reading.MOST_TEXTS == shelf._known[0]

    for number in range(20):
        found.learn(judged(0, tenant=f"t{number}"), [right(1.0)])
    assert len(found._shelves) == reading._MOST_SHELVES


def test_a_bidder_cannot_pass_its_claim_off_as_the_markets() -> None:
    offer = sound_offer(Offer(bidder="a", tactic="plain", claim=0.99, read=True), "a", "plain")

    assert isinstance(offer, Offer)
    assert not offer.read


async def made(ledger: SharedLedger, count: int = 0) -> Market:
    """A market with a bidder that is right about lunch only, and was judged `count` times."""
    model = ScriptedBidder("model", lambda about: Line(answer="ham", price=1_000))
    market = Market(ledger=ledger, bidders=[model], tactics=(Plain(),), examples=ExampleStore())
    await market.start()
    for number in range(count):
        subjects = ("Bob",) if number % 3 else ("Ann",)
        await market.buy(spam(text(number)), Trade(request_id=f"r{number}", subjects=subjects))
        await market.feedback(f"r{number}", value=1.0 - number % 2)
    return market


def claims(market: Market) -> Mapping[str, float]:
    return market.claims(ask("lunch with friends"))


async def test_feedback_teaches_it_and_bids_say_that_the_market_claims() -> None:
    market = await made(MemoryLedger(), 60)
    slate, _ = market.preview(spam("lunch with friends"), Trade())

    (bid,) = slate.bids
    assert bid.offer.read
    assert bid.offer.claim == bid.probability == claims(market)[KEY] > 0.6
    await market.buy(spam("lunch with friends"), Trade(request_id="new"))
    assert "claimed by the market from the text" in explain(market.ledger, "new").text()
    await market.close()


async def test_a_restarted_market_claims_the_same() -> None:
    ledger = MemoryLedger()
    before = await made(ledger, 60)
    after = await made(ledger)

    assert claims(before) == claims(after) != {}
    await before.close()
    await after.close()


async def test_erased_texts_are_forgotten_at_once_as_if_a_restart_had_never_read_them(tmp_path: Path) -> None:
    async with SqliteLedger.open(tmp_path / "ledger.db") as ledger:
        market = await made(ledger, 90)
        before = claims(market)
        await erase(ledger, "Ann")
        again = await made(ledger)

        assert before != claims(market) == claims(again) != {}
        await market.close()
        await again.close()
