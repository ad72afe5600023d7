"""Modes as a market runs them: who answers which request, what is bought beside it, and when that changes by itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from typing import Any

import orjson

from atomic.arms import Compared, Errand, errand_for
from atomic.belief.pairs import Standing, Standings
from atomic.beside import Answered, Beside
from atomic.errors import ConfigError, OperatorError
from atomic.protocols import History, SharedLedger
from atomic.records.event import Entry, Event
from atomic.records.lesson import PRECEDENCE, FeedbackGiven
from atomic.records.microtask import Ask, Microtask
from atomic.records.mode import MARKET, Assignment, Mode, ModeChanged, ModeStated, PairMade
from atomic.records.request import RequestOpened, Terms
from atomic.rules.modes import assign, shares
from atomic.shop import Shop
from atomic.stages.feedback import Word, judge, word_on
from atomic.trade import Trade

_TRIES = 5
_KINDS = ("mode", "moved", "request", "pair", "outcome", "feedback")

_Task = Microtask[..., Any]
Turn = Callable[[tuple[str, str]], AbstractAsyncContextManager[None]]


class Modes:
    """The modes that this process was given, by task, over the standing that all processes share through the ledger."""

    def __init__(
        self, shop: Shop, ledger: SharedLedger, modes: Mapping[str, Mode], turn: Turn, tasks: Mapping[str, _Task]
    ) -> None:
        self._turn = turn  # one at a time who says something of a request, by tenant and id
        self._tasks = tasks
        self._shop = shop
        self._ledger = ledger
        self._modes = {task: mode for task, mode in modes.items() if mode.incumbent}
        self.standings = Standings()
        self.beside = Beside(shop, ledger, self._paired)
        for task, mode in modes.items():
            check(task, mode, shop.bidders)

    async def state(self) -> None:
        """Put down what differs from how the tasks stand; the last word of any process holds for all."""
        for task, mode in self._modes.items():
            for _ in range(_TRIES):  # another process may have stated its own meanwhile
                known = self.standings.tasks.get(task)
                if known is not None and known.place.mode == mode:
                    break
                number = known.place.number + 1 if known is not None else 1
                stated = ModeStated(task=task, number=number, mode=mode)
                await self._shop.record([Entry(payload=stated, time_ns=self._shop.clock.time_ns())])
            else:
                raise OperatorError(
                    f"another process keeps stating another mode for {task!r}",
                    hint="processes that share a ledger need the same [task] tables",
                )

    def due(self) -> list[Entry]:
        """The changes that the evidence has decided; to be put down by whoever sees them."""
        now_ns = self._shop.clock.time_ns()
        return [Entry(payload=one, time_ns=now_ns) for one in self.standings.due() if one.task in self._modes]

    def assignment(self, ask: Ask, terms: Terms, earlier: Sequence[Event] = ()) -> Assignment | None:
        """Who answers a request; as it was drawn before, if it was. None where the market answers as ever."""
        for event in earlier:
            if isinstance(event.payload, RequestOpened):
                return event.payload.assignment
        task = ask.task.name
        place = self.standings.place(task) if task in self._modes else None
        if place is None or terms.survey or terms.mandate:
            return None
        return assign(place, self._shop.secret, ask.tenant, ask.request_id)

    def errand(self, ask: Ask, terms: Terms, assignment: Assignment | None) -> Errand:
        """What answering the caller is."""
        return errand_for(self._shop, terms, assignment, self._modes.get(ask.task.name))

    def answered(self, ask: Ask, opened: RequestOpened, terms: Terms, trade: Trade, compared: Compared) -> None:
        """The caller has its answer: buy beside it what was drawn."""
        mode = self._modes.get(ask.task.name)
        if opened.assignment is not None and opened.assignment.other and mode is not None:
            self.beside.begin(
                Answered(
                    ask=ask,
                    opened=opened,
                    terms=terms,
                    assignment=opened.assignment,
                    mode=mode,
                    trade=trade,
                    compared=compared,
                )
            )

    def heard(self, events: Sequence[Event], word: Word, task: _Task | None) -> list[Entry]:
        """What a word on a caller's answer says of the one bought beside it; `events` are of the caller's request."""
        made = next((one for one in events if isinstance(one.payload, PairMade)), None)
        if made is None or not isinstance(made.payload, PairMade):
            return []
        pair = made.payload
        shadow = [one for one in self._ledger.read(request_id=pair.shadow) if one.tenant == made.tenant]
        opened = next((one.payload for one in shadow if isinstance(one.payload, RequestOpened)), None)
        told = word_on(pair, word, len(opened.labels)) if opened is not None else None
        if told is None:
            return []
        return judge(shadow, self._ledger, told, self._shop.clock.time_ns(), task, self._shop.beliefs)

    async def _paired(self, key: tuple[str, str]) -> None:
        """A request has become one of a pair: what was said of it before holds for the other answer, too."""
        async with self._turn(key):
            events = [one for one in self._ledger.read(request_id=key[1]) if one.tenant == key[0]]
            opened = next((one.payload for one in events if isinstance(one.payload, RequestOpened)), None)
            task = self._tasks.get(opened.task) if opened is not None else None
            if said := self._heard_before(events, task):
                await self._shop.record(said)

    def _heard_before(self, events: Sequence[Event], task: _Task | None) -> list[Entry]:
        """What was said before the other answer was there; nothing where that has been judged since."""
        made = next((one for one in events if isinstance(one.payload, PairMade)), None)
        if made is None or not isinstance(made.payload, PairMade):
            return []
        words = [one for one in events if isinstance(one.payload, FeedbackGiven) and one.seq < made.seq]
        since = self._ledger.read(request_id=made.payload.shadow, kinds=("feedback",))
        if not words or any(one.tenant == made.tenant for one in since):
            return []
        event = max(words, key=_standing)
        return self.heard(events, self._word(event), task)

    def _word(self, event: Event) -> Word:
        given = event.payload
        assert isinstance(given, FeedbackGiven)
        truth = next((self._ledger.body(one) for one in event.bodies if one.name == "truth"), None)
        if truth is not None:
            return Word(truth=orjson.loads(truth), source=given.source, author=given.author, asked=given.asked)
        return Word(value=given.value, source=given.source, author=given.author, asked=given.asked)

    async def close(self) -> None:
        """End what is bought beside; may be called twice."""
        await self.beside.close()


def check(task: str, mode: Mode, bidders: Collection[str]) -> None:
    """Raises ConfigError for a mode that cannot be."""
    if wrong := next(iter(wrong_in(mode, bidders)), None):
        raise ConfigError(f"the mode of {task}: {wrong[0]}: {wrong[1]}", hint="docs/modes.md says what each means")


def wrong_in(mode: Mode, bidders: Collection[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with a mode: which field, and why."""
    if mode.mode != "market" and not mode.incumbent:
        yield "incumbent", f'mode "{mode.mode}" needs one: who answers until somebody is better'
    names = ", ".join(sorted(bidders)) or "none"
    if mode.incumbent and mode.incumbent.partition("+")[0] not in bidders:
        yield "incumbent", f"there is no bidder {mode.incumbent!r}; there are: {names}"
    if not mode.challengers or len(set(mode.challengers)) < len(mode.challengers):
        yield "challengers", f'name each once, such as "{MARKET}"'
    for one in mode.challengers:
        if one == mode.incumbent or (one != MARKET and one.partition("+")[0] not in bidders):
            yield "challengers", f'{one!r} is neither "{MARKET}" nor another bidder; there are: {names}'
    for name, value, low, high in (
        ("sample", mode.sample, 0.0, 1.0),
        ("share", mode.share, 0.0, 1.0),
        ("floor", mode.floor, 0.0, 1.0),
        ("alpha", mode.alpha, 1e-9, 0.5),
    ):
        if not low <= value <= high:
            yield name, f"{value!r} is not between {low:g} and {high:g}"
    if mode.shadow_per_day < 0:
        yield "shadow", "an amount of money is not negative"
    if mode.mode == "market" and mode.incumbent and mode.challengers != (MARKET,):
        yield "challengers", 'in mode "market" it is the market that answers'


def _standing(event: Event) -> tuple[int, int]:
    given = event.payload
    assert isinstance(given, FeedbackGiven)
    return -PRECEDENCE.index(given.source), event.seq


def standings_told(ledger: History, standings: Standings | None = None) -> list[dict[str, Any]]:
    """How each task that has a mode stands, as JSON holds it: who answers, on what evidence, and since when.

    A market knows its `standings`; without one they are read.
    """
    if standings is None:
        standings = Standings()
        standings.fold(ledger.read(kinds=_KINDS))
    return [_told(ledger, task, one) for task, one in sorted(standings.tasks.items())]


def _told(ledger: History, task: str, standing: Standing) -> dict[str, Any]:
    place = standing.place
    history: list[dict[str, Any]] = []
    for event in ledger.read(kinds=("mode", "moved")):
        told = event.payload
        if isinstance(told, ModeStated | ModeChanged) and told.task == task and told.number == len(history) + 1:
            kind = "stated" if isinstance(told, ModeStated) else "changed"
            history.append({"seq": event.seq, "time_ns": event.time_ns, kind: asdict(told)})
    evidence = {
        arm: {
            "pairs": one.won.count,
            "mean": one.won.mean,
            "won": one.won.capital,
            "lost": one.lost.capital,
            "needed": standing.needed,
        }
        for arm, one in standing.evidence.items()
    }
    return {
        "task": task,
        "mode": asdict(place.mode),
        "phase": place.phase,
        "number": place.number,
        "shares": shares(place.mode, place.phase, place.champion),
        "evidence": evidence,
        "history": history,
    }
