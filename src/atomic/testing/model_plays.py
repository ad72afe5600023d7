"""What the model server can play: whole answers in every shape, and each way in which a hosted model fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from atomic.records.bid import Reason

Ending = Literal["whole", "length", "refusal", "filter", "other", "calls"]
Breaks = Literal["", "hung up", "cut", "cut late", "closed", "stalled", "error", "malformed", "not UTF-8", "endless"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """One way to reply. `reason` is what a careful client makes of it; None: this answer is whole.

    `text` is said instead of the server's answer; `ending` is the terminal reason, None: there is none. `tool` is
    called, with the text as its arguments. `breaks` is what happens in the middle of the reply, after some of its text.
    `usage` reports tokens, "dense" as many as there can be; `last` says the dialect's last word. `pause` is in seconds,
    before each part of a stream; `bytewise` sends every byte by itself, and ends lines with CR and LF.
    """

    shows: str
    reason: Reason | None = None
    status: int = 200
    headers: Mapping[str, str] | None = None
    body: bytes | None = None  # instead of anything in a dialect
    text: str | None = None
    tool: str = ""
    ending: Ending | None = "whole"
    breaks: Breaks = ""
    usage: Literal["", "plain", "cached", "dense"] = "plain"
    last: bool = True
    pings: bool = False
    pause: float = 0.0
    bytewise: bool = False


_BUSY = Reason.NO_CAPACITY
_HTML = {"content-type": "text/html"}
_QUOTE = b'{"error": {"type": "%s", "message": "cannot work on: the input, quoted"}}'

PLAYS: Mapping[str, Play] = {
    "whole": Play(shows="an answer, its end and its usage"),
    "cached": Play(shows="usage with tokens read from and written to a cache, and with reasoning", usage="cached"),
    "dense": Play(shows="as many tokens as a prompt of that size can have, and as were allowed", usage="dense"),
    "no-usage": Play(shows="an answer without usage", usage=""),
    "no-last-word": Play(shows="the end is said, the dialect's last word is not", last=False),
    "cut-late": Play(shows="a stream is cut after its end was said", breaks="cut late", last=False),
    "pings": Play(shows="comments and pings between the events", pings=True),
    "slow": Play(shows="pauses between the events", pause=0.02),
    "split": Play(shows="every byte by itself, also within a character and between CR and LF", bytewise=True),
    "length": Play(shows="the limit on tokens was reached", reason=Reason.CUT, ending="length"),
    "refusal": Play(shows="the model refuses", reason=Reason.REFUSED, ending="refusal"),
    "content-filter": Play(shows="a filter stops the answer", reason=Reason.REFUSED, ending="filter"),
    "other-end": Play(shows="a terminal reason that is not an answer's", reason=Reason.CUT, ending="other"),
    "tool-call": Play(
        shows="a tool is called that nobody offered",
        reason=Reason.CUT,
        ending="calls",
        tool="look",
        text='{"at": "it"}',
    ),
    "empty": Play(shows="no text at all", reason=Reason.EMPTY, text=""),
    "blank": Play(shows="white space and nothing else", reason=Reason.EMPTY, text=" \n\u00a0\u200b\t"),
    "cut": Play(shows="the connection is cut within a chunk", reason=Reason.FAILED, breaks="cut"),
    "hung-up": Play(shows="the connection is closed without a word", reason=Reason.FAILED, breaks="hung up"),
    "closed": Play(shows="a regular end, without a terminal reason", reason=Reason.CUT, ending=None, breaks="closed"),
    "stalled": Play(shows="nothing more comes", reason=Reason.TIMED_OUT, breaks="stalled"),
    "error-event": Play(shows="an error after a 200", reason=Reason.FAILED, breaks="error"),
    "malformed": Play(shows="JSON that is none", reason=Reason.FAILED, breaks="malformed"),
    "not-utf8": Play(shows="bytes that are not UTF-8", reason=Reason.FAILED, breaks="not UTF-8"),
    "endless": Play(shows="five million bytes", reason=Reason.FAILED, breaks="endless"),
    "wrong-type": Play(shows="a whole answer, called HTML", reason=Reason.FAILED, headers=_HTML),
    "page": Play(shows="a page in place of an answer", reason=Reason.FAILED, headers=_HTML, body=b"<html>busy</html>"),
    "rate-limited": Play(shows="429, wait 7 s", reason=_BUSY, status=429, headers={"retry-after": "7"}, body=b"{}"),
    "rate-limited-silently": Play(shows="429 without a word on when", reason=_BUSY, status=429, body=b"{}"),
    "overloaded": Play(shows="529", reason=_BUSY, status=529, body=_QUOTE % b"overloaded_error"),
    "server-error": Play(shows="500", reason=Reason.FAILED, status=500, body=_QUOTE % b"api_error"),
    "unavailable": Play(
        shows="503, wait 9 s", reason=Reason.FAILED, status=503, headers={"retry-after": "9"}, body=b""
    ),
    "gateway-timeout": Play(shows="504", reason=Reason.TIMED_OUT, status=504, body=b"<html>timeout</html>"),
    "filtered-prompt": Play(
        shows="400: a filter stops the prompt", reason=Reason.REFUSED, status=400, body=_QUOTE % b"content_filter"
    ),
    "no-such-model": Play(shows="404", reason=Reason.NOT_CONFIGURED, status=404, body=_QUOTE % b"not_found_error"),
    "redirect": Play(
        shows="307 to elsewhere", reason=Reason.FAILED, status=307, headers={"location": "/elsewhere"}, body=b""
    ),
    "no-content": Play(shows="204", reason=Reason.FAILED, status=204, body=b""),
    "wrong-key": Play(shows="401", reason=Reason.NOT_CONFIGURED, status=401, body=_QUOTE % b"authentication_error"),
    "too-long": Play(
        shows="400: the prompt is too long", reason=Reason.INPUT_TOO_LONG, status=400, body=b"prompt is too long"
    ),
    "bad-request": Play(shows="400", reason=Reason.FAILED, status=400, body=_QUOTE % b"invalid_request_error"),
}
