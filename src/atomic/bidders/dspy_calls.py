"""One run of a DSPy program: its calls to another bidder's model, within bounds that are paid for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from atomic.protocols import Bidder, Sketch
from atomic.records.attempt import Message, Plan, Reply, Usage
from atomic.records.bid import NoBid, Reason
from atomic.records.microtask import Ask, microtask
from atomic.records.request import Features

if TYPE_CHECKING:
    from dspy.lm15 import Request

    from atomic.bidders.dspy_parts import Said


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramOptions:
    """How a program may be run. It is billed what its model's calls are billed, and never more than its ceiling:
    `calls` of them, each with a prompt of at most `prompt` characters and an answer of `max_tokens`; what would go
    beyond is not asked.

    `answer` names the output field that is the answer; without it, it is the only one beside `reasoning`, or all of
    them by name. `state` is a file of a compiled program's. `tasks` names the microtasks it is for; empty: all.
    """

    calls: int = 1
    prompt: int = 20_000
    max_tokens: int = 1_000
    answer: str = ""
    state: str = ""
    tasks: Collection[str] = ()
    right: float = 0.5
    concurrency: int = 8


@microtask(worth="$1")
async def _call(text: str) -> str:
    """One call of a program to its model."""
    raise NotImplementedError


class Calls:
    """One run's calls to its model, within its bounds: what they used, what they cost, and what failed."""

    def __init__(
        self, through: Bidder, ask: Ask, tactic: str, options: ProgramOptions, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._through, self._ask, self._tactic, self._options, self._loop = through, ask, tactic, options, loop
        self._under_way: Future[Reply] | None = None
        self._stopped = False
        self._made: list[Reply] = []
        self.failed: tuple[Reason, str] | None = None

    def say(self, request: Request) -> Said:
        """Ask the model, from the program's thread; raises when there is no whole answer."""
        from atomic.bidders.dspy_parts import Said, turns_of

        turns = turns_of(request)
        limit = min(request.config.max_tokens or self._options.max_tokens, self._options.max_tokens)
        characters = sum(len(one.content) for one in turns)
        if characters > self._options.prompt:
            raise self._fail(Reason.INPUT_TOO_LONG, f"a prompt of more than {self._options.prompt} characters")
        if len(self._made) >= self._options.calls:
            raise self._fail(Reason.FAILED, f"more than {self._options.calls} calls to its model")
        if self._stopped:
            raise self._fail(Reason.CANCELLED, "")
        work = self._ask_model(turns, limit, request.config.temperature or 0.0)
        self._under_way = asyncio.run_coroutine_threadsafe(work, self._loop)
        reply = self._under_way.result()
        self._made.append(reply)
        if reply.reason is not None or not isinstance(reply.value, str):
            raise self._fail(reply.reason or Reason.NOT_THE_TYPE, reply.detail)
        self.failed = None
        return Said(reply.value, self._ask.request_id, usage=reply.usage)

    async def _ask_model(self, turns: tuple[Message, ...], limit: int, temperature: float) -> Reply:
        asked = inside(self._ask, next((one.content for one in reversed(turns) if one.role == "user"), ""))
        size = sum(len(one.content.encode()) for one in turns)
        sketch = replace(size_of(sum(len(one.content) for one in turns), limit), prompt_bytes=size, messages=len(turns))
        offer = self._through.offer(asked, sketch)
        if isinstance(offer, NoBid):
            return Reply(reason=offer.reason, detail=offer.detail)
        name = self._through.profile.name
        plan = Plan(
            bidder=name, tactic=self._tactic, messages=turns, max_tokens=limit, temperature=temperature, free=True
        )
        return await self._through.attempt(asked, plan)

    def stop(self) -> None:
        """Cancel what is under way; nothing is asked any more."""
        self._stopped = True
        if self._under_way is not None:
            self._under_way.cancel()

    def reply(self, value: Any, reason: Reason | None, detail: str) -> Reply:
        """The run's reply, with what all its calls used and cost."""
        made = self._made
        return Reply(
            value=value,
            reason=reason,
            detail=detail,
            usage=_sum([one.usage for one in made]),
            price=sum(one.price for one in made),
            model=made[-1].model if made else "",
        )

    def _fail(self, reason: Reason, detail: str) -> Exception:
        self.failed = (reason, detail)
        return RuntimeError(reason.words)


def _sum(used: list[Usage]) -> Usage:
    counted: Callable[[str], int] = lambda name: sum(getattr(one, name) for one in used)  # noqa: E731
    return Usage(
        prompt_tokens=counted("prompt_tokens"),
        completion_tokens=counted("completion_tokens"),
        cached_tokens=counted("cached_tokens"),
        cache_write_tokens=counted("cache_write_tokens"),
        reasoning_tokens=counted("reasoning_tokens"),
        seconds=sum(one.seconds for one in used),
    )


def inside(ask: Ask, text: str) -> Ask:
    """A call within a request, as the model's bidder sees it: of the same tenant, label and time."""
    call = _call(text)
    features = Features(text=text, characters=len(text))
    return replace(ask, task=call.task, arguments=call.arguments, input_json=call.input_json, features=features)


def size_of(characters: int, max_tokens: int) -> Sketch:
    """How large a call is."""
    return Sketch(tactic="plain", prompt_characters=characters, max_tokens=max_tokens)
