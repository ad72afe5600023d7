"""The market as DSPy's language model: programs stay as they are, and who answers each call is bought."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from atomic.arms import mandated
from atomic.bidders.dspy_parts import AsyncEngine, Engine, Said, lm_of, turns_of
from atomic.blocking import SyncMarket
from atomic.errors import CallerError
from atomic.market import Market
from atomic.outcome import Outcome
from atomic.protocols import Ledger
from atomic.records.attempt import AttemptFinished, Usage
from atomic.records.conversation import Conversation, Spoken
from atomic.records.microtask import Call, Microtask, microtask
from atomic.records.money import dollars
from atomic.trade import Trade

if TYPE_CHECKING:
    from dspy.lm15 import Request


class Refused(CallerError):
    """The market refused to answer a program's call; its message says why."""


def lm(
    market: Market | SyncMarket,
    *,
    name: str = "dspy",
    worth: str = "$0.01",
    max_price: str = "",
    bidder: str = "",
    trade: Trade | None = None,
    **settings: Any,
) -> Any:
    """A `dspy.LM` that buys every answer from a market. Needs the extra `dspy`.

    Calls are requests of a microtask `name`, worth `worth` each: give steps of a program names of their own, and what
    is learned of one is kept apart from the others. `bidder` lets one bidder alone answer. DSPy's cache and its retries
    are off: the market has both, and knows what they cost. `settings` are DSPy's (`temperature`, `max_tokens`).

    A response's id is the request's (`atomic explain ID`); who answered, for what, is in its `provider_data`. Raises
    Refused when the market would not answer, DSPy's LMUnsupportedFeatureError for what is no text.

    With a market of `atomic.open_sync` programs are called as ever; with one of `atomic.open`, by `acall`.
    """
    asked = _Asked(market, _task(name, worth, max_price), bidder, trade or Trade())
    return lm_of(name, Engine(asked.say), AsyncEngine(asked.asay), **settings)


def _task(name: str, worth: str, max_price: str) -> Microtask[..., Spoken]:
    async def talk(conversation: Conversation) -> Spoken:
        """Go on with a conversation."""
        raise NotImplementedError

    talk.__name__ = name
    talk.__annotations__ = {"conversation": Conversation, "return": Spoken}
    return microtask(worth=worth, max_price=max_price or None, deadline=600.0)(talk)


class _Asked:
    def __init__(self, market: Market | SyncMarket, task: Microtask[..., Spoken], bidder: str, trade: Trade) -> None:
        terms = trade.terms or task.terms
        if bidder:
            terms = replace(mandated(terms, bidder), max_price=terms.max_price)
        self._market, self._task, self._trade = market, task, replace(trade, terms=terms, request_id="")

    def say(self, request: Request) -> Said:
        """From a program that is not async."""
        if isinstance(self._market, Market):
            raise CallerError("this market is async, and the program was called", hint="acall it, or use open_sync")
        return self._said(self._market.buy(self._call(request), self._trade))

    async def asay(self, request: Request) -> Said:
        """From a program that is."""
        call = self._call(request)
        if isinstance(self._market, Market):
            return self._said(await self._market.buy(call, self._trade))
        return self._said(await asyncio.to_thread(self._market.buy, call, self._trade))

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
        if outcome.answer is None:
            raise Refused(f"the market refused: {outcome.why}", hint=f"`atomic explain {outcome.id}`")
        told = {
            "atomic": {
                "request_id": outcome.id,
                "winner": outcome.winner,
                "probability": outcome.probability,
                "cost_usd": outcome.cost / 1e9,
                "price": dollars(outcome.cost),
            }
        }
        used = _usage(self._market.ledger, outcome)
        return Said(outcome.answer.text, outcome.id, outcome.answer.ended == "length", used, told)


def _usage(ledger: Ledger, outcome: Outcome[Any]) -> Usage:
    """What all attempts of a request used."""
    found = [one.payload for one in ledger.read(request_id=outcome.id, kinds=("finished",))]
    used = [one.usage for one in found if isinstance(one, AttemptFinished)]
    return Usage(
        prompt_tokens=sum(one.prompt_tokens for one in used),
        completion_tokens=sum(one.completion_tokens for one in used),
        cached_tokens=sum(one.cached_tokens for one in used),
        reasoning_tokens=sum(one.reasoning_tokens for one in used),
    )


__all__ = ["Refused", "lm"]
