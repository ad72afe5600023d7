"""What bids answered before they seemed to have changed: kept where later answers are alike, else not."""

from __future__ import annotations

import random
from collections import OrderedDict

from atomic.belief.constant import as_they_are
from atomic.belief.lineups import Lineup, Name

BIDS = ("ant", "bee", "cat", "dog")


def line_up(rights: dict[str, float], *, before: bool, domain: str = "d", judged: bool = True) -> Lineup:
    made = Lineup(domain)
    made.keys = tuple(rights)
    made.groups = tuple(0 if right else 1 + number for number, right in enumerate(rights.values()))
    made.prices = tuple(1 for _ in rights)
    made.rights = {key: (right, 1.0, 1.0) for key, right in rights.items()} if judged else {}
    made.before = frozenset({"ant"}) if before else frozenset()
    return made


def drawn(
    count: int, share: float, others: float, *, before: bool, domain: str = "d", judged: bool = True, first: int = 0
) -> Lines:
    source = random.Random(f"{count} {share} {others} {before} {domain}")
    found: Lines = OrderedDict()
    for number in range(count):
        rights = {bid: float(source.random() < (share if bid == "ant" else others)) for bid in BIDS}
        found["", f"{domain}/{before}/{first + number}"] = line_up(rights, before=before, domain=domain, judged=judged)
    return found


Lines = OrderedDict[Name, Lineup]


def seen(kept: Lines) -> int:
    return sum("ant" in one.keys for one in as_they_are(kept).values())


def test_what_an_alarm_was_raised_over_says_at_once_that_it_was_false() -> None:
    assert 205 == seen(drawn(200, 0.8, 0.8, before=True) | drawn(5, 0.8, 0.8, before=False))


def test_who_has_hardly_answered_since_is_out_by_what_the_alarm_was_raised_over() -> None:
    fallen = drawn(10, 0.0, 0.8, before=True, first=200)
    assert 3 == seen(drawn(200, 0.8, 0.8, before=True) | fallen | drawn(3, 0.0, 0.8, before=False))


def test_a_false_alarm_is_forgotten_once_later_answers_are_as_before() -> None:
    assert 230 == seen(drawn(200, 0.8, 0.8, before=True) | drawn(30, 0.8, 0.8, before=False))


def test_who_really_fell_stays_out() -> None:
    assert 30 == seen(drawn(200, 0.8, 0.8, before=True) | drawn(30, 0.3, 0.8, before=False))


def test_harder_questions_are_no_change() -> None:
    assert 260 == seen(drawn(200, 0.9, 0.9, before=True) | drawn(60, 0.5, 0.5, before=False))


def test_only_domains_with_answers_before_and_after_compare() -> None:
    other = drawn(60, 0.8, 0.8, before=False, domain="other")
    assert 60 == seen(drawn(200, 0.8, 0.8, before=True) | other)


def test_without_a_judge_agreement_says_who_changed() -> None:
    calm = drawn(200, 0.8, 0.8, before=True, judged=False)
    assert 260 == seen(calm | drawn(60, 0.8, 0.8, before=False, judged=False))
    assert 60 == seen(calm | drawn(60, 0.1, 0.8, before=False, judged=False))


def test_line_ups_of_nobody_else_go_with_who_changed() -> None:
    alone = line_up({"ant": 1.0}, before=True)
    assert OrderedDict() == as_they_are({("", "r"): alone})
    assert ("ant",) == alone.keys
