"""settle: attempts become an agreement state, and a state becomes an outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from atomic.belief import Beliefs
from atomic.output import as_json, canonical_key
from atomic.records.attempt import AttemptFinished
from atomic.records.award import Answered, Award, Position, Slate, State
from atomic.records.bid import Bid, Reason
from atomic.records.canonical import canonical_json
from atomic.records.microtask import Ask, Microtask
from atomic.records.outcome import OutcomeSettled, ProbabilitySource
from atomic.rules.auction import RULES_VERSION, Verdict
from atomic.rules.planned import lift_of
from atomic.stages.capacity import Turn
from atomic.stages.examine import weighed
from atomic.stages.execute import Attempted

_LABELLED_ENOUGH = 5.0


@dataclass(frozen=True, slots=True)
class Group:
    """Answers that their type says are equal: the first of them stands for all."""

    key: bytes
    answer: Any
    body: bytes  # as JSON


@dataclass(frozen=True, slots=True)
class Hand:
    """The answers in hand: the agreement state and the groups it counts."""

    state: State
    groups: tuple[Group, ...]

    def asked(self, domain: str, worth: int) -> Hand:
        """The hand with what is asked for, as long as nobody has answered."""
        return self if self.state.answered else replace(self, state=State(domain=domain, worth=worth))

    def holds(self, task: Microtask[..., Any], answer: Any) -> bool:
        """Whether an equal answer is in it."""
        key = canonical_key(task, answer)
        return any(known.key == key for known in self.groups)

    def taking(
        self, task: Microtask[..., Any], bid_key: str, answer: Any, probability: float, lift: float = 0.0
    ) -> Hand:
        """The hand with one more answer, which joins the group it equals or begins one."""
        key = canonical_key(task, answer)
        number = next((n for n, known in enumerate(self.groups) if known.key == key), len(self.groups))
        groups = self.groups
        if number == len(groups):
            groups = (*groups, Group(key, answer, canonical_json(as_json(task, answer))))
        answered = Answered(key=bid_key, group=number, probability=probability, lift=lift)
        return Hand(replace(self.state, answered=(*self.state.answered, answered)), groups)


EMPTY_HAND = Hand(State(), ())


def finished(hand: Hand, ask: Ask, done: Attempted, beliefs: Beliefs) -> tuple[Hand, AttemptFinished, bytes | None]:
    """Take an attempt into the hand: the new hand, the record of it, and the answer's body."""
    reply, bid, before = done.reply, done.bid, hand
    group: int | None = None
    probability, body = 0.0, None
    if reply.reason is None:
        probability = bid.probability
        if reply.confidence is not None:
            probability, _ = beliefs.right(bid.key, ask.task.name, bid.evidence, reply.confidence, answered=True)
        if done.verdicts and not hand.holds(ask.task, done.answer):  # equal answers are one word on them
            probability = weighed(probability, done.verdicts)
        lift = lift_of(bid, probability, reply.confidence)
        hand = hand.taking(ask.task, bid.key, done.answer, probability, lift)
        group, known = hand.state.answered[-1].group, len(before.groups)
        body = hand.groups[group].body if group == known else canonical_json(as_json(ask.task, done.answer))
    record = AttemptFinished(
        bidder=bid.offer.bidder,
        tactic=bid.offer.tactic,
        group=group,
        reason=reply.reason,
        detail=reply.detail,
        confidence=reply.confidence,
        probability=probability,
        usage=reply.usage,
        price=reply.price,
        expected_price=bid.offer.price + reply.premium,
        latency_ns=done.latency_ns,
        model=reply.model,
        verdicts=done.verdicts,
    )
    return hand, record, body


def awarded(
    position: Position, verdict: Verdict, slate: str, table: str, draw: float, turn: Turn, beliefs_seq: int
) -> Award:
    """The record of a verdict; `slate` and `table` are content ids."""
    return Award(
        position=position,
        slate=slate,
        table=table,
        draw=draw,
        beliefs_seq=beliefs_seq,
        rules_version=RULES_VERSION,
        capacity=tuple(sorted(turn.busy.items())),
        standing=verdict.standing,
        standing_group=verdict.standing_group,
        considered=verdict.considered,
        candidates=verdict.candidates,
        chosen=verdict.chosen,
        propensity=verdict.propensity,
        waited_ns=turn.waited_ns,
    )


def outcome(
    ask: Ask, hand: Hand, award: Award, slate: Slate, evidence_counts: Sequence[float], *, spent: int, latency_ns: int
) -> OutcomeSettled:
    """What the request ends with: the standing answer, or an honest refusal.

    `evidence_counts` are the labelled outcomes behind each bid that gave the winning answer.
    """
    floor = award.position.terms.refuse_below
    winners = [one for one in hand.state.answered if one.group == award.standing_group]
    why = ""
    if not hand.state.answered:
        why = _unanswered(award, slate)
    elif award.standing < floor:
        why = f"the best answer is right with probability {award.standing:.2f}, below refuse_below={floor:g}"
    return OutcomeSettled(
        task=ask.task.name,
        status="refused" if why else "answered",
        why=why,
        probability=award.standing,
        probability_source=_source(evidence_counts, len(hand.state.answered)),
        group=award.standing_group if hand.state.answered else None,
        winner=max(winners, key=lambda one: one.probability).key if winners else "",
        rounds=award.position.round,
        cost=spent,
        latency_ns=latency_ns,
    )


def _unanswered(award: Award, slate: Slate) -> str:
    if mandate := award.position.terms.mandate:
        known = [one for one in slate.no_bids if mandate in {one.bidder, one.key}]
        said = "; ".join(dict.fromkeys(one.reason.words for one in known)) or "no such bidder"
        return f"{mandate} alone was to answer, and did not: {said}"
    reasons = {one.reason for one in slate.no_bids if one.tactic == "*"}
    if Reason.QUEUE_FULL in reasons:
        return "whoever could answer is busy, and too many requests wait already"
    if Reason.NO_CAPACITY in reasons:
        return "whoever could answer was busy until the deadline"
    return "nobody answered" if award.position.round > 1 else "no bid is worth its price"


def _source(evidence_counts: Sequence[float], answers: int) -> ProbabilitySource:
    if evidence_counts and max(evidence_counts) >= _LABELLED_ENOUGH:
        return "labelled"
    return "agreement" if answers > 1 else "prior"


def evidence_counts(bids: Sequence[Bid], hand: Hand, group: int) -> list[float]:
    """The labelled outcomes in this task behind each bid of a group."""
    keys = {one.key for one in hand.state.answered if one.group == group}
    return [bid.evidence.task_count for bid in bids if bid.key in keys]
