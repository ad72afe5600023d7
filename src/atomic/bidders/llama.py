"""One attempt on llama.cpp in this process (xllamacpp): text or label scores, usage, and stopping when told."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

from atomic.bidders.label_scores import Tokens, adjusted, score_labels
from atomic.errors import OperatorError
from atomic.records.attempt import Message, Plan, Reply
from atomic.records.bid import Reason

LABEL_TOKENS = 24  # of a label that is decoded, at most; one that they do not tell is found by its probability
TOP_LOGPROBS = 1_000  # more cost more than a token does, and less than e**-10 each

Messages = tuple[Message, ...]

# A first token that is half a character would come without log-probabilities.
_ASCII = "root ::= [ -~]+"


class Work:
    """One attempt in its thread: the calls to the model, what they used, and whether to stop."""

    def __init__(
        self,
        plan: Plan,
        stop: threading.Event,
        allowed: float,
        grammar: str = "",
        taken_off: Mapping[str, float] | None = None,
        hear: Callable[[str], object] | None = None,
    ) -> None:
        self.plan = plan
        self.hear = hear
        self.taken_off = taken_off
        self.grammar = grammar
        self.stop = stop
        self.allowed = max(0.0, allowed)
        self.deadline = 0.0
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.cached_tokens = 0
        self.shares: Mapping[str, float] = {}
        self._decoded = ""
        self.seconds = 0.0
        self.timings: list[tuple[int, float, int, float]] = []  # tokens and seconds: of the prompt, of the answer

    def begin(self) -> None:
        """Start the clock."""
        self.deadline = time.monotonic() + self.allowed

    def text(self, server: Any) -> Reply:
        """Generate; a text is an answer only when the model ended it."""
        held = {"grammar": self.grammar} if self.grammar else {}
        begun = Message(role="assistant", content=self.plan.begun.rstrip())  # with which it goes on
        messages = (*self.plan.messages, begun) if self.plan.begun else self.plan.messages
        chunks = self._call(server, {"max_tokens": self.plan.max_tokens, **held}, messages)
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
        """One of the plan's labels, and how probable its tokens make it; `shares` is what all have before calibration.

        Where a grammar holds the model to them, it is the one that was decoded, unless something is known that weighs
        them otherwise; without one it is the likeliest.
        """
        messages = self.plan.messages
        found = self._scored(server, messages, cached=self.plan.steady > 0)
        if isinstance(found, Reply):
            return found
        self.shares, taken_off, decoded = found, self.taken_off, self._decoded
        if self.plan.neutral:  # only the last message is another: the rest is still in the slot
            nothing = replace(messages[-1], content=self.plan.neutral)
            anyhow = self._scored(server, (*messages[:-1], nothing), cached=True)
            if isinstance(anyhow, Reply):
                return anyhow
            taken_off = anyhow
        shares = adjusted(found, taken_off, self.plan.priors)
        weighed = bool(taken_off or self.plan.priors) or decoded not in shares
        best = max(shares, key=lambda label: shares[label]) if weighed else decoded
        return Reply(value=best, confidence=shares[best])

    def _scored(self, server: Any, messages: Messages, *, cached: bool) -> Mapping[str, float] | Reply:
        failed: list[Reply] = []
        known: dict[str, Tokens] = {}  # what may come after each beginning of what was decoded

        def next_tokens(begun: str) -> Tokens:
            if failed or begun in known:
                return known.get(begun, ())
            said = (*messages, Message(role="assistant", content=begun)) if begun else messages
            # The further calls find the prompt in the slot and cost a token each.
            kept = {"cache_prompt": cached or bool(begun)}
            held = bool(self.grammar) and not begun  # a grammar holds from the beginning
            most = tokens_to_tell(self.plan.labels) if held else 1
            asked = {"max_tokens": most, "grammar": self.grammar if held else _ASCII}
            scored = {"logprobs": True, "top_logprobs": TOP_LOGPROBS, "temperature": 0}
            chunks = self._call(server, asked | scored | kept, said)
            if isinstance(chunks, Reply):
                failed.append(chunks)
                return ()
            so_far = begun
            for token, likely in _tokens(chunks):
                known.setdefault(so_far, likely)
                so_far += token
            if held:
                left = [one for one in self.plan.labels if one.startswith(so_far)]
                self._decoded = so_far if so_far in left else left[0] if len(left) == 1 else ""
            return known.get(begun, ())

        shares = score_labels(self.plan.labels, next_tokens, exact=bool(self.grammar))
        return failed[0] if failed else shares

    def _call(self, server: Any, asked: dict[str, Any], messages: Messages) -> Any:
        """The chunks of one call, or the reply that says why there are none."""
        chunks: list[dict[str, Any]] = []
        started = time.monotonic()

        def receive(chunk: dict[str, Any]) -> bool:
            # What is raised in here is swallowed by the library: nothing here can raise.
            chunks.append(chunk)
            if self.hear is not None:
                self.hear("".join(one["delta"].get("content") or "" for one in _choices([chunk])))
            return self.stop.is_set() or time.monotonic() > self.deadline

        steady = self.plan.steady > 0
        server.handle_chat_completions(
            {
                "messages": [{"role": one.role, "content": one.content} for one in messages],
                "temperature": self.plan.temperature, "seed": self.plan.seed, "cache_prompt": steady,
                "stream": True, "return_progress": True, "stream_options": {"include_usage": True}, **asked,
            },
            receive,
        )  # fmt: skip
        self._account(chunks, time.monotonic() - started, first=steady and messages is self.plan.messages)
        if self.stop.is_set():
            return Reply(reason=Reason.CANCELLED)
        if time.monotonic() > self.deadline:
            return Reply(reason=Reason.TIMED_OUT)
        error = next((chunk["error"] for chunk in chunks if "error" in chunk), None)
        if error is None:
            return chunks
        kind = str(error.get("type", "error"))
        return Reply(reason=Reason.INPUT_TOO_LONG if "context_size" in kind else Reason.FAILED, detail=kind)

    def _account(self, chunks: list[dict[str, Any]], waited: float, *, first: bool) -> None:
        """What a call used. What `first` finds kept is part of the prompt; later calls pay only for what is new."""
        for chunk in chunks:
            usage, timings = chunk.get("usage"), chunk.get("timings")
            if usage and timings:
                cached = timings["cache_n"]
                self.prompt_tokens += usage["prompt_tokens"] - (0 if first else cached)
                self.cached_tokens += cached if first else 0
                self.completion_tokens += usage["completion_tokens"]
                seconds = timings["prompt_ms"] / 1e3, timings["predicted_ms"] / 1e3
                self.seconds += sum(seconds)
                self.timings.append((timings["prompt_n"], seconds[0], timings["predicted_n"], seconds[1]))
                return
        self.seconds += waited  # it was stopped: what it took is all that is known


def tokens_to_tell(labels: Sequence[str]) -> int:
    """How many tokens of a label tell which one it is, at most: each spells a character or ends it.

    >>> tokens_to_tell(["spam", "ham"]), tokens_to_tell(["negative", "neutral"]), tokens_to_tell(["A", "AB"])
    (1, 3, 2)
    """
    shared = 0
    for one, other in pairwise(sorted(labels)):
        alike = sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(one, other, strict=False)))
        shared = max(shared, alike)
    return min(LABEL_TOKENS, 1 + shared)


def _tokens(chunks: list[dict[str, Any]]) -> list[tuple[str, Tokens]]:
    """Each token that was said, with those that could have been."""
    return [
        (one["token"], [(token["token"], token["logprob"]) for token in one["top_logprobs"]])
        for choice in _choices(chunks)
        for one in (choice.get("logprobs") or {}).get("content") or ()
    ]


def _choices(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [choice for chunk in chunks for choice in chunk.get("choices", ())]


def serve(path: Path, *, context_tokens: int, slots: int, threads: int) -> Any:
    """llama.cpp's server over a model's file, in this process. Raises OperatorError when it cannot be loaded."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx = context_tokens * slots  # it is shared out over the slots
    parameters.n_parallel = slots
    parameters.n_batch = parameters.n_ubatch = 128  # a call can be cancelled between batches of its prompt
    parameters.warmup = False
    parameters.verbosity = -1
    parameters.cache_ram_mib = 0  # 8 GB by default
    parameters.endpoint_metrics = True
    parameters.api_keys = [secrets.token_hex(32)]  # its HTTP port always opens, and without a key for everybody
    for pool in (parameters.cpuparams, parameters.cpuparams_batch):
        pool.n_threads = threads
    try:
        server = xllamacpp.Server(parameters)
        # Its loop answers this, so it has begun: ended before that, it waits for ever, and holds the whole process.
        server.handle_metrics()
        return server
    except Exception as error:  # the library raises RuntimeError for a damaged file, and who knows what for others
        raise OperatorError(
            f"the model {path} could not be loaded: {type(error).__name__}",
            hint="the file is damaged, cut short, or of a kind that llama.cpp does not know",
        ) from error
