"""Levels shrink towards each other: family, domain, task, and the version of a task in a domain."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.belief.events import PROFILE, event, learned, right

from atomic.belief import Beliefs
from atomic.belief.counts import Count, shrunk
from atomic.protocols import Profile
from atomic.records import Event, Evidence, Lesson, LessonsLearned

KIN = Profile(name="cub", kind="scripted", right=0.6, family="ants")


def taught(count: int, target: float, *, version: str = "1", domain: str = "mail", family: str = "") -> list[Event]:
    lesson = replace(right(target), family=family)
    return [event(n, replace(learned(lesson, domain=domain), task_version=version)) for n in range(1, count + 1)]


def believed(beliefs: Beliefs, key: str, profile: Profile, *, version: str = "1", domain: str = "mail") -> float:
    return shrunk(beliefs.evidence(key, "spam", domain, 2, profile, version))[0]


def after(*events: Event) -> Beliefs:
    beliefs = Beliefs()
    beliefs.fold([replace(one, seq=n) for n, one in enumerate(events, 1)])
    return beliefs


def test_a_new_bidder_starts_from_its_familys_record_in_the_domain_and_not_from_that_of_strangers() -> None:
    beliefs = after(*taught(200, 1.0, family="ants"))

    assert believed(beliefs, "cub+plain", KIN) > 0.8
    assert believed(beliefs, "cub+plain", replace(KIN, family="bees")) == pytest.approx(0.6)
    assert believed(beliefs, "cub+plain", KIN, domain="chat") == pytest.approx(0.6)


def test_a_familys_record_is_soon_outweighed_by_its_own() -> None:
    bad = [
        event(
            n,
            LessonsLearned(
                task="spam",
                domain="mail",
                source="person",
                cause=0,
                alternatives=2,
                lessons=(right(0.0, key="cub+plain"),),
                task_version="1",
            ),
        )
        for n in range(30)
    ]
    beliefs = after(*taught(200, 1.0, family="ants"), *bad)

    assert believed(beliefs, "cub+plain", KIN) < 0.15


def test_a_new_version_of_a_task_starts_from_the_old_ones_beliefs_and_moves_faster() -> None:
    beliefs = after(*taught(300, 1.0))
    old = believed(beliefs, "ant+plain", PROFILE)
    fresh = beliefs.evidence("ant+plain", "spam", "mail", 2, PROFILE, "2")

    assert shrunk(fresh)[0] == pytest.approx(old, abs=0.01)
    assert shrunk(fresh)[1] > 2 * shrunk(beliefs.evidence("ant+plain", "spam", "mail", 2, PROFILE, "1"))[1]
    both = after(*taught(300, 1.0), *taught(20, 0.0, version="2"))
    assert believed(both, "ant+plain", PROFILE, version="2") < 0.6 < 0.85 < believed(both, "ant+plain", PROFILE)


def test_two_versions_at_work_side_by_side_keep_their_own_records() -> None:
    turns = [one for pair in zip(taught(200, 1.0), taught(200, 0.0, version="2"), strict=True) for one in pair]
    beliefs = after(*turns)

    assert believed(beliefs, "ant+plain", PROFILE) > 0.9
    assert believed(beliefs, "ant+plain", PROFILE, version="2") < 0.1


def test_a_domain_within_a_task_is_believed_by_its_own_outcomes_once_there_are_some() -> None:
    beliefs = after(*taught(100, 1.0, domain="law"), *taught(100, 0.0, domain="maths"))

    assert believed(beliefs, "ant+plain", PROFILE, domain="law") > 0.8
    assert believed(beliefs, "ant+plain", PROFILE, domain="maths") < 0.2
    assert 0.4 < believed(beliefs, "ant+plain", PROFILE, domain="history") < 0.6


def test_what_only_agreement_says_moves_the_estimate_and_is_no_label() -> None:
    said = LessonsLearned(
        task="spam",
        domain="mail",
        source="agreement",
        cause=0,
        alternatives=2,
        lessons=(Lesson(kind="right", key="ant+plain", target=1.0, weight=0.2),),
    )
    beliefs = after(*(event(n, said) for n in range(500)))
    seen = beliefs.evidence("ant+plain", "spam", "mail", 2, PROFILE, "1")

    assert 0.0 == seen.task_count == seen.domain_count
    assert 0.8 < shrunk(seen)[0] < 0.95
    labelled = after(*(event(n, said) for n in range(500)), *taught(40, 0.0))
    assert believed(labelled, "ant+plain", PROFILE) < 0.2


def test_widening_keeps_the_mean() -> None:
    count = Count()
    for n in range(100):
        count.add(float(n % 4 > 0), 1.0, n, n)
    mean = count.right / count.total
    count.widen(6.0)

    assert 6.0 == count.total
    assert mean == pytest.approx(count.right / count.total)


@given(st.floats(0.01, 0.99), st.floats(0.0, 50.0), st.floats(0.0, 1.0), st.floats(0.0, 50.0), st.floats(0.0, 1.0))
def test_without_family_and_version_an_estimate_is_what_earlier_releases_made_of_it_bit_for_bit(
    prior: float, wide: float, of_wide: float, narrow: float, of_narrow: float
) -> None:
    seen = Evidence(
        prior=prior,
        prior_weight=4.0,
        chance=0.0,
        domain_count=wide,
        domain_right=wide * of_wide,
        task_count=narrow,
        task_right=narrow * of_narrow,
        last_ns=0,
        lessons=(),
    )
    domain = (4.0 * prior + wide * of_wide) / (4.0 + wide)

    assert (6.0 * domain + narrow * of_narrow) / (6.0 + narrow) == shrunk(seen)[0]
