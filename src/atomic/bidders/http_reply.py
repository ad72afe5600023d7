"""What an OpenAI-compatible endpoint said, read strictly: an answer with its usage, or a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from atomic.bidders.label_scores import Tokens
from atomic.records.attempt import Reply, Usage
from atomic.records.bid import Reason

_MOST_TOKENS = 10_000_000  # a count beyond that is junk


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Nano-USD per million tokens; `cached` is for cached input, as dear as other input where not given.

    >>> from atomic.records.money import dollars, nano_usd
    >>> price = Price(input=nano_usd("$3"), output=nano_usd("$15"))
    >>> dollars(price.of(Usage(prompt_tokens=1_000, completion_tokens=100)))
    '$0.0045'
    """

    input: int
    output: int
    cached: int | None = None

    def of(self, usage: Usage) -> int:
        """What it costs, in nano-USD, rounded up."""
        cached = self.input if self.cached is None else self.cached
        fresh = max(0, usage.prompt_tokens - usage.cached_tokens)
        total = fresh * self.input + usage.cached_tokens * cached + usage.completion_tokens * self.output
        return -(-total // 1_000_000)


@dataclass(frozen=True, slots=True)
class Settled:
    """What came back. `billed` says that it will be on the bill; without `usage` nobody said how much."""

    reply: Reply
    usage: Usage | None = None
    tokens: Tokens = ()
    billed: bool = False


def reason_of_status(status: int, retry_after: str, body: bytes) -> Reply:
    """The reason for a status other than 200; the endpoint's own words are not repeated, they may quote the input."""
    if status == 429:
        wait = f", retry after {retry_after[:32]}" if retry_after else ""
        return Reply(reason=Reason.NO_CAPACITY, detail=f"status 429{wait}")
    if status in (408, 504):
        return Reply(reason=Reason.TIMED_OUT, detail=f"status {status}")
    if status in (401, 403):
        return Reply(reason=Reason.NOT_CONFIGURED, detail=f"status {status}: the key is not accepted")
    if status == 413 or (status == 400 and b"context" in body[:4_000].lower()):
        return Reply(reason=Reason.INPUT_TOO_LONG, detail=f"status {status}")
    wait = f", retry after {retry_after[:32]}" if retry_after else ""
    return Reply(reason=Reason.FAILED, detail=f"status {status}{wait}")


def read_reply(body: bytes, *, scored: bool) -> Settled:
    """The answer in a 200; whole only where a terminal reason says so. `scored`: one token was asked for."""
    try:
        said = orjson.loads(body)
    except ValueError:
        return Settled(Reply(reason=Reason.FAILED, detail="not JSON"), billed=True)
    if not isinstance(said, dict) or "error" in said:
        return Settled(Reply(reason=Reason.FAILED, detail="an error in place of an answer"))
    usage = _usage(said.get("usage"))
    choices = said.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        return Settled(Reply(reason=Reason.FAILED, detail="no message"), usage, billed=True)
    tokens = _tokens(choice) if scored else ()
    if scored:
        reply = Reply() if tokens else Reply(reason=Reason.FAILED, detail="no log-probabilities")
    else:
        reply = _text(choice, message)
    return Settled(reply, usage, tokens, billed=True)


def _text(choice: dict[str, Any], message: dict[str, Any]) -> Reply:
    ended, content = choice.get("finish_reason"), message.get("content")
    if message.get("refusal") or ended == "content_filter":
        return Reply(reason=Reason.REFUSED, detail="by the endpoint")
    if ended != "stop":
        return Reply(reason=Reason.CUT, detail="length" if ended == "length" else "no terminal reason")
    if isinstance(content, list):  # some endpoints send a list of parts
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    if content is not None and not isinstance(content, str):
        return Reply(reason=Reason.FAILED, detail="no text")
    return Reply(value=content) if content and content.strip() else Reply(reason=Reason.EMPTY)


def _tokens(choice: dict[str, Any]) -> Tokens:
    try:
        first = choice["logprobs"]["content"][0]
        return [(str(one["token"]), float(one["logprob"])) for one in first["top_logprobs"]]
    except (KeyError, IndexError, TypeError, ValueError):
        return ()


def _usage(said: object) -> Usage | None:
    if not isinstance(said, dict):
        return None
    details = said.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    prompt, answer = _count(said.get("prompt_tokens")), _count(said.get("completion_tokens"))
    if prompt is None or answer is None:
        return None
    return Usage(prompt_tokens=prompt, completion_tokens=answer, cached_tokens=min(prompt, _count(cached) or 0))


def _count(said: object) -> int | None:
    known = isinstance(said, int) and not isinstance(said, bool) and 0 <= said <= _MOST_TOKENS
    return said if known and isinstance(said, int) else None
