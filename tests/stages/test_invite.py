"""Who must be asked elsewhere is asked before the round, if it may take part, and holds nobody up for long."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from tests.market.shop import bidder, hasty, opened, spam

from atomic.clock import SystemClock
from atomic.protocols import Profile
from atomic.records.microtask import Ask
from atomic.testing import ScriptedBidder
from atomic.trade import Trade


class Away(ScriptedBidder):
    """A bidder that lives elsewhere: it keeps whose requests it was asked about, and may take its time over it."""

    def __init__(self, name: str = "away", *, hangs: bool = False, raises: bool = False, **profile: Any) -> None:
        super().__init__(name, ["spam"] * 99, profile=Profile(name=name, kind="away", right=0.9, **profile))
        self.asked: list[str] = []
        self._hangs, self._raises = hangs, raises

    async def invite(self, ask: Ask) -> None:
        """Hear of a request."""
        self.asked.append(ask.features.text)
        if self._raises:
            raise ValueError(ask.features.text)
        if self._hangs:
            await asyncio.Event().wait()


async def test_it_is_asked_before_the_round_and_then_offers() -> None:
    away = Away()
    market = await opened(away)
    outcome = await market.run(spam, "hello")

    assert "away+plain" == outcome.winner
    assert ["hello"] == list(dict.fromkeys(away.asked))


@pytest.mark.parametrize("trouble", [{"hangs": True}, {"raises": True}])
async def test_who_hangs_or_fails_at_it_holds_up_nobody(trouble: dict[str, bool]) -> None:
    market = await opened(Away("odd", **trouble), bidder("near", ["spam"], right=0.95), clock=SystemClock())
    outcome = await market.run(hasty, "hello")

    assert outcome.winner


async def test_who_may_not_see_an_input_is_not_told_of_it() -> None:
    low, far = Away("low", accepts="public"), Away("far", jurisdictions=("us",))
    market = await opened(low, far, bidder("near", ["spam"]))
    await market.buy(spam("hello"), Trade(terms=replace(spam.terms, jurisdictions=("eu",))))

    assert [] == low.asked == far.asked


async def test_where_one_alone_is_to_answer_no_other_is_asked() -> None:
    one, other = Away("one"), Away("other")
    market = await opened(one, other)
    await market.buy(spam("hello"), Trade(terms=replace(spam.terms, mandate="one")))

    assert one.asked
    assert [] == other.asked


async def test_who_is_left_out_for_its_failures_is_not_asked() -> None:
    away = Away()
    away._script = [RuntimeError]  # no answer of the type: it is what it says
    market = await opened(away, bidder("near", ["ham"] * 9), clock=SystemClock())
    for _ in range(8):
        await market.run(spam, "hello")
    asked = len(away.asked)
    await market.run(spam, "hello")

    assert asked == len(away.asked)


async def test_every_stage_is_told_to_those_who_watch() -> None:
    market = await opened(bidder("near", ["spam"]), clock=SystemClock())
    seen: list[tuple[str, str]] = []
    market.watchers.append(lambda stage, ask, began_ns, ended_ns: seen.append((stage, ask.request_id)))
    await market.buy(spam("hello"), Trade(request_id="r1"))

    assert [("collect", "r1"), ("auction", "r1")] == seen[:2]
