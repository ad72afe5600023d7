"""The market: the door to buying, judging and asking what is known, and the one writer of the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ParamSpec, TypeVar
from weakref import WeakValueDictionary

from atomic.belief import Beliefs
from atomic.clock import Clock, SystemClock
from atomic.erasure import begin_at, fold, newest_rebase
from atomic.errors import Conflict, Erased, NotFound, OperatorError
from atomic.governed import governed
from atomic.modes import Modes
from atomic.outcome import Outcome, read_outcome
from atomic.planning import Planning
from atomic.protocols import (
    Asker,
    Bidder,
    Examples,
    Invited,
    Learner,
    Parser,
    Policies,
    SharedLedger,
    Spend,
    Tactic,
    Valuation,
)
from atomic.purchase import Purchase
from atomic.records.award import Award, Slate
from atomic.records.event import Entry, Event
from atomic.records.ids import check_writable, fresh_id
from atomic.records.lesson import Source
from atomic.records.microtask import Ask, Call, Microtask
from atomic.records.mode import Mode
from atomic.records.request import RequestOpened, Terms
from atomic.rules.valuation import lookahead
from atomic.shop import Shop, fingerprint_of, reprice
from atomic.stages.capacity import MOST_WAITING, Capacity
from atomic.stages.feedback import Word, judge
from atomic.stages.prepare import given
from atomic.stages.punctual import Punctuality
from atomic.stages.reading import Reading
from atomic.stages.teach import Teacher
from atomic.streaming import Stream, stream
from atomic.trade import Trade

P = ParamSpec("P")
T = TypeVar("T")
_POLL_SECONDS, _TURN_SECONDS = 0.05, 0.002


class Market:
    """Buys answers to microtasks from bidders, records everything, and learns from what comes of it.

    Made by `atomic.open`, or by hand to choose every part. `per_day` and, by task, `per_task` cap a day in nano-USD.
    """

    def __init__(  # noqa: PLR0913 - every part by its name
        self,
        *,
        ledger: SharedLedger,
        bidders: Sequence[Bidder],
        tactics: Sequence[Tactic],
        examples: Examples,
        per_day: int | None = None,
        per_task: Mapping[str, int] | None = None,
        queue: int = MOST_WAITING,
        clock: Clock | None = None,
        valuation: Valuation = lookahead,
        modes: Mapping[str, Mode] | None = None,
        parser: Parser | None = None,
        policies: Policies | None = None,
    ) -> None:
        self.ledger = ledger
        self.beliefs = Beliefs()
        self.bidders = {bidder.profile.name: bidder for bidder in bidders}
        self._secret, self._policies = ledger.secret(), policies
        self._clock = clock or SystemClock()
        self._askers = [bidder for bidder in bidders if isinstance(bidder, Asker)]
        for asker in self._askers:
            asker.attach(self.record, ledger, self._clock)
        learners, reading = [bidder for bidder in bidders if isinstance(bidder, Learner)], Reading()
        self._teacher = Teacher(ledger, learners, examples, _report, reading)
        self._seen = 0  # the seq up to which events were taken in
        self._unfollow: Callable[[], None] | None = None
        self._running: dict[tuple[str, str], asyncio.Future[None]] = {}
        self._unreleased: dict[tuple[str, str], bool] = {}  # claims that a full disk or a lock kept us from giving back
        self._tasks: dict[str, Microtask[..., Any]] = {}  # as last bought, by name: their types read a given truth
        self._judging: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._shop = Shop(
            bidders=self.bidders,
            tactics=tactics,
            examples=examples,
            beliefs=self.beliefs,
            invited=[bidder for bidder in bidders if isinstance(bidder, Invited)],
            record=self.record,
            clock=self._clock,
            secret=self._secret,
            per_day=per_day,
            per_task=per_task or {},
            valuation=valuation,
            punctual=Punctuality(self._clock),
            capacity=Capacity(self._clock, most_waiting=queue),
            reading=reading,
            parser=parser,
            buy=self.buy,
        )
        self.claims = self._shop.claims
        self.watchers = self._shop.watchers
        self.capacity = self._shop.capacity
        self.planning = Planning(self.beliefs, self.record, self._clock, _report)
        self.modes = Modes(self._shop, ledger, modes or {}, self._turn, self._tasks)

    async def start(self) -> None:
        """Take in the ledger as it stands, so that beliefs and learners are what they were, and follow it from then on.

        Beliefs begin at the newest snapshot that an erasure left.
        """
        rebased = newest_rebase(self.ledger)
        if rebased is not None:
            begin_at(self.beliefs, rebased, self.ledger)
        self._unfollow = self.ledger.follow(self.follow, after=0)
        await self.record(())
        await self.modes.state()

    async def record(
        self, entries: Sequence[Entry], *, spend: Spend | None = None, power_durable: bool = False
    ) -> tuple[Event, ...]:
        """Append to the ledger: the only door to it. See `Ledger.append`.

        What these events show to have changed is written down after them, by whoever wrote them.
        """
        events = await self.ledger.append(entries, spend=spend, power_durable=power_durable)
        span = (events[0].seq, events[-1].seq) if events else (0, 0)
        if shown := [*self.beliefs.shown_by(*span), *self._teacher.shown_by(*span)]:
            await self.ledger.append([Entry(payload=one, time_ns=self._clock.time_ns()) for one in shown])
        if events and (due := self.modes.due()):
            await self.ledger.append(due)
        return events

    def follow(self, events: Sequence[Event]) -> None:
        """Take new events of the ledger, ours and other processes', into beliefs and learners; each once."""
        fresh = [event for event in events if event.seq > self._seen]
        if not fresh:
            return
        self._seen = fresh[-1].seq
        fold(self.beliefs, fresh, self.ledger)
        self.modes.standings.fold(fresh)
        self.planning.look()
        self._teacher.follow(fresh)
        for asker in self._askers:
            asker.follow(fresh)
        reprice(self.bidders, fresh)
        # While it starts, what was erased earlier cannot be read in the first place.
        if self._unfollow is not None and any(event.kind == "erased" for event in fresh):
            self._teacher.begin_again()

    async def run(self, task: Microtask[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Outcome[T]:
        """Buy an answer to a microtask for one input.

        Raises TaskError when the input does not fit; everything that bidders do wrong ends in a refusal at worst.
        """
        return await self.buy(task(*args, **kwargs), Trade())

    async def buy(self, call: Call[T], trade: Trade) -> Outcome[T]:
        """Buy an answer with options. The same `request_id` again gives the same outcome and buys nothing.

        Raises Conflict when the id was used with another input.
        """
        self._tasks[call.task.name] = call.task
        self._terms(trade.ask(call, trade.request_id), trade)  # what policies forbid claims no id
        if not trade.request_id:
            return await self._purchase(call, trade, fresh_id(self._clock.time_ns()), ())
        await self._release_what_is_left()
        key = (trade.tenant, trade.request_id)
        fingerprint = fingerprint_of(self._secret, call.task.name, call.input_json)
        while True:
            standing = await self.ledger.claim(*key, fingerprint)
            if standing == "conflict":
                raise Conflict(
                    f"request {trade.request_id!r} was made before with another input",
                    hint="use a fresh request_id, or the same input",
                )
            if standing == "done":
                return read_outcome(self.ledger, call, *key)
            if standing in {"new", "resumed"}:
                return await self._claimed(call, trade, key, resumed=standing == "resumed")
            if (ours := self._running.get(key)) is None:
                await asyncio.sleep(_POLL_SECONDS)
                await self.record(())
            else:
                await asyncio.shield(ours)

    def stream(self, call: Call[T], trade: Trade | None = None, *, buffered: bool = False) -> Stream[T]:
        """Buy an answer that is read while it is said: `async with` it, `async for` its pieces, then its `outcome`.

        Its `partials()` are typed values that grow. It is bought one bid at a time and settles for the first answer, so
        nothing that was said is taken back; `buffered` buys as `buy` does and says the answer once it is settled.
        """
        return stream(self.buy, call, trade or Trade(), buffered=buffered)

    async def _claimed(self, call: Call[T], trade: Trade, key: tuple[str, str], *, resumed: bool) -> Outcome[T]:
        ended = self._running[key] = asyncio.get_running_loop().create_future()
        done = False
        try:
            earlier = self._events_of(key) if resumed else ()
            if any(event.kind == "outcome" for event in earlier):
                done = True
                return read_outcome(self.ledger, call, *key)
            outcome = await self._purchase(call, trade, trade.request_id, earlier)
            done = True
            return outcome
        finally:
            try:
                await asyncio.shield(self._release(key, done=done))
            finally:  # whoever waits for us goes on, even if we are cancelled here
                del self._running[key]
                ended.set_result(None)

    async def _release(self, key: tuple[str, str], *, done: bool) -> None:
        """Give a claim back, later if the ledger cannot be written now: else we would wait for ourselves."""
        try:
            await self.ledger.release(*key, done=done)
        except OperatorError:
            self._unreleased[key] = done

    async def _release_what_is_left(self) -> None:
        left, self._unreleased = self._unreleased, {}
        for key, done in left.items():
            await self._release(key, done=done)

    async def _purchase(self, call: Call[T], trade: Trade, request_id: str, earlier: Sequence[Event]) -> Outcome[T]:
        if self._unfollow is not None:  # another process may have changed a price since our last append
            self.follow(self.ledger.news(self._seen))
        ask = trade.ask(call, request_id)
        terms = self._terms(ask, trade)
        assignment = self.modes.assignment(ask, terms, earlier)
        errand = self.modes.errand(ask, terms, assignment).charged(trade.purses)
        purchase = Purchase(errand, ask, trade)
        opened = RequestOpened(
            task=call.task.name,
            task_version=call.task.version,
            domain=ask.domain,
            labels=call.task.labels,
            terms=errand.terms,
            assignment=assignment,
            principal=trade.principal.name and trade.principal.told,
        )
        if any(event.kind == "request" for event in earlier):
            purchase.resume(earlier, self.ledger)
        else:
            purchase.open(opened, given(ask, trade.subjects))
        settled, answer = await purchase.run()
        self.modes.answered(ask, opened, terms, trade, compared := purchase.compared(settled))
        return Outcome.of(settled, answer, compared.usage, (trade.tenant, request_id), self.ledger)

    def preview(self, call: Call[Any], trade: Trade) -> tuple[Slate, Award]:
        """The first round as it would be held now, exploration's draw included; records, reserves and buys nothing."""
        ask = trade.ask(call, trade.request_id or fresh_id(self._clock.time_ns()))
        terms = self._terms(ask, trade)
        return Purchase(self.modes.errand(ask, terms, self.modes.assignment(ask, terms)), ask, trade).preview()

    def _terms(self, ask: Ask, trade: Trade) -> Terms:
        return governed(self._policies, trade.principal, ask, trade.terms or ask.task.terms, self.bidders)

    async def feedback(  # noqa: PLR0913 - each says another thing of one word
        self,
        request_id: str,
        value: float | None = None,
        *,
        truth: Any = None,
        rights: Mapping[str, float] | None = None,
        source: Source = "person",
        author: str = "",
        tenant: str = "",
        asked: bool = False,
    ) -> None:
        """Say how right an outcome was (`value` in [0, 1]), what the right answer is (`truth`), or how right the
        answers of some bids were (`rights`, by "bidder+tactic").

        All teach at once. A later word of the same or a higher source supersedes; a lower one is recorded and
        teaches nothing. `author` stays in the chain for ever: let it be a role or an id, never an address. `asked` says
        that this is of a random sample, all of which was asked for: what comes by itself is mostly complaints.

        Raises NotFound for an unknown request, TaskError for a value that is no probability or a truth that is not of
        the task's type.
        """
        check_writable(request_id, tenant, author)
        key = (tenant, request_id)
        self._settled(key)  # before a turn is claimed, which leaves a row behind
        await self.modes.beside.ended(key)
        async with self._turn(key):
            word = Word(value=value, truth=truth, rights=rights, source=source, author=author, asked=asked)
            await self._judge(key, word)

    @asynccontextmanager
    async def _turn(self, key: tuple[str, str]) -> AsyncIterator[None]:
        """One at a time: two words on a request at once, here or from another process, would both count in full."""
        async with self._judging.setdefault(key, asyncio.Lock()):
            turn = (key[0], f"{key[1]}\x1ffeedback")
            await self._release_what_is_left()
            while await self.ledger.claim(*turn, "") == "running":  # noqa: ASYNC110 - another process's turn
                await asyncio.sleep(_TURN_SECONDS)
            try:
                yield
            finally:
                await asyncio.shield(self._release(turn, done=False))

    async def _judge(self, key: tuple[str, str], word: Word) -> None:
        events = self._settled(key)
        opened = next((one.payload for one in events if isinstance(one.payload, RequestOpened)), None)
        if events[0].bodies and self.ledger.body(events[0].bodies[0]) is None:
            raise Erased(f"request {key[1]!r} was erased", hint="nothing can be learned from it any more")
        task = self._tasks.get(opened.task) if opened is not None else None
        said = judge(events, self.ledger, word, self._clock.time_ns(), task, self.beliefs)
        await self.record([*said, *self.modes.heard(events, word, task)])

    def _settled(self, key: tuple[str, str]) -> tuple[Event, ...]:
        """What is known of a request that has its outcome. Raises NotFound."""
        events = self._events_of(key)
        if not any(event.kind == "outcome" for event in events):
            raise NotFound(f"there is no settled request {key[1]!r}", hint="see `atomic ledger tail`")
        return events

    def _events_of(self, key: tuple[str, str]) -> tuple[Event, ...]:
        tenant, request_id = key
        return tuple(event for event in self.ledger.read(request_id=request_id) if event.tenant == tenant)

    async def close(self) -> None:
        """Close every bidder; may be called twice. The ledger is closed by who opened it."""
        await self.planning.close()
        await self.modes.close()
        await self._release_what_is_left()
        if self._unfollow is not None:
            self._unfollow()
        for bidder in self.bidders.values():
            await bidder.close()


def _report(error: Exception) -> None:
    """What went wrong beside the requests goes where the loop's other stray errors go."""
    loop = asyncio.get_running_loop()
    loop.call_exception_handler({"message": "the market could not learn from what is recorded", "exception": error})


__all__ = ["Market", "Trade"]
