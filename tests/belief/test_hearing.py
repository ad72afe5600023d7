"""Feedback that comes by itself is mostly complaints: what is believed must not follow them alone."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from tests.belief.events import PROFILE, event, finished, learned, opened, right

from atomic.belief import Beliefs
from atomic.belief.hearing import Heard, silence
from atomic.belief.snapshot import restore, snapshot
from atomic.protocols import Profile
from atomic.records import BodiesErased, FeedbackGiven, Lesson, OutcomeSettled, Payload

GOOD = replace(PROFILE, right=0.8)


def told(
    share: float,
    *,
    wrong: float,
    praised: float,
    asked: float = 0.0,
    count: int = 600,
    profile: Profile = GOOD,
    seed: int = 1,
) -> Beliefs:
    """Outcomes that are right so often, spoken of so often where they are wrong and where they are right."""
    random, beliefs = Random(seed), Beliefs()
    for n in range(count):
        name, good = f"r{n}", float(random.random() < share)
        given = FeedbackGiven(source="person", value=good, asked=random.random() < asked)
        spoken = given.asked or random.random() < (praised if good else wrong)
        settled = OutcomeSettled(task="spam", status="answered", probability=estimate(beliefs, profile), group=0)
        payloads: list[Payload] = [opened(), finished(group=0), settled]
        weight = 1.0 if given.asked else beliefs.hearing.thinned("spam", good)
        lessons = learned(right(good), settled_by(good, weight, settled.probability), alternatives=0)
        words: list[Payload] = [given, replace(lessons, task_version="1")] if spoken else []
        for payload in (*payloads, *words):
            beliefs.fold([event(beliefs.seq + 1, payload, request_id=name)])
    return beliefs


def settled_by(target: float, weight: float, probability: float) -> Lesson:
    features = (1.0, min(0.99, max(0.01, probability)))
    return Lesson(kind="settle", key="", target=target, weight=weight, features=features)


def estimate(beliefs: Beliefs, profile: Profile = GOOD) -> float:
    return beliefs.right("ant+plain", "spam", beliefs.evidence("ant+plain", "spam", "mail", 0, profile, "1"), None)[0]


def naive(share: float, *, wrong: float, praised: float) -> float:
    """What the words alone say."""
    return share * praised / (share * praised + (1.0 - share) * wrong)


def test_complaints_alone_do_not_ruin_who_is_mostly_right() -> None:
    found = [estimate(told(0.9, wrong=0.5, praised=0.0, seed=seed)) for seed in range(4)]

    assert 0.0 == naive(0.9, wrong=0.5, praised=0.0)
    assert all(0.5 < one < 0.95 for one in found)


@pytest.mark.parametrize("share", [0.9, 0.6])
def test_where_a_random_sample_is_asked_the_estimate_comes_out_right_although_others_only_complain(
    share: float,
) -> None:
    found = [estimate(told(share, wrong=0.5, praised=0.0, asked=0.08, seed=seed)) for seed in range(6)]

    assert share == pytest.approx(sum(found) / 6, abs=0.08)


def test_who_gets_more_complaints_is_believed_less() -> None:
    good, bad = (estimate(told(share, wrong=0.5, praised=0.02)) for share in (0.95, 0.7))

    assert good > bad + 0.1


@pytest.mark.parametrize("share", [0.9, 0.75])
def test_random_feedback_is_not_taken_for_a_habit(share: float) -> None:
    found = [estimate(told(share, wrong=0.15, praised=0.15, seed=seed)) for seed in range(4)]

    assert share == pytest.approx(sum(found) / 4, abs=0.06)


def test_silence_is_not_approval_where_all_are_spoken_of_alike() -> None:
    assert (1.0, 0.0) == silence(0.7, 0.3, 0.3)
    beliefs = told(0.9, wrong=0.0, praised=0.0, count=300)

    assert 0.0 == beliefs.evidence("ant+plain", "spam", "mail", 0, GOOD, "1").task_count
    assert GOOD.right == pytest.approx(estimate(beliefs))


def test_a_habit_of_complaining_is_seen_in_the_rates_and_thins_what_calibrations_learn() -> None:
    hearing = told(0.9, wrong=0.6, praised=0.05, asked=0.1).hearing
    wrong, praised = hearing.rates("spam")

    assert praised == pytest.approx(0.05, abs=0.03)
    assert wrong > 6 * praised
    assert 1.0 == hearing.thinned("spam", 1.0)
    assert hearing.thinned("spam", 0.0) < 0.25
    assert 1.0 == hearing.thinned("unknown", 0.0)


def test_an_outcome_counts_as_silent_once_many_others_were_settled_and_what_was_erased_never_does() -> None:
    beliefs = Beliefs()
    for n in range(100):
        for payload in (opened(), finished(group=0), OutcomeSettled(task="spam", status="answered", group=0)):
            beliefs.fold([event(beliefs.seq + 1, payload, request_id=f"r{n}")])
    waiting = beliefs.hearing.waiting["spam"]
    beliefs.fold([event(beliefs.seq + 1, BodiesErased(erasure="e", why="asked", bodies=1, requests=(("", "r99"),)))])

    assert 64 - 1 == len(waiting)
    assert ("", "r99") not in waiting
    assert 36 == pytest.approx(
        beliefs.hearing.heard["spam"].silent_right + beliefs.hearing.heard["spam"].silent_wrong, rel=0.02
    )


def test_a_late_or_second_word_is_not_heard_twice() -> None:
    beliefs = Beliefs()
    word = FeedbackGiven(source="person", value=0.0)
    for payload in (opened(), finished(group=0), OutcomeSettled(task="spam", status="answered", group=0), word, word):
        beliefs.fold([event(beliefs.seq + 1, payload)])

    assert (0.0, 1.0) == (beliefs.hearing.heard["spam"].right, beliefs.hearing.heard["spam"].wrong)


def test_it_survives_a_snapshot() -> None:
    beliefs, other = told(0.9, wrong=0.5, praised=0.1, asked=0.1, count=150), Beliefs()
    restore(other, snapshot(beliefs))

    assert beliefs.digest() == other.digest()
    assert snapshot(beliefs) == snapshot(other)
    assert Heard().rates() == other.hearing.rates("nothing")
