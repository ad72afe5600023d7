"""examine: an answer of the declared type before its task's validators; what they say is evidence, no exception."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from atomic.belief.arithmetic import logit, sigmoid
from atomic.belief.credit import Credit, named
from atomic.output import canonical_key
from atomic.protocols import Parser
from atomic.records.attempt import Plan
from atomic.records.microtask import Ask
from atomic.records.validator import Validator, Verdict
from atomic.threads import in_thread

_LONGEST_SECONDS = 5.0
_LEAST, _MOST = 1e-6, 1.0 - 1e-6


class Judging(Protocol):
    """Buys a judge's word on an answer."""

    def __call__(self, ask: Ask, plan: Plan, judge: Validator, answer: Any, digest: str) -> Awaitable[Verdict]:
        """The verdict; `holds` None where nobody would judge. `digest` tells answers of one request apart."""
        ...


@dataclass(slots=True)
class Examiner:
    """Reads and examines the answers of one request; equal answers are examined once.

    `recalled` holds verdicts of attempts that another request made, by bid: they are not asked for again.
    """

    parser: Parser | None = None
    credit: Credit = field(default_factory=Credit)
    judging: Judging | None = None
    recalled: Mapping[str, tuple[Verdict, ...]] = field(default_factory=dict)
    _known: dict[str, tuple[Verdict, ...]] = field(default_factory=dict)
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def verdicts(self, ask: Ask, plan: Plan, answer: Any) -> tuple[Verdict, ...]:
        """What the task's validators say of an answer, in their order. Raises nothing but cancellation."""
        validators = ask.task.validators
        if not validators:
            return ()
        key = f"{plan.bidder}+{plan.tactic}"
        if key in self.recalled:
            return self.recalled[key]
        digest = hashlib.sha256(canonical_key(ask.task, answer)).hexdigest()[:16]
        async with self._turns.setdefault(digest, asyncio.Lock()):  # equal answers may come at the same time
            if (known := self._known.get(digest)) is not None:
                return tuple(replace(one, price=0) for one in known)
            found = [await self._verdict(ask, plan, one, answer, digest) for one in validators]
            known = tuple(replace(one, reliability=self._reliability(one)) for one in found)
            self._known[digest] = known
            return known

    def _reliability(self, one: Verdict) -> float:
        return self.credit.reliability(named(one.source, one.name))

    async def _verdict(self, ask: Ask, plan: Plan, one: Validator, answer: Any, digest: str) -> Verdict:
        if one.test is not None:
            return await _tested(one, one.test, ask, answer)
        if self.judging is None:
            return Verdict(name=one.name, source=one.source, holds=None, detail="nobody to buy a judge's word from")
        return await self.judging(ask, plan, one, answer, digest)


async def _tested(one: Validator, test: Callable[..., object], ask: Ask, answer: Any) -> Verdict:
    seconds = min(_LONGEST_SECONDS, max(0.001, ask.time_left_ns / 1e9))
    holds: bool | None = None
    detail = ""
    try:
        work = in_thread(f"atomic {one.name}", lambda: test(ask.arguments, answer))
        said = await asyncio.wait_for(work, seconds)
        holds, detail = (None, "it cannot tell") if said is None else (bool(said), "")
    except TimeoutError:
        detail = "it took too long"
    except Exception as error:  # a validator is its author's: that it fails says nothing of the answer
        detail = f"it failed: {type(error).__name__}"  # without its message, which may quote the answer
    return Verdict(name=one.name, source=one.source, holds=holds, detail=detail)


def weighed(probability: float, verdicts: tuple[Verdict, ...]) -> float:
    """The probability of being right after these words, by Bayes: each is as often so as its source's words were.

    A source that is right as often as a coin, or less, changes nothing.

    >>> bad = Verdict(name="sql", source="validator", holds=False, reliability=0.9)
    >>> round(weighed(0.8, (bad,)), 3), weighed(0.8, ())
    (0.308, 0.8)
    """
    spoken = [one for one in verdicts if one.speaks and one.reliability > 0.5]
    if not spoken:
        return probability
    odds = logit(min(_MOST, max(_LEAST, probability)))
    for one in spoken:
        word = logit(min(_MOST, one.reliability))
        odds += word if one.holds else -word
    return sigmoid(odds)
