"""Somebody who is another than before is found out, and what was seen of it before counts for little."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from tests.belief.events import PROFILE, event, finished, learned, opened, right

from atomic.belief import Beliefs
from atomic.belief.agreement import pair
from atomic.belief.snapshot import restore, snapshot
from atomic.records import BidderChanged, Event, Lesson, Usage


class Story:
    """Beliefs that are told one event after the other; `changes` are what was noticed, with the seq."""

    def __init__(self) -> None:
        self.beliefs = Beliefs()
        self.changes: list[BidderChanged] = []

    def tell(self, one: Event) -> bool:
        seq = self.beliefs.seq + 1
        self.beliefs.fold([replace(one, seq=seq)])
        found = self.beliefs.rights.shown_by(seq, seq)
        self.changes += found
        return bool(found)

    def believed(self, key: str = "ant+plain") -> float:
        seen = self.beliefs.evidence(key, "spam", "mail", 2, PROFILE)
        return self.beliefs.right(key, "spam", seen, None)[0]


def outcome(target: float, key: str = "ant+plain") -> Event:
    return event(1, replace(learned(right(target, key), alternatives=10), task_version="1"))


def agreed(*pairs: tuple[str, str, float]) -> Event:
    lessons = [
        Lesson(kind="agree", key=pair(a, b), target=target, weight=1.0, features=(0.7,)) for a, b, target in pairs
    ]
    return event(1, learned(*lessons, alternatives=10))


@pytest.mark.parametrize("share", [0.95, 0.8, 0.6])
def test_who_falls_to_chance_is_found_out_within_some_twenty_outcomes(share: float) -> None:
    random, took = Random(3), []
    for _ in range(20):
        story = Story()
        for _ in range(300):
            story.tell(outcome(float(random.random() < share)))
        story.changes.clear()
        took.append(next(n for n in range(1, 100) if story.tell(outcome(float(random.random() < 0.1)))))

    assert sorted(took)[10] <= 25
    assert max(took) <= 60


def test_after_that_its_new_outcomes_are_believed_within_ten() -> None:
    random, story = Random(4), Story()
    for _ in range(2000):
        story.tell(outcome(float(random.random() < 0.9)))
    while not story.tell(outcome(0.0)):
        pass
    for _ in range(10):
        story.tell(outcome(0.0))

    assert ["fell"] == [one.why for one in story.changes if one.why != "rose"]
    assert 0.35 > self_share(story)


def test_who_fell_is_believed_at_once_as_it_was_since() -> None:
    random, story = Random(4), Story()
    for _ in range(500):
        story.tell(outcome(float(random.random() < 0.7)))
    while not story.tell(outcome(float(random.random() < 0.1))):
        pass

    assert 0.4 > self_share(story)


def self_share(story: Story) -> float:
    seen = story.beliefs.evidence("ant+plain", "spam", "mail", 10, PROFILE, "1")
    return story.beliefs.right("ant+plain", "spam", seen, None)[0]


def test_who_stays_as_it_is_seems_changed_at_most_once_in_a_thousand_outcomes() -> None:
    random, story = Random(5), Story()
    for _ in range(10_000):
        story.tell(outcome(float(random.random() < 0.8)))

    assert len(story.changes) <= 10


def test_who_gets_better_is_found_out_too() -> None:
    random, story = Random(6), Story()
    for _ in range(300):
        story.tell(outcome(float(random.random() < 0.3)))
    story.changes.clear()

    assert any(story.tell(outcome(float(random.random() < 0.95))) for _ in range(60))
    assert ["rose"] == [one.why for one in story.changes]


def test_hard_cases_are_held_against_hard_cases() -> None:
    random, story = Random(7), Story()
    for n in range(600):
        hard = n % 2 == 1
        lesson = replace(right(float(random.random() < (0.4 if hard else 0.9))), selected=hard)
        story.tell(event(1, replace(learned(lesson, alternatives=10), task_version="1")))

    assert [] == [one for one in story.changes if one.why == "fell"]


def test_without_any_label_who_stops_agreeing_is_found_out_and_the_others_are_not() -> None:
    random, story = Random(8), Story()

    def day(changed: bool) -> Event:
        same = {
            name: random.random() < (0.1 if changed and name == "ant+x" else 0.9)
            for name in ("ant+x", "bee+x", "cat+x")
        }
        names = sorted(same)
        return agreed(*((a, b, float(same[a] and same[b])) for n, a in enumerate(names) for b in names[n + 1 :]))

    for _ in range(300):
        story.tell(day(False))
    assert [] == story.changes
    assert any(story.tell(day(True)) for _ in range(60))
    for _ in range(100):
        story.tell(day(True))

    assert {("ant+x", "apart")} == {(one.key, one.why) for one in story.changes}


def test_another_name_of_its_model_widens_what_is_believed_of_all_its_tactics() -> None:
    story = Story()
    story.tell(event(1, finished(model="m-1")))
    for _ in range(100):
        story.tell(outcome(1.0))
        story.tell(outcome(1.0, "ant+x"))
        story.tell(outcome(1.0, "bee+plain"))

    assert not story.tell(event(1, finished(model="m-1")))
    assert story.tell(event(1, finished(model="m-2")))
    assert [("ant", "model", "m-2")] == [(one.key, one.why, one.detail) for one in story.changes]
    counts = {
        key: story.beliefs.evidence(key, "spam", "mail", 10, PROFILE, "1")
        for key in ("ant+plain", "ant+x", "bee+plain")
    }
    assert [4.0, 4.0] == [counts[key].task_count for key in ("ant+plain", "ant+x")]
    assert counts["bee+plain"].task_count > 90
    assert story.beliefs.seq == counts["ant+plain"].changed


def test_names_that_come_by_turns_are_no_change() -> None:
    story = Story()
    told = [story.tell(event(1, finished(model=f"m-{n % 2}"))) for n in range(20)]

    assert 1 == sum(told)


def test_answers_of_another_length_show_another_model() -> None:
    random, story = Random(9), Story()

    def wrote(mean: float) -> bool:
        story.tell(event(1, opened("spam")))
        return story.tell(event(1, finished(usage=Usage(completion_tokens=int(random.gauss(mean, mean / 4)) + 1))))

    assert not any(wrote(200) for _ in range(1000))
    assert any(wrote(700) for _ in range(30))
    assert ["tokens"] == [one.why for one in story.changes]


def test_a_fold_that_begins_at_a_snapshot_notices_the_same() -> None:
    random, story = Random(10), Story()
    events = [outcome(float(random.random() < (0.9 if n < 200 else 0.1))) for n in range(260)]
    for one in events[:205]:
        story.tell(one)
    other = Story()
    restore(other.beliefs, snapshot(story.beliefs))
    for one in events[205:]:
        assert story.tell(one) == other.tell(one)

    assert story.beliefs.digest() == other.beliefs.digest()
