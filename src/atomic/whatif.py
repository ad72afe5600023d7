"""What if? The recorded first rounds, auctioned again with something changed, and what would have come of it.

Held fixed are who could bid at all, what was believed, and the draw. What the other award would have brought is known
only where the ledger holds the answer, because that bidder was bought in the same request anyway; everything else is
counted apart as not known and never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import orjson

from atomic.counterfactual import Action, Given
from atomic.errors import CallerError, NotFound, TaskError
from atomic.explain.explaining import unproven
from atomic.protocols import History
from atomic.records.attempt import AttemptFinished
from atomic.records.award import Answered, Award, Slate, Table
from atomic.records.bid import Reason
from atomic.records.event import Commitment, Event, decode
from atomic.records.lesson import LessonsLearned
from atomic.records.money import nano_usd
from atomic.records.request import RequestOpened
from atomic.rules.auction import without
from atomic.rules.posterior import joint_probability

_CUT = frozenset({Reason.CANCELLED, Reason.INTERRUPTED, Reason.OVERTAKEN})  # what it would have said is not known
_KINDS = ("request", "award", "finished", "lessons")
_TIMES = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)x\Z")


@dataclass(frozen=True, slots=True)
class Amount:
    """Another amount: so many times as much, or so many nano-USD."""

    times: Fraction | None = None
    nano: int = 0

    @classmethod
    def read(cls, text: str) -> Amount:
        """Read "2x" or "$0.001". Raises CallerError.

        >>> Amount.read("0.5x").of(1_000), Amount.read("$0.001").of(5)
        (500, 1000000)
        """
        found = _TIMES.fullmatch(text.strip())
        if found is not None:
            return cls(times=Fraction(found.group(1)))
        try:
            return cls(nano=nano_usd(text))
        except TaskError:
            raise CallerError(f"{text!r} is no amount", hint='write "2x" or "$0.001"') from None

    def of(self, amount: int) -> int:
        """What becomes of an amount in nano-USD, rounded down."""
        return self.nano if self.times is None else int(amount * self.times)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is changed. Bids are named by their bidder, or by bidder and tactic ("mini+plain")."""

    worth: Amount | None = None
    without: tuple[str, ...] = ()
    prices: tuple[tuple[str, Amount], ...] = ()

    def applied(self, given: Given) -> Given:
        """The round as it would have been. `max_price` stays, and so does who could not bid."""
        if self.worth is not None:
            given = given.at_worth(max(1, self.worth.of(given.position.terms.worth)))
        gone = [bid.key for bid in given.slate.bids if any(_names(name, bid.key) for name in self.without)]
        given = replace(given, slate=without(given.slate, gone))
        for bid in given.slate.bids:
            given = given.at_price(bid.key, self.price(bid.key, bid.price))
        return given

    def price(self, key: str, price: int) -> int:
        """A price of this bid, expected or billed, as it would have been."""
        for name, amount in self.prices:
            if _names(name, key):
                return amount.of(price)
        return price


def _names(name: str, key: str) -> bool:
    return name in (key, key.rpartition("+")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What an award brought in its first round: billed in nano-USD, the best answer, how right feedback says it was.

    `right` is None where nobody said so, or where there was no answer. `state` is "none", "shown", or "erased".
    """

    cost: int
    answer: Any = None
    state: str = "none"
    right: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One request's first round as it was and as it would have been. A `Came` of None: not known."""

    request_id: str
    tenant: str
    task: str
    now: Action
    then: Action
    came_now: Came | None
    came_then: Came | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """The recorded traffic under a change. `apart` counts the first rounds that this release cannot auction again."""

    rounds: tuple[Tried, ...]
    apart: int

    @property
    def changed(self) -> tuple[Tried, ...]:
        """Those with another award."""
        return tuple(one for one in self.rounds if one.now != one.then)

    @property
    def known(self) -> tuple[Tried, ...]:
        """Those of which the ledger knows what came and what would have come."""
        return tuple(one for one in self.rounds if one.came_now is not None and one.came_then is not None)

    @property
    def judged(self) -> tuple[Tried, ...]:
        """Those of the known where feedback says how right both answers are."""
        return tuple(
            one for one in self.known if _right(one.came_now) is not None and _right(one.came_then) is not None
        )

    def totals(self) -> dict[str, float | int | None]:
        """The sums, each with how many requests it is over. Money in nano-USD; shares in [0, 1], None over nothing."""
        known, judged = self.known, self.judged
        return {
            "requests": len(self.rounds),
            "not_comparable": self.apart,
            "changed": len(self.changed),
            "known": len(known),
            "not_known": len(self.rounds) - len(known),
            "changed_and_known": sum(one.now != one.then for one in known),
            "cost_now": sum(one.came_now.cost for one in known if one.came_now is not None),
            "cost_then": sum(one.came_then.cost for one in known if one.came_then is not None),
            "judged": len(judged),
            "right_now": _mean([one.came_now for one in judged]),
            "right_then": _mean([one.came_then for one in judged]),
        }


def _mean(came: list[Came | None]) -> float | None:
    rights = [one.right for one in came if one is not None and one.right is not None]
    return sum(rights) / len(rights) if rights else None


def _right(came: Came | None) -> float | None:
    return None if came is None else came.right


@dataclass(slots=True)
class _Traffic:
    """What the ledger holds of one request."""

    opened: Event
    award: Award | None = None
    attempts: dict[str, tuple[AttemptFinished, Commitment | None]] = field(default_factory=dict)
    rights: dict[str, float] = field(default_factory=dict)  # by bid, of the word that stands


def what_if(ledger: History, change: Change, *, task: str = "", last: int = 0) -> WhatIf:
    """Auction every recorded first round again under a change.

    `task` names one microtask only; `last` above 0 takes only so many newest requests. Raises CallerError for a bidder
    that never bid in them, since a typing error would look like a change without effect.
    """
    traffic = [one for one in _read(ledger) if one.award is not None]
    traffic = [one for one in traffic if not task or _task(one) == task][-last:]
    rounds, apart, keys = [], 0, set[str]()
    for one in traffic:
        given = _given(ledger, one)
        if given is None:
            apart += 1
            continue
        keys |= {bid.key for bid in given.slate.bids}
        rounds.append(_tried(ledger, one, given, change))
    for name in (*change.without, *(name for name, _ in change.prices)):
        if not any(_names(name, key) for key in keys):
            known = ", ".join(sorted({key.rpartition("+")[0] for key in keys})) or "nobody"
            raise CallerError(f"{name!r} made no bid in these requests", hint=f"who did: {known}")
    return WhatIf(rounds=tuple(rounds), apart=apart)


def _read(ledger: History) -> Iterator[_Traffic]:
    known: dict[tuple[str, str], _Traffic] = {}
    for event in ledger.read(kinds=_KINDS):
        payload, key = event.payload, (event.tenant, event.request_id)
        if isinstance(payload, RequestOpened):
            known[key] = _Traffic(opened=event)
        elif (one := known.get(key)) is None:
            continue
        elif isinstance(payload, Award):
            one.award = one.award or payload
        elif isinstance(payload, AttemptFinished):
            body = event.bodies[0] if event.bodies else None
            one.attempts.setdefault(payload.key, (payload, body))
        elif isinstance(payload, LessonsLearned) and payload.source != "agreement":
            _learn(one.rights, payload)
    yield from known.values()


def _learn(rights: dict[str, float], learned: LessonsLearned) -> None:
    """A later word takes back the lessons of the one before; what is left is what stands."""
    said = [lesson for lesson in learned.lessons if lesson.kind == "right"]
    for lesson in said:
        if lesson.weight < 0.0:
            rights.pop(lesson.key, None)
    rights.update({lesson.key: lesson.target for lesson in said if lesson.weight > 0.0})


def _task(one: _Traffic) -> str:
    return one.opened.payload.task if isinstance(one.opened.payload, RequestOpened) else ""


def _given(ledger: History, one: _Traffic) -> Given | None:
    """The first round's auction; None where it cannot be run again, or does not give what was recorded."""
    assert one.award is not None
    try:
        slate: Slate = decode(Slate, ledger.blob(one.award.slate))
        table: Table = decode(Table, ledger.blob(one.award.table))
    except NotFound:
        return None
    given = Given(position=one.award.position, slate=slate, table=table, draw=one.award.draw)
    first = one.award.position.round == 1
    return given if first and not unproven(one.award, given) else None


def _tried(ledger: History, one: _Traffic, given: Given, change: Change) -> Tried:
    assert one.award is not None
    now, then = one.award.chosen, change.applied(given).verdict().chosen
    return Tried(
        request_id=one.opened.request_id,
        tenant=one.opened.tenant,
        task=_task(one),
        now=now,
        then=then,
        came_now=_came(ledger, one, given, now, Change()),
        came_then=_came(ledger, one, given, then, change),
    )


def _came(ledger: History, one: _Traffic, given: Given, action: Action, change: Change) -> Came | None:
    """What buying this brought; None where some of it was never bought, or cut."""
    if any(key not in one.attempts for key in action):
        return None
    attempts = [one.attempts[key] for key in action]
    if any(done.reason in _CUT for done, _ in attempts):
        return None
    cost = sum(change.price(done.key, done.price) for done, _ in attempts)
    answered = [(done, body) for done, body in attempts if done.group is not None]
    best = _best([done for done, _ in answered], given)
    for done, body in answered:
        if done.group == best and body is not None:
            content = ledger.body(body)
            right = one.rights.get(done.key)
            if content is None:
                return Came(cost=cost, state="erased", right=right)
            return Came(cost=cost, answer=orjson.loads(content), state="shown", right=right)
    return Came(cost=cost)


def _best(answered: Sequence[AttemptFinished], given: Given) -> int | None:
    """The group that these answers alone make the most probable."""
    if not answered:
        return None
    numbers = list(dict.fromkeys(done.group for done in answered))
    hand = tuple(
        Answered(key=done.key, group=numbers.index(done.group), probability=done.probability) for done in answered
    )
    return numbers[joint_probability(replace(given.position.state, answered=hand), given.table)[1]]
