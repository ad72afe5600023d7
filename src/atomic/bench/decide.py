"""How long a decision takes: collecting bids from 20 and from 100 bidders, and the auction among them.

`python -m atomic.bench.decide` prints a table. Bidders answer at once and beliefs have evidence on each of them, so
that nothing but the market's own work is measured.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Literal

from atomic.belief import Beliefs
from atomic.belief.lineups import Lineup, OfTask
from atomic.protocols import Profile
from atomic.records import AttemptFinished, Event, Lesson, LessonsLearned, Payload, Position, RequestOpened, State
from atomic.records.microtask import Ask, microtask
from atomic.rules import auction
from atomic.rules.planner import plan
from atomic.stages.collect import Round, collect
from atomic.tactics.plain import Plain
from atomic.testing import Line, ScriptedBidder, ask_for

TARGETS = {20: (1.0, 0.3), 100: (6.0, 1.5)}  # milliseconds: must, aim
PLANNED, TACTICS = 20, ("plain", "examples", "scored")
PLANNED_TARGET = (2.0, 0.5)
_LESSONS, _LINEUPS = 30, 400


@microtask(worth="$0.002")
async def _category(text: str) -> Literal["work", "family", "offer", "list", "other"]:
    """What kind of mail is this?"""
    raise NotImplementedError


def run(rounds: int = 300) -> dict[str, float]:
    """Medians in milliseconds, by the number of bids; `planned`: with a response model in the task's table."""
    found = {f"p50_ms_{bidders}": _measured(bidders, rounds) for bidders in TARGETS}
    return found | {"p50_ms_planned": _measured(PLANNED, rounds, planned=True)}


class _Tactic(Plain):
    """The plain one under another name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    @property
    def name(self) -> str:
        return self._name


def _measured(count: int, rounds: int, *, planned: bool = False) -> float:
    bidders = {f"bidder-{n:03}": _bidder(n, count, claims=not planned) for n in range(count)}
    beliefs = _taught(list(bidders))
    tactics = tuple(_Tactic(name) for name in TACTICS) if planned else (Plain(),)
    if planned:
        keys = [f"{name}+{tactic}" for name in bidders for tactic in TACTICS]
        fitted = plan(_category.name, _lineups(keys), beliefs.seq)
        assert fitted.model is not None
        _fold(beliefs, fitted, "fitted")
    ask = ask_for(_category("Could you look at the minutes of Tuesday? " * 8))
    terms = _category.terms
    this = Round(terms=terms, spent=0, now_ns=10**18, busy={}, excluded={}, examples=())
    position = Position(terms=terms, state=State(), round=1, spent=0, elapsed_ns=0)
    times = []
    for number in range(rounds):
        started = time.perf_counter_ns()
        slate = collect(ask, bidders, tactics, beliefs, this)
        table, _, _ = beliefs.table(_category.name, _category.alternatives)
        verdict = auction(position, slate, table, number / rounds)
        times.append(time.perf_counter_ns() - started)
        assert len(slate.bids) == count * len(tactics) and verdict.chosen, "something was bought among all the bids"  # noqa: PT018
    return statistics.median(times) / 1e6


def _lineups(keys: Sequence[str]) -> OfTask:
    """Requests that everybody answered; dearer ones are more often right."""
    draw, found = random.Random(5), OfTask(len(_category.labels))
    for number in range(_LINEUPS):
        lineup = Lineup("")
        for place, key in enumerate(keys):
            group = 0 if draw.random() < 0.5 + 0.45 * place / len(keys) else draw.randrange(1, found.alternatives)
            bidder, _, tactic = key.partition("+")
            done = AttemptFinished(
                bidder=bidder, tactic=tactic, group=group, price=300 * place, expected_price=300 * place, latency_ns=1
            )
            lineup.add(done, True)
        found.kept["", str(number)] = lineup
    return found


def _bidder(number: int, count: int, *, claims: bool) -> ScriptedBidder:
    """Dearer ones are better; every other one makes a claim, if any do."""
    line = Line(
        answer="work",
        claim=0.8 if claims and number % 2 else None,
        price=1_000 * number,
        latency_ns=20_000_000 * (1 + number % 7),
    )

    def script(ask: Ask) -> Line:
        return line

    name = f"bidder-{number:03}"
    right = 0.5 + 0.45 * number / count
    return ScriptedBidder(name, script, profile=Profile(name=name, kind="scripted", right=right))


def _fold(beliefs: Beliefs, payload: Payload, kind: str) -> None:
    seq = beliefs.seq + 1
    event = Event(
        seq=seq,
        kind=kind,
        version=1,
        tenant="",
        label="internal",
        request_id="r",
        round=1,
        time_ns=seq,
        payload=payload,
    )
    beliefs.fold([event])


def _taught(names: list[str]) -> Beliefs:
    """Beliefs with lessons on every bidder's quality, claims, price, latency and agreement, and a calibrated table."""
    beliefs = Beliefs()

    labels = _category.labels
    opened = RequestOpened(
        task=_category.name, task_version=_category.version, domain="", labels=labels, terms=_category.terms
    )
    _fold(beliefs, opened, "request")
    for lesson in range(_LESSONS):
        lessons = [Lesson(kind="settle", key="", target=1.0, weight=1.0, features=(1.0 + lesson % 3, 0.9))]
        for number, name in enumerate(names):
            key, right = f"{name}+plain", float((lesson * 7 + number) % 10 < 8)
            lessons.append(Lesson(kind="right", key=key, target=right, weight=1.0, features=(0.8, 0.8)))
            other = f"{names[(number + 1 + lesson) % len(names)]}+plain"
            if other != key:
                pair = "|".join(sorted((key, other)))
                lessons.append(Lesson(kind="agree", key=pair, target=right, weight=1.0, features=(0.6,)))
            done = AttemptFinished(
                bidder=name, tactic="plain", group=0, price=900, expected_price=1_000, latency_ns=20_000_000 + lesson
            )
            _fold(beliefs, done, "finished")
        learned = LessonsLearned(
            task=_category.name,
            domain="",
            source="person",
            cause=0,
            alternatives=len(labels),
            lessons=tuple(lessons),
        )
        _fold(beliefs, learned, "lessons")
    return beliefs


def main() -> None:
    """Print the figures as a table."""
    found = run()
    write = sys.stdout.write
    write(f"{'auction and collect':24}{'p50 ms':>10}   must / aim\n")
    for bidders, (must, aim) in TARGETS.items():
        write(f"{f'{bidders} bids':24}{found[f'p50_ms_{bidders}']:10.3f}   {must} / {aim}\n")
    must, aim = PLANNED_TARGET
    write(f"{f'{PLANNED * len(TACTICS)} bids, planned':24}{found['p50_ms_planned']:10.3f}   {must} / {aim}\n")


if __name__ == "__main__":
    main()
