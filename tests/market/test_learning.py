"""The market learns: it moves its money to the better bidders, and says how sure it may be."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Literal

import pytest
from tests.market.shop import awards, bidder, events, explored, finished, opened, spam

from atomic.bidders.cache import ExactCache
from atomic.ledger import MemoryLedger, SqliteLedger
from atomic.market import Market, Trade
from atomic.protocols import Profile, Sketch
from atomic.records import NoBid, Offer, Reason
from atomic.records.attempt import Plan, Reply
from atomic.records.microtask import Ask, Example, microtask
from atomic.testing import Line

TRUE = ("spam", "ham")


def of_quality(name: str, right: float, price: int) -> object:
    """Right so often, errs by itself; says nothing of it beforehand."""

    def script(ask: Ask) -> Line:
        number = int(ask.features.text)
        answer = TRUE[number % 2]
        if Random(f"{name} {number}").random() >= right:
            answer = TRUE[1 - number % 2]
        return Line(answer=answer, price=price)

    return bidder(name, script, right=0.7)


async def test_money_moves_to_the_better_and_the_probability_is_calibrated() -> None:
    """Three of equal price and prior, right in 95, 75 and 55 of 100; the market is told the truth every time."""
    good, fair, poor = (of_quality(name, right, 20_000) for name, right in (("c", 0.95), ("b", 0.75), ("a", 0.55)))
    market = await opened(poor, fair, good)  # type: ignore[arg-type]
    said: list[tuple[float, bool]] = []
    for number in range(600):
        outcome = await market.buy(explored(str(number)), Trade(request_id=str(number)))
        said.append((outcome.probability, outcome.answer == TRUE[number % 2]))
        await market.feedback(str(number), truth=TRUE[number % 2])

    late = said[300:]
    spent = {"a": 0, "b": 0, "c": 0}
    for event in events(market, "finished"):
        if int(event.request_id) >= 300:
            spent[event.payload.bidder] += event.payload.price  # type: ignore[union-attr]
    assert spent["c"] > 0.8 * sum(spent.values())
    assert sum(right for _, right in late) / len(late) >= 0.92
    assert sum(right for _, right in late) / len(late) == pytest.approx(sum(p for p, _ in late) / len(late), abs=0.04)


async def test_without_a_single_label_copies_are_found_out() -> None:
    """b copies a; c is independent. The market comes to pay for c's opinion and not for b's."""

    def copy(ask: Ask) -> Line:
        return Line(answer=a._line_for(ask).answer, price=1000)  # type: ignore[attr-defined]

    a, c = of_quality("a", 0.75, 1000), of_quality("c", 0.75, 1000)
    b = bidder("b", copy, right=0.7)
    market = await opened(a, b, c)  # type: ignore[arg-type]
    for number in range(400):
        await market.run(explored, str(number))
    shares = dict(market.beliefs.table("explored", 2)[0].copying)

    assert 0.6 < shares["a+plain|b+plain"]
    assert shares.get("a+plain|c+plain", 0.0) < 0.3
    assert shares.get("b+plain|c+plain", 0.0) < 0.3


class Pupil:
    """Remembers every example, and may fail at one."""

    def __init__(self, fails_at: str = "") -> None:
        self.profile = Profile(name=f"pupil{fails_at}", kind="pupil")
        self.examples: list[Example] = []
        self._fails_at = fails_at

    def learn(self, example: Example) -> None:
        if example.request_id == self._fails_at:
            raise RuntimeError("cannot learn that")
        self.examples.append(example)

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        return NoBid(bidder=self.profile.name, tactic=sketch.tactic, reason=Reason.NOTHING_SIMILAR)

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        raise NotImplementedError

    async def close(self) -> None:
        pass


@microtask(worth="$0.002", explore=False)
async def colour(text: str) -> Literal["red", "blue", "green", "pink", "grey"]:
    """Which colour?"""
    raise NotImplementedError


async def who_disagree(value: float | None = None) -> Market:
    """A market in which two differ on each of 30 requests; the one who claims less was right of every third, the other
    of none. What was right is said of each, or the value where one is given."""
    claims = {"modest": ("blue", 0.4), "loud": ("red", 0.6), "third": ("grey", 0.1)}
    market = await opened(
        *(
            bidder(name, lambda _, answer=answer, claim=claim: Line(answer=answer, claim=claim))  # type: ignore[misc]
            for name, (answer, claim) in claims.items()
        )
    )
    for number in range(30):
        outcome = await market.run(colour, str(number))
        if value is None:
            await market.feedback(outcome.id, truth="green" if number % 3 else "blue")
        else:
            await market.feedback(outcome.id, value)
    return market


async def test_of_two_that_differ_who_was_right_before_is_believed_and_not_who_claims_more() -> None:
    market = await who_disagree()

    (odds,) = [one for one in market.beliefs.table("colour", 5)[0].differing if one[0] == "loud+plain|modest+plain"]

    assert odds[1] < -0.5
    assert "blue" == (await market.run(colour, "and now")).answer


async def test_a_word_that_names_no_truth_says_nothing_of_who_was_right_against_whom() -> None:
    """Of an answer that is wrong it would not be known whether another was right, so right ones alone would count."""
    assert () == (await who_disagree(value=1.0)).beliefs.table("colour", 5)[0].differing


async def test_learners_get_settled_answers_and_then_what_was_said_of_them() -> None:
    pupil = Pupil()
    market = await opened(pupil, bidder("a", ["spam"]))
    await market.buy(spam("1"), Trade(request_id="once"))
    await market.feedback("once", 0.0)
    await market.feedback("once", truth="ham")

    told = [(one.source, one.answer, one.probability) for one in pupil.examples]
    assert [("market", "spam", pytest.approx(0.8)), ("person", "spam", 0.0), ("person", "ham", 1.0)] == told


async def test_what_a_better_source_said_is_not_untaught_by_a_lower_one() -> None:
    pupil, cache = Pupil(), ExactCache()
    market = await opened(pupil, cache, bidder("a", ["spam"]))
    await market.buy(spam("1"), Trade(request_id="once"))
    await market.feedback("once", truth="ham")

    await market.feedback("once", 1.0, source="judge")

    assert ["market", "person"] == [one.source for one in pupil.examples]
    assert "ham" == (await market.run(spam, "1")).answer


async def test_a_learner_that_fails_misses_its_example_and_nobody_elses(failures: list[BaseException]) -> None:
    bad, good = Pupil(fails_at="1"), Pupil()
    market = await opened(bad, good, bidder("a", ["spam"]))
    for request_id in ("1", "2"):
        await market.buy(spam(request_id), Trade(request_id=request_id))

    assert ["2"] == [one.request_id for one in bad.examples]
    assert ["1", "2"] == [one.request_id for one in good.examples]
    assert ["cannot learn that"] == [str(one) for one in failures]


async def test_a_market_that_starts_anew_has_taught_its_learners_the_same_in_the_same_order() -> None:
    pupil, heir = Pupil(), Pupil()
    market = await opened(pupil, bidder("a", ["spam"]))
    for number in range(5):
        await market.buy(spam(str(number)), Trade(request_id=str(number)))
        await market.feedback(str(number), number / 4)

    await opened(heir, ledger=market.ledger)

    assert pupil.examples == heir.examples
    assert 10 == len(heir.examples)


async def test_the_verified_examples_of_a_tenant_are_its_own() -> None:
    pupil = Pupil()
    market = await opened(pupil, bidder("a", ["spam"]))
    await market.buy(spam("1"), Trade(request_id="once", tenant="t"))
    await market.feedback("once", 1.0, tenant="t")

    assert {"t"} == {one.tenant for one in pupil.examples}


async def taught_by_each_other(one: Market, other: Market) -> None:
    await one.buy(spam("1"), Trade(request_id="1"))
    await one.feedback("1", truth="spam")
    await other.buy(spam("2"), Trade(request_id="2"))
    await other.feedback("1", truth="ham")
    await one.record(())

    assert one.beliefs.digest() == other.beliefs.digest()
    assert 2 == len(finished(one)) == len(finished(other))


async def test_two_markets_on_one_ledger_fold_each_others_lessons() -> None:
    ledger = MemoryLedger()
    one, other = [await opened(bidder("a", ["spam"]), ledger=ledger) for _ in range(2)]

    await taught_by_each_other(one, other)


async def test_two_markets_on_one_file_fold_each_others_lessons(tmp_path: object) -> None:
    ledgers = [SqliteLedger.open(f"{tmp_path}/market.db") for _ in range(2)]
    one, other = [await opened(bidder("a", ["spam"]), ledger=ledger) for ledger in ledgers]

    await taught_by_each_other(one, other)

    for ledger in ledgers:
        await ledger.close()


async def test_two_markets_on_one_file_buy_one_request_once(tmp_path: object) -> None:
    ledgers = [SqliteLedger.open(f"{tmp_path}/market.db") for _ in range(2)]
    bidders = [bidder("a", [Line(answer="spam", seconds=0.05)]) for _ in ledgers]
    markets = [await opened(one, ledger=ledger) for one, ledger in zip(bidders, ledgers, strict=True)]
    # One secret: a request's fingerprint is of the market, not of the process.
    outcomes = await asyncio.gather(*(market.buy(spam("x"), Trade(request_id="once")) for market in markets))

    assert ["spam", "spam"] == [one.answer for one in outcomes]
    assert 1 == sum(len(one.attempts) for one in bidders)
    for ledger in ledgers:
        await ledger.close()


async def test_awards_name_the_beliefs_they_were_made_from() -> None:
    market = await opened(bidder("a", ["spam"]))
    await market.run(spam, "1")
    await market.run(spam, "2")

    assert [0, 3, 6, 9] == [award.beliefs_seq for award in awards(market)]
