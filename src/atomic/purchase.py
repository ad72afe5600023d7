"""One purchase: the one file that knows the order of a request's stages.

    prepare -> [ collect -> auction -> tune -> execute -> settle ]* -> outcome -> learn

The bracket is a round. Each round is held against the standing answer until nothing pays. What a round found is
appended together with what the next one decides, so a request of one round costs two commits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import orjson

from atomic.arms import Compared, Errand
from atomic.books import Books
from atomic.hedging import Hedging
from atomic.judging import examiner
from atomic.output import Refusal, from_json
from atomic.protocols import Ledger
from atomic.records.attempt import AttemptFinished, AttemptStarted, Plan, Usage
from atomic.records.award import NOBODY, Award, Position, Slate, Table
from atomic.records.bid import Bid, Reason
from atomic.records.canonical import content_id
from atomic.records.event import Body, Entry, Event, decode, encode
from atomic.records.microtask import Ask
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import RequestOpened
from atomic.rules.auction import auction, settles
from atomic.rules.planned import lift_of
from atomic.shop import day_of
from atomic.stages.capacity import Held, Turn
from atomic.stages.collect import Round, busy, collect
from atomic.stages.execute import Attempted, cut_off
from atomic.stages.learn import Bought, at_the_end
from atomic.stages.race import Race
from atomic.stages.settle import EMPTY_HAND, awarded, evidence_counts, finished, outcome
from atomic.stages.speech import Speech
from atomic.stages.steer import steer
from atomic.stages.tune import tune
from atomic.trade import Trade

_EXAMPLES, _OF_MANY = 16, 40  # at hand; the more with over twelve labels
_CUT = frozenset({Reason.CANCELLED, Reason.INTERRUPTED})
_MOST_CUTS = 2
MOST_REPEATS = 3  # answers of one bid where asking again may give another


class Purchase:
    """Buys one answer. Make it, `open` or `resume` it, then `run` it once."""

    def __init__(self, errand: Errand, ask: Ask, trade: Trade) -> None:
        self._shop = shop = errand.shop
        self._ask = ask
        self._declared = self._terms = errand.terms  # as steering makes of them, from the first round on
        self._otherwise, self._brought = errand.otherwise, errand.brought
        self._opened_ns, self._began_ns = shop.clock.time_ns(), shop.clock.monotonic_ns()
        self._resumable, self._speech = bool(trade.request_id), trade.speech or Speech()
        self._spent, self._hand = 0, EMPTY_HAND
        self._bought: list[Bought] = []
        self._attempted: dict[str, Attempted] = {}  # the first by each bid, of this process
        self._lasting: list[Bid] = []  # still under way although our process was restarted
        self._excluded: dict[str, Reason] = {}
        self._nearest = shop.examples.nearest(ask, _OF_MANY if ask.task.alternatives > 12 else _EXAMPLES)
        self._claims = shop.claims(ask)
        self._books = Books(shop, ask, trade.subjects, self._nearest)
        self._look = examiner(shop, trade, self._books.shown)

    def open(self, opened: RequestOpened, bodies: tuple[Body, ...]) -> None:
        """Begin a request that the ledger does not know yet."""
        entry = self._books.entry(opened, bodies=bodies)
        self._opened_ns = entry.time_ns
        self._books.note_entry(entry)

    def resume(self, earlier: Sequence[Event], ledger: Ledger) -> None:
        """Go on where a process died: finished attempts are reused; one that was cut counts as fully charged."""
        started: list[AttemptStarted] = []
        began_ns = 0
        slate = Slate(bids=(), no_bids=())
        for event in earlier:
            payload = event.payload
            if isinstance(payload, RequestOpened):
                self._opened_ns = event.time_ns
            elif isinstance(payload, Award):
                self._books.round, slate = payload.position.round, decode(Slate, ledger.blob(payload.slate))
                self._terms = payload.position.terms
                self._hand = self._hand.asked(self._ask.domain, self._terms.worth)
            elif isinstance(payload, AttemptStarted):
                started.append(payload)
                began_ns = event.time_ns
            elif isinstance(payload, AttemptFinished):
                started = [one for one in started if (one.bidder, one.tactic) != (payload.bidder, payload.tactic)]
                bid = next(one for one in slate.bids if one.key == payload.key)
                body = ledger.body(event.bodies[0]) if event.bodies else None
                if event.bodies:
                    self._books.borrow(ledger.subjects(event.bodies[0]))
                self._restore(bid, payload, body)
        for cut in started:
            bid = next(one for one in slate.bids if one.key == f"{cut.bidder}+{cut.tactic}")
            if self._lasts(bid):
                self._lasting.append(bid)
                self._books.day = day_of(began_ns)
                continue
            self._spent += cut.reserved
            self._take(cut_off(bid, Reason.INTERRUPTED, price=cut.reserved))
        if not self._terms.mandate:
            self._go_otherwise()

    def preview(self) -> tuple[Slate, Award]:
        """The first round as it would be held now; nothing is recorded or bought."""
        self._books.round = 1
        with self._turn() as turn:
            slate, _, award, _ = self._award(self._ask, 0, turn)
        return slate, award

    async def run(self) -> tuple[OutcomeSettled, Any]:
        """Hold rounds until nothing pays; returns the outcome and the typed answer (None for a refusal)."""
        if self._lasting:
            await self._go_on()
        with self._turn() as turn:
            return await self._rounds(turn)

    def _turn(self) -> AbstractContextManager[Turn]:
        return self._shop.capacity.turn(self._ask.tenant, self._ask.task.name, self._terms.latency_price)

    async def _rounds(self, turn: Turn) -> tuple[OutcomeSettled, Any]:
        while True:
            self._books.round += 1
            if not settles(self._position(0)):
                await self._shop.invite(self._ask, self._terms)
            elapsed_ns = self._shop.clock.monotonic_ns() - self._began_ns
            ask = replace(self._ask, time_left_ns=self._terms.deadline_ns - elapsed_ns)
            slate, table, award, entry = self._award(ask, elapsed_ns, turn)
            if not award.chosen:
                if not self._hand.state.answered and (
                    await turn.called(busy(slate), ask.time_left_ns) or self._go_otherwise()
                ):
                    self._books.round -= 1
                    continue
                self._books.note_entry(entry)
                return await self._end(award, slate)
            chosen = [bid for key in award.chosen for bid in slate.bids if bid.key == key]
            try:
                plans = tune(chosen, ask, self._shop.bidders, self._shop.tactics, self._nearest, self._speech)
            except Exception:  # a tactic is foreign code; without its plan nothing was bought, so hold the round again
                self._excluded.update({bid.key: Reason.CRASHED for bid in chosen})
                self._books.round -= 1
                continue
            with turn.holding([bid.offer.bidder for bid in chosen]) as held:
                if await self._reserve(entry, chosen, plans):
                    await self._execute(ask, chosen, plans, held, self._hedging(ask, slate, table, award))
                else:
                    self._excluded.update({bid.key: Reason.DAILY_BUDGET for bid in chosen if bid.offer.ceiling > 0})
                    self._books.round -= 1

    def _go_otherwise(self) -> bool:
        """Whether the market goes on, within its own bounds, for the one who was to answer alone and did not."""
        if self._otherwise is None:
            return False
        (self._shop, self._terms), self._otherwise = self._otherwise, None
        self._declared = self._terms
        self._books.move(self._shop)
        return True

    def _hedging(self, ask: Ask, slate: Slate, table: Table, award: Award) -> Hedging | None:
        """None for a survey, where everybody is heard to the end, and where nobody but one is: mandates and streams."""
        if self._terms.survey or self._terms.mandate or self._terms.streamed:
            return None
        shop, books, hand, nearest = self._shop, self._books, self._hand, self._nearest
        return Hedging(
            shop=shop, books=books, ask=ask, award=award, slate=slate, table=table, hand=hand, nearest=nearest
        )

    async def _go_on(self) -> None:
        """Wait on for attempts that a restart did not end; what they may cost is reserved already."""
        bids, self._lasting = self._lasting, []
        plans = tune(bids, self._ask, self._shop.bidders, self._shop.tactics, self._nearest)
        with self._turn() as turn, turn.holding([bid.offer.bidder for bid in bids]) as held:
            await self._execute(self._ask, bids, plans, held)

    def _award(self, ask: Ask, elapsed_ns: int, turn: Turn) -> tuple[Slate, Table, Award, Entry]:
        shop, position = self._shop, self._position(elapsed_ns)
        beliefs_seq = shop.beliefs.seq
        slate = NOBODY if settles(position) else self._slate(ask, turn)
        table, table_id, table_bytes = shop.beliefs.table(ask.task.name, ask.task.alternatives)
        position, slate = steer(ask.task.name, position, self._opened_ns, shop.beliefs, slate, table, shop.valuation)
        self._terms = position.terms
        self._hand = self._hand.asked(ask.domain, position.terms.worth)
        position = replace(position, state=self._hand.state)
        draw = shop.draw(ask.tenant, ask.request_id, self._books.round)
        verdict = shop.timed("auction", ask, auction, position, slate, table, draw, valuation=shop.valuation)
        slate_bytes = encode(slate)
        award = awarded(position, verdict, content_id(slate_bytes), table_id, draw, turn, beliefs_seq)
        return slate, table, award, self._books.entry(award, blobs=(slate_bytes, table_bytes))

    def _position(self, elapsed_ns: int) -> Position:
        terms, number = self._declared if self._books.round == 1 else self._terms, self._books.round
        return Position(terms=terms, state=self._hand.state, round=number, spent=self._spent, elapsed_ns=elapsed_ns)

    def _slate(self, ask: Ask, turn: Turn) -> Slate:
        shop = self._shop
        this = Round(
            terms=self._terms,
            spent=self._spent,
            now_ns=shop.clock.time_ns(),
            busy=turn.busy,
            turned_away=turn.turned_away,
            excluded=self._excluded,
            examples=self._nearest,
            punctual=shop.punctual,
            claims=self._claims,
            begun=self._speech.said,
            stuck=self._speech.stuck,
        )
        return shop.timed("collect", ask, collect, ask, shop.bidders, shop.tactics, shop.beliefs, this)

    async def _reserve(self, decision: Entry, chosen: Sequence[Bid], plans: Sequence[Plan]) -> bool:
        """Record the round and its reservations before the first call; False when the day's cap forbids it."""

        def undo() -> None:
            self._took([cut_off(bid, Reason.CANCELLED, price=0) for bid in chosen])

        return await self._books.reserve(decision, chosen, plans, undo)

    async def _execute(
        self, ask: Ask, chosen: Sequence[Bid], plans: Sequence[Plan], held: Held, hedging: Hedging | None = None
    ) -> None:
        shop = self._shop
        race = Race(shop.bidders, shop.clock, held, self._speech, alone=bool(self._terms.mandate), examiner=self._look)
        race.start(ask, chosen, plans)
        try:
            if hedging is not None:
                await hedging.run(race, held, self._reserve)
            while race.running:
                await race.wait(None)
            self._took(race.ended)
        except asyncio.CancelledError:
            # Nobody knows what a cancelled call will be billed, so its reservation stays spent. What lasts stays open.
            cut = [bid for bid in await race.cancel() if not (self._resumable and self._lasts(bid))]
            ends = [cut_off(bid, Reason.CANCELLED, price=bid.offer.ceiling) for bid in cut]
            await self._settle([*race.ended, *ends])
            raise

    def _took(self, results: Sequence[Attempted]) -> None:
        """Attempts ended: what of their reservations was not billed is given back with the next append."""
        for done in results:
            self._spent += done.reply.price
            self._books.settle(done.bid, done.reply.price)
            self._take(done)

    async def _settle(self, results: Sequence[Attempted]) -> None:
        """Record the ends of attempts at once, although the request is being cancelled."""
        self._took(results)
        await asyncio.shield(self._books.flush())

    def _take(self, done: Attempted) -> None:
        """An attempt ended: into the hand, the record and the list of who need not be asked again."""
        bid, books = done.bid, self._books
        self._hand, record, body = finished(self._hand, self._ask, done, self._shop.beliefs)
        record = replace(record, recalled=bid.key in self._shop.recalled)
        books.borrow(books.shown(done.plan))
        books.note(record, bodies=() if body is None else (books.answer(body),))
        self._bought.append(Bought(bid=bid, attempt=record))
        self._attempted.setdefault(bid.key, done)
        self._exclude(bid, record.reason)
        if record.reason is not None:
            self._speech.failed(bid.key)

    def _restore(self, bid: Bid, record: AttemptFinished, body: bytes | None) -> None:
        self._spent += record.price
        self._bought.append(Bought(bid=bid, attempt=record))
        self._exclude(bid, record.reason)
        if record.group is not None and body is not None:
            answer = from_json(self._ask.task, orjson.loads(body))
            if not isinstance(answer, Refusal):  # the task may have another type by now
                lift = lift_of(bid, record.probability, record.confidence)
                self._hand = self._hand.taking(self._ask.task, bid.key, answer, record.probability, lift)

    def _exclude(self, bid: Bid, reason: Reason | None) -> None:
        same = [one.attempt.reason for one in self._bought if one.bid.key == bid.key]
        if reason in _CUT:
            # It is no fault of its own, so it may try again; but one that takes the process with it does so twice.
            if sum(one in _CUT for one in same) >= _MOST_CUTS:
                self._excluded[bid.key] = reason
        elif reason is not None:
            self._excluded[bid.key] = reason
        elif len(same) >= MOST_REPEATS or self._deterministic(bid) or bid.key in self._shop.recalled:
            self._excluded[bid.key] = Reason.ALREADY_ANSWERED

    async def _end(self, award: Award, slate: Slate) -> tuple[OutcomeSettled, Any]:
        ask = self._ask
        latency = self._shop.clock.monotonic_ns() - self._began_ns
        counts = evidence_counts([one.bid for one in self._bought], self._hand, award.standing_group)
        settled = outcome(ask, self._hand, award, slate, counts, spent=self._spent, latency_ns=latency)
        answer: Any = None
        bodies: tuple[Body, ...] = ()
        if settled.status == "answered":
            group = self._hand.groups[award.standing_group]
            answer, bodies = group.answer, (self._books.answer(group.body),)
        if self._brought is not None and self._brought.bid.key not in self._attempted:
            self._bring(self._brought)
        self._books.note(settled, bodies=bodies)
        for learned in at_the_end(ask, self._hand.state, self._bought):
            self._books.note(learned)
        await self._books.flush()
        return settled, answer

    def _bring(self, brought: Attempted) -> None:
        """Put the answer that the caller got beside those bought: so they are compared, and learned from together."""
        self._hand, record, body = finished(self._hand, self._ask, brought, self._shop.beliefs)
        self._books.note(replace(record, recalled=True), bodies=() if body is None else (self._books.answer(body),))

    def compared(self, settled: OutcomeSettled) -> Compared:
        """What a comparison needs, once it has run."""
        paid = sum(one.attempt.price for one in self._bought if not one.attempt.recalled)
        return Compared(
            settled=settled,
            hand=self._hand,
            attempts=self._attempted,
            terms=self._terms,
            paid=paid,
            usage=Usage.of(one.attempt.usage for one in self._bought),
            capped=Reason.DAILY_BUDGET in self._excluded.values(),
        )

    def _deterministic(self, bid: Bid) -> bool:
        bidder = self._shop.bidders.get(bid.offer.bidder)  # None: left the market while the request was cut
        return bidder is None or bidder.profile.deterministic

    def _lasts(self, bid: Bid) -> bool:
        bidder = self._shop.bidders.get(bid.offer.bidder)
        return bidder is not None and bidder.profile.lasting_ns > 0
