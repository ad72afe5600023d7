"""Cases against a market: what they may cost holds exactly, and differences follow the task's own equality."""

import enum
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from tests.market.shop import bidder, events, opened, spam

from atomic.cases import Case, Purse, Suite, differences, play
from atomic.cases.declared import ready
from atomic.output import canonical_key
from atomic.records.microtask import Ask, microtask
from atomic.records.outcome import OutcomeSettled
from atomic.testing import Line
from atomic.validators import judged_by


async def test_no_more_is_spent_than_all_cases_may_cost_and_the_rest_is_not_played() -> None:
    model = bidder("model", [Line(answer="spam", price=600_000)])
    market = await opened(model)
    cases = ready("f", Suite(task=spam, cases=[Case(name=f"c{n}", input=f"m{n}", expect="spam") for n in range(6)]))
    purse = Purse(2_000_000)
    played = await play(market, cases, purse, tell=lambda _: None)

    assert 1_800_000 == purse.spent == sum(one.cost for one in played)
    assert 3 == len(model.attempts)
    assert ["passed"] * 3 + ["skipped"] * 3 == sorted(one.status for one in played)


@microtask(worth="$0.0005", explore=False)
async def good(answer: str) -> bool:
    """Is it good?"""
    raise NotImplementedError


@microtask(worth="$0.002", explore=False, validators=[judged_by(good)])
async def reply(text: str) -> str:
    """Answer this."""
    raise NotImplementedError


async def test_what_judges_are_paid_counts_and_is_bounded_too() -> None:
    def script(ask: Ask) -> Line:
        return Line(answer=True if ask.task.name == "good" else f"to {ask.features.text}", price=100_000)

    market = await opened(bidder("model", script))
    cases = ready("f", Suite(task=reply, cases=[Case(name=f"c{n}", input=f"m{n}", checks=["this"]) for n in range(9)]))
    purse = Purse(1_000_000)
    played = await play(market, cases, purse, tell=lambda _: None)
    bought = [one.payload.cost for one in events(market, "outcome") if isinstance(one.payload, OutcomeSettled)]

    assert sum(bought) == purse.spent == sum(one.cost for one in played)
    assert 800_000 <= purse.spent <= 1_000_000


async def test_without_a_limit_all_are_played() -> None:
    market = await opened(bidder("model", [Line(answer="ham", price=600_000)]))
    cases = ready("f", Suite(task=spam, cases=[Case(name=f"c{n}", input=f"m{n}", expect="spam") for n in range(6)]))
    played = await play(market, cases, Purse(None), tell=lambda _: None)

    assert ["failed"] * 6 == [one.status for one in played]
    assert [["expected 'spam', given 'ham'"]] * 6 == [one.said for one in played]


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Part:
    name: str
    size: float


class Box(BaseModel):
    parts: list[Part]
    tags: set[str]
    colour: Colour
    kind: Part | int | None = None


@microtask(worth="$1", step=0.5)
async def box(text: str) -> Box:
    """What is in it?"""
    raise NotImplementedError


def test_differences_name_the_place_whatever_the_type() -> None:
    one = Box(parts=[Part("a", 1.0), Part("b", 2.0)], tags={"x", "y"}, colour=Colour.RED, kind=Part("k", 1.0))
    two = Box(parts=[Part("a", 1.1)], tags={"y", "z"}, colour=Colour.BLUE, kind=4)

    assert [
        "parts[1]: expected {'name': 'b', 'size': 2.0}, and it is missing",
        "tags: expected 'x', and it is missing",
        "tags: given 'z', which is not expected",
        "colour: expected 'red', given 'blue'",
        "kind: expected {'name': 'k', 'size': 1.0} (Part), given 4 (int)",
    ] == [str(each) for each in differences(box, one, two)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b.c", "{}"]), inner, max_size=3),
    max_leaves=6,
)


@microtask(worth="$1")
async def anything(text: str) -> Any:
    """What is it?"""
    raise NotImplementedError


@given(JSON, JSON)
def test_there_is_a_difference_exactly_where_answers_are_not_equal(one: object, two: object) -> None:
    equal = canonical_key(anything, one) == canonical_key(anything, two)

    assert equal == (not differences(anything, one, two))
