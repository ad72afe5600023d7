"""Streams: an answer as it is being said, and then its outcome. Cancelling one stops whoever speaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from types import TracebackType
from typing import Any, Generic, TypeVar

import orjson

from atomic.engines.partial import Partial, PartialReader
from atomic.outcome import Outcome
from atomic.output import as_json, plain_type
from atomic.records.conversation import CallPiece, Piece, Spoken
from atomic.records.microtask import Call, Microtask
from atomic.stages.speech import Speech
from atomic.trade import Trade

T = TypeVar("T")
_MOST_UNREAD = 64  # partial values; each is as large as what was written


class Stream(Generic[T]):
    """An answer being bought: its pieces or partial values as they come, then `outcome`. Made by `Market.stream`.

    Leaving its block before the end cancels the purchase: the call on the wire is closed, and its reservation stays
    spent. A text that was cut is gone on with by the runner-up; where nobody can, `outcome` refuses and says why. A
    typed answer that failed is begun anew by the runner-up, and so are its partial values.
    """

    def __init__(
        self, buy: Callable[[Speech | None], Awaitable[Outcome[T]]], task: Microtask[..., T], *, live: bool
    ) -> None:
        self._buy = buy
        self._task = task
        self._live = live
        self._reader: PartialReader | None = None
        self._pieces: asyncio.Queue[Piece | Partial | None] = asyncio.Queue()
        self._left: Partial | None = None  # the newest, where the queue is full: it holds all that was left out
        self._heard: list[str] = []
        self._called = False
        self._bought: asyncio.Future[Outcome[T]] | None = None

    async def __aenter__(self) -> Stream[T]:
        """Begin to buy."""
        self._bought = asyncio.ensure_future(self._buy(self._speech() if self._live else None))
        self._bought.add_done_callback(lambda _: self._pieces.put_nowait(None))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop whoever still speaks, and wait until it has ended."""
        if self._bought is not None and not self._bought.done():
            self._bought.cancel()
            await asyncio.wait({self._bought})

    def _speech(self) -> Speech:
        if is_said(self._task):
            return Speech(self._pieces.put_nowait)
        self._begin_anew()
        return Speech(self._read, anew=self._begin_anew)

    def _begin_anew(self) -> None:
        self._reader = PartialReader(self._task)

    def _read(self, piece: Piece) -> None:
        if self._reader is not None and isinstance(piece, str) and (found := self._reader.feed(piece)) is not None:
            full = self._pieces.qsize() >= _MOST_UNREAD
            self._left = found if full else None
            if not full:
                self._pieces.put_nowait(found)

    async def partials(self) -> AsyncIterator[Any]:
        """Typed partial values as they come: models with every field optional, texts as far as they go.

        Who reads slowly is not told all of them. They pass for nothing: whether there is an
        answer, and which, says `outcome` once they have ended. There may be none, where somebody answers all at once.
        Raises what `Market.buy` raises.
        """
        async for piece in self._queued():
            if isinstance(piece, Partial):
                yield piece.value
            elif isinstance(piece, str):
                self._heard.append(piece)
                yield self.said
        await self._settled()

    async def __aiter__(self) -> AsyncIterator[str]:
        """Pieces of the text, none of them empty; together they are the answer's text, white space around it included.

        A typed answer is one piece: its JSON, once it is settled. Raises what `Market.buy` raises.
        """
        async for piece in self.pieces():
            if isinstance(piece, str):
                yield piece

    async def pieces(self) -> AsyncIterator[Piece]:
        """Pieces of the text and of calls of tools, as they come; the arguments of each call together are JSON.

        Raises what `Market.buy` raises.
        """
        bare: int | None = None  # the place of a call that has no arguments so far
        async for piece in self._all():
            place = piece.place if isinstance(piece, CallPiece) else None
            if bare is not None and place != bare:
                yield CallPiece(bare, arguments="{}")
                bare = None
            if isinstance(piece, CallPiece):
                bare = None if piece.arguments else piece.place if piece.name else bare
            yield piece
        if bare is not None and not self.outcome.refused:
            yield CallPiece(bare, arguments="{}")

    async def _queued(self) -> AsyncIterator[Piece | Partial]:
        if self._bought is None:
            raise RuntimeError("a stream is read in its block: async with market.stream(…) as stream")
        while (piece := await self._pieces.get()) is not None:
            yield piece
            if self._left is not None and self._pieces.empty():
                newest, self._left = self._left, None
                yield newest
        if self._left is not None:
            newest, self._left = self._left, None
            yield newest
        self._pieces.put_nowait(None)  # who reads again finds the end again

    async def _settled(self) -> Outcome[T]:
        assert self._bought is not None
        return await self._bought

    async def _all(self) -> AsyncIterator[Piece]:
        async for piece in self._queued():
            if isinstance(piece, Partial):
                continue
            if isinstance(piece, str):
                self._heard.append(piece)
            else:
                self._called = True
            yield piece
        outcome = await self._settled()
        answer: Any = outcome.answer
        text = answer.text if isinstance(answer, Spoken) else answer
        if not isinstance(text, str) and not outcome.refused:
            text = orjson.dumps(as_json(self._task, answer)).decode()
        if not self._heard and isinstance(text, str) and text:
            self._heard.append(text)  # from who speaks all at once: a cache, a person, a request settled before
            yield text
        if isinstance(answer, Spoken) and not self._called:
            self._called = True
            for place, call in enumerate(answer.calls):
                yield CallPiece(place, call.id, call.name, call.arguments)

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

    # What is held back until it is settled is not told while it comes.
    return Stream(bought, call.task, live=not buffered and terms.refuse_below == 0.0 and not terms.survey)


def is_said(task: Microtask[..., Any]) -> bool:
    """Whether an answer is what is said: a text, or one with calls of tools. All else is read out of it."""
    wording = task.wording
    return task.output_type is Spoken or (plain_type(task) is str and (wording is None or wording.bare))
