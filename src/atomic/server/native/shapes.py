"""What the native API takes and gives: one model for each thing. Money is in nano-USD, times are in nanoseconds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from atomic.records.lesson import Source
from atomic.records.outcome import ProbabilitySource
from atomic.records.request import DataLabel

MOST_AT_ONCE = 1_000
Name = Annotated[str, Field(max_length=200)]
Money = Annotated[str, Field(max_length=40, examples=["$0.01"])]
Seq = Annotated[int, Field(ge=0, le=2**62)]
Limit = Annotated[int, Field(ge=1, le=MOST_AT_ONCE)]
Told = dict[str, Any]


class Shown(BaseModel):
    """What is given back."""

    model_config = ConfigDict(frozen=True)


class Asked(BaseModel):
    """What is taken: other fields than these are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ProblemShown(Shown):
    """An error (RFC 9457). `hint` says what to do about it."""

    type: str
    title: str
    status: int
    detail: str
    hint: str | None = None


class TermsAsked(Asked):
    """What one request is bought on, where it is otherwise than its task says. Money as "$0.01", times in seconds.

    At most one of `worth`, `target` and `budget`. `bidder` is the only one that may answer.
    """

    worth: Money | None = None
    target: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    budget: Money | None = None
    max_price: Money | None = None
    latency_price: Money | None = None
    deadline: Annotated[float, Field(gt=0.0, le=31_622_400.0)] | None = None
    refuse_below: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    explore: bool | None = None
    bidder: Name | None = None


class RunAsked(Asked):
    """A request. `input` is an object of the task's arguments, or the one argument of a task that has one.

    `request_id` is an idempotency key: the same again gives the same outcome and buys nothing. So does the header
    `Idempotency-Key`. `decision` asks for how it was decided.
    """

    input: JsonValue
    request_id: Name = ""
    terms: TermsAsked = TermsAsked()
    label: DataLabel | None = None
    domain: Name = ""
    subjects: Annotated[list[Name], Field(max_length=100)] = []
    numbers: dict[str, float] = {}
    decision: bool = False


class BatchAsked(Asked):
    """Many requests of one task at once; the order of the outcomes is theirs."""

    requests: Annotated[list[RunAsked], Field(min_length=1, max_length=MOST_AT_ONCE)]


class DecisionShown(Shown):
    """How a request was decided: who won, who came second and by how much (nano-USD), and why, in words."""

    request_id: str
    winner: str
    runner_up: str
    margin: int | None
    cost: int
    reasons: list[str]


class OutcomeShown(Shown):
    """A settled request. `why` says why it was refused; then `answer` is null. `latency` is in seconds."""

    request_id: str
    status: Literal["answered", "refused"]
    answer: JsonValue = None
    why: str = ""
    probability: float
    probability_source: ProbabilitySource
    cost: int
    latency: float
    winner: str
    rounds: int
    decision: DecisionShown | None = None


class BatchShown(Shown):
    """Outcomes, or a problem where a request could not be made, in the order of the requests."""

    outcomes: list[OutcomeShown | ProblemShown]


class TaskShown(Shown):
    """A microtask that can be run. `input` and `output` are JSON schemas, `labels` the possible answers if few."""

    name: str
    instruction: str
    version: str
    domain: str
    label: DataLabel
    labels: list[str]
    input: Told
    output: Told
    terms: Told


class FeedbackAsked(Asked):
    """A word on an outcome: how right it was (`value`), what is right (`truth`), or how right answers of bids were."""

    value: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    truth: JsonValue = None
    rights: dict[str, Annotated[float, Field(ge=0.0, le=1.0)]] | None = None
    source: Source = "person"
    author: Name = ""
    asked: bool = False


class RequestRow(Shown):
    """One request in a list; `status` is "open" until it has an outcome. `seq` is where it begins in the ledger."""

    seq: int
    request_id: str
    task: str
    time_ns: int
    label: DataLabel
    status: Literal["open", "answered", "refused"]
    winner: str = ""
    probability: float | None = None
    cost: int = 0
    latency_ns: int = 0
    rounds: int = 0
    why: str = ""


class RequestsShown(Shown):
    """A page of requests, the newest first; `next` is the `before` of the page after it, null where there is none."""

    requests: list[RequestRow]
    next: int | None


class EventsShown(Shown):
    """Events in the order of the ledger; `next` is the `after` of the page after it, null where there is none."""

    events: list[Told]
    next: int | None


class HeadShown(Shown):
    """The last event: its number, and when it was."""

    seq: int
    time_ns: int


class WhatIfAsked(Asked):
    """What would be otherwise: amounts are "$0.01", or "2x" of what it was."""

    worth: Money | None = None
    without: Annotated[list[Name], Field(max_length=100)] = []
    prices: Annotated[dict[str, Money], Field(max_length=100)] = {}
    task: Name = ""
    last: Annotated[int, Field(ge=1, le=100_000)] = 1_000


class AgainAsked(Asked):
    """A round's auction with something otherwise: worth and expected prices in nano-USD, probabilities, bids away.

    Bids are named by their bidder and tactic ("mini+plain").
    """

    round: Annotated[int, Field(ge=1, le=1_000)] = 1
    worth: Annotated[int, Field(ge=1, le=2**53)] | None = None
    prices: Annotated[dict[str, Annotated[int, Field(ge=0, le=2**53)]], Field(max_length=100)] = {}
    probabilities: Annotated[dict[str, Annotated[float, Field(gt=0.0, lt=1.0)]], Field(max_length=100)] = {}
    without: Annotated[list[Name], Field(max_length=100)] = []


class QuestionRow(Shown):
    """A question that waits for a person. `kind` "approval" asks whether an action may be taken."""

    question: str
    kind: Literal["answer", "approval"]
    queue: str
    task: str
    request_id: str
    price: int
    labels: list[str]
    until_ns: int
    answered: int
    wanted: int
    works_on_it: list[str]


class QuestionShown(QuestionRow):
    """With what a reader needs: the instruction, the text, and the JSON schema of an answer."""

    instruction: str
    text: str
    answer: Told
    said: list[Told]


class QuestionsShown(Shown):
    """What waits, oldest first."""

    questions: list[QuestionRow]


class WordAsked(Asked):
    """A reviewer's word: an answer as the question's type has it; for an approval true or false; null declines."""

    reviewer: Annotated[str, Field(min_length=1, max_length=200)]
    value: JsonValue = None


class ReviewerAsked(Asked):
    """Who takes a question, or gives it back."""

    reviewer: Annotated[str, Field(min_length=1, max_length=200)]


class BudgetsShown(Shown):
    """What was spent on a UTC day, and what it may cost at most (null: only what is free is bought, or no cap)."""

    day: str
    spent: int
    per_day: int | None
    tasks: list[Told]
    keys: list[Told]
    tenants: list[Told]
    teams: list[Told]


class Rows(Shown):
    """A list whose rows are what the command of the same name tells with --json."""

    rows: list[Told]
