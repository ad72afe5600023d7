"""Streams: an answer as it is being said, and then its outcome. Cancelling one stops whoever speaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from types import TracebackType
from typing import Generic, TypeVar

from atomic.outcome import Outcome
from atomic.output import plain_type
from atomic.records.conversation import Spoken
from atomic.records.microtask import Call
from atomic.records.request import Terms
from atomic.stages.speech import Speech
from atomic.trade import Trade

T = TypeVar("T")


class Stream(Generic[T]):
    """An answer being bought: pieces of its text as they come, then `outcome`. Made by `Market.stream`.

    Leaving its block before the end cancels the purchase: the call on the wire is closed, and its reservation stays
    spent. A stream that was cut is gone on with by the runner-up; where nobody can, `outcome` refuses and says why.
    """

    def __init__(self, buy: Callable[[Speech | None], Awaitable[Outcome[T]]], *, live: bool) -> None:
        self._buy = buy
        self._live = live
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()
        self._heard: list[str] = []
        self._bought: asyncio.Future[Outcome[T]] | None = None

    async def __aenter__(self) -> Stream[T]:
        """Begin to buy."""
        self._bought = asyncio.ensure_future(self._buy(Speech(self._pieces.put_nowait) if self._live else None))
        self._bought.add_done_callback(lambda _: self._pieces.put_nowait(None))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop whoever still speaks, and wait until it has ended."""
        if self._bought is not None and not self._bought.done():
            self._bought.cancel()
            await asyncio.wait({self._bought})

    async def __aiter__(self) -> AsyncIterator[str]:
        """Pieces of the text, none of them empty; together they are the answer's text, white space around it included.

        Raises what `Market.buy` raises.
        """
        if self._bought is None:
            raise RuntimeError("a stream is read in its block: async with market.stream(…) as stream")
        while (piece := await self._pieces.get()) is not None:
            self._heard.append(piece)
            yield piece
        self._pieces.put_nowait(None)  # who reads again finds the end again
        answer = (await self._bought).answer
        text = answer.text if isinstance(answer, Spoken) else answer
        if not self._heard and isinstance(text, str) and text:
            self._heard.append(text)  # from who speaks all at once: a cache, a person, a request settled before
            yield text

    @property
    def said(self) -> str:
        """What was said so far."""
        return "".join(self._heard)

    @property
    def outcome(self) -> Outcome[T]:
        """What was settled for, once the pieces have ended. Raises RuntimeError before."""
        if self._bought is None or not self._bought.done():
            raise RuntimeError("a stream has its outcome once its pieces have been read to the end")
        return self._bought.result()


def stream(
    buy: Callable[[Call[T], Trade], Awaitable[Outcome[T]]], call: Call[T], trade: Trade, *, buffered: bool
) -> Stream[T]:
    """`Market.stream`. Where text is told while it comes, the terms say so, and awards are made accordingly."""
    terms = trade.terms or call.task.terms

    def bought(speech: Speech | None) -> Awaitable[Outcome[T]]:
        heard = trade if speech is None else replace(trade, terms=replace(terms, streamed=True), speech=speech)
        return buy(call, heard)

    return Stream(bought, live=not buffered and _can_be_heard(call, terms))


def _can_be_heard(call: Call[T], terms: Terms) -> bool:
    """Whether an answer may be told while it comes: it is text, and nothing is held back until it is settled."""
    wording = call.task.wording
    spoken = call.task.output_type is Spoken or (plain_type(call.task) is str and (wording is None or wording.bare))
    return spoken and terms.refuse_below == 0.0 and not terms.survey
