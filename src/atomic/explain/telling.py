"""An explanation in plain words, for a person in a hurry: the decision first, then round by round."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from atomic.counterfactual import WorthPoint
from atomic.explain.explained import (
    AttemptTold,
    BidTold,
    Explained,
    Grounds,
    HedgeTold,
    RoundTold,
    Settled,
    WordTold,
)
from atomic.explain.gridded import gridded
from atomic.explain.wording import both, lasting, named, priced, shortened, spent_on
from atomic.records.money import dollars
from atomic.records.request import ANY_PRICE
from atomic.records.validator import Verdict


def tell(told: Explained) -> str:
    """The story as text; no line of it is wrapped."""
    lines = [decision_told(told), *asked_told(told)]
    seen: dict[str, Grounds] = {}
    for one in told.rounds:
        lines += ["", *_round(one, seen)]
    lines += ["", *cost_told(told), *words_told(told)]
    return "\n".join(lines)


def decision_told(told: Explained) -> str:
    """The decision in one or two sentences."""
    settled = told.outcome
    if settled is None:
        return f"No outcome yet: {told.asked.task} is still open, or was cut."
    took = f"in {_counted(settled.rounds, 'round')}, {lasting(settled.latency_ns)}"
    if settled.status == "refused":
        return f"Refused: {settled.why}. It cost {dollars(settled.cost)} {took}.{_elsewhere(told)}"
    answer = shortened(settled.answer_state, settled.answer)
    return (
        f"{answer}, right with probability {settled.probability:.3f} ({source_told(settled)}). "
        f"From {settled.winner} for {dollars(settled.cost)} {took}.{_elsewhere(told)}"
    )


def _elsewhere(told: Explained) -> str:
    """Where the rounds are of what another ledger's market settled."""
    return "" if told.rounds else " It was imported: its rounds are in the ledger that it came from."


def source_told(settled: Settled) -> str:
    """What a probability rests on."""
    if settled.probability_source == "labelled":
        return f"labelled: {settled.behind:.1f} outcomes behind it"
    return f"{settled.probability_source}: estimated, unverified"


def asked_told(told: Explained) -> Iterator[str]:
    """What was asked, and on which terms."""
    asked = told.asked
    where = f" in {asked.domain}" if asked.domain else ""
    most = f", at most {dollars(asked.max_price)}" if asked.max_price < ANY_PRICE else ""
    yield (
        f"Asked: {asked.task}{where}, worth {asked.worth_told}{most}, "
        f"data label {asked.label}; input {_input(asked.input_state, asked.input)}."
    )
    tenant = f" of tenant {asked.tenant}" if asked.tenant else ""
    yield f"Request {asked.request_id}{tenant}, {_date(asked.time_ns)}."
    if asked.assigned:
        yield asked.assigned


def _input(state: str, content: object) -> str:
    return (
        f"{shortened(state, content)}"
        if state == "shown"
        else {"hidden": "not shown", "none": "none"}.get(state, state)
    )


def _date(time_ns: int) -> str:
    moment = datetime.datetime.fromtimestamp(time_ns / 1e9, tz=datetime.UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _round(one: RoundTold, seen: dict[str, Grounds]) -> Iterator[str]:
    hand = (
        "no answer in hand"
        if one.standing_group is None
        else f"answer {one.standing_group} in hand, right with probability {one.standing:.3f}"
    )
    ended = spent_on(one.chosen)
    came = f"{_counted(len(one.bids), 'bid')}, {_counted(len(one.no_bids), 'no-bid')}"
    waited = f"after {lasting(one.waited_ns)} in line for a place, " if one.waited_ns else ""
    yield f"Round {one.number}: {waited}{hand}; {came}. So {ended}."
    for line in margins_told(one):
        yield f"  {line}"
    yield from _bids(one, seen)
    yield from no_bids_told(one)
    yield from otherwise_told(one)
    for hedge in one.hedges:
        yield f"  {hedge_told(hedge)}"
    for attempt in one.attempts:
        yield f"  {attempt_told(attempt)}"


def no_bids_told(one: RoundTold) -> Iterator[str]:
    """One line for everybody with the same reason."""
    reasons: dict[str, list[str]] = {}
    for none in one.no_bids:
        detail = f": {none.detail}" if none.detail else ""
        reasons.setdefault(f"{none.words} (reason {none.reason}){detail}", []).append(none.key)
    if reasons:
        yield "  No bid from:"
    for reason, keys in reasons.items():
        yield f"    {', '.join(keys)}: {reason}"


def margins_told(one: RoundTold) -> Iterator[str]:
    """By how much it was decided, on what expectation, and how it was drawn."""
    if one.expected:
        yield one.expected
    if not one.chosen:
        if one.actions and one.over_settling is not None:
            leader = named(one.actions[0].action)
            yield f"Nothing pays: {leader}, the best, scores {both(one.over_settling)} against settling."
        return
    if one.over_settling is not None:
        yield f"It scores {both(one.over_settling)} over settling."
    if one.margin is not None and one.runner_up is not None and one.margin >= 0:
        yield f"Over the runner-up, {named(one.runner_up)}: {both(one.margin)}."
    if one.chosen != one.best:
        behind = "" if one.margin is None else f", {both(abs(one.margin))} ahead"
        yield (
            f"Chosen by exploration with probability {one.propensity:.3f} (draw {one.draw:.6f}); "
            f"the best by score was {named(one.best)}{behind}."
        )
    elif one.explored:
        yield f"The best by score, drawn with probability {one.propensity:.3f} (draw {one.draw:.6f})."
    for other in one.tactics:
        behind = (
            other.why
            if other.behind is None
            else f"{dollars(abs(other.behind))} {'behind' if other.behind >= 0 else 'ahead'}"
        )
        yield f"Tactic: {other.key} rather than {other.other} ({behind})."


def _bids(one: RoundTold, seen: dict[str, Grounds]) -> Iterator[str]:
    if one.bids:
        yield "  Bids, best first (* bought; probability of being right ± spread, expected price and time):"
    order = {action.action: index for index, action in enumerate(one.actions)}
    told = [bid for bid in one.bids if bid.score is not None or bid.bought or bid.key not in seen]
    for bid in sorted(told, key=lambda bid: (order.get((bid.key,), len(order)), bid.key)):
        yield f"  {'*' if bid.bought else ' '} {_bid(bid)}"
        fresh = replace(bid.grounds, youngest_age_ns=None)
        if seen.get(bid.key) != fresh:
            yield f"      {grounds_told(bid.grounds)}"
        seen[bid.key] = fresh
    if others := [bid.key for bid in one.bids if bid not in told]:
        yield f"    No candidates again: {', '.join(others)}"


def _bid(bid: BidTold) -> str:
    claimed = "claimed by the market from the text" if bid.read else "claimed"
    claim = "" if bid.claim is None else f"; {claimed} {bid.claim:.3f}, appraised as {bid.probability:.3f}"
    offered = "" if bid.offered_price == bid.price else f" (offered {dollars(bid.offered_price)})"
    score = "no candidate" if bid.score is None else f"score {dollars(bid.score)}"
    return (
        f"{bid.key}: {bid.probability:.3f} ± {bid.spread:.3f}, {dollars(bid.price)}{offered}, "
        f"{lasting(bid.latency_ns)}; {score}{claim}"
    )


def grounds_told(seen: Grounds) -> str:
    """Where a probability comes from."""
    parts = [f"prior {seen.prior:.2f} (as {seen.prior_weight:g} outcomes)"]
    if seen.family_share is not None:
        parts.append(f"family {seen.family} {seen.family_count:.1f} outcomes, {seen.family_share:.2f} right")
    if seen.agreed_share is not None:
        parts.append(f"by agreement alone {seen.agreed_count:.1f} outcomes, {seen.agreed_share:.2f} right")
    for level, count, share in (
        ("domain", seen.domain_count, seen.domain_share),
        ("task", seen.task_count, seen.task_share),
    ):
        parts.append(f"{level} nothing yet" if share is None else f"{level} {count:.1f} outcomes, {share:.2f} right")
    if seen.changed:
        parts.append(f"what was seen before counts for little, since {seen.changed}")
    if seen.youngest_age_ns is not None:
        parts.append(f"youngest {lasting(seen.youngest_age_ns)} before")
    text = "; ".join(parts)
    if not seen.lessons:
        return text
    said = ", ".join(
        f"#{one.seq} {one.source} {one.target:.2f}{' taken back' if one.weight < 0 else ''}" for one in seen.lessons
    )
    return f"{text}; last lessons: {said}"


def otherwise_told(one: RoundTold) -> Iterator[str]:
    """What would have changed the award, each line proven by running the auction."""
    if one.unproven:
        yield f"  No counterfactuals: {one.unproven}."
        return
    if one.prices:
        yield "  At another expected price (answers in hand and draw held fixed; each proven by running the auction):"
    keys = [found.key for found in one.prices]
    for found in one.prices:
        yield f"    {priced(found, twice=keys.count(found.key) > 1)}"
    if one.bids:
        yield from _at_other_worths(one)
        yield from (f"  {line}" for line in gridded(one.grids))


def _at_other_worths(one: RoundTold) -> Iterator[str]:
    """Neighbouring points with one award in one line; those below the true worth apart from those above."""
    if not any(point.changes for point in one.worths):
        yield f"  At all {len(one.worths)} worths tried, from a hundredth to a hundred times, the award is the same."
    runs = groupby(one.worths, key=lambda point: (point.times[0] > point.times[1], point.chosen, point.changes))
    for (_, chosen, changes), points in runs:
        if changes:
            run = list(points)
            first, last = run[0], run[-1]
            until = "" if first is last else f" to {_times(last)}"
            tried = "" if first is last else f"the {len(run)} points tried from "
            upper = "" if first is last else f" to {dollars(last.worth)}"
            kind = "of" if first.times[1] > 1 else "times"
            worth = f"{dollars(first.worth)}{upper}"
            yield f"  At {tried}{_times(first)}{until} {kind} the worth ({worth}): {spent_on(chosen)}."


def _times(point: WorthPoint) -> str:
    numerator, denominator = point.times
    return f"{numerator}" if denominator == 1 else f"1/{denominator}"


def hedge_told(one: HedgeTold) -> str:
    """What was done while attempts ran, and why."""
    what = f"{named(one.chosen)} was asked as well" if one.chosen else "waiting ended"
    worth = f"worth {dollars(one.gain)} over settling then, and waiting on {dollars(one.waiting)}"
    return f"After {lasting(one.waited_ns)} without a word from {named(one.running)}, {what}: {worth}."


def attempt_told(one: AttemptTold) -> str:
    """What came of an attempt."""
    examples = f" with examples {', '.join(one.examples)}" if one.examples else ""
    if one.status == "unfinished":
        reserved = "" if one.reserved is None else f"; {dollars(one.reserved)} reserved"
        return f"Attempt {one.key}{examples}: cut, or still running{reserved}."
    cost = f"{dollars(one.price)} (expected {dollars(one.expected_price)}), {lasting(one.latency_ns)}"
    if one.status == "failed":
        detail = f": {one.detail}" if one.detail else ""
        return f"Attempt {one.key}{examples}: {one.words} (reason {one.reason}){detail}; {cost}."
    sure = "" if one.confidence is None else f", itself sure to {one.confidence:.3f}"
    sure += f", {one.detail}" if one.detail else ""
    hand = "" if one.hand is None else f" Now answer {one.hand_group} is right with probability {one.hand:.3f}."
    answer = shortened(one.answer_state, one.answer)
    looked = "".join(f" {verdict_told(each)}" for each in one.verdicts)
    return f"Attempt {one.key}{examples}: {answer} (answer {one.group}){sure}; {cost}.{looked}{hand}"


def verdict_told(one: Verdict) -> str:
    """What a validator said of an answer.

    >>> verdict_told(Verdict(name="sql", source="validator", holds=False, reliability=0.9))
    'The validator sql finds it wrong (such words hold with 0.90).'
    """
    who = f"The {one.source} {one.name}"
    paid = f", for {dollars(one.price)}" if one.price else ""
    bought = f"{paid}: {one.request_id}" if one.request_id else ""
    if one.holds is None:
        return f"{who} says nothing: {one.detail}."
    if one.holds and not one.speaks:
        return f"{who} finds no fault."
    found = "right" if one.holds else "wrong"
    return f"{who} finds it {found} (such words hold with {one.reliability:.2f}{bought})."


def cost_told(told: Explained) -> Iterator[str]:
    """What it cost, and what others were expected to."""
    if told.outcome is not None:
        yield f"It cost {both(told.outcome.cost)}."
    if told.alternatives:
        others = ", ".join(f"{one.key} {dollars(one.price)} (right {one.probability:.2f})" for one in told.alternatives)
        yield f"The first answer from another was expected to cost: {others}."


def words_told(told: Explained) -> Iterator[str]:
    """What was said of it since."""
    if not told.words:
        yield "Nobody has said yet whether it was right."
    for word in told.words:
        yield _word(word)


def _word(word: WordTold) -> str:
    by = f" {word.author}" if word.author else ""
    truth = "" if word.truth_state == "none" else f"; the truth: {shortened(word.truth_state, word.truth)}"
    about = sorted({one.key for one in word.lessons if one.kind == "right" and one.weight > 0})
    taught = f"{_counted(len(word.lessons), 'lesson')}{', about ' + ', '.join(about) if about else ''}"
    return (
        f"Since then, {_date(word.time_ns)}: {word.source}{by} said right to {word.value:.2f}{truth}. "
        f"It taught {taught if word.lessons else 'nothing: a better source had spoken'} (#{word.seq})."
    )
