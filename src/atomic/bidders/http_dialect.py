"""A dialect: how an endpoint is spoken to, as a description. No network, no clock: data in, data out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from atomic.bidders.http_reply import Said
from atomic.bidders.lowering import Holds
from atomic.records.attempt import Plan
from atomic.records.conversation import Conversation


class CannotSayError(Exception):
    """The dialect has no words for what is to be asked; says for what, and quotes nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a request says besides its plan. `limit` is the most tokens of the completion, reasoning included.

    `form` is the schema that the answer is held to, as the dialect holds it; `talk` is the conversation to be gone on
    with, where the plan has no messages of its own.
    """

    model: str
    limit: int
    stream: bool
    limit_field: str = "max_tokens"
    top_logprobs: int = 0
    reasoning_tokens: int = 0
    form: Mapping[str, Any] | None = None
    talk: Conversation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One dialect. `headers` are those of a key, "" for none; `request` makes a plan into the request's JSON, or raises
    CannotSayError.

    `whole` reads a reply in one piece and `event` one event of a stream, each into what was said so far; what they do
    not know they pass over, since without a terminal reason nothing counts as an answer. `last_word` is an event's
    data, if it is not JSON, after which nothing follows. `takes_blank` is false where a blank message is an error.

    `{model}` in `path` is the model; a stream has `stream_path`, where that is another. `lines`: a stream comes as
    lines of JSON, not as events. `scores`: it has log-probabilities. `holds` is what answers can be held to;
    `form_tool` names the tool whose arguments are the answer, where it is held so. `settings` of a conversation are
    those that can be said; None: all.
    """

    kind: str
    path: str
    headers: Callable[[str], Mapping[str, str]]
    request: Callable[[Plan, Wanted], dict[str, Any]]
    whole: Callable[[Said, dict[str, Any]], None]
    event: Callable[[Said, dict[str, Any]], None]
    last_word: str | None = None
    takes_blank: bool = True
    stream_path: str = ""
    lines: bool = False
    holds: Holds | None = None
    form_tool: str = ""
    scores: bool = False
    settings: frozenset[str] | None = None

    def where(self, model: str, *, stream: bool) -> str:
        """The path of a request."""
        return ((stream and self.stream_path) or self.path).replace("{model}", model)
