"""The market as DSPy's language model: programs stay as they are, and who answers each call is bought."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from atomic.bidders.dspy_parts import AsyncEngine, Engine, Said, lm_of, turns_of
from atomic.blocking import SyncMarket
from atomic.errors import CallerError
from atomic.integrations.limit import Limit
from atomic.integrations.talking import Refused, options, spoken, talk, told
from atomic.market import Market
from atomic.outcome import Outcome
from atomic.records.conversation import Conversation, Spoken
from atomic.records.microtask import Call, Microtask
from atomic.records.request import ANY_PRICE
from atomic.trade import Trade

if TYPE_CHECKING:
    from dspy.lm15 import Request


def lm(
    market: Market | SyncMarket,
    *,
    name: str = "dspy",
    worth: str = "$0.01",
    max_price: str = "",
    bidder: str = "",
    trade: Trade | None = None,
    limit: Limit | None = None,
    **settings: Any,
) -> Any:
    """A `dspy.LM` that buys every answer from a market. Needs the extra `dspy`.

    Calls are requests of a microtask `name`, worth `worth` each: give steps of a program names of their own, and what
    is learned of one is kept apart from the others. `bidder` lets one bidder alone answer; `limit` is what all calls
    may cost together. DSPy's cache and its retries are off: the market has both, and knows what they cost. `settings`
    are DSPy's (`temperature`, `max_tokens`).

    A response's id is the request's (`atomic explain ID`); who answered, for what, is in its `provider_data`. Raises
    Refused when the market would not answer, DSPy's LMUnsupportedFeatureError for what is no text.

    With a market of `atomic.open_sync` programs are called as ever; with one of `atomic.open`, by `acall`.
    """
    asked = _Asked(market, talk(name, worth, max_price), bidder, trade or Trade(), limit)
    return lm_of(name, Engine(asked.say), AsyncEngine(asked.asay), **settings)


class _Asked:
    def __init__(
        self,
        market: Market | SyncMarket,
        task: Microtask[..., Spoken],
        bidder: str,
        trade: Trade,
        limit: Limit | None,
    ) -> None:
        self._market, self._task, self._trade = market, task, options(task, bidder, trade)
        self._terms = self._trade.terms or task.terms
        self._limit = limit or Limit(ANY_PRICE)

    def say(self, request: Request) -> Said:
        """From a program that is not async."""
        if isinstance(self._market, Market):
            raise CallerError("this market is async, and the program was called", hint="acall it, or use open_sync")
        call, trade, held = self._call(request), *self._held()
        outcome: Outcome[Spoken] | None = None
        try:
            outcome = self._market.buy(call, trade)
        finally:
            self._paid(held, outcome)
        return self._said(outcome)

    async def asay(self, request: Request) -> Said:
        """From a program that is."""
        call, trade, held = self._call(request), *self._held()
        outcome: Outcome[Spoken] | None = None
        try:
            if isinstance(self._market, Market):
                outcome = await self._market.buy(call, trade)
            else:
                outcome = await asyncio.to_thread(self._market.buy, call, trade)
        finally:
            self._paid(held, outcome)
        return self._said(outcome)

    def _held(self) -> tuple[Trade, int]:
        held = self._limit.hold(self._terms.max_price)
        return replace(self._trade, terms=replace(self._terms, max_price=held)), held

    def _paid(self, held: int, outcome: Outcome[Spoken] | None) -> None:
        """What a call that broke off was billed is not known: all that it was allowed."""
        asked = outcome is None or not outcome.refused or outcome.rounds > 1
        short = not asked or (outcome is not None and outcome.refused and held < self._terms.max_price)
        self._limit.paid(held, held if outcome is None else outcome.cost, short=short)

    def _call(self, request: Request) -> Call[Spoken]:
        config = request.config
        wanted = {
            "max_tokens": config.max_tokens,
            "temperature": config.temperature,
            "top_p": config.top_p,
            "stop": list(config.stop) or None,
            "response_format": config.response_format,
            "seed": config.seed,
        }
        body = {name: value for name, value in wanted.items() if value is not None}
        messages = [{"role": one.role, "content": one.content} for one in turns_of(request)]
        return self._task(Conversation.of({"messages": messages, **body}))

    def _said(self, outcome: Outcome[Spoken]) -> Said:
        answer = spoken(outcome)
        return Said(answer.text, outcome.id, answer.ended == "length", outcome.usage, {"atomic": told(outcome)})


__all__ = ["Limit", "Refused", "lm"]
