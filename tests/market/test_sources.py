"""Who says how right answers were: the honest teach, the hostile soon do not, and both are shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.market.shop import bidder, events, opened, spam
from typer.testing import CliRunner

from atomic.cli import app
from atomic.errors import Erased, NotFound
from atomic.ledger import SqliteLedger
from atomic.market import Market, Trade
from atomic.records import BidderChanged, FeedbackGiven
from atomic.replay import replay


async def at_work(count: int = 0, *, ledger: object = None) -> Market:
    """A market whose bidder is always right, as ann said so often."""
    market = await opened(bidder("a", ["spam"], deterministic=False), ledger=ledger)
    for number in range(count):
        await said(market, f"honest-{number}", 1.0, "ann")
    return market


async def said(market: Market, request_id: str, value: float, author: str) -> None:
    await market.buy(spam(request_id), Trade(request_id=request_id))
    await market.feedback(request_id, value, author=author)


def share(market: Market) -> float:
    seen = market.beliefs.evidence("a+plain", "spam", "", 2, market.bidders["a"].profile)
    return seen.task_right / seen.task_count


async def test_somebody_who_calls_what_is_right_wrong_soon_teaches_nothing() -> None:
    market = await at_work(60)
    for number in range(60):
        await said(market, f"more-{number}", 1.0, "ann")
        await said(market, f"hostile-{number}", 0.0, "eve")

    credit = market.beliefs.credit
    assert 1.0 == credit.weight("person/ann")
    assert credit.weight("person/eve") < 0.2
    assert share(market) > 0.75  # of 180 words 60 were lies, the last 40 of which taught nothing


async def test_two_honest_authors_keep_their_weight() -> None:
    market = await at_work()
    for number in range(40):
        await said(market, f"r{number}", 1.0, ("ann", "bob")[number % 2])

    assert [1.0, 1.0] == [market.beliefs.credit.weight(f"person/{one}") for one in ("ann", "bob")]


async def test_the_only_author_is_not_doubted_when_a_bidder_gets_worse() -> None:
    market = await at_work(40)
    for number in range(15):
        await said(market, f"worse-{number}", 0.0, "ann")

    assert 1.0 == market.beliefs.credit.weight("person/ann")


async def test_a_hostile_word_does_not_take_back_an_honest_one() -> None:
    market = await at_work(60)
    for number in range(60):
        await said(market, f"hostile-{number}", 0.0, "eve")
        await said(market, f"more-{number}", 1.0, "ann")
    before = share(market)
    await market.feedback("honest-0", 0.0, author="eve")

    assert before == share(market)


async def test_a_judge_whom_people_contradict_loses_weight_and_one_whom_they_confirm_does_not() -> None:
    market = await at_work()
    for number in range(30):
        name = f"r{number}"
        await market.buy(spam(name), Trade(request_id=name))
        await market.feedback(name, 0.0, source="judge", author="strict")
        await market.feedback(name, 1.0, source="judge", author="fair")
        await market.feedback(name, 1.0, author="ann")

    credit = market.beliefs.credit
    assert 0.0 == credit.weight("judge/strict")
    assert credit.weight("judge/fair") >= 0.5


async def test_a_word_on_an_erased_request_is_refused_and_one_on_an_unknown_too(tmp_path: Path) -> None:
    from atomic.erasure import erase

    ledger = SqliteLedger.open(tmp_path / "market.db")
    market = await at_work(ledger=ledger)
    await market.buy(spam("x"), Trade(request_id="gone", subjects=("bob@example.org",)))
    await erase(ledger, "bob@example.org")

    with pytest.raises(Erased):
        await market.feedback("gone", 1.0)
    with pytest.raises(NotFound):
        await market.feedback("never", 1.0)
    await ledger.close()


async def test_a_bidder_that_falls_is_written_down_once_and_told_with_its_next_bid(tmp_path: Path) -> None:
    market = await at_work(40)
    for number in range(12):
        await said(market, f"worse-{number}", 0.0, "ann")
    outcome = await market.buy(spam("next"), Trade(request_id="next"))

    changes = [one.payload for one in events(market, "changed")]
    assert [("a+plain", "fell")] == [(one.key, one.why) for one in changes if isinstance(one, BidderChanged)]
    assert "counts for little, since it is right less often" in outcome.explain()
    assert () == replay(market.ledger, deep=True).different
    again = await opened(ledger=market.ledger)
    assert again.beliefs.digest() == market.beliefs.digest()
    assert 1 == len(events(again, "changed"))


async def test_whether_a_sample_was_asked_is_kept() -> None:
    market = await at_work()
    await market.buy(spam("x"), Trade(request_id="x"))
    await market.feedback("x", 1.0, asked=True)

    (word,) = [one.payload for one in events(market, "feedback")]
    assert isinstance(word, FeedbackGiven)
    assert word.asked
    assert 1.0 == market.beliefs.hearing.heard["spam"].asked


async def test_sources_are_listed_with_what_their_words_weigh(tmp_path: Path) -> None:
    path = tmp_path / "market.db"
    ledger = SqliteLedger.open(path)
    market = await at_work(30, ledger=ledger)
    for number in range(30):
        await said(market, f"hostile-{number}", 0.0, "eve")
        await said(market, f"more-{number}", 1.0, "ann")
    await ledger.close()

    shown = CliRunner().invoke(app, ["sources", "--ledger", str(path)])

    assert 0 == shown.exit_code, shown.output
    lines = {line.split()[0]: line.split() for line in shown.output.splitlines() if line}
    assert "1.00" == lines["person/ann"][-1]
    assert float(lines["person/eve"][-1]) < 0.5
    assert "spam" in lines
