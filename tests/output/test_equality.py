"""Answers are grouped by a canonical key: transitive, and the same in every process."""

import enum
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from atomic.output import as_json, canonical_key, typed
from atomic.records.microtask import Microtask, microtask


class Call(BaseModel):
    name: str
    arguments: dict[str, float | str | list[int] | None]


class OtherCall(BaseModel):
    name: str
    arguments: dict[str, float | str | list[int] | None]


@dataclass(frozen=True)
class Place:
    city: str
    tags: frozenset[str]


class Size(enum.Enum):
    SMALL = 1
    LARGE = 2


def task_of(kind: Any, step: float = 1e-9) -> Microtask[..., Any]:
    async def asked(text: str) -> Any:
        """What is it?"""

    asked.__annotations__["return"] = kind
    declared: Microtask[..., Any] = microtask(worth="$1", step=step)(asked)
    return declared


NUMBER, CALL, PLACE, TEXT = task_of(float, step=0.5), task_of(Call), task_of(Place), task_of(str)


def same(task: Microtask[..., Any], one: object, other: object) -> bool:
    return canonical_key(task, one) == canonical_key(task, other)


def test_numbers_in_one_step_are_one_answer() -> None:
    assert same(NUMBER, 1.0, 1.2)
    assert same(NUMBER, 1, 1.0)
    assert same(NUMBER, -0.0, 0.0)
    assert not same(NUMBER, 1.2, 1.3)
    assert not same(NUMBER, 1e300, 1.1e300)


def test_free_text_is_equal_only_when_it_is_the_identical_text() -> None:
    assert same(TEXT, "Gr\u00fc\u00dfe ", "Gru\u0308\u00dfe")
    assert not same(TEXT, "Hello", "hello")
    assert not same(TEXT, "a b", "a  b")


def test_sets_have_no_order_and_lists_do() -> None:
    assert same(PLACE, Place("Bonn", frozenset("abc")), Place("Bonn", frozenset("cba")))
    assert not same(task_of(list[int]), [1, 2], [2, 1])


def test_models_are_compared_field_by_field_and_by_their_name() -> None:
    one = Call(name="add", arguments={"a": 1.0, "b": None})

    assert same(CALL, one, Call(name="add", arguments={"b": None, "a": 1.0}))
    assert not same(CALL, one, Call(name="add", arguments={"a": 1.0}))
    assert not same(task_of(Call | OtherCall), one, OtherCall(name="add", arguments=one.arguments))


@pytest.mark.parametrize(
    ("one", "other"), [(True, 1), ("1", 1), (None, "None"), ((1, 2), {1, 2}), ({}, []), ("", None)]
)
def test_values_of_different_kinds_are_never_equal(one: object, other: object) -> None:
    assert not same(task_of(Any), one, other)


def test_every_label_has_a_key_of_its_own() -> None:
    for kind in (Literal["a", "A", "b"], Size, bool, Literal[1, "1"]):
        task = task_of(kind)
        answers = [typed(task, one) for one in ("a", "A", "b")] if kind == Literal["a", "A", "b"] else []
        answers = answers or (list(Size) if kind is Size else [True, False] if kind is bool else [1, "1"])

        assert len(answers) == len({canonical_key(task, answer) for answer in answers})


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_of_one_group_are_at_most_a_step_apart(one: float, other: float) -> None:
    if same(NUMBER, one, other):
        assert abs(one - other) <= 0.5


@given(
    st.builds(
        Call, name=st.text(), arguments=st.dictionaries(st.text(), st.none() | st.text() | st.lists(st.integers(0, 9)))
    )
)
def test_an_answer_and_what_its_json_becomes_are_one_answer(answer: Call) -> None:
    again = typed(CALL, as_json(CALL, answer))

    assert same(CALL, answer, again)


def test_the_key_and_the_json_of_a_set_are_the_same_in_every_process() -> None:
    program = (
        "from atomic.records.microtask import microtask\n"
        "from atomic.output import as_json, canonical_key\n"
        "@microtask(worth='$1')\n"
        "async def names(text: str) -> set[str]:\n"
        "    'Who?'\n"
        "answer = {'Ann', 'Bo', 'Cy', 'Di', 'Ed'}\n"
        "print(as_json(names, answer), canonical_key(names, answer))\n"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip

    assert 1 == len(printed)


class Aliased(BaseModel):
    names: set[str] = Field(alias="the names")


@microtask(worth="$1")
async def aliased(text: str) -> Aliased:
    """Which names?"""
    raise NotImplementedError


def test_an_answer_whose_fields_have_other_names_on_paper_is_read_again() -> None:
    answer = Aliased.model_validate({"the names": ["b", "a"]})

    assert {"the names": ["a", "b"]} == as_json(aliased, answer)
    assert answer == typed(aliased, as_json(aliased, answer))
