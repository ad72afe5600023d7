"""Savings: what the market saves, and gains or loses, against one bidder; from randomised pairs alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from atomic.belief.pairs import Spoken, judged
from atomic.errors import NotFound
from atomic.protocols import History
from atomic.records.lesson import FeedbackGiven
from atomic.records.mode import MARKET, PairMade, Side
from atomic.records.money import dollars
from atomic.records.request import RequestOpened
from atomic.rules.betting import interval, more_needed
from atomic.rules.modes import quality, sides

_KINDS = ("request", "pair", "feedback")
_ENOUGH_JUDGED = 10  # of the answers that differ, to stand for those that nobody judged

Basis = Literal["all judged", "judged", "estimated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A mean over requests, and between which bounds it lies at all times together, with the chance 1 - alpha."""

    mean: float
    low: float
    high: float

    @property
    def told(self) -> bool:
        """Whether the sign is known."""
        return self.low > 0.0 or self.high < 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Savings:
    """What `arm` did or would have done against `bidder` in one task.

    Per request: `price` and `bidder_price` in nano-USD, `saved` the difference; `gained` how much more often it is
    right (1: always); `value` both together in worths. `gained_whatever` bounds the same without any estimate: whatever
    the answers that nobody judged are. Of the `pairs`, the answers of `differ` are not equal; of those people or facts
    say of `judged` which is right. `basis` is what `gained` rests on: "all judged"; "judged", where those that were
    stand for the others; or "estimated", the market's own probabilities for all that was not.
    `requests` were assigned since, `answered` of them to `arm`. `more` pairs are needed to tell the sign of the value.
    """

    task: str
    bidder: str
    arm: str
    pairs: int
    requests: int
    answered: int
    price: float
    bidder_price: float
    saved: Measured
    gained: Measured
    gained_whatever: tuple[float, float]
    value: Measured
    right: float
    bidder_right: float
    differ: int
    judged: int
    basis: Basis
    more: int
    more_requests: int
    alpha: float

    @property
    def verdict(self) -> Literal["better", "worse", "not enough evidence yet"]:
        """What may be said of the value."""
        if not self.value.told:
            return "not enough evidence yet"
        return "better" if self.value.low > 0.0 else "worse"

    def json(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return {**asdict(self), "gained_whatever": list(self.gained_whatever), "verdict": self.verdict}

    def text(self) -> str:
        """The same in plain words."""
        return "\n".join(_told(self))


@dataclass(slots=True)
class _Pair:
    made: PairMade
    caller: Spoken
    beside: Spoken


def savings(
    ledger: History, bidder: str, *, task: str = "", since_ns: int = 0, alpha: float = 0.05
) -> tuple[Savings, ...]:
    """What there is of each task and arm against a bidder, best known first; a bound holds with the chance 1 - alpha.

    Only pairs count in which chance decided that both were bought: each weighs by the inverse of that chance. Equal
    answers are equally right; of others people's and facts' words count, and what the market believes where there are
    hardly any.

    Raises NotFound where there is no pair against this bidder.
    """
    pairs, opened = _read(ledger, bidder, task, since_ns)
    groups: dict[tuple[str, str, str], list[_Pair]] = {}
    for one in pairs:
        theirs, ours = _sides(one.made, bidder)
        groups.setdefault((one.made.task, theirs, ours), []).append(one)
    if not groups:
        asked = sorted({name for name, arm in opened if _is(arm, bidder) and task in {"", name}})
        hint = (
            f"it is compared in {', '.join(asked)}, but no pair is there yet"
            if asked
            else "name the bidder as `incumbent` in the task's table, with a `shadow` budget: docs/modes.md"
        )
        raise NotFound(f"there is no randomised pair against {bidder!r}", hint=hint)
    found = [_measured(key, group, opened, alpha) for key, group in groups.items()]
    return tuple(sorted(found, key=lambda one: (one.task, -one.pairs, one.arm)))


def _sides(made: PairMade, bidder: str) -> tuple[str, str]:
    """The bidder's arm and the other."""
    return (made.caller.arm, made.beside.arm) if _is(made.caller.arm, bidder) else (made.beside.arm, made.caller.arm)


def _is(arm: str, bidder: str) -> bool:
    return bidder in {arm, arm.partition("+")[0]} and arm != MARKET


def _read(ledger: History, bidder: str, task: str, since_ns: int) -> tuple[list[_Pair], dict[tuple[str, str], int]]:
    """The pairs with what was said of them, and how many requests each arm of a task answered."""
    pairs: list[_Pair] = []
    spoken: dict[tuple[str, str], Spoken] = {}
    sampled: set[tuple[str, str]] = set()
    opened: dict[tuple[str, str], int] = {}
    for event in ledger.read(kinds=_KINDS):
        payload, key = event.payload, (event.tenant, event.request_id)
        if isinstance(payload, RequestOpened):
            assignment = payload.assignment
            if assignment is None or event.time_ns < since_ns:
                continue
            if assignment.shadows or assignment.other:
                sampled.add(key)
            if not assignment.shadows:
                opened[payload.task, assignment.arm] = opened.get((payload.task, assignment.arm), 0) + 1
                opened.setdefault((payload.task, assignment.other), 0)
        elif isinstance(payload, FeedbackGiven):
            if key in sampled:
                spoken.setdefault(key, Spoken()).hear(payload)
        elif isinstance(payload, PairMade):
            fits = payload.whole and event.time_ns >= since_ns and task in {"", payload.task}
            if fits and (_is(payload.caller.arm, bidder) or _is(payload.beside.arm, bidder)):
                shadow = (event.tenant, payload.shadow)
                said = [spoken.setdefault(one, Spoken()) for one in (key, shadow)]
                pairs.append(_Pair(payload, *said))
                sampled |= {key, shadow}
    return pairs, opened


@dataclass(frozen=True, slots=True)
class _Means:
    """Means over pairs, each weighing by the inverse of the chance that it was bought."""

    weights: tuple[float, ...]

    def mean(self, values: Sequence[float]) -> float:
        """The weighted mean."""
        return sum(weight * value for weight, value in zip(self.weights, values, strict=True)) / sum(self.weights)

    def measured(self, values: Sequence[float], bound: float, alpha: float) -> Measured:
        """The same with its bounds, for values between -bound and bound."""
        low, high = interval(zip(values, self.weights, strict=True), -bound, bound, alpha)
        return Measured(mean=self.mean(values), low=low, high=high)

    def from_judged(self, differing: Sequence[bool], judged: Mapping[int, float], alpha: float) -> Measured:
        """How often answers differ, times the mean of what was judged of those (by place): each at half of alpha."""
        often = self.measured([float(one) for one in differing], 1.0, alpha / 2)
        some = _Means(tuple(self.weights[place] for place in judged)).measured([*judged.values()], 1.0, alpha / 2)
        least, most = max(0.0, often.low), often.high
        return Measured(
            mean=often.mean * some.mean,
            low=min(least * some.low, most * some.low),
            high=max(least * some.high, most * some.high),
        )


def _measured(
    key: tuple[str, str, str], pairs: Sequence[_Pair], opened: dict[tuple[str, str], int], alpha: float
) -> Savings:
    task, incumbent, arm = key
    least = min(one.made.pair for one in pairs)
    means = _Means(tuple(least / one.made.pair for one in pairs))
    most = max(1, *(one.made.most for one in pairs))
    worth = max(1, *(one.made.worth for one in pairs))
    told = [judged(one.made, incumbent, one.caller, one.beside) for one in pairs]
    both = [sides(one.made, incumbent) for one in pairs]
    gained = [quality(one.made, incumbent, said) for one, said in zip(pairs, told, strict=True)]
    saved = [float(theirs.price - ours.price) for theirs, ours in both]
    values = [right + money / worth for (right, _, _), money in zip(gained, saved, strict=True)]
    differing = [not one.made.equal for one in pairs]
    known = {place: one for place, (one, worst, best) in enumerate(gained) if differing[place] and worst == best}
    basis: Basis = "all judged" if len(known) == sum(differing) else "judged"
    if basis == "judged" and len(known) < _ENOUGH_JUDGED:
        basis = "estimated"
    if basis == "judged":
        better = means.from_judged(differing, known, alpha)
        half = means.from_judged(differing, known, alpha / 2)
        value = _sum(half, means.measured(saved, float(most), alpha / 2), worth)
    else:
        better = means.measured([one for one, _, _ in gained], 1.0, alpha)
        value = means.measured(values, 1.0 + most / worth, alpha)
    variance = means.mean([(one - value.mean) ** 2 for one in values])
    if basis == "judged":  # few stand for many: what is not known of the many varies with the few
        variance += means.mean([float(one) for one in differing]) ** 2 * len(pairs) / len(known)
    more = 0 if value.told else max(1, more_needed(len(pairs), value.mean, variance, alpha))
    return Savings(
        task=task,
        bidder=incumbent,
        arm=arm,
        pairs=len(pairs),
        requests=sum(count for (name, _), count in opened.items() if name == task),
        answered=opened.get((task, arm), 0),
        price=means.mean([float(ours.price) for _, ours in both]),
        bidder_price=means.mean([float(theirs.price) for theirs, _ in both]),
        saved=means.measured(saved, float(most), alpha),
        gained=better,
        gained_whatever=(
            means.measured([worst for _, worst, _ in gained], 1.0, alpha).low,
            means.measured([best for _, _, best in gained], 1.0, alpha).high,
        ),
        value=value,
        right=means.mean([_right(ours, said.challenger) for (_, ours), said in zip(both, told, strict=True)]),
        bidder_right=means.mean([_right(theirs, said.incumbent) for (theirs, _), said in zip(both, told, strict=True)]),
        differ=sum(differing),
        judged=len(known),
        basis=basis,
        more=more,
        more_requests=round(more / least),
        alpha=alpha,
    )


def _sum(better: Measured, saved: Measured, worth: int) -> Measured:
    """Both in worths."""
    return Measured(
        mean=better.mean + saved.mean / worth, low=better.low + saved.low / worth, high=better.high + saved.high / worth
    )


def _right(side: Side, said: float | None) -> float:
    return side.probability if said is None or not side.answered else said


def _told(one: Savings) -> list[str]:
    would = "" if one.answered else " would have"
    sure = f"{100 * (1 - one.alpha):g} %"
    who = "the market" if one.arm == MARKET else one.arm
    lines = [f"{one.task}: {who} against {one.bidder}, from {one.pairs} randomised pairs of {one.requests} requests"]
    share = f", {100 * one.saved.mean / one.bidder_price:.0f} % of what {one.bidder} costs" if one.bidder_price else ""
    lines.append(
        f"  money: it{would or ' has'} saved {_thousand(one.saved.mean)} per 1,000 requests (between "
        f"{_thousand(one.saved.low)} and {_thousand(one.saved.high)}, {sure} sure at any time{share})"
    )
    right = "" if one.basis == "judged" else f"; right {one.right:.3f} against {one.bidder_right:.3f}"
    lines.append(
        f"  quality: {100 * one.gained.mean:+.2f} points (between {100 * one.gained.low:+.2f} and "
        f"{100 * one.gained.high:+.2f}){right}"
    )
    equal = one.pairs - one.differ
    if one.basis == "all judged":
        lines.append(f"    {equal} of {one.pairs} answers are equal, and all {one.differ} others were judged")
    else:
        rests = (
            f"as judged in {one.judged} of the {one.differ} that differ, if nobody chose those by what was said"
            if one.basis == "judged"
            else f"estimated, unverified: of {one.differ} that differ {one.judged} were judged"
        )
        lines.append(
            f"    {rests}; {equal} of {one.pairs} are equal. Whatever the others are: between "
            f"{100 * one.gained_whatever[0]:+.2f} and {100 * one.gained_whatever[1]:+.2f}"
        )
    if one.value.told:
        lines.append(
            f"  both together: {one.verdict}, by {abs(one.value.mean):.3f} of a right answer's worth a request "
            f"(between {one.value.low:+.3f} and {one.value.high:+.3f})"
        )
    else:
        lines.append(
            f"  both together: not enough evidence yet: {one.more:,} more, about {one.more_requests:,} requests "
            f"({one.value.mean:+.3f} of a right answer's worth, between {one.value.low:+.3f} and {one.value.high:+.3f})"
        )
    return lines


def _thousand(nano: float) -> str:
    return dollars(round(1000 * nano))
