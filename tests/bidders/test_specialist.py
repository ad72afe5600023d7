"""A specialist learns from verified examples, says when it cannot, and is repeatable."""

import random
from typing import Literal

import pytest
from tests.bidders.tasks import SKETCH, folder, length, plan_of, topic, urgent

from atomic.bidders.specialist import Specialist
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Example, microtask
from atomic.testing import ask_for, example_for

Method = Literal["logistic", "naive-bayes", "centroids"]
METHODS: list[Method] = ["logistic", "naive-bayes", "centroids"]
SPORT = "football match goal team player referee stadium league".split()
MONEY = "shares bonds market bank interest loan credit rate".split()


def text_of(words: list[str], draw: random.Random) -> str:
    return " ".join(draw.choices(words, k=4) + draw.choices(["the", "a", "of", "and", "monday"], k=4))


def examples(count: int, seed: int = 1) -> list[Example]:
    draw = random.Random(seed)
    sides = [("sport", SPORT), ("money", MONEY)]
    return [
        example_for(topic(text_of(words, draw)), answer, request_id=f"{seed}-{number}")
        for number in range(count)
        for answer, words in [sides[number % 2]]
    ]


def taught(method: Method, many: list[Example]) -> Specialist:
    specialist = Specialist(method=method)
    for example in many:
        specialist.learn(example)
    return specialist


def reason_of(specialist: Specialist, text: str = "football") -> Reason | None:
    offer = specialist.offer(ask_for(topic(text)), SKETCH)
    return offer.reason if isinstance(offer, NoBid) else None


async def answers(specialist: Specialist, texts: list[str]) -> list[object]:
    return [(await specialist.attempt(ask_for(topic(text)), plan_of("specialist"))).value for text in texts]


@pytest.mark.parametrize("method", METHODS)
async def test_it_answers_what_it_was_taught(method: Method) -> None:
    draw = random.Random(9)
    specialist = taught(method, examples(40))

    assert ["sport"] * 20 == await answers(specialist, [text_of(SPORT, draw) for _ in range(20)])
    assert ["money"] * 20 == await answers(specialist, [text_of(MONEY, draw) for _ in range(20)])


@pytest.mark.parametrize("method", METHODS)
def test_it_does_not_bid_before_it_saw_three_examples_of_two_labels(method: Method) -> None:
    assert Reason.NO_EXAMPLES == reason_of(taught(method, []))
    assert Reason.NO_EXAMPLES == reason_of(taught(method, [example_for(topic("a"), "sport")]))
    assert Reason.NO_EXAMPLES == reason_of(taught(method, examples(5)))
    assert None is reason_of(taught(method, examples(6)))


@pytest.mark.parametrize("method", METHODS)
def test_it_claims_more_for_what_it_knows(method: Method) -> None:
    specialist = taught(method, examples(40))

    def claim(text: str) -> float:
        offer = specialist.offer(ask_for(topic(text)), SKETCH)
        assert isinstance(offer, Offer)
        assert offer.claim is not None
        return offer.claim

    assert claim("the referee of the football match") > claim("the referee of the bank") >= 0.5
    assert claim("") < 0.7


@pytest.mark.parametrize("method", METHODS)
async def test_a_correction_changes_its_mind(method: Method) -> None:
    specialist = taught(method, [*examples(6), example_for(topic("curling"), "money", request_id="c")])
    assert ["money"] == await answers(specialist, ["curling curling"])

    for _ in range(3):
        specialist.learn(example_for(topic("curling"), "sport", request_id="c"))

    assert ["sport"] == await answers(specialist, ["curling"])


@pytest.mark.parametrize("method", METHODS)
def test_it_learns_nothing_from_what_the_market_settled_or_somebody_found_wrong(method: Method) -> None:
    ones = [example_for(topic("a"), "sport"), example_for(topic("b"), "money", source="market")]

    assert Reason.NO_EXAMPLES == reason_of(taught(method, ones))
    assert Reason.NO_EXAMPLES == reason_of(taught(method, [ones[0], example_for(topic("b"), "money", probability=0.1)]))


@pytest.mark.parametrize("method", METHODS)
def test_tenants_do_not_teach_each_other(method: Method) -> None:
    specialist = taught(method, examples(10))

    assert isinstance(specialist.offer(ask_for(topic("football"), tenant="b"), SKETCH), NoBid)


@pytest.mark.parametrize("method", METHODS)
async def test_it_answers_yes_or_no_in_the_type(method: Method) -> None:
    specialist = Specialist(method=method)
    for number in range(10):
        specialist.learn(example_for(urgent(f"now {number}"), True, request_id=f"y{number}"))
        specialist.learn(example_for(urgent(f"later {number}"), False, request_id=f"n{number}"))

    assert True is (await specialist.attempt(ask_for(urgent("now please")), plan_of("specialist"))).value


@pytest.mark.parametrize("method", METHODS)
async def test_short_texts_that_repeat_are_labels_and_others_are_not(method: Method) -> None:
    specialist = Specialist(method=method)
    for number in range(6):
        specialist.learn(example_for(folder(f"invoice {number}"), "Bills", request_id=f"b{number}"))
        specialist.learn(example_for(folder(f"holiday {number}"), "Private", request_id=f"p{number}"))
    assert "Bills" == (await specialist.attempt(ask_for(folder("an invoice")), plan_of("specialist"))).value

    for number in range(20):
        specialist.learn(example_for(folder(f"odd {number}"), f"Folder {number}", request_id=f"o{number}"))

    no_bid = specialist.offer(ask_for(folder("another invoice")), SKETCH)
    assert isinstance(no_bid, NoBid)
    assert Reason.NO_EXAMPLES == no_bid.reason


def test_it_does_not_bid_for_numbers() -> None:
    no_bid = Specialist().offer(ask_for(length("four")), SKETCH)

    assert isinstance(no_bid, NoBid)
    assert Reason.TYPE_NOT_SUPPORTED == no_bid.reason


@pytest.mark.parametrize("method", METHODS)
def test_the_offer_and_the_attempt_of_a_request_say_the_same_whatever_is_learned_between(method: Method) -> None:
    specialist = taught(method, examples(10))
    ask = ask_for(topic("football"), request_id="r")
    before = specialist.offer(ask, SKETCH)
    for example in examples(10, seed=2):
        specialist.learn(example)

    assert before == specialist.offer(ask, SKETCH)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_examples_in_the_same_order_make_the_same_claims_bit_for_bit(method: Method) -> None:
    many = examples(200)
    first, second = taught(method, many), taught(method, many)
    asks = [ask_for(topic(example.text), request_id=example.request_id) for example in examples(20, seed=3)]

    assert [first.offer(ask, SKETCH) for ask in asks] == [second.offer(ask, SKETCH) for ask in asks]


@pytest.mark.parametrize("method", METHODS)
async def test_many_labels_are_told_apart(method: Method) -> None:
    names = [f"word{number} more{number} and{number}" for number in range(20)]
    specialist = Specialist(method=method)
    for round_ in range(3):
        for number, words in enumerate(names):
            specialist.learn(example_for(folder(words), str(number), request_id=f"{round_}-{number}"))

    found = [(await specialist.attempt(ask_for(folder(words)), plan_of("specialist"))).value for words in names]
    assert [str(number) for number in range(20)] == found


@pytest.mark.parametrize("method", METHODS)
async def test_it_tells_150_labels_apart(method: Method) -> None:
    names = tuple(f"topic {number}" for number in range(150))

    @microtask(worth="$1")
    async def about(text: str) -> Literal[names]:  # type: ignore[valid-type]
        """What is it about?"""

    specialist = Specialist(method=method)
    for turn in range(4):
        for number, name in enumerate(names):
            text = f"the word{number} and other{turn} matter"
            specialist.learn(example_for(about(text), name, request_id=f"{turn}-{number}"))

    replies = [await specialist.attempt(ask_for(about(f"a word{n} for you")), plan_of("specialist")) for n in (0, 149)]

    assert ["topic 0", "topic 149"] == [one.value for one in replies]
