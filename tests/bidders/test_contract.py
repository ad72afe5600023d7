"""Every bidder keeps the contract that plug-in authors are handed."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from tests.bidders.tasks import folder, length, topic

from atomic.belief.examples import ExampleStore
from atomic.bidders.cache import ExactCache
from atomic.bidders.function import FunctionBidder
from atomic.bidders.neighbours import Neighbours
from atomic.bidders.rules import Rule, Rules
from atomic.bidders.specialist import Specialist
from atomic.protocols import Bidder, Learner, Profile, Sketch
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Ask, Example
from atomic.testing import Line, ScriptedBidder, ask_for, check_bidder, check_learner, example_for

INPUTS = [("a football match",), ("shares and bonds",), ("a match and some bonds",), ("",), ("é\u2028\x00" * 500,)]
TAUGHT = [
    example_for(topic(text), answer)
    for text, answer in (("football match", "sport"), ("shares bonds", "money"), ("match of the day", "sport"))
]


def store() -> ExampleStore:
    examples = ExampleStore()
    for one in TAUGHT:
        examples.add(one)
    return examples


def taught(bidder: Bidder) -> Bidder:
    assert isinstance(bidder, Learner)
    for example in (*TAUGHT, example_for(topic(*INPUTS[0]), "sport")):
        bidder.learn(example)
    return bidder


async def _async_topic(text: str) -> str:
    await asyncio.sleep(0)
    return "Sport!"


MAKERS: dict[str, Callable[[], Bidder]] = {
    "scripted": lambda: ScriptedBidder("scripted", [Line(answer="sport", claim=0.7, price=3, latency_ns=5)]),
    "failing": lambda: ScriptedBidder("failing", [Line(reason=Reason.FAILED, price=3)]),
    "declining": lambda: ScriptedBidder("declining", [Line(no_bid=Reason.DECLINED)]),
    "function": lambda: FunctionBidder("function", lambda text: "sport", price=7),
    "async function": lambda: FunctionBidder("async", _async_topic),
    "crashing function": lambda: FunctionBidder("crash", lambda text: 1 / 0),
    "cache": lambda: taught(ExactCache()),
    "specialist": lambda: taught(Specialist()),
    "naive Bayes": lambda: taught(Specialist("bayes", method="naive-bayes")),
    "untaught specialist": Specialist,
    "neighbours": lambda: Neighbours(store()),
    "no neighbours": lambda: Neighbours(ExampleStore()),
    "rules": lambda: Rules([Rule(task="topic", when={"text": "match"}, answer="sport")]),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())
async def test_a_bidder_keeps_its_contract(make: Callable[[], Bidder]) -> None:
    await check_bidder(make, topic, INPUTS)


@pytest.mark.parametrize("name", ["specialist", "naive Bayes", "cache", "neighbours", "rules", "function"])
async def test_a_bidder_says_no_to_types_it_cannot_answer_or_answers_them(name: str) -> None:
    await check_bidder(MAKERS[name], folder, INPUTS)
    await check_bidder(MAKERS[name], length, INPUTS)


@pytest.mark.parametrize("make", [Specialist, lambda: Specialist(method="naive-bayes"), ExactCache])
async def test_a_learner_keeps_its_contract(make: Callable[[], Bidder]) -> None:
    examples = [
        *TAUGHT,
        *(example_for(topic(f"text {n} match {n % 7}"), ("sport", "money")[n % 3 % 2]) for n in range(60)),
    ]
    asks = [ask_for(topic(*one)) for one in INPUTS] + [ask_for(topic("football match"))]

    offers = await check_learner(make, examples, asks)

    assert any(isinstance(offer, Offer) for offer in offers)


async def _broken(line: Line, **profile: object) -> None:
    await check_bidder(lambda: ScriptedBidder("broken", [line]), topic, [("football",)])


@pytest.mark.parametrize(
    ("line", "promise"),
    [
        (Line(answer="sport", claim=1.0), "claim"),
        (Line(answer="sport", claim=float("nan")), "claim"),
        (Line(answer="sport", price=-1), "price"),
        (Line(answer="sport", price=5, ceiling=4), "ceiling"),
        (Line(answer="sport", price=5, billed=6), "beyond the ceiling"),
        (Line(answer="sport", latency_ns=-1), "latency"),
        (Line(answer="sport", confidence=1.5), "confidence"),
        (Line(answer=42), "not the declared type"),
    ],
)
async def test_the_suite_finds_who_breaks_a_promise(line: Line, promise: str) -> None:
    with pytest.raises(AssertionError, match=promise):
        await _broken(line)


async def test_the_suite_finds_an_offer_that_waits() -> None:
    class Slow(ScriptedBidder):
        def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
            threading.Event().wait(0.3)
            return super().offer(ask, sketch)

    with pytest.raises(AssertionError, match="waits for nothing"):
        await check_bidder(lambda: Slow("slow", ["sport"]), topic, [("football",)])


async def test_the_suite_finds_a_profile_that_says_nothing_sensible() -> None:
    profile = Profile(name="a+b", kind="scripted")

    with pytest.raises(AssertionError, match="'\\+'"):
        await check_bidder(lambda: ScriptedBidder("a+b", ["sport"], profile=profile), topic, [])


async def test_the_suite_finds_a_learner_that_is_not_repeatable() -> None:
    seen = iter(range(100))

    class Moody(ScriptedBidder):
        def learn(self, example: Example) -> None:
            self._script = [Line(answer="sport", price=next(seen))]

    with pytest.raises(AssertionError, match="bit for bit"):
        await check_learner(lambda: Moody("moody", ["sport"]), TAUGHT, [ask_for(topic("football"))])
