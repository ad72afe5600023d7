"""Plans and attempts: a bid made concrete for one input, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from atomic.records.bid import Reason
from atomic.records.request import DataLabel
from atomic.records.validator import Verdict

Effort = Literal["", "none", "low", "medium", "high"]

# Said to a model that cannot be made to go on in its own words.
GO_ON = "You were interrupted. Go on exactly where your last message breaks off, and repeat nothing of it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to a language model."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The awarded bid made concrete: what is asked, how it is decoded, and how the answer is read.

    `labels`, where there are any, are scored by log-probability instead of generating. Bidders that calibrate take off
    what the labels score with a text that says nothing (`neutral`) in the last message's place, or what they scored in
    the mean before (`batch`), and put in what is known of each (`priors`). `max_tokens` are those of the answer and of
    what an `effort` lets it think. `temperature` 0 takes the likeliest
    token; above it `seed` says which answer is drawn. `effort` is how long a model that thinks may think ("": as it
    does). `steady` of the first messages are the same from request to request, so that a provider may keep them.
    `free`: not held to the type while it is decoded. Without `messages` it is the ask's conversation, as it is. `begun`
    is what another has said of the answer already, to a caller who cannot unhear it: the reply is what follows.
    """

    bidder: str
    tactic: str
    messages: tuple[Message, ...] = ()
    labels: tuple[str, ...] = ()
    neutral: str = ""
    batch: bool = False
    priors: tuple[float, ...] = ()  # by label
    max_tokens: int = 256
    temperature: float = 0.0
    seed: int = 0
    effort: Effort = ""
    steady: int = 0
    free: bool = False
    examples: tuple[str, ...] = ()  # request ids of the verified examples used
    begun: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an attempt used, as reported.

    Tokens read from a cache and written to one are part of the prompt, those of reasoning part of the completion.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    seconds: float = 0.0  # of a machine of ours, where the price is by time

    @staticmethod
    def of(parts: Iterable[Usage]) -> Usage:
        """All of them together.

        >>> Usage.of([Usage(prompt_tokens=3), Usage(prompt_tokens=4)]) == Usage(prompt_tokens=7)
        True
        """
        used = list(parts)
        return Usage(
            prompt_tokens=sum(one.prompt_tokens for one in used),
            completion_tokens=sum(one.completion_tokens for one in used),
            cached_tokens=sum(one.cached_tokens for one in used),
            cache_write_tokens=sum(one.cache_write_tokens for one in used),
            reasoning_tokens=sum(one.reasoning_tokens for one in used),
            seconds=sum(one.seconds for one in used),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a bidder hands back: a raw answer, or the reason there is none.

    `value` is text for language models and the typed answer for everybody else. `confidence` is the bidder's
    own opinion that this answer is right; it is calibrated, never believed. `model` is what the model that answered
    says it is called: when that changes, beliefs of the bidder are widened. `premium` is how much of the price is paid
    above what was asked, since the auction pays the critical price: it says nothing of what the bidder will ask.
    """

    value: object = None
    reason: Reason | None = None
    detail: str = ""
    confidence: float | None = None
    usage: Usage = Usage()
    price: int = 0
    premium: int = 0
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted:
    """An attempt is about to run; its reservation counts against the day until it is finished.

    `cleared` is the highest data label that the bidder accepts and `jurisdictions` where it works, as it declared
    then: with the event's label and those of the examples' requests this proves who was shown what.
    """

    bidder: str
    tactic: str
    reserved: int
    examples: tuple[str, ...] = ()
    cleared: DataLabel | None = None  # None: an older release did not say
    jurisdictions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFinished:
    """An attempt ended: with an answer (the body `answer`, in `group`), or with the reason why not.

    `recalled`: it was made for the request that this one shadows, and neither asked nor paid again. `verdicts` are what
    the task's validators said of the answer; the first of equal answers is weighed by them.
    """

    bidder: str
    tactic: str
    group: int | None = None
    reason: Reason | None = None
    detail: str = ""
    confidence: float | None = None
    probability: float = 0.0  # that this answer is right, by itself, as believed when it came
    usage: Usage = Usage()
    price: int = 0
    expected_price: int = 0
    latency_ns: int = 0
    model: str = ""  # what the model that answered says it is called
    recalled: bool = False
    verdicts: tuple[Verdict, ...] = ()

    @property
    def key(self) -> str:
        """Bidder and tactic."""
        return f"{self.bidder}+{self.tactic}"
