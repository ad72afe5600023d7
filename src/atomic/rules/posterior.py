"""From who agrees with whom to the probability that an answer is right.

The truth is one of the groups of equal answers in hand, or something nobody said yet (`unsaid`). A bidder that
is right with probability p says the truth, else one of the other possible answers, each as likely; and with
probability c its answer is but a copy of one earlier answer (models of one kind err together). Where two differed
before, and one of them was right, that record corrects what each is believed to be by itself. Bayes' rule does the
rest. Nothing here reads a clock or rounds; all sums run in written order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from atomic.belief.agreement import copying, pair
from atomic.belief.arithmetic import logit, sigmoid
from atomic.records.award import Answered, State, Table
from atomic.rules.planned import standing

_ROOM_USED = 0.5  # of the room for copying: with all of it, what is no copy would be certainly right or a mere guess
_VERY_MANY = 1000  # possible answers where a type does not bound them


@dataclass(frozen=True, slots=True)
class Posterior:
    """Probabilities of the truth: per group, and of what nobody said."""

    groups: tuple[float, ...]
    unsaid: float

    @property
    def best(self) -> tuple[float, int]:
        """The probability and the number of the best group; the lower number wins a tie."""
        highest, number = 0.0, -1
        for index, share in enumerate(self.groups):
            if share > highest:
                highest, number = share, index
        return highest, number


NOTHING = Posterior((), 1.0)


def possible(alternatives: int) -> int:
    """How many answers are reckoned with, for a number of labels (0: a type without a short list)."""
    return alternatives if alternatives > 1 else _VERY_MANY


@dataclass(frozen=True, slots=True)
class Dependence:
    """How one bid's answer hangs on an earlier one: it is a copy with this share, else right with chance `own`.

    `own` is such that the bid is right with its own probability in all, and no worse than a guess: a good bidder
    cannot be a copy of a bad one, so only half of what two probabilities have room for is taken for copying.
    """

    copy: float
    own: float
    group: int


def dependence(share: float, source: float, right: float, group: int, answers: int) -> Dependence:
    """For a learned share of copies, and the probabilities of being right of the source and of the bid.

    >>> dependence(0.25, 0.75, 0.75, 0, 2)
    Dependence(copy=0.25, own=0.75, group=0)
    >>> round(dependence(0.5, 0.6, 0.9, 0, 2).copy, 3)
    0.125
    """
    room, guess = 1.0, 1.0 / answers
    if source < 1.0:
        room = min(room, (1.0 - right) / (1.0 - source))
    if source > guess:
        room = min(room, max(0.0, (right - guess) / (source - guess)))
    copy = min(share, _ROOM_USED * room)
    own = (right - copy * source) / (1.0 - copy) if copy < 1.0 else right
    return Dependence(copy, min(1.0, max(0.0, own)), group)


@dataclass(frozen=True, slots=True)
class Pairs:
    """What a table says of any two bids."""

    copying: Mapping[str, float] = field(default_factory=dict)
    differing: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, table: Table) -> Pairs:
        """For many look-ups."""
        return cls(dict(table.copying), {name: (intercept, slope) for name, intercept, slope in table.differing})


@lru_cache(maxsize=4096)  # an auction asks for few of them, many times
def in_dispute(own: float, source: float, intercept: float, slope: float, guess: float) -> float:
    """What `own` is where the bid's record against the source's bid says so.

    It is read back from the log-odds that, where they differ and one is right, it is the bid: intercept + slope x
    (what own and source give). It stays no worse than a guess: to differ is no proof of being wrong.

    >>> round(in_dispute(0.6, 0.7, 0.0, 1.0, 0.1), 6), round(in_dispute(0.6, 0.7, -1.0, 1.0, 0.1), 3)
    (0.6, 0.356)
    """
    behind = logit(source)
    return max(guess, sigmoid(behind + intercept + slope * (logit(own) - behind)))


def after(before: Posterior, bid: Dependence, answers: int) -> tuple[list[float], list[Posterior]]:
    """What one more bidder's answer would do: for each outcome its chance and the posterior after it.

    Outcomes are: it joins group 0, 1, …, and last, it says something new. `answers` is the number of possible ones.
    """
    groups, unsaid, right, copy, source = before.groups, before.unsaid, bid.own, bid.copy, bid.group
    count = len(groups)
    wrong = (1.0 - right) / (answers - 1)
    own = 1.0 - copy if count else 1.0
    chances: list[float] = []
    posteriors: list[Posterior] = []
    for said in range(count):
        copied = copy if said == source else 0.0
        shares = [truth * (copied + own * (right if index == said else wrong)) for index, truth in enumerate(groups)]
        rest = unsaid * (copied + own * wrong)
        chances.append(_normalised(shares, rest, posteriors))
    unseen = max(0, answers - count)
    # The chance of all new answers together; the posterior is of the one that would be given.
    fresh = [truth * own * wrong * unseen for truth in groups]
    hit = unsaid * own * right
    rest = unsaid * own * wrong * max(0, unseen - 1)
    chances.append(_normalised([*fresh, hit], rest, posteriors))
    return chances, posteriors


def best_after(before: Posterior, bid: Dependence, answers: int) -> list[tuple[float, float]]:
    """For each outcome of `after` its chance, and the joint chance of it and of its best group being right.

    The same sums without the posteriors: the lookahead asks for them hundreds of times in an auction.
    """
    groups, unsaid, right, copy, source = before.groups, before.unsaid, bid.own, bid.copy, bid.group
    count = len(groups)
    wrong = (1.0 - right) / (answers - 1)
    own = 1.0 - copy if count else 1.0
    found: list[tuple[float, float]] = []
    for said in range(count):
        copied = copy if said == source else 0.0
        by_wrong = copied + own * wrong
        total, top = unsaid * by_wrong, 0.0
        for index, truth in enumerate(groups):
            share = truth * (copied + own * right) if index == said else truth * by_wrong
            total += share
            top = max(top, share)
        found.append((total, top))
    unseen = max(0, answers - count)
    hit = unsaid * own * right
    total, top = unsaid * own * wrong * max(0, unseen - 1) + hit, hit
    for truth in groups:
        share = truth * own * wrong * unseen
        total += share
        top = max(top, share)
    found.append((total, top))
    return found


def _normalised(shares: list[float], rest: float, into: list[Posterior]) -> float:
    total = rest
    for share in shares:
        total += share
    if total <= 0.0:
        into.append(Posterior(tuple(0.0 for _ in shares), 1.0))
        return 0.0
    into.append(Posterior(tuple(share / total for share in shares), rest / total))
    return total


def closest(
    earlier: Iterable[tuple[str, float, int]], pairs: Pairs, key: str, right: float, answers: int
) -> Dependence:
    """How a bid's answer hangs on the earlier one (key, probability, group) that it is most likely a copy of."""
    most, of, behind = Dependence(0.0, right, 0), "", 0.0
    for other, source, group in earlier:
        found = dependence(copying(pairs.copying, other, key), source, right, group, answers)
        if not of or found.copy > most.copy:
            most, of, behind = found, other, source
    seen = pairs.differing.get(pair(of, key)) if of and pairs.differing else None
    if seen is None:
        return most
    intercept = seen[0] if key < of else -seen[0]
    return replace(most, own=in_dispute(most.own, behind, intercept, seen[1], 1.0 / answers))


def believed_of_dispute(first: Answered, second: Answered, table: Table) -> float:
    """The log-odds that the first is right and not the second, who came later and said otherwise, as they are
    believed without their record against each other."""
    share = copying(dict(table.copying), first.key, second.key)
    hangs = dependence(share, first.probability, second.probability, first.group, possible(table.alternatives))
    return logit(first.probability) - logit(hangs.own)


def of_state(state: State, table: Table) -> Posterior:
    """The joint posterior of the answers in hand, in the order they came.

    >>> from atomic.records import Answered
    >>> one = Answered(key="a+plain", group=0, probability=0.9)
    >>> other = Answered(key="b+plain", group=1, probability=0.6)
    >>> round(of_state(State(answered=(one,)), Table(alternatives=2)).groups[0], 6)
    0.9
    >>> of_state(State(answered=(one, other)), Table(alternatives=2)).best[1]
    0
    """
    if table.model is not None and state.answered:
        groups = standing(state, table.model)
        unsaid = 1.0
        for share in groups:
            unsaid -= share
        return Posterior(groups, max(0.0, unsaid))
    if table.apart:
        alone = [0.0] * (1 + max((one.group for one in state.answered), default=-1))
        for one in state.answered:
            alone[one.group] = max(alone[one.group], one.probability)
        return Posterior(tuple(alone), 1.0 - max(alone, default=0.0))
    pairs, answers = Pairs.of(table), possible(table.alternatives)
    posterior = NOTHING
    seen: list[int] = []
    for index, one in enumerate(state.answered):
        earlier = ((known.key, known.probability, known.group) for known in state.answered[:index])
        hangs = closest(earlier, pairs, one.key, one.probability, answers)
        _, outcomes = after(posterior, hangs, answers)
        posterior = outcomes[one.group] if one.group < len(seen) else outcomes[-1]
        if one.group >= len(seen):
            seen.append(one.group)
    return posterior


def calibrated(probability: float, answers: int, settling: Sequence[tuple[int, float, float]]) -> float:
    """A joint posterior through the task's learned calibration for that many answers in hand (five and more as one).

    >>> calibrated(0.9, 2, ())
    0.9
    """
    for count, intercept, slope in settling:
        if count == min(5, answers):
            return sigmoid(intercept + slope * logit(probability))
    return probability


def joint_probability(state: State, table: Table) -> tuple[float, int]:
    """The best answer's joint posterior before calibration, and its group; (0, -1) with no answer."""
    return of_state(state, table).best
