"""Typed or refused: what models write becomes the declared type, or says why not; nothing raises."""

import enum
import json
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, field_validator

from atomic.output import Refusal, as_json, from_json, instructions, label_text, typed
from atomic.records.bid import Reason
from atomic.records.microtask import Microtask, microtask


class Colour(enum.Enum):
    RED = "red"
    DARK_BLUE = "dark blue"


class Order(BaseModel):
    item: str
    count: Annotated[int, Field(ge=1)]
    tags: set[str] = set()


@dataclass
class Point:
    x: float
    y: float


class Strange(BaseModel):
    a: int

    @field_validator("a")
    @classmethod
    def refuse(cls, value: int) -> int:
        raise KeyError(value)


def task_of(kind: Any) -> Microtask[..., Any]:
    async def asked(text: str) -> Any:
        """What is it?"""

    asked.__annotations__["return"] = kind
    declared: Microtask[..., Any] = microtask(worth="$1")(asked)
    return declared


SPAM = task_of(Literal["spam", "ham"])
YES_NO = task_of(bool)
COLOUR = task_of(Colour)
DIGIT = task_of(Literal[-1, 0, 1])
URGENCY = task_of(Literal["urgent", "not urgent", "needs_reply"])
TEXT = task_of(str)
SHORT_TEXT = task_of(Annotated[str, Field(max_length=5)])
WHOLE = task_of(int)
NUMBER = task_of(float)
ORDER = task_of(Order)
POINT = task_of(Point)
PERHAPS = task_of(Literal["a", "b"] | None)
DAY = task_of(date)
NAMES = task_of(list[str])
TASKS = [
    SPAM, YES_NO, COLOUR, DIGIT, URGENCY, TEXT, SHORT_TEXT, WHOLE, NUMBER, ORDER, POINT, PERHAPS, DAY, NAMES,
    task_of(Strange), task_of(dict[str, float]), task_of(set[int]), task_of(int | str | None),
]  # fmt: skip


def reason_of(answer: object) -> Reason:
    assert isinstance(answer, Refusal), answer
    return answer.reason


@pytest.mark.parametrize(
    "text",
    ["spam", "Spam", " spam", "SPAM.", '"spam"', "**spam**", "_spam_", "`spam`", "Answer: spam.", "The label is spam!",
     "It is spam.\n", "spam\n\nspam", '{"label": "spam"}', '```json\n{"label": "spam"}\n```', "spam spam spam"],
)  # fmt: skip
def test_a_label_is_found_whatever_its_case_and_company(text: str) -> None:
    assert "spam" == typed(SPAM, text)


@pytest.mark.parametrize(
    "text",
    ["spam or ham", "spammer", "hamster", "not spam", "this isn't spam", "It is not a spam", "non-spam", "neither",
     "{\"spam\": false}", '{"a": "spam", "b": "ham"}', "spam/ham", "42", "x" * 1000 + " spam " + "y" * 1000],
)  # fmt: skip
def test_a_text_that_names_no_label_or_two_or_denies_one_is_refused(text: str) -> None:
    assert Reason.NOT_THE_TYPE == reason_of(typed(SPAM, text))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("text", ["", " ", "\n\t  \u00a0"])
def test_an_empty_text_is_empty_whatever_the_type(task: Microtask[..., Any], text: str) -> None:
    assert Reason.EMPTY == reason_of(typed(task, text))


@pytest.mark.parametrize(
    ("task", "text", "expected"),
    [
        (YES_NO, "Yes.", True),
        (YES_NO, "false", False),
        (YES_NO, "No, it is fine.", False),
        (COLOUR, "Dark-Blue", Colour.DARK_BLUE),
        (COLOUR, "red", Colour.RED),
        (DIGIT, "-1", -1),
        (DIGIT, "The answer is -1.", -1),
        (DIGIT, "1", 1),
        (URGENCY, "Not urgent", "not urgent"),
        (URGENCY, "urgent", "urgent"),
        (URGENCY, "needs reply", "needs_reply"),
        (TEXT, "  Dear Ann,\n hello ", "Dear Ann,\n hello"),
        (WHOLE, "There are 1,200 of them.", 1200),
        (WHOLE, "007", 7),
        (WHOLE, "12.0", 12),
        (NUMBER, "about -3.5e2", -350.0),
        (NUMBER, "$1,200.50", 1200.5),
        (ORDER, 'Sure!\n```json\n{"item": "tea", "count": 2}\n```\nAnything else?', Order(item="tea", count=2)),
        (ORDER, 'As asked [see above]: {"item": "a } b", "count": 1} ok', Order(item="a } b", count=1)),
        (POINT, '{"x": 1, "y": 2.5}', Point(1.0, 2.5)),
        (PERHAPS, "null", None),
        (PERHAPS, "a", "a"),
        (DAY, "2024-02-29", date(2024, 2, 29)),
        (NAMES, 'Names: ["Ann", "Bo"]', ["Ann", "Bo"]),
    ],
)
def test_text_becomes_the_declared_type(task: Microtask[..., Any], text: str, expected: object) -> None:
    answer = typed(task, text)

    assert expected == answer
    assert type(expected) is type(answer)


@pytest.mark.parametrize(
    ("task", "text"),
    [
        (WHOLE, "between 2 and 3"), (WHOLE, "3.5"), (WHOLE, "many"), (WHOLE, "1" * 5000), (NUMBER, "1e999"),
        (NUMBER, "nan"),
        (DIGIT, "2"), (DIGIT, "1.5"), (ORDER, '{"item": "tea", "count": 0}'), (ORDER, '{"item": "tea", "count": "2"}'),
        (ORDER, '{"item": "tea", "cou'), (ORDER, "[" * 100_000), (ORDER, '{"a":' * 100_000), (SHORT_TEXT, "too long"),
        (POINT, '{"x": NaN, "y": 1}'), (DAY, "yesterday"), (PERHAPS, "c"),
    ],
)  # fmt: skip
def test_text_that_is_not_the_type_is_refused_not_bent(task: Microtask[..., Any], text: str) -> None:
    assert Reason.NOT_THE_TYPE == reason_of(typed(task, text))


def test_an_answer_that_is_typed_already_stays_itself() -> None:
    order = Order(item="tea", count=1)

    assert order is typed(ORDER, order)
    assert Colour.RED is typed(COLOUR, Colour.RED)
    assert True is typed(YES_NO, True)


@pytest.mark.parametrize("value", [1, object(), b"spam", ["spam"], float("nan"), {"a": {1}}, None])
def test_a_value_of_another_type_is_refused(value: object) -> None:
    assert isinstance(typed(SPAM, value), Refusal)
    assert isinstance(typed(ORDER, value), Refusal)


def test_a_number_that_json_does_not_have_is_refused() -> None:
    assert Reason.NOT_THE_TYPE == reason_of(typed(NUMBER, float("inf")))
    assert Reason.NOT_THE_TYPE == reason_of(typed(POINT, Point(float("nan"), 1.0)))
    assert Reason.NOT_THE_TYPE == reason_of(typed(TEXT, "\ud800"))


def test_none_is_an_answer_where_the_type_has_it() -> None:
    assert None is typed(PERHAPS, None)
    assert Reason.EMPTY == reason_of(typed(SPAM, None))


def test_a_refusal_does_not_quote_what_it_refuses() -> None:
    refused = typed(ORDER, '{"item": "the secret", "count": "the secret", "secret": 1}')

    assert isinstance(refused, Refusal)
    assert "secret" not in refused.detail


@pytest.mark.parametrize("task", TASKS)
@given(text=st.text() | st.text(alphabet='{}[]",:0123456789.-eE+ truefalsn`\\\n"spamhred ') | st.binary().map(repr))
def test_no_text_makes_it_raise(task: Microtask[..., Any], text: str) -> None:
    answer = typed(task, text)

    if not isinstance(answer, Refusal):
        json.dumps(as_json(task, answer), allow_nan=False)


@pytest.mark.parametrize(
    "task", [ORDER, POINT, TEXT, NAMES, task_of(dict[str, float]), task_of(set[int]), COLOUR, DIGIT]
)
@given(data=st.data())
def test_an_answer_survives_its_json(task: Microtask[..., Any], data: st.DataObject) -> None:
    finite = st.floats(allow_nan=False, allow_infinity=False)
    of_type: dict[Any, st.SearchStrategy[Any]] = {
        Order: st.builds(Order, item=st.text(), count=st.integers(1, 2**53), tags=st.sets(st.text())),
        Point: st.builds(Point, finite, finite),
        str: st.text(min_size=1).map(str.strip).filter(bool),
        list[str]: st.lists(st.text()),
        dict[str, float]: st.dictionaries(st.text(), finite),
        set[int]: st.sets(st.integers(-(2**53), 2**53)),
        Colour: st.sampled_from(Colour),
    }
    answer = data.draw(of_type.get(task.output_type, st.sampled_from([-1, 0, 1])))

    assert answer == typed(task, as_json(task, answer))
    assert answer == from_json(task, as_json(task, answer))


@pytest.mark.parametrize("task", [SPAM, YES_NO, COLOUR, DIGIT, URGENCY])
def test_every_label_is_read_from_its_own_spelling_and_named_by_it(task: Microtask[..., Any]) -> None:
    for label in task.labels:
        assert label == label_text(task, typed(task, label))
        assert label in instructions(task)


def test_a_label_is_none_where_there_are_no_labels_or_not_this_one() -> None:
    assert None is label_text(TEXT, "spam")
    assert None is label_text(SPAM, "eggs")
    assert None is label_text(DIGIT, True)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_can_say_what_form_it_wants(task: Microtask[..., Any]) -> None:
    assert instructions(task).startswith("Answer with ")
