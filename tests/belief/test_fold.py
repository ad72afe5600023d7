"""Beliefs are a fold: the same events in the same order give the same beliefs, bit for bit."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.belief.events import PROFILE, event, finished, histories, learned, opened, right

from atomic.belief import Beliefs
from atomic.belief.fold import _MOST_OPEN
from atomic.records import Event, Lesson, OutcomeSettled, Payload, Reason
from atomic.records.event import decode_payload, encode_payload


def folded(*events: Event) -> Beliefs:
    beliefs = Beliefs()
    beliefs.fold(events)
    return beliefs


@settings(max_examples=30)
@given(histories(), st.lists(st.integers(1, 7), min_size=40, max_size=40))
def test_any_cutting_of_the_events_into_chunks_gives_the_same_beliefs(history: list[Event], sizes: list[int]) -> None:
    beliefs = Beliefs()
    start = 0
    for size in sizes:
        beliefs.fold(history[start : start + size])
        start += size

    assert folded(*history).digest() == beliefs.digest()


@settings(max_examples=30)
@given(histories())
def test_events_seen_before_are_passed_over(history: list[Event]) -> None:
    beliefs = folded(*history)
    before = beliefs.digest()
    beliefs.fold(history)
    beliefs.fold(history[-3:])

    assert before == beliefs.digest()


@settings(max_examples=30)
@given(histories())
def test_beliefs_rebuilt_from_what_the_ledger_stores_are_the_same_bit_for_bit(history: list[Event]) -> None:
    stored = [
        event(
            one.seq,
            decode_payload(one.kind, 1, encode_payload(one.payload)),
            request_id=one.request_id,
            tenant=one.tenant,
            time_ns=one.time_ns,
        )
        for one in history
    ]

    assert folded(*history).digest() == folded(*stored).digest()


@settings(max_examples=30)
@given(histories(), st.none() | st.floats(0.0, 1.0))
def test_whatever_happened_every_estimate_is_a_sound_number(history: list[Event], claim: float | None) -> None:
    beliefs = folded(*history)
    for task in ("spam", "tone", "unknown"):
        for key in ("ant+plain", "ant+x", "bee+x", "nobody+plain"):
            seen = beliefs.evidence(key, task, "mail", 2, PROFILE)
            for answered in (False, True):
                probability, spread = beliefs.right(key, task, seen, claim, answered=answered)
                assert 0.0 <= probability <= 1.0
                assert 0.0 <= spread <= 0.5
            assert 0 <= beliefs.price(key, task, 1000)
            mean, high = beliefs.latency(key, task, None)
            assert 0 <= mean <= high or 0 < high


@settings(max_examples=30)
@given(histories())
def test_reading_changes_nothing(history: list[Event]) -> None:
    beliefs = folded(*history)
    before = beliefs.digest()
    beliefs.right("new+plain", "spam", beliefs.evidence("new+plain", "spam", "mail", 2, PROFILE), 0.7)
    beliefs.price("new+plain", "spam", 5)
    beliefs.latency("new+plain", "spam", 5)
    beliefs.health("new").pause_left(0)
    beliefs.table("new", 3)

    assert before == beliefs.digest()


def test_the_digest_sees_each_kind_of_belief() -> None:
    parts: list[Payload] = [
        opened(),
        finished(latency_ns=5),
        finished(price=5),
        finished(reason=Reason.FAILED),
        learned(right(1.0)),
        learned(right(1.0, features=(0.5, 0.9))),
        learned(Lesson(kind="answer", key="ant+plain", target=1.0, weight=1.0, features=(0.5, 0.9))),
        learned(Lesson(kind="agree", key="ant+plain|bee+plain", target=1.0, weight=1.0, features=(0.5,))),
        learned(Lesson(kind="settle", key="", target=1.0, weight=1.0, features=(2.0, 0.9))),
    ]
    digests = {folded(event(1, one)).digest() for one in parts}

    assert len(parts) == len(digests)


def test_an_attempts_price_and_latency_count_for_the_task_of_its_request() -> None:
    beliefs = folded(event(1, opened("spam")), event(2, finished(latency_ns=7, price=50, expected_price=100)))

    assert 7 == beliefs.latency("ant+plain", "spam", None)[0]
    assert 75 == beliefs.price("ant+plain", "spam", 100)
    assert 100 == beliefs.price("ant+plain", "tone", 100)
    assert 7 == beliefs.latency("ant+plain", "tone", None)[0]


def test_requests_of_two_tenants_with_one_id_are_two_requests() -> None:
    beliefs = folded(
        event(1, opened("spam"), tenant="a/b", request_id="c"),
        event(2, opened("tone"), tenant="a", request_id="b/c"),
        event(3, finished(price=50, expected_price=100), tenant="a/b", request_id="c"),
    )

    assert 75 == beliefs.price("ant+plain", "spam", 100)
    assert 100 == beliefs.price("ant+plain", "tone", 100)


def test_requests_that_never_end_do_not_pile_up() -> None:
    beliefs = folded(*(event(n, opened(), request_id=str(n)) for n in range(1, _MOST_OPEN + 50)))
    beliefs.fold([event(_MOST_OPEN + 50, OutcomeSettled(task="spam", status="refused"), request_id=str(_MOST_OPEN))])

    assert _MOST_OPEN - 1 == len(beliefs.open_requests)


def test_a_lesson_counts_in_its_task_and_less_in_its_domain() -> None:
    beliefs = folded(*(event(n, learned(right(1.0))) for n in range(1, 21)))

    def believed(task: str, domain: str) -> float:
        return beliefs.right("ant+plain", task, beliefs.evidence("ant+plain", task, domain, 2, PROFILE), None)[0]

    assert PROFILE.right == believed("other", "other") < believed("other", "mail") < believed("spam", "mail")


def test_the_last_five_lessons_and_the_youngest_time_are_named() -> None:
    beliefs = folded(*(event(n, learned(right(1.0)), time_ns=100 - n) for n in range(1, 9)))
    seen = beliefs.evidence("ant+plain", "spam", "mail", 2, PROFILE)

    assert (4, 5, 6, 7, 8) == seen.lessons
    assert 99 == seen.last_ns


def test_probabilities_converge_to_the_known_truth() -> None:
    random, beliefs = Random(1), Beliefs()
    for n in range(1, 2001):
        beliefs.fold([event(n, learned(right(float(random.random() < 0.83))))])
    mean, spread = beliefs.right("ant+plain", "spam", beliefs.evidence("ant+plain", "spam", "mail", 2, PROFILE), None)

    assert 0.83 == pytest.approx(mean, abs=3 * spread)
    assert spread < 0.015


@settings(max_examples=50)
@given(st.lists(st.floats(0.0, 1.0), max_size=30), st.floats(0.0, 1.0), st.sampled_from([1.0, 0.7, 0.5, 0.2]))
def test_taking_a_lesson_back_restores_the_counts(before: list[float], target: float, weight: float) -> None:
    history = [event(n + 1, learned(right(one))) for n, one in enumerate(before)]
    beliefs = folded(*history)
    then = beliefs.evidence("ant+plain", "spam", "mail", 2, PROFILE)
    beliefs.fold(
        [event(100, learned(right(target, weight=weight))), event(101, learned(right(target, weight=-weight)))]
    )
    now = beliefs.evidence("ant+plain", "spam", "mail", 2, PROFILE)

    # Up to the ageing that every lesson brings, one part in 2,000.
    assert then.task_count == pytest.approx(now.task_count, rel=1e-3, abs=1e-9)
    assert then.task_right == pytest.approx(now.task_right, rel=1e-3, abs=1e-9)
    assert then.domain_count == pytest.approx(now.domain_count, rel=1e-3, abs=1e-9)


def test_changing_ones_mind_over_and_over_leaves_the_beliefs_of_the_last_word() -> None:
    def word(target: float, weight: float = 1.0) -> tuple[Lesson, ...]:
        settled = Lesson(kind="settle", key="", target=target, weight=weight, features=(2.0, 0.9))
        return right(target, weight=weight, features=(0.6, 0.95)), settled

    beliefs = folded(event(1, learned(*word(0.0))))
    for n in range(2, 202):
        before, after = float(n % 2 == 1), float(n % 2 == 0)
        beliefs.fold([event(n, learned(*word(before, -1.0), *word(after)))])
    beliefs.fold([event(202, learned(*word(0.0, -1.0), *word(1.0)))])
    once = folded(event(1, learned(*word(1.0))))

    def believed(of: Beliefs) -> float:
        return of.right("ant+plain", "spam", of.evidence("ant+plain", "spam", "mail", 2, PROFILE), 0.95)[0]

    assert believed(once) == pytest.approx(believed(beliefs), abs=0.01)


def test_more_taken_back_than_given_leaves_counts_that_can_be() -> None:
    beliefs = folded(*(event(n, learned(right(1.0, weight=-1.0))) for n in range(1, 5)))
    seen = beliefs.evidence("ant+plain", "spam", "mail", 2, PROFILE)

    assert (0.0, 0.0) == (seen.task_right, seen.task_count)


def test_a_table_is_drawn_up_again_only_when_its_evidence_grew() -> None:
    beliefs, tables = Beliefs(), set()
    for n in range(1, 1001):
        lesson = Lesson(kind="agree", key="ant+plain|bee+plain", target=1.0, weight=1.0, features=(0.5,))
        beliefs.fold([event(n, learned(lesson))])
        tables.add(beliefs.table("spam", 2)[1])

    assert 10 < len(tables) < 120
    assert 0.9 < dict(beliefs.table("spam", 2)[0].copying)["ant+plain|bee+plain"]


def test_who_is_right_when_two_differ_is_drawn_into_the_table_and_forgotten_with_a_change() -> None:
    lost = Lesson(kind="differ", key="ant+plain|bee+plain", target=0.0, weight=1.0, features=(0.5,))
    beliefs = folded(*(event(n, learned(lost)) for n in range(1, 40)))
    ((key, intercept, _),) = beliefs.table("spam", 2)[0].differing

    assert "ant+plain|bee+plain" == key
    assert intercept < -1.0

    beliefs.fold([event(40, finished("ant", model="one")), event(41, finished("ant", model="another"))])
    assert {} == beliefs.tasks["spam"].differing


def test_a_table_in_which_nobody_was_seen_to_differ_is_named_as_before_there_was_such_a_record() -> None:
    lesson = Lesson(kind="agree", key="ant+plain|bee+plain", target=1.0, weight=1.0, features=(0.5,))
    beliefs = folded(*(event(n, learned(lesson)) for n in range(1, 20)))

    assert b"differing" not in beliefs.table("spam", 2)[2]


def test_a_table_of_another_number_of_answers_is_a_fresh_one() -> None:
    lesson = Lesson(kind="agree", key="ant+plain|bee+plain", target=1.0, weight=1.0, features=(0.5,))
    beliefs = folded(*(event(n, learned(lesson)) for n in range(1, 20)))

    assert () == beliefs.table("spam", 3)[0].copying
    assert () != beliefs.table("spam", 2)[0].copying


def test_settling_is_calibrated_by_the_number_of_answers() -> None:
    """Pairs of answers are said to be right with 0.9 and are with 0.6; single ones are as they say."""
    random, beliefs = Random(5), Beliefs()
    for n in range(1, 1001):
        pair = Lesson(kind="settle", key="", target=float(random.random() < 0.6), weight=1.0, features=(2.0, 0.9))
        alone = Lesson(kind="settle", key="", target=float(random.random() < 0.9), weight=1.0, features=(1.0, 0.9))
        beliefs.fold([event(n, learned(pair, alone))])
    settling = {
        count: 1.0 / (1.0 + math.exp(-(a + b * math.log(9)))) for count, a, b in beliefs.table("spam", 2)[0].settling
    }

    assert 0.6 == pytest.approx(settling[2], abs=0.06)
    assert 0.9 == pytest.approx(settling[1], abs=0.04)
