"""How an optimizer's calls are bought: in the words that it tries, held to the task's type, read as any answer is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from atomic.arms import mandated
from atomic.blocking import SyncMarket
from atomic.errors import CallerError
from atomic.integrations.limit import Limit
from atomic.output import as_json, label_text
from atomic.protocols import Profile, Sketch, Tactic
from atomic.records.attempt import Message, Plan
from atomic.records.bid import Reason
from atomic.records.microtask import Ask, Example, Microtask, microtask
from atomic.records.request import Terms
from atomic.tactics import PassThrough
from atomic.tactics.prompt import answer_tokens
from atomic.trade import Trade

if TYPE_CHECKING:
    from dspy.lm15 import Request

    from atomic.bidders.dspy_parts import Said

_PROMPT = "prompt"


class Unanswered(CallerError):
    """A call had no answer of the task's type; its message says why."""


class Told:
    """Asks with the very messages that are a task's input; labels are scored by those who can."""

    @property
    def name(self) -> str:
        """As in bids."""
        return "told"

    def sketch(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Sketch | Reason | None:
        """Its size."""
        if not (profile.speaks and list(ask.arguments) == [_PROMPT]):
            return None
        plan = self.plan(ask, profile, examples)
        characters = sum(len(one.content) for one in plan.messages)
        if profile.context_characters and characters > profile.context_characters:
            return Reason.INPUT_TOO_LONG
        return Sketch(
            tactic=self.name,
            prompt_characters=characters,
            prompt_bytes=sum(len(one.content.encode()) for one in plan.messages),
            messages=len(plan.messages),
            max_tokens=plan.max_tokens,
        )

    def plan(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Plan:
        """The messages as they are."""
        turns = tuple(Message(role=role, content=content) for role, content in orjson.loads(ask.arguments[_PROMPT]))
        scored = ask.task.labels if profile.scores_labels else ()
        limit = 1 if scored else answer_tokens(ask)
        return Plan(bidder=profile.name, tactic=self.name, messages=turns, labels=scored, max_tokens=limit)


TACTICS: tuple[Tactic, ...] = (Told(), PassThrough())


class Asker:
    """Buys the answers of one bidder to prompts that an optimizer tries; the microtask is "tune-TASK"."""

    def __init__(self, market: SyncMarket, task: Microtask[..., Any], bidder: str, trade: Trade, limit: Limit) -> None:
        self._market, self._trade, self._limit = market, trade, limit
        self._task = _told(task)
        self._terms: Terms = mandated(self._task.terms, bidder)
        self.answered = False  # any call
        self.why = ""  # the last that was not, in words that quote nothing

    def say(self, request: Request) -> Said:
        """One answer as text. Raises Unanswered, or LimitReached."""
        from atomic.bidders.dspy_parts import Said, turns_of

        turns = [[one.role, one.content] for one in turns_of(request)]
        call = self._task(prompt=orjson.dumps(turns).decode())
        held, cost, short = self._limit.hold(self._limit.most), None, False
        try:
            outcome = self._market.buy(call, replace(self._trade, terms=replace(self._terms, max_price=held)))
            # A refusal in its first round: nobody was asked.
            cost, short = outcome.cost, outcome.refused and outcome.rounds <= 1
        finally:
            self._limit.paid(held, held if cost is None else cost, short=short)
        if outcome.refused:
            self.why = outcome.why
            raise Unanswered(outcome.why)
        self.answered = True
        label = label_text(self._task, outcome.answer)
        text = label or (outcome.answer if isinstance(outcome.answer, str) else self._written(outcome.answer))
        return Said(text, outcome.id)

    def _written(self, answer: Any) -> str:
        return orjson.dumps(as_json(self._task, answer)).decode()


def _told(task: Microtask[..., Any]) -> Microtask[..., Any]:
    """A task of the same answers whose input is a prompt."""

    async def told(prompt: str) -> Any:
        """Answer a prompt that an optimizer tries."""
        raise NotImplementedError

    told.__name__ = f"tune-{task.name}"
    told.__annotations__ = {_PROMPT: str, "return": task.output_type}
    made = microtask(worth="$0.01", deadline=600.0, explore=False, step=task.step)(told)
    return replace(made, label=task.label)
