"""A dialect: how an endpoint is spoken to, as a description. No network, no clock: data in, data out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from atomic.bidders.http_reply import Said
from atomic.records.attempt import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a request says besides its plan. `limit` is the most tokens of the completion, reasoning included."""

    model: str
    limit: int
    stream: bool
    limit_field: str = "max_tokens"
    top_logprobs: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One dialect. `headers` are those of a key, "" for none; `request` makes a plan into the request's JSON.

    `whole` reads a reply in one piece and `event` one event of a stream, each into what was said so far; what they do
    not know they pass over, since without a terminal reason nothing counts as an answer. `last_word` is an event's
    data, if it is not JSON, after which nothing follows. `takes_blank` is false where a blank message is an error.
    """

    kind: str
    path: str
    headers: Callable[[str], Mapping[str, str]]
    request: Callable[[Plan, Wanted], dict[str, Any]]
    whole: Callable[[Said, dict[str, Any]], None]
    event: Callable[[Said, dict[str, Any]], None]
    last_word: str | None = None
    takes_blank: bool = True
