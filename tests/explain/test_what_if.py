"""What if: recorded first rounds auctioned again; what the ledger cannot know is counted apart, never guessed."""

from __future__ import annotations

from typing import Literal

import pytest
from tests.explain.trading import trade

from atomic.belief.examples import ExampleStore
from atomic.counterfactual import Given
from atomic.errors import CallerError
from atomic.ledger import MemoryLedger
from atomic.market import Market, Trade
from atomic.protocols import Profile
from atomic.records import Award, Slate, Table
from atomic.records.event import decode
from atomic.records.microtask import microtask
from atomic.tactics import Plain
from atomic.testing import Line, ScriptedBidder
from atomic.whatif import Amount, Came, Change, what_if


@microtask(worth="$0.01", explore=False)
async def sure(text: str) -> Literal["spam", "ham"]:
    """Is this spam?"""
    raise NotImplementedError


def scripted(name: str, answer: str, right: float, price: int) -> ScriptedBidder:
    profile = Profile(name=name, kind="scripted", right=right, prior_weight=1e6)
    return ScriptedBidder(name, [Line(answer=answer, price=price)], profile=profile)


async def bought(*bidders: ScriptedBidder) -> Market:
    market = Market(ledger=MemoryLedger(), bidders=bidders, tactics=[Plain()], examples=ExampleStore())
    await market.start()
    await market.buy(sure("cheap pills"), Trade(request_id="r"))
    await market.feedback("r", truth="spam")
    return market


async def test_without_anybody_the_market_would_have_settled_for_nothing_at_no_cost() -> None:
    market = await bought(scripted("cheap", "ham", 0.97, 1_000))
    (one,) = what_if(market.ledger, Change(without=("cheap",))).rounds

    assert ((), Came(cost=0)) == (one.then, one.came_then)


async def test_an_answer_that_was_bought_anyway_is_known_with_its_bill_and_how_right_it_was() -> None:
    # Two cheap ones are asked first; they disagree, so the dear one is bought, too.
    cheap = scripted("cheap", "ham", 0.8, 1_000), scripted("other", "spam", 0.8, 1_000)
    market = await bought(scripted("dear", "spam", 0.97, 2_000_000), *cheap)
    change = Change(without=("cheap", "other+plain"), prices=(("dear", Amount.read("0.5x")),))
    found = what_if(market.ledger, change)
    (one,) = found.rounds

    assert (("cheap+plain",), ("dear+plain",)) == (one.now, one.then)
    assert one.came_then is not None
    assert one.came_now is not None
    assert (1_000_000, "spam", 1.0) == (one.came_then.cost, one.came_then.answer, one.came_then.right)
    assert (1_000, "ham", 0.0) == (one.came_now.cost, one.came_now.answer, one.came_now.right)
    assert (1, 1, 1) == (len(found.changed), len(found.known), len(found.judged))


async def test_what_was_never_bought_is_not_known() -> None:
    market = await bought(scripted("dear", "spam", 0.99, 9_000_000), scripted("cheap", "ham", 0.97, 1_000))
    found = what_if(market.ledger, Change(prices=(("dear", Amount.read("$0")),)))
    (one,) = found.rounds

    assert ("dear+plain",) == one.then
    assert one.came_then is None
    assert (1, 0) == (len(found.changed), len(found.known))


async def test_every_award_is_what_the_auction_gives_and_nothing_changes_where_nothing_is_changed() -> None:
    ledger = MemoryLedger()
    await trade(ledger, 40)
    same = what_if(ledger, Change(worth=Amount.read("1x")))
    twice = what_if(ledger, Change(worth=Amount.read("2x"), without=("rule",)))
    firsts = [event for event in ledger.read(kinds=("award",)) if event.round == 1]

    assert (40, 0, 0) == (len(same.rounds), same.apart, len(same.changed))
    assert 40 == len(twice.rounds)
    for event, one in zip(firsts, twice.rounds, strict=True):
        award = event.payload
        assert isinstance(award, Award)
        slate: Slate = decode(Slate, ledger.blob(award.slate))
        table: Table = decode(Table, ledger.blob(award.table))
        left = Slate(bids=tuple(bid for bid in slate.bids if bid.offer.bidder != "rule"), no_bids=slate.no_bids)
        given = Given(position=award.position, slate=left, table=table, draw=award.draw)
        assert given.at_worth(4_000_000).verdict().chosen == one.then
    assert all(one.came_then is None or set(one.then) <= attempted(ledger, one.request_id) for one in twice.rounds)


def attempted(ledger: MemoryLedger, request_id: str) -> set[str]:
    return {str(getattr(one.payload, "key", "")) for one in ledger.read(request_id=request_id, kinds=("finished",))}


async def test_a_later_word_supersedes_what_an_earlier_one_said_of_an_answer() -> None:
    market = await bought(scripted("cheap", "ham", 0.97, 1_000))
    change = Change(worth=Amount.read("1x"))
    (before,) = what_if(market.ledger, change).rounds
    await market.feedback("r", truth="ham")
    (after,) = what_if(market.ledger, change).rounds

    assert (Came(cost=1_000, answer="ham", state="shown", right=0.0)) == before.came_now
    assert (Came(cost=1_000, answer="ham", state="shown", right=1.0)) == after.came_now


async def test_newest_requests_and_one_task_can_be_chosen() -> None:
    ledger = MemoryLedger()
    await trade(ledger, 5)
    change = Change(worth=Amount.read("2x"))

    assert ["r3", "r4"] == [one.request_id for one in what_if(ledger, change, last=2).rounds]
    assert () == what_if(ledger, change, task="other").rounds


async def test_a_bidder_that_never_bid_is_an_error_and_not_a_change_without_effect() -> None:
    market = await bought(scripted("cheap", "ham", 0.97, 1_000))

    with pytest.raises(CallerError, match="'chaep' made no bid in these requests\n  who did: cheap"):
        what_if(market.ledger, Change(without=("chaep",)))


@pytest.mark.parametrize("text", ["x", "-1x", "2 x", "1e9x", "$", "nanx", "$-1"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(CallerError):
        Amount.read(text)
