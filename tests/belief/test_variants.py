"""Variants are compared while they compete, and who lost is asked no more."""

import random

import orjson
from tests.belief.events import event, learned, right

from atomic.belief import Beliefs
from atomic.belief.snapshot import restore, snapshot
from atomic.belief.variants import Variants
from atomic.records.lesson import Lesson


def lesson(key: str, target: float, *, selected: bool = False) -> Lesson:
    return Lesson(kind="right", key=key, target=target, weight=1.0, selected=selected)


def played(variant: float, plain: float, *, outcomes: int, seed: int = 1) -> Variants:
    """Both asked by turns, right as often as said."""
    draw, variants = random.Random(seed), Variants()
    for seq in range(1, outcomes + 1):
        key, rate = ("a+plain~short", variant) if seq % 2 else ("a+plain", plain)
        variants.learn(lesson(key, float(draw.random() < rate)), "spam", seq)
    return variants


def test_the_worse_variant_is_stopped() -> None:
    assert {("a+plain~short", "spam")} == set(played(0.5, 0.9, outcomes=300).stopped)


def test_the_better_variant_stops_what_it_replaces() -> None:
    variants = played(0.9, 0.5, outcomes=300)

    assert {("a+plain", "spam")} == set(variants.stopped)
    (told,) = variants.shown_by(1, 300)
    assert ("a+plain", "a+plain~short", "spam") == (told.stopped, told.by, told.task)
    assert 0.2 < told.lead < 0.7
    assert [] == variants.shown_by(1, 300)


def test_equal_variants_are_seldom_decided() -> None:
    wrong = [seed for seed in range(200) if played(0.7, 0.7, outcomes=600, seed=seed).stopped]

    assert len(wrong) <= 15  # of 200, where 10 are to be expected at most


def test_what_was_bought_in_view_of_other_answers_does_not_count() -> None:
    variants = Variants()
    for seq in range(400):
        variants.learn(lesson("a+plain~short", 0.0, selected=True), "spam", seq)
        variants.learn(lesson("a+plain", 1.0), "spam", seq)

    assert {} == variants.stopped


def test_another_model_is_asked_in_both_ways_again() -> None:
    variants = played(0.5, 0.9, outcomes=300)

    variants.changed("a")

    assert {} == variants.stopped


def test_a_snapshot_keeps_what_was_decided_and_what_is_under_way() -> None:
    beliefs, other = Beliefs(), Beliefs()
    keys = ("ant+plain~short", "ant+plain")
    beliefs.fold([event(n, learned(right(float(n % 2), key=keys[n % 2]))) for n in range(1, 60)])
    restore(other, snapshot(beliefs))

    assert "duels" in orjson.loads(snapshot(beliefs))
    assert beliefs.digest() == other.digest()
    assert beliefs.variants.stopped == other.variants.stopped
