"""A microtask is a typed function: every kind of signature, and what is refused."""

import dataclasses
import enum
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from atomic.errors import TaskError
from atomic.records.microtask import Microtask, microtask, with_terms


class Mail(BaseModel):
    sender: str
    size: int = Field(ge=0)


@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


def declared(**changes: Any) -> Microtask[..., Any]:
    @microtask(**{"worth": "$0.002", **changes})
    async def spam(text: str) -> Literal["spam", "ham"]:
        """Which is it?"""
        raise NotImplementedError

    return spam


def of_types(
    parameter: Any, result: Any = bool, default: Any = None, instruction: str = "Do it."
) -> Microtask[..., Any]:
    async def task(value: Any) -> Any: ...

    task.__annotations__ = {"value": parameter, "return": result}
    task.__doc__ = instruction
    if default is not None:
        task.__defaults__ = (default,)
    return microtask(worth=1)(task)


@pytest.mark.parametrize(
    ("parameter", "value", "json"),
    [
        (str, "hé", '{"value":"hé"}'),
        (int, 7, '{"value":7}'),
        (float, 0.1, '{"value":0.1}'),
        (bool, True, '{"value":true}'),
        (Mail, Mail(sender="a@b", size=3), '{"value":{"sender":"a@b","size":3}}'),
        (Point, Point(1.5), '{"value":{"x":1.5,"y":0.0}}'),
        (Literal["a", "b"], "b", '{"value":"b"}'),
        (Colour, Colour.BLUE, '{"value":"blue"}'),
        (int | str, "7", '{"value":"7"}'),
        (str | None, None, '{"value":null}'),
        (list[Point], [Point(1.0)], '{"value":[{"x":1.0,"y":0.0}]}'),
        (dict[str, int], {"b": 1, "a": 2}, '{"value":{"a":2,"b":1}}'),
        (Annotated[int, Field(gt=0)], 4, '{"value":4}'),
    ],
    ids=str,
)
def test_every_kind_of_input_is_bound_checked_and_written_as_canonical_json(
    parameter: Any, value: object, json: str
) -> None:
    call = of_types(parameter)(value)

    assert json == call.input_json.decode()
    assert {"value": value} == call.arguments


@pytest.mark.parametrize(
    ("result", "labels"),
    [
        (Literal["spam", "ham"], ("spam", "ham")),
        (Literal[1, 2, 3], ("1", "2", "3")),
        (bool, ("yes", "no")),
        (Colour, ("red", "blue")),
        (Level, ("1", "2")),
        (str, ()),
        (Literal["a"] | None, ()),
        (list[Colour], ()),
        (Mail, ()),
        (Point | Mail, ()),
        (float, ()),
    ],
    ids=str,
)
def test_labels_are_the_answers_of_a_closed_type(result: Any, labels: tuple[str, ...]) -> None:
    task = of_types(str, result)

    assert labels == task.labels
    assert len(labels) == task.alternatives


@pytest.mark.parametrize(
    ("parameter", "wrong", "says"),
    [
        (int, "seven", "valid integer"),
        (Mail, {"sender": "a@b", "size": -1}, "greater than or equal to 0"),
        (Mail, {"sender": "a@b"}, "Field required"),
        (Literal["a", "b"], "c", "'a' or 'b'"),
        (Colour, "green", "'red' or 'blue'"),
        (list[int], 5, "valid list"),
        (float, float("nan"), "cannot be written as JSON|finite"),
        (str, "\ud800", "valid unicode|cannot be written as JSON|surrogates"),
    ],
    ids=str,
)
def test_a_wrong_input_says_what_is_wrong_and_where(parameter: Any, wrong: object, says: str) -> None:
    with pytest.raises(TaskError, match=says) as caught:
        of_types(parameter)(wrong)

    assert "task" in str(caught.value)


def test_missing_and_unknown_arguments_are_refused() -> None:
    for arguments, says in (((), "text"), (("a", "b"), "too many")):
        with pytest.raises(TaskError, match=says):
            declared()(*arguments)
    with pytest.raises(TaskError, match="unexpected"):
        declared()(text="a", mood="good")


def test_arguments_are_the_checked_ones_with_defaults_filled_in() -> None:
    assert {"value": 7} == of_types(int)("7").arguments
    assert {"value": 9} == of_types(int, default=9)().arguments
    assert b'{"value":9}' == of_types(int, default=9)().input_json


def test_positional_and_named_arguments_make_the_same_call() -> None:
    assert declared()("hi").input_json == declared()(text="hi").input_json


def test_the_text_is_bare_when_there_is_one_and_a_line_per_field_otherwise() -> None:
    assert "hi" == declared()("hi").text
    assert "sender: a@b\nsize: 3" == of_types(Mail)(Mail(sender="a@b", size=3)).text
    assert "value: [1,2]" == of_types(list[int])([1, 2]).text


def test_the_version_follows_instruction_and_types() -> None:
    versions = [
        of_types(str, bool).version,
        of_types(int, bool).version,
        of_types(str, int).version,
        of_types(str, Literal["yes", "no"]).version,
        of_types(str, bool, instruction="Do it well.").version,
        of_types(Annotated[str, Field(max_length=3)], bool).version,
    ]

    assert len(versions) == len(set(versions))
    assert of_types(str, bool).version == of_types(str, bool).version


def test_the_version_does_not_follow_the_terms() -> None:
    changed = declared(
        worth="$5", max_price="$1", deadline=3, refuse_below=0.5, explore=False, label="public", latency_price="$1"
    )

    assert declared().version == changed.version
    assert declared().terms != changed.terms


def test_the_most_it_may_cost_is_its_worth_unless_said_otherwise() -> None:
    assert (2_000_000, 2_000_000) == (declared().terms.worth, declared().terms.max_price)
    assert 1_000_000 == declared(max_price=0.001).terms.max_price
    assert 0 == declared(max_price=0).terms.max_price
    assert 5 == with_terms(declared().terms, worth=5).worth


@pytest.mark.parametrize("wrong", [{"label": "sovreign"}, {"step": float("nan")}, {"step": -1.0}])
def test_a_term_that_makes_no_sense_is_refused_where_it_is_declared(wrong: dict[str, Any]) -> None:
    with pytest.raises(TaskError):
        declared(**wrong)


def test_a_function_without_docstring_is_refused() -> None:
    async def silent(text: str) -> bool:
        raise NotImplementedError

    with pytest.raises(TaskError, match="silent has no docstring"):
        microtask(worth=1)(silent)


def test_a_missing_annotation_is_named() -> None:
    async def half(text, mood: str):  # type: ignore[no-untyped-def]
        """Do it."""

    with pytest.raises(TaskError, match="no type for text, return"):
        microtask(worth=1)(half)


def test_parameters_without_a_fixed_number_are_refused() -> None:
    async def several(*texts: str) -> bool:
        """Do it."""
        raise NotImplementedError

    with pytest.raises(TaskError, match=r"\*texts has no fixed type"):
        microtask(worth=1)(several)


@pytest.mark.parametrize("impossible", [Callable[[], int], "Nowhere"], ids=str)
def test_a_type_without_json_is_refused_when_declared(impossible: Any) -> None:
    for types in ((impossible, bool), (str, impossible)):
        with pytest.raises(TaskError):
            of_types(*types)


@pytest.mark.parametrize(
    "terms",
    [
        {"worth": "much"},
        {"worth": -1},
        {"max_price": "€1"},
        {"deadline": 0},
        {"deadline": float("nan")},
        {"deadline": float("inf")},
        {"refuse_below": 1.1},
        {"refuse_below": float("nan")},
    ],
    ids=str,
)
def test_terms_that_make_no_sense_are_refused_when_declared(terms: dict[str, Any]) -> None:
    with pytest.raises(TaskError):
        declared(**terms)


def test_an_input_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(TaskError, match="cannot be written as JSON"):
        of_types(Any)(object())


def test_decimal_and_other_written_types_go_through() -> None:
    assert b'{"value":"1.10"}' == of_types(Decimal)(Decimal("1.10")).input_json


def test_what_does_not_fit_is_told_without_its_content() -> None:
    with pytest.raises(TaskError) as caught:
        of_types(int, bool)("a secret of somebody's")

    assert "valid integer" in caught.value.message
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
