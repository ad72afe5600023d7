"""How fast beliefs take in a lesson, and how much memory they take after a million.

Updates are timed one by one over events as the market writes them: 20 bidders with three tactics each, 50 tasks in 10
domains, answers with claims, agreement and feedback. The control is a plain dictionary of counts: the least that any
belief has to do. Memory is measured in a process of its own, as growth of what is resident.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import quantiles

from atomic.belief import Beliefs
from atomic.belief.agreement import pair
from atomic.belief.snapshot import snapshot
from atomic.records import (
    AttemptFinished,
    Event,
    Lesson,
    LessonsLearned,
    OutcomeSettled,
    Payload,
    RequestOpened,
    Terms,
)
from atomic.records.event import KIND_OF

LESSONS = 1_000_000
TARGET_UPDATE_US = (100.0, 20.0)  # must, aim
TARGET_MB = 64.0
_TIMED = 20_000
_LINEUPS = 20_000
_BIDDERS, _TACTICS, _TASKS, _DOMAINS = 20, ("plain", "examples", "scored"), 50, 10


def run(lessons: int = LESSONS) -> dict[str, float]:
    """Microseconds a lesson (median and nine in ten), beside the control; and megabytes after all lessons."""
    child = [sys.executable, "-m", "atomic.bench.beliefs", "child", str(lessons)]
    memory = json.loads(subprocess.run(child, check=True, capture_output=True, text=True).stdout)
    return {**_timed(_TIMED), **memory}


def table(found: dict[str, float]) -> str:
    """The figures for people."""
    must, aim = TARGET_UPDATE_US
    return "\n".join(
        [
            f"  a lesson taken in: {found['update_us_p50']:.1f} µs (median), {found['update_us_p90']:.1f} (9 in 10); "
            f"must {must:g}, aim {aim:g}; control, a bare count: {found['control_us_p50']:.2f}",
            f"  after {found['lessons']:,.0f} lessons and {_LINEUPS:,} requests: {found['memory_mb']:.1f} MB; "
            f"must {TARGET_MB:g}; snapshot {found['snapshot_mb']:.1f} MB",
        ]
    )


def _timed(count: int) -> dict[str, float]:
    beliefs, bare = Beliefs(), dict[tuple[str, str], list[float]]()
    events = list(_events(2 * count))
    took: list[float] = []
    control: list[float] = []
    for number, event in enumerate(events):
        learned = event.payload
        assert isinstance(learned, LessonsLearned)
        began = time.perf_counter_ns()
        beliefs.fold((event,))
        ended = time.perf_counter_ns()
        for lesson in learned.lessons:
            counted = bare.setdefault((lesson.key, learned.task), [0.0, 0.0])
            counted[0] += lesson.weight * lesson.target
            counted[1] += lesson.weight
        if number > len(events) // 2:  # beliefs exist by then
            took.append((ended - began) / 1e3 / len(learned.lessons))
            control.append((time.perf_counter_ns() - ended) / 1e3 / len(learned.lessons))
    parts = quantiles(took, n=10)
    return {"update_us_p50": parts[4], "update_us_p90": parts[8], "control_us_p50": quantiles(control, n=10)[4]}


def _events(lessons: int) -> Iterator[Event]:
    """Events with so many lessons in all: by turns what agreement and what feedback teach of one request."""
    seq = made = 0
    while made < lessons:
        number = seq // 2
        task = number % _TASKS
        keys = [f"b{(number * 7 + 3 * place) % _BIDDERS}+{_TACTICS[(number + place) % 3]}" for place in range(2)]
        right = float(number * 2654435761 % 1000 < 800)
        seq += 1
        if seq % 2:
            found = [
                Lesson(kind="agree", key=pair(*keys), target=right, weight=1.0, features=(0.7,)),
            ]
        else:
            claim = (0.6 + 0.001 * (number % 300), 0.8)
            found = [
                *(Lesson(kind="right", key=key, target=right, weight=1.0, features=claim, family="f") for key in keys),
                *(Lesson(kind="settle", key="", target=right, weight=1.0, features=(n, 0.85)) for n in (1.0, 2.0)),
            ]
        made += len(found)
        yield _event(
            seq,
            LessonsLearned(
                task=f"task-{task}",
                domain=f"domain-{task % _DOMAINS}",
                source="agreement" if seq % 2 else "person",
                cause=0,
                alternatives=4,
                lessons=tuple(found),
                task_version="1",
            ),
        )


def _asked(seq: int, requests: int) -> Iterator[Event]:
    """Requests that four bidders answered: the line-ups that response models are fitted to, more than are kept."""
    terms = Terms(worth=1, max_price=1)
    for number in range(requests):
        task, name = f"task-{number % _TASKS}", f"request-{number:012d}"
        opened = RequestOpened(task=task, task_version="1", domain="", labels=(), terms=terms)
        answers = [
            AttemptFinished(bidder=f"b{(number + place) % _BIDDERS}", tactic="plain", group=place % 2, price=number)
            for place in range(4)
        ]
        payloads: list[Payload] = [opened, *answers, OutcomeSettled(task=task, status="answered")]
        for payload in payloads:
            seq += 1
            yield replace(_event(seq, payload), request_id=name, round=1)


def _event(seq: int, payload: Payload) -> Event:
    return Event(
        seq=seq,
        kind=KIND_OF[type(payload)],
        version=1,
        tenant="",
        label="internal",
        request_id=str(seq // 2),
        round=0,
        time_ns=seq,
        payload=payload,
    )


def _remembered(lessons: int) -> dict[str, float]:
    beliefs = Beliefs()
    beliefs.fold(tuple(_events(100)))  # what is loaded once is no memory of lessons
    before = _resident_mb()
    for event in _events(lessons):
        beliefs.fold((event,))
    for event in _asked(beliefs.seq, _LINEUPS):
        beliefs.fold((event,))
    grown = _resident_mb() - before
    return {"lessons": float(lessons), "memory_mb": grown, "snapshot_mb": len(snapshot(beliefs)) / 1e6}


def _resident_mb() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_remembered(int(sys.argv[2]))))
