"""Somebody else's bidder, over HTTP: asked before the round what it would do, told the input once it has won.

What it claims of itself is calibrated like any claim. It is paid the critical price, never less than it asked; for no
answer, a late one or one that is not of the task's type it is paid nothing. See docs/bidding-protocol.md.
"""

from __future__ import annotations

import asyncio
import importlib.util
import math
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import ValidationError

from atomic.bidders.http_rest import Rest
from atomic.bidders.language import language_of
from atomic.bidders.remote_messages import AwardReply, Bidding, BidReply, faults
from atomic.clock import Clock, SystemClock
from atomic.errors import MissingExtra, OperatorError
from atomic.output import Refusal, from_json
from atomic.protocols import History, Profile, Recorder, Sketch
from atomic.records.attempt import Plan, Reply
from atomic.records.award import Award
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.event import Event
from atomic.records.microtask import Ask
from atomic.records.request import DataLabel, accepts

if TYPE_CHECKING:
    from atomic.bidders.remote_notices import Notices
    from atomic.bidders.remote_wire import RemoteWire
    from atomic.bidders.signatures import Key

_REMEMBERED = 4_096  # requests under way
_SPARE_SECONDS = 0.05  # by which we stop waiting before the market does: who is late is not paid
Request = tuple[str, str]  # tenant, request id


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteOptions:
    """How a remote bidder is dealt with.

    `key` gives the key that we sign with, `public_key` (base64) is the one that it signs with. `most` in nano-USD is
    the most that an answer may be paid; who asks more does not bid. A bid that is not there after `bid_seconds` comes
    too late. `shows` is the highest data label whose input is part of the bid request; None: none is, and only who
    wins sees it. `tasks` names the microtasks that it is asked about; empty: all.
    """

    url: str
    key: Callable[[], Key]
    public_key: str
    most: int
    bid_seconds: float = 0.1
    shows: DataLabel | None = None
    tasks: tuple[str, ...] = ()
    accepts: DataLabel = "internal"
    jurisdictions: tuple[str, ...] = ("unknown",)
    concurrency: int = 8
    right: float = 0.5
    family: str = ""


@dataclass(slots=True)
class Standing:
    """What is known of one request: our name for it, what came of asking, and the rounds that it was in."""

    id: str
    bid: Bidding | None = None
    refusal: tuple[Reason, str] | None = None
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    lost: Award | None = None  # the first round in which it stood and was not bought
    won: Award | None = None
    asked: bool = False  # it was sent the input


class RemoteBidder:
    """A bidder by the bidding protocol. It bids only on requests that it was invited to.

    A late, wrong or missing bid is a no-bid; then it is left alone for a second, twice as long after each in a row, so
    that who is slow costs its neighbours `bid_seconds` now and then and not at every request.

    Raises MissingExtra without httpx, h2 or http-message-signatures, ConfigError for a public key that is none.
    """

    def __init__(self, name: str, options: RemoteOptions, *, clock: Clock | None = None) -> None:
        for library in ("httpx", "h2", "http_message_signatures"):
            if importlib.util.find_spec(library) is None:
                raise MissingExtra(f"{name} needs {library}", hint='pip install "atomic-market[http]"')
        from atomic.bidders.signatures import Signatures

        Signatures(options.public_key)
        self._options = options
        self._rest = Rest(clock or SystemClock())
        self._refusal = ""
        self._requests: OrderedDict[Request, Standing] = OrderedDict()
        self._wire: RemoteWire | None = None
        self._notices: Notices | None = None
        self._history: History | None = None
        self._profile = Profile(
            name=name,
            kind="remote",
            right=options.right,
            family=options.family,
            accepts=options.accepts,
            jurisdictions=options.jurisdictions,
            concurrency=options.concurrency,
        )

    @property
    def profile(self) -> Profile:
        """As configured."""
        return self._profile

    def attach(self, record: Recorder, history: History, clock: Clock) -> None:
        """Where its rounds are found again."""
        self._history = history

    def follow(self, events: Sequence[Event]) -> None:
        """Learn of the rounds that it was in, and tell the other side how they ended."""
        for event in events if self._requests else ():
            request = (event.tenant, event.request_id)
            standing = self._requests.get(request)
            if standing is None or standing.bid is None:
                continue
            if isinstance(event.payload, Award):
                if any(key.rpartition("+")[0] == self._profile.name for key in event.payload.chosen):
                    standing.won = event.payload
                elif standing.lost is None:
                    standing.lost = event.payload
            elif self._notices is not None:
                self._notices.heard(event, standing)
            if event.kind == "outcome":
                self._requests.pop(request)

    async def warm(self) -> None:
        """Load what signs and sends, half a second that the first request need not wait for."""
        self._connected()

    async def invite(self, ask: Ask) -> None:
        """Ask for a bid, once for a request; who asks meanwhile waits for the same."""
        request = (ask.tenant, ask.request_id)
        standing = self._requests.get(request)
        if standing is not None:
            await standing.heard.wait()
            return
        if self._rest.seconds_left or (self._options.tasks and ask.task.name not in self._options.tasks):
            return
        standing = self._requests[request] = Standing(secrets.token_urlsafe(16))
        if len(self._requests) > _REMEMBERED:
            self._requests.popitem(last=False)
        standing.refusal = Reason.TIMED_OUT, "its bid came too late"  # if we are cancelled
        try:
            await self._bid(ask, standing)
        finally:
            standing.heard.set()

    async def _bid(self, ask: Ask, standing: Standing) -> None:
        from atomic.bidders.remote_wire import Unanswered

        message = self._invitation(ask, standing.id)
        try:
            reply = BidReply.model_validate_json(
                await self._connected().post("bid", message, self._options.bid_seconds)
            )
        except Unanswered as error:
            standing.refusal = error.reason, error.detail
            self._refused(error.detail, error.wait)
        except ValidationError as error:
            standing.refusal = Reason.OFFER_INVALID, faults(error)
            self._refused("a bid that is none", None)
        except OperatorError as error:
            standing.refusal = Reason.NOT_CONFIGURED, error.message
        else:
            self._heed(reply, standing)

    def _heed(self, reply: BidReply, standing: Standing) -> None:
        self._rest.answered()
        if reply.id != standing.id:
            standing.refusal = Reason.OFFER_INVALID, "a bid for another request"
        elif reply.no_bid is not None:
            standing.refusal = reply.no_bid.numbered, "" if self._options.shows else reply.no_bid.detail
        elif reply.bid is not None and reply.bid.price > self._options.most:
            standing.refusal = Reason.MAX_PRICE, f"asks more than the {self._options.most} nano-USD it may be paid"
        else:
            standing.bid, standing.refusal = reply.bid, None

    def _refused(self, detail: str, wait: float | None) -> None:
        self._refusal = detail
        self._rest.refused(wait)

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """What came of asking it; no-bid for who was not asked."""
        name, standing = self._profile.name, self._requests.get((ask.tenant, ask.request_id))
        bid = None if standing is None else standing.bid
        if bid is not None:
            latency = None if bid.answer_ms is None else bid.answer_ms * 1_000_000
            most = max(bid.price, self._options.most)
            return Offer(
                bidder=name, tactic=sketch.tactic, claim=bid.claim, price=bid.price, ceiling=most, latency_ns=latency
            )
        reason, detail = Reason.NOT_ASKED, "asked when a request is made"
        if standing is not None and standing.refusal is not None:
            reason, detail = standing.refusal
        elif self._options.tasks and ask.task.name not in self._options.tasks:
            reason, detail = Reason.DECLINED, "not for this task"
        elif left := self._rest.seconds_left:
            reason, detail = Reason.NO_CAPACITY, f"{self._refusal}; {math.ceil(left)} s left"
        return NoBid(bidder=name, tactic=sketch.tactic, reason=reason, detail=detail)

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """Send the input and wait for the answer; what is paid is reckoned meanwhile."""
        from atomic.bidders.remote_wire import Unanswered

        standing = self._requests.get((ask.tenant, ask.request_id))
        if standing is None or standing.bid is None:
            return Reply(reason=Reason.NOT_ASKED, detail="its bid is not at hand any more")
        standing.asked = True
        left = ask.time_left_ns / 1e9
        seconds = max(left / 2, left - max(_SPARE_SECONDS, left / 20))
        message = {
            "id": standing.id,
            "bid": standing.bid.id,
            "answer_ms": int(1000 * seconds),
            "task": {**_task(ask), "instruction": ask.task.instruction},
            "label": ask.label,
            "input": orjson.loads(ask.input_json),
        }
        try:
            said = AwardReply.model_validate_json(await self._connected().post("award", message, seconds))
        except Unanswered as error:
            if error.reason is Reason.NO_CAPACITY:
                self._refused(error.detail, error.wait)
            return Reply(reason=error.reason, detail=error.detail)
        except ValidationError as error:
            return Reply(reason=Reason.FAILED, detail=faults(error))
        if said.id != standing.id:
            return Reply(reason=Reason.FAILED, detail="an answer to another request")
        if said.failed is not None:
            return Reply(reason=said.failed.numbered, model=said.model)  # what it says may quote the input
        answer = from_json(ask.task, said.answer)
        if isinstance(answer, Refusal):
            return Reply(reason=answer.reason, detail=answer.detail, model=said.model)
        paid = await self._payment(standing)
        premium = paid - standing.bid.price
        return Reply(value=answer, confidence=said.confidence, price=paid, premium=premium, model=said.model)

    async def _payment(self, standing: Standing) -> int:
        """The critical price of the round that it won; what it asked where there was no such round (a hedge)."""
        assert standing.bid is not None
        if standing.won is None or self._history is None:
            return standing.bid.price
        from atomic.bidders.remote_notices import critical

        found = await critical(self._history, standing.won, self._profile.name, self._options.most)
        return max(standing.bid.price, found or 0)

    def _invitation(self, ask: Ask, request: str) -> Mapping[str, Any]:
        """What it may know of a request before it has won: lengths and language, no content."""
        options = self._options
        shown = options.shows is not None and accepts(options.shows, ask.label)
        return {
            "id": request,
            "deadline_ms": int(1000 * options.bid_seconds),
            "answer_ms": ask.time_left_ns // 1_000_000,
            "task": _task(ask),
            "label": ask.label,
            "language": language_of(ask.features.text),
            "characters": ask.features.characters,
            "bytes": len(ask.input_json),
            **({"input": orjson.loads(ask.input_json)} if shown else {}),
        }

    def _connected(self) -> RemoteWire:
        if self._wire is None:
            from atomic.bidders.remote_notices import Notices
            from atomic.bidders.remote_wire import RemoteWire

            options = self._options
            self._wire = RemoteWire(
                options.url, key=options.key, public=options.public_key, concurrency=options.concurrency
            )
            self._notices = Notices(self._profile.name, self._wire, self._history, options.most)
        return self._wire

    async def close(self) -> None:
        """Say what is still to be said, for a short time, and close the connections."""
        notices, self._notices = self._notices, None
        wire, self._wire = self._wire, None
        if notices is not None:
            await notices.close()
        if wire is not None:
            await wire.close()


def _task(ask: Ask) -> dict[str, Any]:
    task = ask.task
    return {
        "name": task.name,
        "version": task.version,
        "domain": ask.domain,
        "labels": list(task.labels),
        "schema": task.output.json_schema(),
    }
