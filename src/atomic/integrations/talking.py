"""What a library's chat model needs of a market: conversations as a microtask, and what came of one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from atomic.arms import mandated
from atomic.errors import CallerError
from atomic.outcome import Outcome
from atomic.records.conversation import Conversation, Spoken
from atomic.records.microtask import Microtask, microtask
from atomic.records.money import dollars
from atomic.trade import Trade


class Refused(CallerError):
    """The market refused to answer a program's call; its message says why."""


def talk(name: str, worth: str, max_price: str = "") -> Microtask[..., Spoken]:
    """A microtask of this name that goes on with conversations."""

    async def talk(conversation: Conversation) -> Spoken:
        """Go on with a conversation."""
        raise NotImplementedError

    talk.__name__ = name
    talk.__annotations__ = {"conversation": Conversation, "return": Spoken}
    return microtask(worth=worth, max_price=max_price or None, deadline=600.0)(talk)


def options(task: Microtask[..., Any], bidder: str, trade: Trade) -> Trade:
    """The options of each call, under which `bidder`, where one is named, alone may answer."""
    terms = trade.terms or task.terms
    if bidder:
        terms = replace(mandated(terms, bidder), max_price=terms.max_price)
    return replace(trade, terms=terms, request_id="")


def spoken(outcome: Outcome[Spoken]) -> Spoken:
    """The answer. Raises Refused."""
    if outcome.answer is None:
        raise Refused(f"the market refused: {outcome.why}", hint=f"`atomic explain {outcome.id}`")
    return outcome.answer


def told(outcome: Outcome[Any]) -> dict[str, Any]:
    """Who answered, how probably rightly and for what, for a response's metadata."""
    return {
        "request_id": outcome.id,
        "winner": outcome.winner,
        "probability": outcome.probability,
        "cost_usd": outcome.cost / 1e9,
        "price": dollars(outcome.cost),
    }
