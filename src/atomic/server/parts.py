"""The parts of an answer that is streamed, for dialects whose answers have parts: texts, and calls of tools."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

from atomic.records.conversation import CallPiece, ToolCall
from atomic.streaming import Stream


@dataclass(slots=True)
class Part:
    """One part, and what was `said` of it so far: of a text, or of what the tool of `call` is called with."""

    index: int
    call: CallPiece | None
    said: str = ""

    @property
    def called(self) -> ToolCall | None:
        """The call as it stands; None for a text."""
        return None if self.call is None else ToolCall(id=self.call.id, name=self.call.name, arguments=self.said)


async def parts_of(stream: Stream[Any]) -> AsyncIterator[tuple[Literal["begins", "says", "ends"], Part, str]]:
    """What happens to parts, one after the other, with what is said of one: each begins, says pieces, and ends."""
    part: Part | None = None
    async for piece in stream.pieces():
        call = piece if isinstance(piece, CallPiece) else None
        if part is None or (part.call and part.call.place) != (call and call.place):
            if part is not None:
                yield "ends", part, ""
            part = Part(0 if part is None else part.index + 1, call)
            yield "begins", part, ""
        said = piece.arguments if isinstance(piece, CallPiece) else piece
        if said:
            part.said += said
            yield "says", part, said
    if part is not None:
        yield "ends", part, ""
