"""After an erasure beliefs, caches, examples and specialists are what they would be without it, in every process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest

from atomic.belief import Beliefs
from atomic.belief.examples import ExampleStore
from atomic.belief.grams import grams
from atomic.belief.remembered import remembered
from atomic.belief.snapshot import restore, snapshot
from atomic.bidders.cache import ExactCache
from atomic.bidders.function import FunctionBidder
from atomic.bidders.specialist import Specialist
from atomic.erasure import erase, newest_rebase, without_erased
from atomic.errors import Erased, TaskError
from atomic.ledger import SqliteLedger, verify
from atomic.market import Market, Trade
from atomic.protocols import Bidder, Profile
from atomic.records import BodiesErased
from atomic.records.microtask import microtask
from atomic.replay import replay
from atomic.tactics import NearestExamples, Plain
from atomic.testing import ScriptedBidder

ANN, BOB = "ann@example.org", "bob@example.org"


@microtask(worth="$0.002", explore=False)
async def spam(text: str) -> Literal["spam", "ham"]:
    """Is this mail spam?"""
    raise NotImplementedError


@asynccontextmanager
async def market(path: Path) -> AsyncIterator[tuple[Market, SqliteLedger]]:
    bidders: list[Bidder] = [
        FunctionBidder("rule", lambda text: "spam" if "winner" in text else "ham"),
        FunctionBidder("other", lambda text: "spam" if "prize" in text else "ham", price=10),
        Specialist("words"),
        ExactCache("cache"),
    ]
    async with SqliteLedger.open(path) as ledger:
        made = Market(ledger=ledger, bidders=bidders, tactics=[Plain()], examples=ExampleStore(), per_day=10**9)
        await made.start()
        try:
            yield made, ledger
        finally:
            await made.close()


async def trade(made: Market, *, count: int = 12, first: int = 0) -> None:
    for number in range(first, first + count):
        who = ANN if number % 3 == 0 else BOB
        text = f"{'winner of a prize' if number % 2 else 'lunch at noon'} {number} for {who}"
        await made.buy(spam(text), Trade(request_id=f"r{number}", subjects=(who,)))
        await made.feedback(f"r{number}", truth="spam" if number % 2 else "ham")


def fold_of_others(ledger: SqliteLedger) -> Beliefs:
    """Beliefs as if what was Ann's had never been asked."""
    beliefs = Beliefs()
    beliefs.fold([one for one in ledger.read() if one.request_id not in {"r0", "r3", "r6", "r9"}])
    return beliefs


async def test_beliefs_are_those_without_the_erased_requests_in_every_process(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with market(path) as (here, ledger), market(path) as (there, _):
        here.planning.hold = there.planning.hold = True  # a model recorded between two looks is another test's
        await trade(here)
        before = here.beliefs.digest()
        erased = await erase(ledger, ANN)
        await there.record(())
        await here.record(())

        expected = fold_of_others(ledger).digest()
        assert erased is not None
        assert {"r0", "r3", "r6", "r9"} == {request for _, request in erased.requests}
        assert [expected] * 2 == [here.beliefs.digest(), there.beliefs.digest()]
        assert before != expected
        await trade(there, first=40)
        await here.record(())
        assert here.beliefs.digest() == there.beliefs.digest()
    async with market(path) as (again, ledger):
        assert without_erased(ledger).digest() == again.beliefs.digest() == there.beliefs.digest()
        assert replay(ledger, deep=True).exit_code == 0
    assert verify(path).ok


async def test_nobody_answers_from_what_was_erased(tmp_path: Path) -> None:
    async with market(tmp_path / "ledger.db") as (here, ledger), market(tmp_path / "ledger.db") as (there, _):
        await trade(here)
        await there.record(())
        await erase(ledger, ANN)
        await there.record(())

        for made in (here, there):
            for text, known in ((f"lunch at noon 0 for {ANN}", False), (f"lunch at noon 2 for {BOB}", True)):
                slate, _ = made.preview(spam(text), Trade())
                assert known == ("cache" in {bid.offer.bidder for bid in slate.bids})


async def test_what_was_remembered_of_texts_for_speed_is_forgotten(tmp_path: Path) -> None:
    computed: list[str] = []

    @remembered(4)
    def seen(text: str) -> int:
        computed.append(text)
        return len(text)

    async with market(tmp_path / "ledger.db") as (here, ledger):
        await trade(here)
        text = f"lunch at noon 0 for {ANN}"
        known = grams(text)
        assert grams(text) is known
        assert [seen(text), seen(text)] == [len(text)] * 2

        await erase(ledger, ANN)
        await here.record(())

        assert grams(text) is not known
        seen(text)
    assert computed == [text, text]


async def test_a_fresh_specialist_taught_without_the_erased_gives_the_same_claims(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with market(path) as (here, ledger):
        await trade(here, count=30)
        await erase(ledger, ANN)
        await here.record(())
        async with market(path) as (fresh, _):
            claims = [
                [(bid.key, bid.offer.claim) for bid in made.preview(spam("a prize"), Trade(request_id="p"))[0].bids]
                for made in (here, fresh)
            ]

    assert claims[0] == claims[1]
    assert "words+plain" in dict(claims[0])


async def test_earlier_awards_replay_deep_and_say_what_was_erased(tmp_path: Path) -> None:
    async with market(tmp_path / "ledger.db") as (here, ledger):
        await trade(here)
        awards = sum(1 for one in ledger.read(kinds=("award",)) if one.request_id in {"r0", "r3", "r6", "r9"})
        await erase(ledger, ANN)
        await trade(here, first=40)

        found = replay(ledger, deep=True)

        assert (0, ()) == (found.exit_code, found.different)
        assert found.deep is not None
        assert awards == found.deep.erased
        assert "gone" in found.text()


async def test_nothing_is_learned_from_or_answered_for_an_erased_request(tmp_path: Path) -> None:
    async with market(tmp_path / "ledger.db") as (here, ledger):
        await trade(here)
        await erase(ledger, ANN)

        with pytest.raises(Erased, match="erased"):
            await here.feedback("r0", value=1.0)
        with pytest.raises(Erased, match="erased"):
            await here.buy(spam(f"lunch at noon 0 for {ANN}"), Trade(request_id="r0", subjects=(ANN,)))


async def test_two_erasures_at_once_leave_beliefs_without_either(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with market(path) as (here, ledger), market(path) as (_, other):
        await trade(here)
        await asyncio.gather(erase(ledger, ANN), erase(other, BOB))
        await here.record(())

        assert without_erased(ledger).digest() == here.beliefs.digest()


async def test_a_re_base_that_a_crash_prevented_is_made_by_the_next_erasure(tmp_path: Path) -> None:
    async with market(tmp_path / "ledger.db") as (here, ledger):
        await trade(here)
        await ledger.erase(ANN)
        assert newest_rebase(ledger) is None

        assert await erase(ledger, ANN) is None

        assert newest_rebase(ledger) is not None
        assert fold_of_others(ledger).digest() == here.beliefs.digest()


async def test_a_snapshot_holds_everything_believed(tmp_path: Path) -> None:
    async with market(tmp_path / "ledger.db") as (here, ledger):
        await trade(here)
        restored = Beliefs()
        restore(restored, snapshot(here.beliefs))
        await trade(here, first=40)
        restored.fold(list(ledger.read(after=restored.seq)))

        assert here.beliefs.digest() == restored.digest()
        assert snapshot(here.beliefs) == snapshot(restored)


async def test_the_ledger_never_says_whose_data_it_was(tmp_path: Path) -> None:
    async with market(tmp_path / "ledger.db") as (here, ledger):
        await trade(here)
        await erase(ledger, ANN)
        erasures = [one.payload for one in ledger.read(kinds=("erased",)) if isinstance(one.payload, BodiesErased)]

        assert [32] == [len(one.erasure) for one in erasures]
        assert ANN not in str(erasures)


async def test_an_authors_address_never_gets_into_the_chain(tmp_path: Path) -> None:
    async with market(tmp_path / "ledger.db") as (here, _):
        await trade(here, count=1)
        with pytest.raises(TaskError, match="for ever"):
            await here.feedback("r0", value=1.0, author=BOB)


async def test_a_plan_that_shows_somebodys_mail_as_an_example_is_erased_with_it(tmp_path: Path) -> None:
    profile = Profile(name="model", kind="scripted", right=0.9, prior_weight=50.0, speaks=True)
    model = ScriptedBidder("model", ["ham"], profile=profile)
    async with SqliteLedger.open(tmp_path / "ledger.db") as ledger:
        made = Market(ledger=ledger, bidders=[model], tactics=[NearestExamples()], examples=ExampleStore())
        await made.start()
        await made.buy(spam("lunch with Ann at noon"), Trade(request_id="a", subjects=(ANN,)))
        await made.feedback("a", truth="ham")
        await made.buy(spam("lunch with Bob at noon"), Trade(request_id="b", subjects=(BOB,)))
        bodies = {one.name: one for event in ledger.read(request_id="b") for one in event.bodies}
        assert b"lunch with Ann" in (ledger.body(bodies["plan"]) or b"")

        await erase(ledger, ANN)

        assert {"plan"} == {name for name, one in bodies.items() if ledger.body(one) is None}
        await made.close()
    assert verify(tmp_path / "ledger.db").ok
