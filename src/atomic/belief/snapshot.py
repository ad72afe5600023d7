"""Beliefs as bytes and back: where a fold may begin instead of at the first event. Floats survive bit for bit."""

from __future__ import annotations

from typing import Any

import orjson

from atomic.belief.agreement import Pair
from atomic.belief.calibration import Calibrator
from atomic.belief.counts import Count
from atomic.belief.fold import Beliefs, TaskBeliefs
from atomic.belief.service import Health, Latency, Price
from atomic.records.award import Table
from atomic.records.bid import Reason
from atomic.records.canonical import sorted_json
from atomic.records.event import decode


def snapshot(beliefs: Beliefs) -> bytes:
    """Everything believed, as canonical JSON.

    >>> other = Beliefs()
    >>> restore(other, snapshot(Beliefs()))
    >>> other.digest() == Beliefs().digest()
    True
    """
    return sorted_json(
        {
            "seq": beliefs.seq,
            "erased": sorted(beliefs.erased),
            "open": [[*key, task] for key, task in beliefs.open_requests.items()],  # in order: the oldest go first
            "right": [[*key, *one.state()] for key, one in sorted(beliefs.counts.items())],
            "claims": [[*key, one.mean, one.covariance] for key, one in sorted(beliefs.claims.items())],
            "prices": [[*key, one.billed, one.expected] for key, one in sorted(beliefs.prices.items())],
            "latencies": [[*key, list(one.window)] for key, one in sorted(beliefs.latencies.items())],
            "health": [
                [key, one.failures, one.paused_at, one.paused_until, None if one.reason is None else int(one.reason)]
                for key, one in sorted(beliefs.healths.items())
            ],
            "tasks": [[key, *_task_state(one)] for key, one in sorted(beliefs.tasks.items())],
        }
    )


def _task_state(task: TaskBeliefs) -> list[Any]:
    return [
        task.alternatives,
        task.lessons,
        task.drawn_at,
        orjson.loads(task.table_bytes),
        [[name, seen.excess, seen.room] for name, seen in sorted(task.pairs.items())],
        [[answers, one.mean, one.covariance] for answers, one in sorted(task.settling.items())],
    ]


def restore(beliefs: Beliefs, content: bytes) -> None:
    """Put a snapshot in the place of everything believed. Raises ValueError for what is none."""
    try:
        held = orjson.loads(content)
        fresh = Beliefs()
        fresh.seq = held["seq"]
        fresh.erased = {(tenant, request_id) for tenant, request_id in held["erased"]}
        fresh.open_requests.update({(tenant, request): task for tenant, request, task in held["open"]})
        fresh.counts = {(key, level): _count(state) for key, level, *state in held["right"]}
        fresh.claims = {(key, task, kind): _calibrator(*state) for key, task, kind, *state in held["claims"]}
        fresh.prices = {(key, task): _price(*state) for key, task, *state in held["prices"]}
        fresh.latencies = {(key, task): _latency(window) for key, task, window in held["latencies"]}
        fresh.healths = {key: _health(*state) for key, *state in held["health"]}
        fresh.tasks = {key: _task(*state) for key, *state in held["tasks"]}
    except (KeyError, TypeError) as error:
        raise ValueError("not a snapshot of beliefs") from error
    beliefs.become(fresh)


def _count(state: list[Any]) -> Count:
    count = Count()
    count.right, count.total, count.last_ns, lessons = state
    count.lessons.extend(lessons)
    return count


def _calibrator(mean: list[float], covariance: list[list[float]]) -> Calibrator:
    calibrator = Calibrator((), ())
    calibrator.mean, calibrator.covariance = mean, covariance
    return calibrator


def _price(billed: float, expected: float) -> Price:
    price = Price()
    price.billed, price.expected = billed, expected
    return price


def _latency(window: list[int]) -> Latency:
    latency = Latency()
    for one in window:
        latency.add(one)
    return latency


def _health(failures: int, paused_at: int, paused_until: int, reason: int | None) -> Health:
    health = Health()
    health.failures, health.paused_at, health.paused_until = failures, paused_at, paused_until
    health.reason = None if reason is None else Reason(reason)
    return health


def _task(alternatives: int, lessons: int, drawn_at: int, table: Any, pairs: Any, settling: Any) -> TaskBeliefs:
    task = TaskBeliefs(alternatives)
    task.draw(decode(Table, sorted_json(table)))
    task.lessons, task.drawn_at = lessons, drawn_at
    for name, excess, room in pairs:
        task.pairs[name] = seen = Pair()
        seen.excess, seen.room = excess, room
    task.settling = {answers: _calibrator(mean, covariance) for answers, mean, covariance in settling}
    return task
