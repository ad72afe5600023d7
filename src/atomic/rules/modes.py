"""Who answers a request under its task's mode, who is asked beside it, and what a pair says. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from atomic.records.mode import MARKET, Assignment, Mode, PairMade, Phase, Side
from atomic.rules.exploration import drawn

# Rounds of the draws: exploration's begin at 1.
_WHO, _BESIDE = 0, -1


def first_phase(mode: Mode) -> Phase:
    """Where a stated mode begins."""
    return mode.mode


def shares(mode: Mode, phase: Phase, champion: str) -> dict[str, float]:
    """Each arm's chance to answer the caller, the incumbent first where it has one; they add up to 1.

    `champion` is the challenger that won last; without one, all of them share a canary's traffic.

    >>> shares(Mode(mode="canary", incumbent="gpt", share=0.05), "canary", "")
    {'gpt': 0.95, 'market': 0.05}
    """
    if phase == "market":
        return {MARKET: 1.0}
    if phase == "promoted":
        return {champion: 1.0}
    if phase == "canary":
        among = (champion,) if champion else mode.challengers
        return {mode.incumbent: 1.0 - mode.share, **dict.fromkeys(among, mode.share / len(among))}
    return {mode.incumbent: 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a task's requests are assigned by: its mode, where it stands, and the number of that statement or change."""

    mode: Mode
    number: int
    phase: Phase
    champion: str = ""


def assign(place: Place, secret: bytes, tenant: str, request_id: str) -> Assignment:
    """Draw who answers a request and who is asked beside it, so that nobody can predict it without the secret.

    Beside a challenger's answer the incumbent is asked, beside the incumbent's one of the challengers.
    """
    mode = place.mode
    chances = shares(mode, place.phase, place.champion)
    draw = drawn(secret, tenant, request_id, _WHO)
    arm, propensity = _picked(chances, draw)
    other_draw = drawn(secret, tenant, request_id, _BESIDE)
    others = mode.challengers if arm == mode.incumbent else (mode.incumbent,)
    inclusion = mode.sample / len(others)
    number = int(other_draw / inclusion) if inclusion > 0.0 else len(others)
    other = others[number] if number < len(others) else ""
    return Assignment(
        number=place.number,
        arm=arm,
        propensity=propensity,
        draw=draw,
        other=other,
        inclusion=inclusion,
        pair=_pair(mode, chances, arm if arm != mode.incumbent else other),
        other_draw=other_draw,
    )


def _picked(chances: Mapping[str, float], draw: float) -> tuple[str, float]:
    reached = 0.0
    for arm, share in chances.items():
        reached += share
        if draw < reached:
            return arm, share
    return next(iter(chances.items()))  # the shares add up to less by a rounding


def _pair(mode: Mode, chances: Mapping[str, float], challenger: str) -> float:
    """The chance that a request's answers of this challenger and of the incumbent are both bought."""
    one_of = mode.sample / len(mode.challengers)
    return chances.get(mode.incumbent, 0.0) * one_of + chances.get(challenger, 0.0) * mode.sample


@dataclass(frozen=True, slots=True)
class Judged:
    """How right each side's answer was, where somebody said; in [0, 1]."""

    incumbent: float | None = None
    challenger: float | None = None


def sides(pair: PairMade, incumbent: str) -> tuple[Side, Side]:
    """The incumbent's side and the challenger's."""
    return (pair.caller, pair.beside) if pair.caller.arm == incumbent else (pair.beside, pair.caller)


def quality(pair: PairMade, incumbent: str, said: Judged) -> tuple[float, float, float]:
    """By how much the challenger's answer is more right than the incumbent's: estimated, at worst, at best.

    Equal answers are equally right, whoever knows how right that is. No answer is not right. Of two answers that differ
    at most one is right, and what nobody said of the others is estimated by the market's probabilities. Where all is
    known, the three are the same.
    """
    theirs, ours = sides(pair, incumbent)
    if pair.equal or not (theirs.answered or ours.answered):
        return 0.0, 0.0, 0.0
    known_theirs = said.incumbent if theirs.answered else 0.0
    known_ours = said.challenger if ours.answered else 0.0
    least_theirs, most_theirs, likely_theirs = _bounds(theirs, known_theirs, known_ours)
    least_ours, most_ours, likely_ours = _bounds(ours, known_ours, known_theirs)
    worst, best = max(-1.0, least_ours - most_theirs), min(1.0, most_ours - least_theirs)
    return min(best, max(worst, likely_ours - likely_theirs)), worst, best


def _bounds(side: Side, known: float | None, other: float | None) -> tuple[float, float, float]:
    """How right an answer is at least, at most, and probably, where the other differs and is right to `other`."""
    if known is not None:
        return known, known, known
    most = 1.0 if other is None else 1.0 - other
    return 0.0, most, min(most, side.probability)


def gains(pair: PairMade, mode: Mode, said: Judged) -> tuple[float, float]:
    """What the challenger gains over the incumbent, as its win and as its loss are to be proven; each in [-1, 1].

    It is value (how right, in worths, less the price) as a share of the most that it could be. What nobody judged
    counts as the mode says: by its estimate, or against whatever is to be proven.
    """
    theirs, ours = sides(pair, mode.incumbent)
    estimate, worst, best = quality(pair, mode.incumbent, said)
    if mode.unlabelled == "estimate":
        worst = best = estimate
    saved = (theirs.price - ours.price) / max(1, pair.worth)
    low, high = ((right + saved) / scale(pair) for right in (worst, best))
    return min(1.0, max(-1.0, low)), min(1.0, max(-1.0, high))


def scale(pair: PairMade) -> float:
    """The most that one side could be worth more than the other, in worths, as known before either answered."""
    return 1.0 + max(1.0, pair.most / max(1, pair.worth))


def needed(mode: Mode, changes: int) -> float:
    """What a bet has to grow to before the next change: 1/alpha, over all challengers and over all changes to come.

    The n-th decision after the mode was stated has alpha / (n (n + 1)) of it, which add up to alpha.

    >>> round(needed(Mode(alpha=0.05), 0)), round(needed(Mode(alpha=0.05, challengers=("a", "b")), 1))
    (40, 240)
    """
    return len(mode.challengers) * (changes + 1) * (changes + 2) / mode.alpha


__all__ = [
    "Judged",
    "Place",
    "assign",
    "first_phase",
    "gains",
    "needed",
    "quality",
    "scale",
    "shares",
    "sides",
]
