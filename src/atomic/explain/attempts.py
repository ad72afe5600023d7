"""Attempts with what one knew after each: the joint posterior of the answers in hand, calibrated."""

from __future__ import annotations

from dataclasses import replace

from atomic.explain.explained import AttemptTold
from atomic.explain.story import RoundStory, Try, read_body
from atomic.protocols import History
from atomic.records.award import Answered, State, Table
from atomic.rules.posterior import calibrated, joint_probability


def attempts_told(
    ledger: History, story: RoundStory, later: RoundStory | None, answers: int
) -> tuple[AttemptTold, ...]:
    """The attempts of a round in the order in which they ended; `answers` were in hand before it.

    The posterior is reckoned with the table of the round that judged it, `later`, so that the last one is the
    standing probability recorded there; a request that was cut is reckoned with its own.
    """
    table = (later or story).table
    in_hand = list(story.award.position.state.answered)
    known = list(later.award.position.state.answered) if later is not None else []
    told = []
    for attempt in story.tries:
        done = attempt.finished
        if done is not None and done.group is not None:
            recorded = known[answers] if answers < len(known) else None
            in_hand.append(recorded or Answered(key=done.key, group=done.group, probability=done.probability))
            answers += 1
        told.append(_told(ledger, attempt, replace(story.award.position.state, answered=tuple(in_hand)), table))
    return tuple(told)


def _told(ledger: History, attempt: Try, hand: State, table: Table) -> AttemptTold:
    began, done = attempt.started, attempt.finished
    reserved, examples = (began.reserved, began.examples) if began is not None else (None, ())
    if done is None:
        key = f"{began.bidder}+{began.tactic}" if began is not None else ""
        return AttemptTold(key=key, status="unfinished", answer_state="none", reserved=reserved, examples=examples)
    answer, state = read_body(ledger, attempt.event, "answer")
    answers = len(hand.answered)
    joint, group = joint_probability(hand, table)
    return AttemptTold(
        key=done.key,
        status="answered" if done.reason is None else "failed",
        answer_state=state,
        answer=answer,
        group=done.group,
        confidence=done.confidence,
        probability=done.probability if done.group is not None else None,
        reason=None if done.reason is None else int(done.reason),
        words="" if done.reason is None else done.reason.words,
        detail=done.detail,
        price=done.price,
        expected_price=done.expected_price,
        reserved=reserved,
        latency_ns=done.latency_ns,
        examples=examples,
        hand=calibrated(joint, answers, table.settling) if answers else None,
        hand_group=group if answers else None,
        verdicts=done.verdicts,
    )
