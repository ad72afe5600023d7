"""All promises between the floors, in one place. An implementation of one is a plug-in; at most five methods each.

Errors: whatever a bidder raises is turned into an attempt with a reason; it never reaches the caller.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from atomic.clock import Clock
from atomic.output import Refusal
from atomic.records.attempt import Plan, Reply
from atomic.records.award import Position, Slate, Table
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.event import Commitment, Entry, Event
from atomic.records.flow import FlowState, Json
from atomic.records.microtask import Ask, Example, Microtask
from atomic.records.price import BookPrice
from atomic.records.principal import Principal
from atomic.records.request import DataLabel
from atomic.records.suspicion import UNSUSPECTED, Suspicion


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a bidder declares of itself, once.

    `metered` says that somebody outside counts and charges: a bill above the ceiling is then money spent.
    `right` is the prior probability that it is right, worth `prior_weight` outcomes; bidders of one `family` (models of
    one maker and size) start from its record in a domain. `jurisdictions` are where
    it works ("here" is this machine); `speaks` says that it takes messages, so that tactics apply to it;
    `continues` that it goes on with an answer that another began (`Plan.begun`), `converses` that it takes a whole
    conversation (`Ask.conversation`), tools and images included;
    `scores_labels` that it can give log-probabilities of labels, and `calibrates` that it takes off what they score on
    nothing; `thinks` that it follows `Plan.effort`; `holds` that answers are held to their type as they are decoded;
    `deterministic` that asking twice is useless.
    `lasting_ns` above 0 is how long an attempt may take; then it also outlives its process and is taken up again.
    """

    name: str
    kind: str
    right: float = 0.5
    prior_weight: float = 4.0
    family: str = ""
    accepts: DataLabel = "sovereign"
    jurisdictions: tuple[str, ...] = ("here",)
    metered: bool = False
    concurrency: int = 64
    context_characters: int = 0  # 0: no limit
    speaks: bool = False
    continues: bool = False
    converses: bool = False
    scores_labels: bool = False
    calibrates: bool = False
    thinks: bool = False
    holds: bool = False
    deterministic: bool = True
    lasting_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """How large a plan of some tactic would be for an input, before anybody makes it.

    `prompt_bytes` is the prompt's size in UTF-8 and `messages` how many it has; 0: not said, so that bidders reckon
    with the most. `calls` is how often a bidder that is paid by the call may be called for it.
    """

    tactic: str
    prompt_characters: int
    max_tokens: int
    examples: int = 0
    prompt_bytes: int = 0
    messages: int = 0
    calls: int = 1


class Bidder(Protocol):
    """Anything that can answer a request."""

    @property
    def profile(self) -> Profile:
        """What it declares of itself; constant."""
        ...

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """What it would do for this input, in microseconds and without waiting; never blocks."""
        ...

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """Do it. Cancelling stops the work on the wire, too. A failure is a Reply with a reason, or raised."""
        ...

    async def close(self) -> None:
        """Give back what it holds; may be called twice."""
        ...


@runtime_checkable
class Learner(Protocol):
    """A bidder that learns from examples, in the order of the ledger; the same examples give the same learner.

    It is taught only what its profile says it may see.
    """

    @property
    def profile(self) -> Profile:
        """As a bidder's."""
        ...

    def learn(self, example: Example) -> None:
        """Take in one example, in about a millisecond."""
        ...


@runtime_checkable
class Forgetful(Protocol):
    """A learner, or examples at hand, that can begin anew, since something it learned was erased."""

    def forget(self) -> None:
        """Forget every example; those that may still be known are taught again."""
        ...


@runtime_checkable
class Warmable(Protocol):
    """A bidder that is slow to start."""

    async def warm(self) -> None:
        """Get ready now. Raises OperatorError that says what is missing; then it bids no more."""
        ...


@runtime_checkable
class Priced(Protocol):
    """A bidder whose price the price book may change."""

    def reprice(self, price: BookPrice) -> None:
        """Take on a price from the next offer on, unless its own is of a later day; what was offered is billed so."""
        ...


@runtime_checkable
class Asker(Protocol):
    """A bidder that asks through the ledger and hears there what was answered, by whichever process."""

    def attach(self, record: Recorder, history: History, clock: Clock) -> None:
        """What it works with, once, before its first offer; recording nothing catches up with other processes."""
        ...

    def follow(self, events: Sequence[Event]) -> None:
        """Take in new events, each once, in the order of the ledger."""
        ...


@runtime_checkable
class Invited(Protocol):
    """A bidder that must be asked elsewhere before it can offer."""

    @property
    def profile(self) -> Profile:
        """As a bidder's."""
        ...

    async def invite(self, ask: Ask) -> None:
        """Ask what it would do for this request, once, and for a bounded time; `offer` says what came of it."""
        ...


class Examples(Protocol):
    """Examples at hand, to be found by nearness."""

    def add(self, example: Example) -> None:
        """Keep one; a later example of the same request replaces the earlier."""
        ...

    def nearest(self, ask: Ask, count: int) -> Sequence[tuple[float, Example]]:
        """At most `count` verified examples with their similarity in [0, 1], nearest first.

        Only of the same tenant and task, and of labels that the asker's label may be mixed with.
        """
        ...


class Tactic(Protocol):
    """How a bidder would answer: turns an awarded bid into a plan for one input. Pure."""

    @property
    def name(self) -> str:
        """Its name in bids; constant."""
        ...

    def sketch(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Sketch | Reason | None:
        """The size of the plan it would make; a reason when it cannot now; None when it does not apply at all."""
        ...

    def plan(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Plan:
        """The plan."""
        ...


@dataclass(frozen=True, slots=True)
class Valued:
    """An action with its score over settling now, in nano-USD; `uses` names every bid that its plan may buy."""

    action: tuple[str, ...]
    score: int
    price: int
    uses: tuple[str, ...]


class Valuation(Protocol):
    """What actions are worth from a position. Pure: equal arguments give equal values, bit for bit."""

    def __call__(self, position: Position, slate: Slate, table: Table) -> tuple[float, int, Sequence[Valued]]:
        """Calibrated probability and group of the standing answer, and the candidate actions."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """A change of a day's spending, made with an append or not at all; nano-USD.

    It counts for the whole day and, where `task` is named, for that microtask's part of it as well. `cap` and
    `task_cap` refuse a rise above them. `purses` are further parts of the day that it is booked on, by name, each with
    its cap.
    """

    day: str  # UTC date, "2026-11-24"
    change: int
    cap: int | None = None
    task: str = ""
    task_cap: int | None = None
    purses: tuple[tuple[str, int | None], ...] = ()

    @property
    def accounts(self) -> tuple[tuple[str, int | None], ...]:
        """What it is booked on, each with its cap; see `account`."""
        whole = (account(self.day), self.cap)
        parts = ((self.task, self.task_cap), *self.purses) if self.task else self.purses
        return (whole, *((account(self.day, name), cap) for name, cap in parts))


def account(day: str, task: str = "") -> str:
    """The name of what a day's spending is booked on, or that of one part of it: a task's, or a purse's.

    >>> account("2026-11-24"), account("2026-11-24", "spam")
    ('2026-11-24', '2026-11-24 spam')
    """
    return f"{day} {task}" if task else day


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """What a model is held to while it answers one task within a number of tokens.

    `grammar` is in the form of llguidance; empty where the model answers freely: because the type asks for nothing,
    or for the reason that `why` says. `supported` False: such an answer cannot be held or read at all, and `why` says
    what of the type it is. `room` is the engine's own note of what the number of tokens ends, and not the type;
    `quoted` says that a text comes as a JSON string. `engine` is who holds, by name.
    """

    grammar: str = ""
    why: str = ""
    supported: bool = True
    room: str = ""
    quoted: bool = False
    engine: str = ""
    compile_ns: int = 0


@dataclass(frozen=True, slots=True)
class Parsed:
    """An answer of the declared type that a text holds, and what had to be repaired for it, in words without quotes.

    `engine` is who read it, by name; empty where the core's own rules were enough.
    """

    answer: Any
    repairs: tuple[str, ...] = ()
    engine: str = field(default="", compare=False)


class Parser(Protocol):
    """An engine that reads free text as an answer, whichever bidder it came from."""

    def parse(self, task: Microtask[..., Any], text: str) -> Parsed | Refusal:
        """The answer, or why there is none. Never raises; what can be read in two ways is refused."""
        ...


class Policies(Protocol):
    """Decides who may have what done by whom; each says why not, in words, or nothing where it may be."""

    @property
    def screens(self) -> bool:
        """Whether any of them looks at how suspicious a text is."""
        ...

    def running(self, who: Principal, task: str, label: DataLabel, suspicion: Suspicion = UNSUSPECTED) -> str:
        """Why somebody may not have this task done on data with this label."""
        ...

    def buying(
        self, who: Principal, task: str, label: DataLabel, bidder: Profile, suspicion: Suspicion = UNSUSPECTED
    ) -> str:
        """Why an answer may not be bought from this bidder for them."""
        ...


class Constrainer(Protocol):
    """An engine that holds a local model to a task's type."""

    def constraint(self, task: Microtask[..., Any], max_tokens: int) -> Constraint:
        """What to hold it to, the same for the same type; at first sight it takes up to 200 ms, then microseconds."""
        ...

    def answer(self, constraint: Constraint, text: str) -> str | Refusal:
        """The raw answer in a text that was decoded under a grammar, or why it is none: not of it, or cut inside."""
        ...


Follower = Callable[[Sequence[Event]], None]
Recorder = Callable[[Sequence[Entry]], Awaitable[tuple[Event, ...]]]


class Contents(Protocol):
    """What is kept beside the chain: bodies, whose data they are, and contents named by their hash."""

    def body(self, commitment: Commitment) -> bytes | None:
        """A body, None when it was erased. Raises Tampered when it is not what the chain committed to."""
        ...

    def blob(self, content_id: str) -> bytes:
        """A content by its id. Raises NotFound, or Tampered when it does not hash to its id."""
        ...

    def subjects(self, commitment: Commitment) -> tuple[str, ...]:
        """Whose data a body is."""
        ...


class History(Contents, Protocol):
    """What a ledger holds, to be read only."""

    def read(
        self,
        *,
        after: int = 0,
        request_id: str | None = None,
        kinds: Sequence[str] = (),
        limit: int | None = None,
    ) -> Iterator[Event]:
        """Events with seq > after, in order."""
        ...


class Headed(History, Protocol):
    """A history that knows where it ends, and so can be read backwards."""

    def head(self) -> int:
        """The seq of the last event; 0 when there is none."""
        ...


class Ledger(Headed, Protocol):
    """The append-only, hash-chained sequence of events."""

    async def append(
        self, entries: Sequence[Entry], *, spend: Spend | None = None, power_durable: bool = False
    ) -> tuple[Event, ...]:
        """Append all or nothing and return the events once they are durable.

        Appends of concurrent callers share a commit. An empty result for non-empty `entries` means that `spend`
        would break its cap: nothing was written. Followers have seen every event up to and including these,
        in order of seq, other processes' events too, when this returns. An empty append catches up with them.

        Raises LedgerLocked or LedgerUnwritable; then nothing was written.
        """
        ...


Standing = Literal["new", "resumed", "running", "done", "conflict"]


class Claims(Protocol):
    """Who works on which request: at most one process at a time."""

    async def claim(self, tenant: str, request_id: str, fingerprint: str) -> Standing:
        """Claim a request, or say why not.

        "new": ours, never seen. "resumed": ours now; its former holder died or gave up before the outcome.
        "running": a living holder works on it (which may be this process). "done": it has an outcome.
        "conflict": the same id with another fingerprint.
        """
        ...

    async def release(self, tenant: str, request_id: str, *, done: bool) -> None:
        """Give a claim back: done, or for somebody else to resume."""
        ...

    async def admit_at_rate(self, name: str, *, per_minute: int) -> int:
        """Count one more on a meter that all processes share: 0, or the nanoseconds until there is room for it.

        So many may come at once; after that there is room for one more every minute / `per_minute`.
        """
        ...


class SharedLedger(Ledger, Claims, Protocol):
    """A ledger as the market uses it, with the claims of the processes that share it."""

    def follow(self, callback: Follower, *, after: int | None = None) -> Callable[[], None]:
        """Tell `callback` of every event with seq > `after` (None: from now on), in order; the result ends it."""
        ...

    def news(self, after: int) -> Sequence[Event]:
        """Events with seq > `after`, if some of them are other processes' and followers may not know them yet."""
        ...

    def secret(self) -> bytes:
        """The market's secret, 32 bytes: the same for every process."""
        ...


class Steps(Protocol):
    """What the body of a durable flow is handed. A body does the same steps, in the same order, whenever it runs again.

    Names are unique within a flow. What cannot be written as JSON is no result of a step.
    """

    async def step(
        self, name: str, work: Callable[[], Awaitable[Json]], *, attempts: int = 1, pause: float = 1.0
    ) -> Json:
        """Do something once and keep its result; one that was cut in the middle is done again.

        What it raises is tried again, `attempts` times in all, after `pause` seconds and then twice as long each; then
        the flow is parked with the reason.
        """
        ...

    async def wait(self, signal: str, *, seconds: float) -> Json:
        """Wait for a signal, which may have come before; its value, or None once `seconds` have passed."""
        ...

    async def sleep(self, name: str, *, seconds: float) -> None:
        """Wait for a time; it goes on while nobody runs the flow."""
        ...


FlowBody = Callable[[Steps, Json], Awaitable[Json]]


class Flows(Protocol):
    """Runs durable flows. Ids and JSON only: a body is found by an id, never kept here."""

    async def start(self, kind: str, flow_id: str, argument: Json) -> None:
        """Start a flow; the same id again is the same flow, whatever became of it.

        Raises NotFound for a kind that nobody registered, Conflict for an id of another kind or argument.
        """
        ...

    async def signal(self, flow_id: str, name: str, value: Json) -> None:
        """Tell a flow something, kept until it waits for it; a flow that ended hears nothing. Raises NotFound."""
        ...

    async def query(self, flow_id: str = "") -> Sequence[FlowState]:
        """One flow, or all, the newest first; empty when there is none."""
        ...

    async def cancel(self, flow_id: str, *, pause: bool = False) -> None:
        """End a flow, or pause it, after the step that is being done. Nothing where it has ended. Raises NotFound."""
        ...

    async def resume(self, flow_id: str) -> None:
        """Go on: what was paused or cancelled after its last ended step, what is parked with the step that failed.

        Nothing where it runs or is done. Raises NotFound.
        """
        ...


__all__ = [
    "Asker",
    "Bidder",
    "Claims",
    "Constrainer",
    "Constraint",
    "Contents",
    "Examples",
    "FlowBody",
    "Flows",
    "Follower",
    "Forgetful",
    "Headed",
    "History",
    "Invited",
    "Learner",
    "Ledger",
    "Parsed",
    "Parser",
    "Priced",
    "Profile",
    "Recorder",
    "SharedLedger",
    "Sketch",
    "Spend",
    "Standing",
    "Steps",
    "Tactic",
    "Valuation",
    "Valued",
    "Warmable",
    "account",
]
