"""Questions to people: asked, taken, answered, lapsed. They lie in the ledger, so any process may answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAsked:
    """Somebody is asked: for the answer to a request, or whether an action may be taken.

    The body `question` holds what a reader needs besides the request's own input. `labels` are the possible answers
    where they are few. `wanted` different people are asked for; each is paid `price` nano-USD for an answer. Nobody
    waits for it after `until_ns` (calendar time; 0: no end).
    """

    question: str  # its name, unique for the tenant
    queue: str
    kind: Literal["answer", "approval"]
    task: str
    labels: tuple[str, ...] = ()
    wanted: int = 1
    price: int = 0
    until_ns: int = 0
    about: str = ""  # the key of the action that waits for approval


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionTaken:
    """A person works on a question until then (calendar time); 0 gives it back."""

    question: str
    reviewer: str
    until_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAnswered:
    """A person answered, with the body `answer`; or declined, with none. To decline an approval is to refuse it."""

    question: str
    reviewer: str
    declined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionLapsed:
    """Nobody waits for the answer any more."""

    question: str
