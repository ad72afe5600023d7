"""Verified examples are found by nearness, shown only to those who may see them, and bounded."""
# A microtask has no body: somebody else answers it.
# mypy: disable-error-code="empty-body"

import random
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from atomic.belief.examples import ExampleStore
from atomic.belief.grams import grams
from atomic.records.microtask import Example, microtask
from atomic.records.request import LABELS, DataLabel
from atomic.testing import ask_for, example_for


@microtask(worth="$1")
async def topic(text: str) -> Literal["sport", "money"]:
    """What is it about?"""


@microtask(worth="$1")
async def other(text: str) -> Literal["sport", "money"]:
    """Something else."""


FOOTBALL = example_for(topic("the football match ended in a draw"), "sport")
SHARES = example_for(topic("shares and bonds fell on the market"), "money")


def store_of(*examples: Example, capacity: int = 5_000) -> ExampleStore:
    store = ExampleStore(capacity=capacity)
    for example in examples:
        store.add(example)
    return store


def ids(store: ExampleStore, text: str, count: int = 4, label: DataLabel = "internal", tenant: str = "") -> list[str]:
    return [one.request_id for _, one in store.nearest(ask_for(topic(text), label=label, tenant=tenant), count)]


def test_the_nearest_comes_first() -> None:
    store = store_of(FOOTBALL, SHARES)

    assert [FOOTBALL.request_id] == ids(store, "a football match", 1)
    assert [SHARES.request_id] == ids(store, "bonds and shares", 1)


def test_what_shares_no_word_is_not_near() -> None:
    assert [] == ids(store_of(FOOTBALL, SHARES), "zebra")
    assert [] == ids(store_of(FOOTBALL), "")
    assert [] == ids(store_of(), "football")


def test_case_does_not_count() -> None:
    assert [FOOTBALL.request_id] == ids(store_of(FOOTBALL), "FOOTBALL")


def test_an_example_never_meets_its_own_request() -> None:
    ask = ask_for(topic("the football match ended in a draw"), request_id=FOOTBALL.request_id)

    assert [] == list(store_of(FOOTBALL).nearest(ask, 4))


def test_tenants_and_tasks_do_not_see_each_other() -> None:
    store = store_of(example_for(topic("football"), "sport", tenant="a"), example_for(other("football"), "sport"))

    assert [] == ids(store, "football")
    assert 1 == len(ids(store, "football", tenant="a"))


def test_an_example_is_shown_only_to_asks_of_its_data_label_or_a_higher_one() -> None:
    examples = {label: example_for(topic("football"), "sport", label=label, request_id=label) for label in LABELS}
    store = store_of(*examples.values())

    for rank, label in enumerate(LABELS):
        assert sorted(LABELS[: rank + 1]) == sorted(ids(store, "football", label=label))


def test_what_only_the_market_settled_is_not_verified() -> None:
    assert [] == ids(store_of(example_for(topic("football"), "sport", source="market")), "football")


def test_an_answer_found_to_be_wrong_is_dropped() -> None:
    wrong = example_for(topic("the football match ended in a draw"), "sport", probability=0.1)

    assert wrong.request_id == FOOTBALL.request_id
    assert [] == ids(store_of(FOOTBALL, wrong), "football")


def test_a_later_example_of_a_request_replaces_the_earlier() -> None:
    corrected = example_for(topic("the football match ended in a draw"), "money")
    store = store_of(FOOTBALL, SHARES, corrected)

    assert 2 == len(store)
    assert ["money"] == [one.answer for _, one in store.nearest(ask_for(topic("football")), 1)]


def test_the_oldest_is_dropped_when_there_are_too_many() -> None:
    many = [example_for(topic(f"football {number}"), "sport", request_id=str(number)) for number in range(10)]
    store = store_of(*many, capacity=3)

    assert 3 == len(store)
    assert {"7", "8", "9"} == set(ids(store, "football", 10))


def test_a_question_sees_what_was_added_since_it_was_last_asked() -> None:
    store = store_of(FOOTBALL)
    assert 1 == len(ids(store, "football market"))

    store.add(SHARES)

    assert 2 == len(ids(store, "football market"))


def test_nearness_lies_in_the_unit_interval_and_falls() -> None:
    text = "the football match ended in a draw"
    found = store_of(FOOTBALL, SHARES).nearest(ask_for(topic(text + " on the market")), 4)

    assert [near for near, _ in found] == sorted((near for near, _ in found), reverse=True)
    assert all(0.0 < near <= 1.0 for near, _ in found)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["a b c", "b c d", "x y", "z"]), st.booleans()), max_size=60)
)
def test_a_store_with_a_history_answers_like_one_without(history: list[tuple[int, str, bool]]) -> None:
    store = ExampleStore(capacity=5)
    alive: dict[int, Example] = {}
    for number, text, right in history:
        example = example_for(topic(text), "sport", request_id=str(number), probability=1.0 if right else 0.0)
        store.add(example)
        alive.pop(number, None)
        if right:
            alive[number] = example
            if len(alive) > 5:
                del alive[next(iter(alive))]
    fresh = store_of(*alive.values(), capacity=5)

    ask = ask_for(topic("b c z"))
    assert list(fresh.nearest(ask, 20)) == list(store.nearest(ask, 20))


def test_many_long_texts_fit_and_are_forgotten_again() -> None:
    words = [f"word{number}" for number in range(3_000)]
    draw = random.Random(7)
    store = ExampleStore(capacity=50)
    for number in range(300):
        store.add(example_for(topic(" ".join(draw.choices(words, k=400))), "sport", request_id=str(number)))

    assert 50 == len(store)
    assert set(ids(store, "word1 word2 word3 word4 word5", 50)) <= {str(number) for number in range(250, 300)}


@given(st.text(), st.text())
def test_grams_are_distinct_ascending_and_blind_to_case(one: str, other: str) -> None:
    found = grams(one + " " + other).tolist()

    assert sorted(set(found)) == found
    assert set(grams(other).tolist()) & set(found) or not grams(other).size


def test_the_order_of_two_words_counts() -> None:
    assert set(grams("a b").tolist()) != set(grams("b a").tolist())
    assert set(grams("a a").tolist()) != set(grams("a").tolist())
