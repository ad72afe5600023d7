"""A DSPy program as a bidder: any module or signature, asked through another bidder's transport."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import sys
import threading
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, TypeAdapter

from atomic.bidders.dspy_calls import Calls, ProgramOptions, inside, size_of
from atomic.errors import AtomicError, ConfigError, MissingExtra, OperatorError
from atomic.protocols import Bidder, Profile, Sketch
from atomic.records.attempt import Plan, Reply
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Ask, Microtask
from atomic.threads import in_thread

_USUAL_PROMPT = 3_000  # characters of a program's own words, before anything was billed
_REASONING = "reasoning"  # what dspy.ChainOfThought puts before an answer
_ANY: TypeAdapter[Any] = TypeAdapter(Any)


class DspyProgram:
    """Runs `program` on a request's arguments: a module, a class of one, a signature, or "module:name" of such.

    `through` is the bidder whose model it asks, such as an `HttpModel`: data label, jurisdictions, price and
    cancellation are that one's; DSPy itself sends nothing. A class that wants a signature (`"dspy:ChainOfThought"`)
    gets one made of the microtask. What the program cannot read of its model's answer is an attempt with a reason, as
    is every failure.
    """

    def __init__(
        self, name: str, program: Any, through: Bidder, *, options: ProgramOptions | None = None, close: bool = True
    ) -> None:
        self._options = options or ProgramOptions()
        self._program, self._through, self._close = program, through, close
        inner = through.profile
        self._profile = Profile(
            name=name,
            kind="dspy",
            right=self._options.right,
            family=inner.family,
            accepts=inner.accepts,
            jurisdictions=inner.jurisdictions,
            metered=inner.metered,
            concurrency=self._options.concurrency,
        )
        self._modules: dict[str, tuple[Any, bool]] = {}  # by the task's version
        self._broken = ""  # why there is no program
        self._lock = threading.Lock()
        self._running = 0

    @property
    def profile(self) -> Profile:
        """Its model's, with a name and a prior of its own."""
        return self._profile

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """What its model would bill for its calls; never a claim."""
        name, tactic, options = self._profile.name, sketch.tactic, self._options
        if options.tasks and ask.task.name not in options.tasks:
            return NoBid(bidder=name, tactic=tactic, reason=Reason.DECLINED, detail="not for this task")
        if self._broken or ask.conversation is not None:
            return NoBid(bidder=name, tactic=tactic, reason=Reason.NOT_CONFIGURED, detail=self._broken or "no texts")
        usual = min(options.prompt, _USUAL_PROMPT + ask.features.characters)
        most = self._through.offer(inside(ask, ""), size_of(options.prompt, options.max_tokens))
        likely = self._through.offer(inside(ask, ""), size_of(usual, options.max_tokens))
        if isinstance(most, NoBid) or isinstance(likely, NoBid):
            refused = most if isinstance(most, NoBid) else likely
            assert isinstance(refused, NoBid)
            return replace(refused, bidder=name, tactic=tactic)
        ceiling = options.calls * most.ceiling
        price = min(ceiling, options.calls * likely.price)
        latency = None if likely.latency_ns is None else options.calls * likely.latency_ns
        return Offer(bidder=name, tactic=tactic, price=price, ceiling=ceiling, latency_ns=latency)

    async def warm(self) -> None:
        """Import it. Raises OperatorError."""
        try:
            await in_thread(f"atomic {self._profile.name}", self._load)
        except OperatorError as error:
            self._broken = error.message
            raise

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """Run the program in a thread of its own. Cancelling cancels its call to the model; it makes no other."""
        if self._running >= self._profile.concurrency:
            return Reply(reason=Reason.NO_CAPACITY, detail="earlier runs have not returned")
        calls = Calls(self._through, ask, plan.tactic, self._options, asyncio.get_running_loop())
        with self._lock:
            self._running += 1
        try:
            value = await in_thread(f"atomic {self._profile.name}", lambda: self._run(ask, calls))
        except asyncio.CancelledError:
            calls.stop()
            raise
        except AtomicError as error:
            return calls.reply(None, Reason.NOT_CONFIGURED, error.message)
        except Exception as error:  # a program is anybody's: whatever it raises is its failure, not ours
            reason, detail = calls.failed or _reason(error)
            return calls.reply(None, reason, detail)
        return calls.reply(value, None, "")

    async def close(self) -> None:
        """Close its model, unless that is a bidder of its own."""
        if self._close:
            await self._through.close()

    def _run(self, ask: Ask, calls: Calls) -> Any:
        try:
            module, made = self._module(ask.task)
            import dspy

            from atomic.bidders.dspy_parts import ANSWER, Engine, StrictAdapter, lm_of

            lm = lm_of(self._through.profile.name, Engine(calls.say))
            with dspy.context(lm=lm, adapter=StrictAdapter(), disable_history=True, trace=[], num_threads=1):
                found = module(**ask.arguments)
            return self._answer(found, ask.task, ANSWER if made else self._options.answer)
        finally:
            with self._lock:
                self._running -= 1

    def _module(self, task: Microtask[..., Any]) -> tuple[Any, bool]:
        program = self._load()
        from atomic.bidders.dspy_parts import module_of

        with self._lock:
            known = self._modules.get(task.version)
            if known is None:
                try:
                    known = self._modules[task.version] = module_of(program, task)
                    if self._options.state:
                        known[0].load(self._options.state)
                except OSError as error:
                    raise ConfigError(f"{self._options.state} cannot be read: {error.strerror}") from None
                if any(one.lm is not None for _, one in known[0].named_predictors()):
                    del self._modules[task.version]
                    raise ConfigError("the program has a model of its own", hint="its price would not be known")
            return known

    def _load(self) -> Any:
        if importlib.util.find_spec("dspy") is None:
            raise MissingExtra("dspy is not installed", hint='pip install "atomic-market[dspy]"')
        if isinstance(self._program, str) and ":" in self._program:
            module, _, name = self._program.partition(":")
            if "" not in sys.path:
                sys.path.insert(0, "")
            try:
                self._program = getattr(importlib.import_module(module), name)
            except (ImportError, AttributeError) as error:
                raise ConfigError(f"{self._program} cannot be imported: {type(error).__name__}") from None
        return self._program

    @staticmethod
    def _answer(found: Any, task: Microtask[..., Any], field: str) -> Any:
        values = dict(found.items()) if hasattr(found, "items") else {"": found}
        if field:
            value = values.get(field)
        else:
            values.pop(_REASONING, None)
            value = next(iter(values.values())) if len(values) == 1 else _fitting(task, values)
        return value if isinstance(value, str) else _ANY.dump_python(value, mode="json")


def _fitting(task: Microtask[..., Any], values: dict[str, Any]) -> dict[str, Any]:
    kind = task.output_type
    names = kind.model_fields if isinstance(kind, type) and issubclass(kind, BaseModel) else values
    return {name: value for name, value in values.items() if name in names}


def _reason(error: Exception) -> tuple[Reason, str]:
    """By the name of its class: DSPy's messages quote what a model wrote."""
    if type(error).__name__ == "AdapterParseError":
        return Reason.NOT_THE_TYPE, "the program could not read its model's answer"
    return Reason.CRASHED, type(error).__name__


__all__ = ["DspyProgram", "ProgramOptions"]
