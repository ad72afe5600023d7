"""What the market knows: its bidders, its beliefs, budgets, savings; and what would be if something were otherwise."""

from __future__ import annotations

import dataclasses
import datetime
import time
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query

from atomic.belief import Beliefs
from atomic.errors import CallerError
from atomic.modes import standings_told
from atomic.progress import progress
from atomic.protocols import Bidder
from atomic.records.canonical import canonical_json
from atomic.replay import replay as recomputed
from atomic.savings import savings as measured
from atomic.server.keyring import purse_of, purse_of_team, purse_of_tenant
from atomic.server.native.common import Serving, Whole, may
from atomic.server.native.shapes import BudgetsShown, Name, Rows, Told, WhatIfAsked
from atomic.shop import day_of
from atomic.whatif import Amount, Change
from atomic.whatif import what_if as tried

router = APIRouter(tags=["market"])


@router.get("/bidders", dependencies=[may("see", "bidders")])
async def bidders(service: Serving) -> Rows:
    """Who takes part: as it declares itself, and how it is."""
    beliefs, now_ns = service.market.beliefs, time.time_ns()
    return Rows(rows=[_bidder(one, beliefs, now_ns) for _, one in sorted(service.market.bidders.items())])


@router.get("/beliefs", dependencies=[may("see", "bidders")])
def beliefs(service: Whole, task: Name = "") -> Rows:
    """What is believed of each bid in each task: how many outcomes were seen and were right, and times."""
    known = service.market.beliefs
    rows: list[Told] = []
    for key, name in sorted(known.latencies):
        if name and task in ("", name):
            mean_ns, high_ns = known.latency(key, name, None)
            rows.append(
                {
                    "bid": key,
                    "task": name,
                    "latency_ns": mean_ns,
                    "latency_high_ns": high_ns,
                    **_right(service.market.bidders, known, key, name),
                }
            )
    return Rows(rows=rows)


@router.get("/budgets", dependencies=[may("see", "budgets")])
def budgets(
    service: Whole, day: Annotated[str, Query(max_length=10, pattern=r"^(\d{4}-\d\d-\d\d)?$")] = ""
) -> BudgetsShown:
    """What a UTC day has cost so far, reservations included: in all, by task, by key, and by tenant with a cap."""
    day, ledger, market = day or day_of(time.time_ns()), service.ledger, service.config.settings.market
    govern = service.config.settings.govern
    names = sorted({*service.tasks, *market.per_task, *service.market.beliefs.tasks})
    keys = [one for one, _, _ in service.keyring.listed(time.time_ns())]
    return BudgetsShown(
        day=day,
        spent=ledger.spent(day),
        per_day=market.per_day,
        tasks=[
            {"task": name, "spent": ledger.spent(day, name), "per_day": market.per_task.get(name)} for name in names
        ],
        keys=[
            {"key": one.key, "name": one.name, "spent": ledger.spent(day, purse_of(one.key)), "per_day": one.per_day}
            for one in keys
        ],
        tenants=[
            {"tenant": name, "spent": ledger.spent(day, purse_of_tenant(name)), "per_day": cap}
            for name, cap in sorted(govern.tenants.items())
        ],
        teams=[
            {"team": name, "spent": ledger.spent(day, purse_of_team(name)), "per_day": cap}
            for name, cap in sorted(govern.teams.items())
        ],
    )


@router.get("/objectives", dependencies=[may("see", "budgets")])
def objectives(service: Whole) -> Rows:
    """Tasks with a target or a budget, and how they stand."""
    found = progress(service.ledger, service.market.beliefs, time.time_ns())
    return Rows(rows=[_plain(dataclasses.asdict(one)) for one in found])


@router.get("/modes", dependencies=[may("see", "tasks")])
def modes(service: Whole) -> Rows:
    """Who answers each task that has a mode, since when, and on what evidence that changed."""
    return Rows(rows=[_plain(one) for one in standings_told(service.ledger, service.market.modes.standings)])


@router.get("/savings", dependencies=[may("see", "budgets")])
def savings(
    service: Whole,
    against: Annotated[str, Query(min_length=1, max_length=200)],
    task: Name = "",
    since: Annotated[datetime.date | None, Query(description="UTC")] = None,
) -> Rows:
    """What the market saved against a bidder, and gained or lost: from randomised pairs alone, with bounds."""
    since_ns = 0
    if since is not None:
        begins = datetime.datetime(since.year, since.month, since.day, tzinfo=datetime.UTC)
        since_ns = int(begins.timestamp()) * 1_000_000_000
    found = measured(service.ledger, against, task=task, since_ns=since_ns)
    return Rows(rows=[_plain(one.json()) for one in found])


@router.post("/what-if", dependencies=[may("see", "what-if")])
def what_if(asked: WhatIfAsked, service: Whole) -> Told:
    """What recorded traffic would have bought if something had been otherwise."""
    if asked.worth is None and not asked.without and not asked.prices:
        raise CallerError("nothing is otherwise", hint="say worth, without or prices")
    change = Change(
        worth=None if asked.worth is None else Amount.read(asked.worth),
        without=tuple(asked.without),
        prices=tuple((name, Amount.read(amount)) for name, amount in asked.prices.items()),
    )
    found = tried(service.ledger, change, task=asked.task, last=asked.last)
    return {"totals": found.totals(), "requests": [_plain(dataclasses.asdict(one)) for one in found.changed]}


@router.post("/replay", dependencies=[may("see", "ledger")])
def replay(service: Whole, deep: bool = False, sample: Annotated[float | None, Query(ge=0.0, le=1.0)] = None) -> Told:
    """Compute every award again, or a share of them chosen by their hash; `deep` rebuilds beliefs as well."""
    return _plain(dataclasses.asdict(recomputed(service.ledger, deep=deep, sample=sample)))


def _bidder(bidder: Bidder, beliefs: Beliefs, now_ns: int) -> Told:
    profile = bidder.profile
    health = beliefs.health(profile.name).told(now_ns)
    why = getattr(bidder, "why", "")  # of one that is absent on this machine
    return {**dataclasses.asdict(profile), "health": health or "ok", "missing": str(why)}


def _right(bidders: Any, beliefs: Beliefs, key: str, task: str) -> Told:
    bidder = bidders.get(key.rpartition("+")[0])
    known = beliefs.tasks.get(task)
    if bidder is None or known is None:
        return {}
    seen = beliefs.evidence(key, task, "", known.table.alternatives, bidder.profile)
    right, spread = beliefs.right(key, task, seen, None)
    return {"right": right, "spread": spread, "seen": seen.task_count, "seen_right": seen.task_right}


def _plain(told: Any) -> Told:
    """As JSON has it: infinities and NaN are null."""
    found: Told = orjson.loads(orjson.dumps(told, default=_default))
    return found


def _default(value: Any) -> Any:
    return orjson.loads(canonical_json(value))
