"""What a hosted model said, in whatever dialect, what of it is an answer, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum

import orjson

from atomic.bidders.label_scores import Tokens
from atomic.records.attempt import Reply, Usage
from atomic.records.bid import Reason
from atomic.records.conversation import CallPiece, Conversation, Piece, Spoken, ToolCall
from atomic.records.price import Price

_MOST_TOKENS = 10_000_000  # a count beyond that is junk
_BUSY = frozenset(
    {"overloaded_error", "rate_limit_error", "rate_limit_exceeded", "insufficient_quota", "429", "529"}
    | {"RESOURCE_EXHAUSTED", "UNAVAILABLE"}
)
_OPERATORS = {
    401: "the key is not accepted",
    402: "the account is not paid",
    403: "the key is not accepted",
    404: "no such model or path",
}
_BARRED = frozenset(
    {"authentication_error", "permission_error", "invalid_api_key", "billing_error"}
    | {"PERMISSION_DENIED", "UNAUTHENTICATED"}
)


class Ending(Enum):
    """The terminal reason that was seen. Only WHOLE makes a text an answer."""

    WHOLE = "whole"
    LENGTH = "length"
    CALLS = "a tool is called"
    REFUSED = "refused"
    OTHER = "ended for another reason"


@dataclass(slots=True, kw_only=True)
class Counts:
    """Reported tokens, None where nothing was said. `fresh`, `cached` and `written` together are the prompt."""

    fresh: int | None = None
    cached: int = 0
    written: int = 0
    completion: int | None = None
    reasoning: int = 0  # of the completion

    @property
    def prompt(self) -> int | None:
        """Tokens of the prompt."""
        return None if self.fresh is None else self.fresh + self.cached + self.written

    @property
    def usage(self) -> Usage | None:
        """What was used; None as long as a part of it was not reported."""
        if self.prompt is None or self.completion is None:
            return None
        return Usage(
            prompt_tokens=self.prompt,
            completion_tokens=self.completion,
            cached_tokens=self.cached,
            cache_write_tokens=self.written,
            reasoning_tokens=min(self.reasoning, self.completion),
        )


@dataclass(slots=True, kw_only=True)
class Said:
    """What was said so far: a dialect fills it in piece by piece, `judged` says what it comes to.

    `billable` says that it may be on the bill; `closed` that the dialect's last word was seen; `wait` is the header
    that asks to wait, as seconds; `calls` are the tools that it calls, by their place, with arguments as they come.
    `hear` is told each piece of the text, of those calls where tools were `offered`, and of what `form_tool` is called
    with: that is the answer.
    """

    pieces: list[str] = field(default_factory=list)
    ending: Ending | None = None
    tokens: Tokens = ()
    counts: Counts = field(default_factory=Counts)
    fault: tuple[Reason, str] | None = None
    billable: bool = True
    closed: bool = False
    status: int = 0
    wait: float | None = None
    model: str = ""  # what it says it is called
    limit: int = 0  # tokens that it was allowed; 0: not known
    calls: dict[int, list[str]] = field(default_factory=dict)  # id, name, arguments
    offered: bool = False
    form_tool: str = ""
    hear: Callable[[Piece], None] | None = None

    def add(self, piece: object) -> None:
        """More text; None adds nothing. Anything else than text, or text after the end, is a fault."""
        if piece is not None and not isinstance(piece, str):
            self.fail(Reason.FAILED, "no text")
        elif piece and self.ending is Ending.WHOLE:
            self.fail(Reason.FAILED, "text after its end")
        elif piece:
            self.pieces.append(str(piece))
            if self.hear is not None:
                self.hear(str(piece))

    def call(self, place: object, number: object = "", name: object = "", arguments: object = "") -> None:
        """More of a call: what is new of it is added, in pieces or at once."""
        if not isinstance(place, int) or not all(
            one is None or isinstance(one, str) for one in (number, name, arguments)
        ):
            self.fail(Reason.FAILED, "no call of a tool")
            return
        known = self.calls.setdefault(place, ["", "", ""])
        unnamed, more = not known[1], str(arguments or "")
        known[0], known[1] = known[0] or str(number or ""), known[1] or str(name or "")
        known[2] += more
        if self.hear is not None and self.form_tool and known[1] == self.form_tool and more:
            self.hear(more)
        if self.hear is None or not self.offered or not known[1]:
            return
        if place != next(reversed(self.calls)):
            self.fail(Reason.FAILED, "a call of a tool goes on after its end")  # who reads along acts on what has ended
        elif unnamed:
            self.hear(CallPiece(place, *known))
        elif more:
            self.hear(CallPiece(place, arguments=more))

    def name(self, model: object) -> None:
        """It says what it is called."""
        if isinstance(model, str) and not self.model:
            self.model = model

    def end(self, ending: Ending) -> None:
        """A terminal reason was seen. A later one may only be worse."""
        if self.ending in (None, Ending.WHOLE):
            self.ending = ending

    def fail(self, reason: Reason, detail: str) -> None:
        """Something is wrong: this is no answer, whatever else was or will be said. The first fault is kept."""
        self.fault = self.fault or (reason, detail)

    def lose(self, reason: Reason, detail: str) -> None:
        """The connection is gone: a fault, unless the end was seen before."""
        if self.ending is None:
            self.fail(reason, detail)


def judged(said: Said, *, scored: bool, talk: Conversation | None = None, form_tool: str = "") -> Reply:
    """The answer, or the reason why it is none; the only place that decides. `scored`: one token was asked for.

    Tools may be called where a conversation is gone on with, and `form_tool`, whose arguments are then the answer.
    """
    if said.fault is not None:
        return Reply(reason=said.fault[0], detail=said.fault[1])
    if said.ending is Ending.REFUSED:
        return Reply(reason=Reason.REFUSED, detail="by the endpoint")
    if scored:
        return Reply() if said.tokens else Reply(reason=Reason.FAILED, detail="no log-probabilities")
    calls = [ToolCall(id=number, name=name, arguments=given or "{}") for number, name, given in said.calls.values()]
    ended = said.ending
    if form_tool and ended in (Ending.WHOLE, Ending.CALLS) and [one.name for one in calls] == [form_tool]:
        answer = calls[0].arguments
        return Reply(value=answer if talk is None else Spoken(text=answer))
    if talk is not None:
        return _spoken(said, talk, calls)
    if ended is not Ending.WHOLE or calls:
        unasked = Ending.CALLS.value if calls else "no terminal reason"
        return Reply(reason=Reason.CUT, detail=unasked if ended in (None, Ending.WHOLE) else ended.value)
    text = "".join(said.pieces)
    return Reply(value=text) if _is_seen(text) else Reply(reason=Reason.EMPTY)


def _spoken(said: Said, talk: Conversation, calls: list[ToolCall]) -> Reply:
    """What came of a conversation: a text, calls of its tools, or both."""
    text = "".join(said.pieces)
    limited = said.ending is Ending.LENGTH and talk.limit is not None and not calls and not talk.form
    whole = said.ending is Ending.WHOLE or (said.ending is Ending.CALLS and bool(calls))
    if not whole and not limited:
        return Reply(reason=Reason.CUT, detail=said.ending.value if said.ending else "no terminal reason")
    if not calls and not _is_seen(text):
        return Reply(reason=Reason.EMPTY)
    if calls and not talk.offers:
        return Reply(reason=Reason.CUT, detail="a tool is called that nobody offered")
    if any(not one.name or not _is_json(one.arguments) for one in calls):
        return Reply(reason=Reason.NOT_THE_TYPE, detail="a tool is called with what is no JSON")
    if talk.form and not calls and not _is_json(text):
        return Reply(reason=Reason.NOT_THE_TYPE, detail="no JSON, which was asked for")
    return Reply(value=Spoken(text=text, calls=tuple(calls), ended="length" if limited else "stop"))


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True


def _is_seen(text: str) -> bool:
    """What nobody can see (white space, zero width) is no answer."""
    return any(one.isprintable() and not one.isspace() for one in text)


def bill(said: Said, price: Price, *, most_prompt: int, most_completion: int) -> tuple[int, bool]:
    """What goes into the books, in nano-USD, and whether it was reported.

    What was not reported, but may be on the bill, is charged as it was reserved: the most that it can be.
    """
    if not said.billable:
        return 0, True
    counts = said.counts
    if counts.usage is not None:
        return price.of(counts.usage), True
    completion = most_completion if counts.completion is None else counts.completion
    if counts.prompt is None:
        return price.most(most_prompt, completion), False
    used = replace(counts, completion=completion).usage or Usage()
    return price.of(used), False


def fault_of(error: object) -> tuple[Reason, str]:
    """The reason in an error object of either dialect; its own words are not repeated, they may quote the input."""
    names = {str(error.get(key)) for key in ("type", "code", "status")} if isinstance(error, dict) else set()
    if names & _BUSY:
        return Reason.NO_CAPACITY, "an error in place of an answer: busy"
    if names & {"timeout_error", "DEADLINE_EXCEEDED"}:
        return Reason.TIMED_OUT, "an error in place of an answer: timed out"
    if names & _BARRED:
        return Reason.NOT_CONFIGURED, "an error in place of an answer: the key is not accepted"
    return Reason.FAILED, "an error in place of an answer"


def reason_of_status(status: int, body: bytes) -> tuple[Reason, str]:
    """The reason for a status other than 200."""
    if status in (429, 529):
        return Reason.NO_CAPACITY, f"status {status}"
    if status in (408, 504):
        return Reason.TIMED_OUT, f"status {status}"
    if status in _OPERATORS:
        return Reason.NOT_CONFIGURED, f"status {status}: {_OPERATORS[status]}"
    start = body[:4_000].lower()
    if status == 400 and b"content_filter" in start:
        return Reason.REFUSED, f"status {status}: by the endpoint's filter"
    if status == 413 or (status == 400 and (b"context" in start or b"too long" in start)):
        return Reason.INPUT_TOO_LONG, f"status {status}"
    return Reason.FAILED, f"status {status}"


def count(said: object) -> int | None:
    """A number of tokens, None when it is not one.

    >>> count(7), count(True), count(-1), count("7")
    (7, None, None, None)
    """
    return said if type(said) is int and 0 <= said <= _MOST_TOKENS else None
