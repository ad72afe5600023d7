"""What a caller gets back: a typed answer with its probability, price and story, or an honest refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import orjson

from atomic.errors import Erased, NotFound, TaskError
from atomic.output import Refusal, from_json
from atomic.protocols import Ledger
from atomic.records.attempt import AttemptFinished, Usage
from atomic.records.microtask import Call
from atomic.records.money import dollars
from atomic.records.outcome import OutcomeSettled, ProbabilitySource

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[T]):
    """A settled request. `id` is the request id; `cost` in nano-USD; `latency` in seconds.

    `answer` is None and `refused` says why when the market would not answer; `why` is then not empty.
    """

    id: str
    answer: T | None
    probability: float
    probability_source: ProbabilitySource
    cost: int
    latency: float
    winner: str
    rounds: int
    why: str = ""
    tenant: str = ""
    usage: Usage = field(default=Usage(), repr=False)  # of all its attempts
    _ledger: Ledger = field(repr=False, compare=False)

    @property
    def refused(self) -> bool:
        """Whether the market refused to answer."""
        return bool(self.why)

    @property
    def price(self) -> str:
        """The cost for people."""
        return dollars(self.cost)

    def explain(self) -> str:
        """The story of this request in plain words: see `atomic explain`."""
        from atomic.explain import explain  # explanations are read far less often than outcomes

        return explain(self._ledger, self.id, tenant=self.tenant).text()

    @classmethod
    def of(
        cls, settled: OutcomeSettled, answer: T | None, usage: Usage, key: tuple[str, str], ledger: Ledger
    ) -> Outcome[T]:
        """From the record of the request of this tenant and id."""
        return cls(
            id=key[1],
            answer=answer,
            probability=settled.probability,
            probability_source=settled.probability_source,
            cost=settled.cost,
            latency=settled.latency_ns / 1e9,
            winner=settled.winner,
            rounds=settled.rounds,
            why=settled.why,
            tenant=key[0],
            usage=usage,
            _ledger=ledger,
        )


def read_outcome(ledger: Ledger, call: Call[T], tenant: str, request_id: str) -> Outcome[T]:
    """The outcome of a request that was settled before.

    Raises NotFound when there is none, Erased when it was erased, TaskError when the task's type has changed since.
    """
    attempts: list[AttemptFinished] = []
    for event in ledger.read(request_id=request_id, kinds=("finished", "outcome")):
        if event.tenant != tenant:  # others may have called theirs the same
            continue
        if isinstance(event.payload, AttemptFinished):
            attempts.append(event.payload)
        elif isinstance(event.payload, OutcomeSettled):
            answer: Any = None
            if event.bodies:
                body = ledger.body(event.bodies[0])
                if body is None:
                    raise Erased(f"the answer to {request_id!r} was erased")
                answer = from_json(call.task, orjson.loads(body))
                if isinstance(answer, Refusal):
                    raise TaskError(f"the answer to {request_id!r} is not of the type that {call.task.name} has today")
            usage = Usage.of(one.usage for one in attempts)
            return Outcome.of(event.payload, answer, usage, (tenant, request_id), ledger)
    raise NotFound(f"there is no settled request {request_id!r}")
