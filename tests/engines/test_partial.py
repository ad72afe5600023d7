"""Typed partials of text that grows: over the corpus of types, and where texts are damaged."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, TypeAdapter

from atomic.engines.partial import PartialReader
from atomic.output import typed
from atomic.records.microtask import Microtask, microtask
from atomic.testing.types import TypeCase, type_cases

JSON: TypeAdapter[Any] = TypeAdapter(Any)


class Kind(StrEnum):
    NEW = "new"
    NEWER = "newer"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


class Zoo(BaseModel):
    animals: list[Cat | Dog]
    note: str | None = None


@microtask(worth="$1")
async def zoo(text: str) -> Zoo:
    """Which animals?"""
    raise NotImplementedError


@microtask(worth="$1")
async def kind(text: str) -> Kind:
    """Which kind?"""
    raise NotImplementedError


@microtask(worth="$1")
async def words(text: str) -> str:
    """In words?"""
    raise NotImplementedError


def partials(task: Microtask[..., Any], text: str, *, step: int = 1, **how: bool) -> list[Any]:
    reader = PartialReader(task, **how)
    pieces = [text[at : at + step] for at in range(0, len(text), step)]
    return [JSON.dump_python(one.value, mode="json") for one in map(reader.feed, pieces) if one is not None]


def shown(value: Any) -> Any:
    """Without what is not there."""
    if isinstance(value, dict):
        return {key: shown(one) for key, one in value.items() if one is not None}
    return [shown(one) for one in value] if isinstance(value, list) else value


def grows(before: Any, after: Any) -> bool:
    """Whether a later partial takes nothing of an earlier one back."""
    if isinstance(before, dict) and isinstance(after, dict):
        return all(key in after and grows(one, after[key]) for key, one in shown(before).items())
    if isinstance(before, list) and isinstance(after, list):
        return len(before) <= len(after) and all(map(grows, before, after))
    if isinstance(before, str) and isinstance(after, str):
        return after.startswith(before)
    return bool(before == after)


@pytest.mark.parametrize("case", type_cases(), ids=lambda case: case.name)
def test_partials_only_grow_and_end_as_the_answer(case: TypeCase) -> None:
    for text in case.valid:
        if text[:1] not in ("{", "["):
            continue
        found = partials(case.task, f"Here:\n{text}")
        answer: Any = case.task.output.dump_python(typed(case.task, text), mode="json", by_alias=False)
        assert all(map(grows, found, found[1:])), f"{text}: {found}"
        for one in found:
            assert grows(one, answer), f"{text}: {one} is no part of {answer}"


def test_numbers_come_once_something_follows_them() -> None:
    found = partials(zoo, '{"animals": [{"kind": "cat", "lives": 12')
    assert found[-1] == {"animals": [{"kind": "cat", "lives": None}], "note": None}
    assert partials(zoo, '{"animals": [{"kind": "cat", "lives": 12}')[-1]["animals"][0]["lives"] == 12


def test_a_member_of_a_union_comes_once_it_can_be_no_other() -> None:
    assert partials(zoo, '{"animals": [{"')[-1] == {"animals": [], "note": None}
    assert partials(zoo, '{"animals": [{"kind": "dog"')[-1]["animals"] == [{"kind": "dog", "name": None}]


def test_a_choice_comes_as_soon_as_only_one_is_left() -> None:
    assert partials(kind, "new") == []
    assert partials(kind, "newe") == ["newer"]


def test_a_text_is_told_as_it_grows() -> None:
    assert partials(words, "so it be", step=3) == ["so", "so it", "so it be"]
    assert partials(words, '"say \\"a\\"', quoted=True)[-1] == 'say "a"'


def test_thoughts_are_no_part_of_it() -> None:
    assert partials(zoo, '<think>{"animals": [{"kind": "cat"}]}</think>') == []
    assert partials(zoo, '<think>{}</think>{"animals": []}')[-1] == {"animals": [], "note": None}


def test_damaged_json_is_read_by_baml() -> None:
    pytest.importorskip("baml_py")
    found = partials(zoo, "{'animals': [{kind: 'dog', name: 'Rex'}, {'kind': 'dog', 'na", step=5)
    assert found[-1]["animals"][0] == {"kind": "dog", "name": "Rex"}


@pytest.mark.parametrize("text", ["", "{", "}{", "[[[", '{"animals": 3', "\x00\ud800", '{"a' * 500, "{'" * 300])
def test_no_text_raises(text: str) -> None:
    for case in (zoo, kind, words):
        partials(case, text, step=7)
