"""`atomic tactics` tells what came of each tactic: tried, won, lift with an interval, cost."""

from __future__ import annotations

import pytest
from tests.belief.events import event, learned, opened

from atomic.explain import tried
from atomic.explain.tried import record_of
from atomic.records.attempt import AttemptFinished
from atomic.records.event import Event
from atomic.records.lesson import Lesson
from atomic.records.outcome import OutcomeSettled


def right(key: str, target: float, weight: float = 1.0, *, selected: bool = False) -> Lesson:
    return Lesson(kind="right", key=key, target=target, weight=weight, selected=selected)


def stream(count: int, *, plain: float, shown: float) -> list[Event]:
    """Requests whose answers were judged, by turns of both tactics; the shares right are exact."""
    found: list[Event] = []
    for number in range(count):
        tactic, share = ("plain", plain) if number % 2 else ("examples", shown)
        target = float((number // 2) % 10 < 10 * share)
        name, seq = f"r{number}", 10 * number
        found += [
            event(seq + 1, opened(), request_id=name),
            event(seq + 2, AttemptFinished(bidder="ant", tactic=tactic, group=0, price=1_000), request_id=name),
            event(
                seq + 3,
                OutcomeSettled(task="spam", status="answered", group=0, winner=f"ant+{tactic}"),
                request_id=name,
            ),
            event(seq + 5, learned(right(f"ant+{tactic}", target)), request_id=name),
        ]
    return found


def test_each_tactic_has_its_counts_and_its_cost() -> None:
    record = record_of(stream(40, plain=0.5, shown=0.9), "spam")

    assert {"ant+plain", "ant+examples"} == set(record.bids)
    one = record.bids["ant+examples"]
    assert (20, 20, 0, 20_000, 0.9) == (one.tried, one.won, one.failed, one.cost, one.right)


def test_the_lift_is_over_the_same_bidder_asked_plainly_within_an_interval() -> None:
    lift = record_of(stream(800, plain=0.5, shown=0.9), "spam").lift("ant+examples")

    assert lift is not None
    assert "ant+plain" == lift.over
    assert 0.0 < lift.low < lift.mean < lift.high
    assert abs(lift.mean - 0.4) < 1e-9


def test_few_answers_decide_nothing() -> None:
    lift = record_of(stream(20, plain=0.5, shown=0.9), "spam").lift("ant+examples")

    assert lift is not None
    assert lift.low < 0.0 < lift.high


def test_what_asks_plainly_has_no_lift() -> None:
    assert record_of(stream(20, plain=0.5, shown=0.9), "spam").lift("ant+plain") is None


def test_answers_bought_in_view_of_others_and_words_taken_back_are_not_among_the_judged() -> None:
    events = [
        event(1, opened(), request_id="a"),
        event(3, learned(right("ant+plain", 1.0, selected=True)), request_id="a"),
        event(5, learned(right("ant+plain", 0.0)), request_id="a"),
        event(7, learned(right("ant+plain", 0.0, weight=-1.0), right("ant+plain", 1.0)), request_id="a"),
    ]

    assert [1.0] == list(record_of(events, "spam").bids["ant+plain"].rights.values())


def test_another_tasks_events_are_not_counted() -> None:
    assert not record_of(stream(20, plain=0.5, shown=0.9), "other").bids


def test_requests_that_never_end_are_forgotten_when_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tried, "_MOST_OPEN", 2)
    tactics = tried.Tactics()
    for number in range(4):
        tactics.fold([event(number + 1, opened(), request_id=f"r{number}")])
    for number in range(4):
        done = AttemptFinished(bidder="ant", tactic="plain", group=0, price=1)
        tactics.fold([event(number + 5, done, request_id=f"r{number}")])
    assert tactics.of("spam").bids["ant+plain"].tried == 2
