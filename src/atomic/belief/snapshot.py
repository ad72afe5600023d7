"""Beliefs as bytes and back: where a fold may begin instead of at the first event. Floats survive bit for bit."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import orjson

from atomic.belief.agreement import Pair
from atomic.belief.calibration import Calibrator
from atomic.belief.counts import Count
from atomic.belief.drift import Tokens, Watch
from atomic.belief.fold import Beliefs
from atomic.belief.hearing import Heard, Hearing, Spoken
from atomic.belief.lineups import Lineups
from atomic.belief.service import Health, Latency, Price
from atomic.belief.tasks import TaskBeliefs
from atomic.belief.variants import Variants
from atomic.errors import OperatorError
from atomic.records.award import Table
from atomic.records.bid import Reason
from atomic.records.canonical import sorted_json
from atomic.records.event import decode

VERSION = 2  # 1: without watches, models, tokens, and without a number


def snapshot(beliefs: Beliefs) -> bytes:
    """Everything believed, as canonical JSON.

    >>> other = Beliefs()
    >>> restore(other, snapshot(Beliefs()))
    >>> other.digest() == Beliefs().digest()
    True
    """
    return sorted_json(
        {
            "version": VERSION,
            "seq": beliefs.seq,
            "erased": sorted(beliefs.erased),
            "open": [[*key, task] for key, task in beliefs.open_requests.items()],  # in order: the oldest go first
            "paces": beliefs.paces.state(),
            "queueing": beliefs.queueing.state(),
            "lineups": beliefs.lineups.state(),
            "prices": [[*key, one.billed, one.expected, one.count] for key, one in sorted(beliefs.prices.items())],
            "latencies": [[*key, list(one.window)] for key, one in sorted(beliefs.latencies.items())],
            "health": [
                [key, one.failures, one.paused_at, one.paused_until, None if one.reason is None else int(one.reason)]
                for key, one in sorted(beliefs.healths.items())
            ],
            "tasks": [[key, *_task_state(one)] for key, one in sorted(beliefs.tasks.items())],
            "tokens": [[*key, *one.state()] for key, one in sorted(beliefs.tokens.items())],
            **beliefs.rights.state(),
            **beliefs.variants.state(),
            **beliefs.credit.state(),
            **beliefs.hearing.state(),
        }
    )


def _task_state(task: TaskBeliefs) -> list[Any]:
    return [
        task.alternatives,
        task.lessons,
        task.drawn_at,
        orjson.loads(task.table_bytes),
        [[name, *seen.state()] for name, seen in sorted(task.pairs.items())],
        [[answers, one.mean, one.covariance] for answers, one in sorted(task.settling.items())],
        [[name, one.mean, one.covariance] for name, one in sorted(task.differing.items())],
    ]


def restore(beliefs: Beliefs, content: bytes) -> None:
    """Put a snapshot in the place of everything believed, also one that an earlier release wrote.

    Raises ValueError for what is none, and OperatorError for one that a newer release wrote.
    """
    held = orjson.loads(content)
    if isinstance(held, dict) and isinstance(held.get("version", 1), int) and held.get("version", 1) > VERSION:
        raise OperatorError(
            f"these beliefs are of version {held['version']}, and this release reads {VERSION} at most",
            hint="upgrade Atomic: a newer release has written this ledger",
        )
    try:
        fresh = Beliefs()
        fresh.seq = held["seq"]
        fresh.erased = {(tenant, request_id) for tenant, request_id in held["erased"]}
        fresh.open_requests.update({(tenant, request): task for tenant, request, task in held["open"]})
        fresh.rights.counts = {(key, level): _count(state) for key, level, *state in held["right"]}
        fresh.rights.claims = {(key, task, kind): _calibrator(*state) for key, task, kind, *state in held["claims"]}
        fresh.rights.watches = {key: _watch(*state) for key, *state in held.get("watches", ())}
        fresh.variants = Variants.of(held)
        fresh.rights.models = {key: tuple(names) for key, *names in held.get("models", ())}
        fresh.credit.records = {name: _count(state) for name, *state in held.get("sources", ())}
        fresh.credit.words = dict(held.get("words", ()))
        for task, name, right, total in held.get("lately", ()):
            fresh.credit.lately.setdefault(task, {})[name] = right, total
        _hear(fresh.hearing, held)
        fresh.tokens = {(key, task): _tokens(*state) for key, task, *state in held.get("tokens", ())}
        fresh.prices = {(key, task): _price(*state) for key, task, *state in held["prices"]}
        if "lineups" in held:
            fresh.lineups = Lineups.of(held["lineups"])
        fresh.paces.restore(held.get("paces", []))
        fresh.queueing.restore(held.get("queueing", []))
        fresh.latencies = {(key, task): _latency(window) for key, task, window in held["latencies"]}
        fresh.healths = {key: _health(*state) for key, *state in held["health"]}
        fresh.tasks = {key: _task(*state) for key, *state in held["tasks"]}
    except (KeyError, TypeError) as error:
        raise ValueError("not a snapshot of beliefs") from error
    beliefs.become(fresh)


def _count(state: list[Any]) -> Count:
    count = Count()
    count.right, count.total, count.last_ns, lessons = state
    count.lessons = tuple(lessons)
    return count


def _calibrator(mean: list[float], *covariance: list[float] | list[list[float]]) -> Calibrator:
    calibrator = Calibrator((), ())
    rows: Any = covariance[0] if len(covariance) == 1 else covariance  # version 1 wrote the rows as one list
    calibrator.mean, calibrator.covariance = mean, list(rows)
    return calibrator


def _hear(hearing: Hearing, held: Any) -> None:
    for task, *state in held.get("heard", ()):
        hearing.heard[task] = Heard.of(state)
    for tenant, request_id, *spoken in held.get("unsettled", ()):
        hearing.open[tenant, request_id] = _spoken(*spoken)
    for tenant, request_id, *spoken in held.get("unheard", ()):
        one = _spoken(*spoken)
        hearing.waiting.setdefault(one.task, OrderedDict())[tenant, request_id] = one


def _spoken(task: str, domain: str, alternatives: int, version: str, answers: Any, *settled: Any) -> Spoken:
    return Spoken(task, domain, alternatives, version, tuple((key, group) for key, group in answers), *settled)


def _watch(fall: float, rise: float, apart: float, changed: int, *runs: float) -> Watch:
    watch = Watch()
    watch.fall, watch.rise, watch.apart, watch.changed = fall, rise, apart, changed
    if runs:  # earlier releases did not keep them
        watch.falling, watch.rising = (runs[0], runs[1]), (runs[2], runs[3])
    return watch


def _tokens(seen: int, mean: float, variance: float, high: float, low: float) -> Tokens:
    tokens = Tokens()
    tokens.seen, tokens.mean, tokens.variance, tokens.high, tokens.low = seen, mean, variance, high, low
    return tokens


def _price(billed: float, expected: float, count: float = 50.0) -> Price:
    price = Price()  # an earlier release did not count, and remembered about 50 attempts
    price.billed, price.expected, price.count = billed, expected, count
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


def _task(
    alternatives: int, lessons: int, drawn_at: int, table: Any, pairs: Any, settling: Any, differing: Any = ()
) -> TaskBeliefs:
    task = TaskBeliefs(alternatives)
    task.draw(decode(Table, sorted_json(table)))
    task.lessons, task.drawn_at, task.model = lessons, drawn_at, task.table.model
    task.apart = task.table.apart
    for name, excess, room, *usual in pairs:
        task.pairs[name] = seen = Pair()
        seen.excess, seen.room = excess, room
        seen.agreed, seen.seen = usual or (0.0, 0.0)
    task.settling = {answers: _calibrator(mean, covariance) for answers, mean, covariance in settling}
    task.differing = {name: _calibrator(mean, covariance) for name, mean, covariance in differing}
    return task
