"""A bidder that is never shown what is personal: it gets placeholders, and what it says of them is put back here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from atomic.guards.masking import Masking, Unmasking
from atomic.guards.personal import Kind, personal
from atomic.protocols import Bidder, Priced, Profile, Sketch
from atomic.records.attempt import Plan, Reply
from atomic.records.bid import NoBid, Offer
from atomic.records.conversation import CallPiece, Conversation, Piece
from atomic.records.microtask import Ask
from atomic.records.price import BookPrice


class Masked:
    """A language model behind a mask: messages and conversations leave with placeholders for these kinds.

    How many of each kind were masked stands in the attempt; which they were stands nowhere. What it says while it is
    read along is put back as it comes. Raises MissingExtra where nothing here knows what is personal.
    """

    def __init__(self, bidder: Bidder, kinds: Sequence[Kind], *, region: str | None = None) -> None:
        personal("", region=region)  # a mask that cannot see is no mask: said when it is made, not at the first mail
        self._bidder = bidder
        self._kinds = tuple(kinds)
        self._region = region

    @property
    def profile(self) -> Profile:
        """The bidder's own."""
        return self._bidder.profile

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """The bidder's own: a placeholder is about as long as what it stands for."""
        return self._bidder.offer(ask, sketch)

    def reprice(self, price: BookPrice) -> None:
        """Take on a price of the book, if the bidder takes any."""
        if isinstance(self._bidder, Priced):
            self._bidder.reprice(price)

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """One attempt behind the mask."""
        masking = Masking(kinds=self._kinds, region=self._region)
        # In a thread: a long text full of numbers takes seconds, and everybody else would wait.
        plan, arguments = await asyncio.to_thread(_behind, masking, plan, ask)
        hearing = None if ask.hear is None else _Hearing(ask.hear, masking)
        ask = replace(ask, arguments=arguments, hear=None if hearing is None else hearing.hear)
        reply = await self._bidder.attempt(ask, plan)
        if hearing is not None:
            hearing.end()
        hidden = ", ".join(f"{count} {kind}" for kind, count in sorted(masking.counts.items()))
        if hidden:
            reply = replace(reply, detail=f"{reply.detail}; masked: {hidden}" if reply.detail else f"masked: {hidden}")
        return replace(reply, value=_unmasked(reply.value, masking))

    async def close(self) -> None:
        """Close the bidder."""
        await self._bidder.close()


class _Hearing:
    """Puts back what is said while it comes: of the text, and of what tools are called with."""

    def __init__(self, hear: Callable[[Piece], None], masking: Masking) -> None:
        self._hear = hear
        self._masking = masking
        self._place: int | None = None  # of the call that is being said; None: text
        self._stream = Unmasking(masking)

    def hear(self, piece: Piece) -> None:
        place = None if isinstance(piece, str) else piece.place
        if place != self._place:
            self.end()
            self._place = place
        if isinstance(piece, str):
            self._hear(self._stream.feed(piece))
        else:
            self._hear(replace(piece, arguments=self._stream.feed(piece.arguments)))

    def end(self) -> None:
        """What was held back in hope of the rest of a placeholder."""
        if rest := self._stream.end():
            self._hear(rest if self._place is None else CallPiece(self._place, arguments=rest))


def _behind(masking: Masking, plan: Plan, ask: Ask) -> tuple[Plan, dict[str, Any]]:
    talks = [one for one in ask.arguments.values() if isinstance(one, Conversation)]
    said = [text for talk in talks for part in (talk.messages, talk.tools, talk.settings) for text in _said(part)]
    masking.look_at([*(one.content for one in plan.messages), plan.begun, *said])
    messages = tuple(replace(one, content=masking.mask(one.content)) for one in plan.messages)
    plan = replace(plan, messages=messages, begun=masking.mask(plan.begun))
    return plan, {name: _masked(one, masking) for name, one in ask.arguments.items()}


def _masked(value: Any, masking: Masking) -> Any:
    """Conversations pass through as they are, and so must be masked themselves; other arguments are in the messages.

    Tools and settings are sent as well: what a tool says of itself, and the `user` and `metadata` that callers name.
    """
    if not isinstance(value, Conversation):
        return value
    messages = tuple(_texts(one, masking, _KEPT) for one in value.messages)
    tools = tuple(_texts(one, masking) for one in value.tools)
    # Anew, and no copy: a copy keeps what was made of the unmasked one.
    return Conversation(messages=messages, tools=tools, settings=_texts(value.settings, masking))


def _texts(value: Any, masking: Masking, kept: frozenset[str] = frozenset()) -> Any:
    if isinstance(value, str):
        return masking.mask(value)
    if isinstance(value, dict):
        return {key: inner if key in kept else _texts(inner, masking, kept) for key, inner in value.items()}
    return [_texts(inner, masking, kept) for inner in value] if isinstance(value, list | tuple) else value


def _said(value: Any) -> Iterator[str]:
    """Every text in a value of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _said(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _said(inner)


_KEPT = frozenset({"role", "type", "id", "tool_call_id", "image_url", "source"})  # no texts that a reader reads


def _unmasked(value: Any, masking: Masking) -> Any:
    if isinstance(value, BaseModel):
        return type(value).model_validate(masking.unmask(value.model_dump()))
    return masking.unmask(value)
