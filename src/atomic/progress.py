"""How tasks with a target or a budget stand: what steering has come to, and whether what is wanted can be had."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from atomic.belief import Beliefs
from atomic.belief.pace import Pace
from atomic.errors import NotFound
from atomic.listing import backwards
from atomic.protocols import Headed, Valuation
from atomic.records.award import Award, Slate, Table
from atomic.records.event import Event, decode
from atomic.records.money import dollars
from atomic.records.request import RequestOpened
from atomic.rules.frontier import Held, Point, frontier
from atomic.rules.valuation import lookahead

LAST = 32  # first rounds that a frontier is drawn from
_CLOSE = 0.005  # what is nearer to the target than this is not called out of reach
_SCANNED = 20_000  # newest requests, of any task, that a task's are looked for among
_FEW = 50  # settled requests before the mean itself says that a target is not attained


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One task under one objective.

    `mean` is that of the probability of answers over the last 1,000 settled requests, `verified` whether labels stand
    behind it; `best` the mean of the best state that buying could reach, None where no round is known.
    """

    task: str
    objective: str
    settled: int
    refused: int
    mean: float
    verified: bool
    worth: int
    best: float | None
    attainable: bool
    left: int | None  # nano-USD in this window

    def text(self) -> str:
        """A line for people."""
        evidence = "by labels" if self.verified else "estimated, unverified"
        said = f"{self.task}: {self.objective}; {self.settled} settled, {self.refused} of them refused; "
        said += f"right {self.mean:.3f} ({evidence}); a right answer is bought at {dollars(self.worth)}"
        if self.left is not None:
            said += f"; {dollars(self.left)} left"
        if not self.attainable:
            best = "" if self.best is None else f": the best that all bidders together reach is {self.best:.3f}"
            said += f"; not attainable{best}"
        return said


def progress(ledger: Headed, beliefs: Beliefs, now_ns: int, valuation: Valuation = lookahead) -> list[Progress]:
    """Every task that was ever bought under a target or a budget, in order."""
    return [_of(ledger, beliefs, key, pace, now_ns, valuation) for key, pace in sorted(beliefs.paces.known.items())]


def _of(
    ledger: Headed, beliefs: Beliefs, key: tuple[str, str], pace: Pace, now_ns: int, valuation: Valuation
) -> Progress:
    task, objective = key
    points = drawn(ledger, beliefs, task, valuation) if pace.target > 0.0 else ()
    best = points[-1].right if points else None
    short = pace.target - _CLOSE
    seen = pace.settled >= _FEW
    if best is not None and seen:
        best = max(best, pace.mean)  # what was reached can be, however short the valuation's sight
    out_of_reach = best is not None and best < short
    tried = pace.at_its_end and seen and pace.mean < short
    return Progress(
        task=task,
        objective=objective if pace.budget is None else f"budget {pace.budget}",
        settled=pace.settled,
        refused=pace.refused,
        mean=pace.mean,
        verified=pace.verified,
        worth=pace.worth(now_ns),
        best=best,
        attainable=pace.target <= 0.0 or not (out_of_reach or tried),
        left=None if pace.budget is None else pace.left(now_ns),
    )


def drawn(
    ledger: Headed, beliefs: Beliefs, task: str, valuation: Valuation = lookahead, last: int = LAST
) -> tuple[Point, ...]:
    """The frontier of a task: its newest first rounds, auctioned again at other worths, by what is believed now of
    agreement (those rounds may have been before there was a response model)."""
    rounds: dict[str, Held] = {}
    for event in _newest_awards(ledger, task, last):
        award = event.payload
        assert isinstance(award, Award)
        try:
            slate: Slate = decode(Slate, ledger.blob(award.slate))
            then: Table = decode(Table, ledger.blob(award.table))
        except NotFound:  # erased
            continue
        table, _, _ = beliefs.table(task, then.alternatives)
        rounds[event.request_id] = Held(award.position, slate, table)
    return frontier(list(rounds.values()), valuation)


def _newest_awards(ledger: Headed, task: str, last: int) -> Iterator[Event]:
    """The first rounds of a task's newest requests, oldest first, as far as they are among all newest requests."""
    found: list[Event] = []
    for event in islice(backwards(ledger, ("request",)), _SCANNED):
        if isinstance(event.payload, RequestOpened) and event.payload.task == task:
            awards = ledger.read(request_id=event.request_id, kinds=("award",))
            found += [one for one in awards if one.round == 1 and one.tenant == event.tenant][:1]
        if len(found) >= last:
            break
    yield from reversed(found)
