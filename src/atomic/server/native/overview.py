"""The overview: what was bought for what, hour by hour; live, once a second; and a round's auction run again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, replace
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from atomic.counterfactual import Given, best
from atomic.errors import CallerError, NotFound
from atomic.overview import HOUR_NS, Bought, Overview, Tried, quantile, wilson
from atomic.records.award import Award, Slate, Table
from atomic.records.event import decode
from atomic.records.tested import CasesPlayed
from atomic.rules.auction import RULES_VERSION, without
from atomic.server.keyring import Principal
from atomic.server.native.common import RequestId, Serving, Who, Whole, may
from atomic.server.native.shapes import AgainAsked, Name, Told
from atomic.server.service import Service

router = APIRouter(tags=["overview"])
_SECOND = 1.0
_RUNS = 10
_SHOWN = 25  # outcomes in a live summary
Ns = Annotated[int, Query(ge=0, le=2**62)]


@router.get("/overview", dependencies=[may("see", "requests")])
async def overview(
    service: Serving, who: Who, since_ns: Ns = 0, until_ns: Annotated[int | None, Query(ge=0, le=2**62)] = None
) -> Told:
    """What was bought from one hour to before another (UTC): in all, by the hour, by task, and by who won.

    `right` and its bounds (95 %, Wilson) are of what was judged; null where nothing was. Times are medians and 95 %
    quantiles in nanoseconds, money is in nano-USD.
    """
    seen = service.overviews.of(who.tenant)

    def bought(by: Callable[[int, str, str], str]) -> list[Told]:
        found = seen.bought_by(by, since_ns=since_ns, until_ns=until_ns)
        return [{"of": name, **_bought(cell)} for name, cell in sorted(found.items())]

    whole = seen.bought_by(lambda *_: "", since_ns=since_ns, until_ns=until_ns)
    return {
        **_now(service, seen),
        "whole": _bought(whole.get("", Bought())),
        "hours": [{"hour_ns": int(one.pop("of")) * HOUR_NS, **one} for one in bought(lambda hour, *_: f"{hour:012d}")],
        "tasks": bought(lambda _, task, __: task),
        "winners": bought(lambda _, __, winner: winner),
        "task_winners": bought(lambda _, task, winner: f"{task}\n{winner}"),
    }


@router.get("/overview/bidders", dependencies=[may("see", "bidders")])
async def bidders(service: Serving, who: Who, task: Name = "", since_ns: Ns = 0) -> Told:
    """Each bid as it did in that time: attempts, failures, prices, times, and how its probabilities came true.

    `curve` is the calibration of what it won, in ten bins of equal width. `agreement` maps a task to pairs of bids
    with how often they agree and the share of copies, where both are known.
    """
    beliefs = service.market.beliefs.tasks if not who.tenant else {}
    return {
        "bids": _bids(service.overviews.of(who.tenant), task, since_ns),
        "agreement": {
            name: [
                {"pair": key.split("|", 1), "agree": one.usual, "copies": one.copying(0.3)}
                for key, one in sorted(known.pairs.items())
            ]
            for name, known in sorted(beliefs.items())
            if task in ("", name)
        },
    }


@router.get("/bidding", dependencies=[may("see", "bidding")])
async def bidding(service: Whole, who: Who, bidder: Name = "", task: Name = "", since_ns: Ns = 0) -> Told:
    """How a bidder did: what it was asked, won and was paid, and how its probabilities came true.

    Without `bidder` the one that is called as the key is. Another is told to those alone who may see bidders.
    """
    name = bidder or who.who.name
    if name != who.who.name:
        service.require(who, "see", "bidders")
    if name not in service.market.bidders:
        raise NotFound(f"there is no bidder {name!r}", hint="a key of a bidder is called as the bidder is")
    bids = _bids(service.overviews.of(""), task, since_ns)
    return {"bidder": name, "bids": [one for one in bids if one["of"].rpartition("+")[0] == name]}


@router.get("/overview/tactics", dependencies=[may("see", "tasks")])
def tactics(service: Whole, task: Annotated[str, Query(min_length=1, max_length=200)]) -> Told:
    """What came of each tactic in a task, with its lift over asking plainly (95 %, at all times together)."""
    found = service.overviews.tactics.of(task)
    bids = [
        {
            "of": key,
            "tried": one.tried,
            "won": one.won,
            "failed": one.failed,
            "cost": one.cost,
            "judged": len(one.rights),
            "right": one.right,
            "lift": None if (lift := found.lift(key)) is None else asdict(lift),
        }
        for key, one in sorted(found.bids.items())
    ]
    return {
        "bids": bids,
        "stopped": [asdict(one) for one in found.stopped],
        "retired": [asdict(one) for one in found.retired],
    }


@router.get("/overview/cases", dependencies=[may("see", "tasks")])
def cases(service: Whole, who: Who, task: Annotated[str, Query(min_length=1, max_length=200)]) -> Told:
    """What came of a task's test cases when `atomic test` last played them, and in the nine runs before.

    What was wrong with each is told to those alone who may see inputs and answers.
    """
    found = [
        (event, event.payload)
        for event in service.ledger.read(kinds=("tested",))
        if isinstance(event.payload, CasesPlayed) and event.payload.task == task
    ]
    runs = [
        {"seq": event.seq, "time_ns": event.time_ns, "bidder": run.bidder, "passed": run.passed, "of": len(run.cases)}
        for event, run in reversed(found[-_RUNS:])
    ]
    if not found:
        return {"runs": [], "cases": []}
    event, last = found[-1]
    shown = not service.policies.entering(who.who, "see", "inbox")
    body = service.ledger.body(event.bodies[0]) if shown and event.bodies else None
    said = {} if body is None else orjson.loads(body)
    return {"runs": runs, "cases": [{**asdict(one), "said": said.get(one.id, [])} for one in last.cases]}


@router.get(
    "/overview/live",
    response_class=StreamingResponse,
    responses={200: {"description": "Summaries as they come.", "content": {"text/event-stream": {}}}},
    dependencies=[may("see", "requests")],
)
async def live(request: Request, service: Serving, who: Who) -> StreamingResponse:
    """A summary a second as server-sent events, while something happens; `id` is the last event's number."""
    stream = _summaries(service, who)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"cache-control": "no-store"})


async def _summaries(service: Service, who: Principal) -> AsyncIterator[bytes]:
    told, quiet = -1, 0
    while not service.draining.is_set() and service.may_stay(who):
        seen = service.overviews.of(who.tenant)
        if seen.seq != told or not told:
            told, quiet = seen.seq, 0
            data = orjson.dumps({**_now(service, seen), "recent": _recent(service, who)})
            yield b"id: %d\ndata: %s\n\n" % (told, data)
        elif quiet >= 15:
            quiet = 0
            yield b": still here\n\n"
        quiet += 1
        try:
            await asyncio.wait_for(service.draining.wait(), _SECOND)
        except TimeoutError:
            continue


@router.post("/requests/{request_id:path}/again", dependencies=[may("see", "requests")])
def again(request_id: RequestId, asked: AgainAsked, service: Serving, who: Who) -> Told:
    """A round's auction, run again with other worths, prices or probabilities: what would have been bought then.

    Held fixed are who could bid, what was believed of agreement, the answers in hand, and the draw.
    """
    award = _award(service, who, request_id, asked.round)
    if award.rules_version != RULES_VERSION:
        raise CallerError(f"this award was made by other rules ({award.rules_version}) than this release has")
    slate: Slate = decode(Slate, service.ledger.blob(award.slate))
    table: Table = decode(Table, service.ledger.blob(award.table))
    given = Given(position=award.position, slate=slate, table=table, draw=award.draw)
    verdict = _changed(given, asked).verdict()
    return {
        "was": list(award.chosen),
        "chosen": list(verdict.chosen),
        "best": list(best(verdict)),
        "changes": verdict.chosen != award.chosen,
        "standing": verdict.standing,
        "candidates": [
            {"action": list(one.action), "score": one.score, "propensity": one.propensity} for one in verdict.candidates
        ],
    }


def _award(service: Service, who: Principal, request_id: str, number: int) -> Award:
    for event in service.ledger.read(request_id=request_id, kinds=("award",)):
        if event.tenant == who.tenant and event.round == number and isinstance(event.payload, Award):
            return event.payload
    raise NotFound(f"there is no round {number} of a request {request_id!r}", hint="/api/v1/requests lists them")


def _changed(given: Given, asked: AgainAsked) -> Given:
    known = {bid.key for bid in given.slate.bids}
    for key in (*asked.prices, *asked.probabilities, *asked.without):
        if key not in known:
            raise NotFound(f"{key!r} did not bid in this round", hint=f"one of {', '.join(sorted(known))}")
    if asked.worth is not None:
        given = given.at_worth(asked.worth)
    for key, price in asked.prices.items():
        given = given.at_price(key, price)
    for key, probability in asked.probabilities.items():
        given = given.at_probability(key, probability)
    return replace(given, slate=without(given.slate, asked.without)) if asked.without else given


def _bids(seen: Overview, task: str, since_ns: int) -> list[Told]:
    tried = seen.tried_by(lambda _, of, key: key if task in ("", of) else "", since_ns=since_ns)
    won = seen.bought_by(lambda _, of, winner: winner if task in ("", of) else "", since_ns=since_ns)
    return [
        {"of": key, **_tried(cell), "won": won[key].requests if key in won else 0, "curve": _curve(seen, key)}
        for key, cell in sorted(tried.items())
        if key
    ]


def _now(service: Service, seen: Overview) -> Told:
    hour = time.time_ns() // HOUR_NS * HOUR_NS
    this = seen.bought_by(lambda *_: "", since_ns=hour).get("", Bought())
    return {
        "ready": service.overviews.ready,
        "why": service.overviews.why,
        "seq": seen.seq,
        "open": seen.open,
        "this_hour": _bought(this),
        "time_ns": time.time_ns(),
    }


def _recent(service: Service, who: Principal) -> list[Told]:
    found = []
    for event, settled in reversed(service.overviews.recent):
        if event.tenant == who.tenant:
            found.append(
                {
                    "seq": event.seq,
                    "time_ns": event.time_ns,
                    "request_id": event.request_id,
                    "task": settled.task,
                    "status": settled.status,
                    "winner": settled.winner,
                    "probability": settled.probability,
                    "cost": settled.cost,
                    "latency_ns": settled.latency_ns,
                }
            )
        if len(found) == _SHOWN:
            break
    return found


def _bought(cell: Bought) -> Told:
    low, high = wilson(cell.right, cell.judged)
    answered = cell.requests - cell.refused
    return {
        "requests": cell.requests,
        "refused": cell.refused,
        "cost": cell.cost,
        "probability": cell.probability / answered if answered else None,
        "judged": cell.judged,
        "right": cell.right / cell.judged if cell.judged else None,
        "right_low": low if cell.judged else None,
        "right_high": high if cell.judged else None,
        "latency_ns": quantile(cell.latencies, 0.5),
        "latency_high_ns": quantile(cell.latencies, 0.95),
    }


def _tried(cell: Tried) -> Told:
    return {
        "attempts": cell.attempts,
        "failed": cell.failed,
        "price": cell.price,
        "expected_price": cell.expected_price,
        "latency_ns": quantile(cell.latencies, 0.5),
        "latency_high_ns": quantile(cell.latencies, 0.95),
    }


def _curve(seen: Overview, key: str) -> list[dict[str, Any]]:
    return [
        {"judged": one.judged, "probability": one.probability / one.judged, "right": one.right / one.judged}
        for one in seen.curves.get(key, ())
        if one.judged
    ]
