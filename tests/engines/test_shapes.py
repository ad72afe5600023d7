"""Python types as BAML types, made while running, and what has none."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter

pytest.importorskip("baml_py")

from atomic.engines.baml import BamlType, source
from atomic.engines.reading import Reader
from atomic.engines.schema import reader_of
from atomic.engines.shapes import shapes
from atomic.engines.witness import Reading
from atomic.errors import TaskError
from atomic.output import Refusal


class Tree(BaseModel):
    label: str
    children: list[Tree] = []


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: Annotated[int, Field(ge=0, le=9)]


class Dog(BaseModel):
    kind: Literal["dog"]
    barks: bool


class Colour(enum.Enum):
    """What colour it is."""

    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    x: float
    y: float


class Named(BaseModel):
    street: str = Field(alias="straße", description='where "it" is,\nexactly')


TYPES: list[tuple[Any, Any]] = [
    (int, 7),
    (list[int], [1, 2]),
    (dict[str, list[float]], {"a": [1.5]}),
    (Tree, {"label": "a", "children": [{"label": "b", "children": []}]}),
    (Annotated[Cat | Dog, Field(discriminator="kind")], {"kind": "dog", "barks": True}),
    (Cat | Dog | None, None),
    (list[Cat | Dog], [{"kind": "cat", "lives": 9}, {"kind": "dog", "barks": False}]),
    (Colour, "blue"),
    (Literal["a", 1, True], 1),
    (Point, {"x": 1.5, "y": -2}),
    (Named, {"straße": "Am Markt"}),
    (dt.date, "2026-11-24"),
    (list[dt.datetime], ["2026-11-24T10:00:00Z"]),
    (uuid.UUID, "12345678-1234-5678-1234-567812345678"),
    (list[Decimal], ["12.50"]),
    (list[str | int], ["7", 7]),
    (set[int], [1, 2]),
    (Annotated[str, Field(pattern=r"^[A-Z]{2}\d$")], "AB1"),
    (list[Annotated[str, Field(min_length=1, max_length=3)]], ["abc"]),
]


def _reader(kind: Any) -> Reader:
    return reader_of(TypeAdapter(kind).json_schema())


@pytest.mark.parametrize(("kind", "value"), TYPES, ids=[str(kind) for kind, _ in TYPES])
def test_a_value_of_the_type_is_read_from_a_fence_and_with_a_trailing_comma(kind: Any, value: Any) -> None:
    import json

    text = json.dumps(value, ensure_ascii=False)
    reader = _reader(kind)
    for damaged in (text, f"```json\n{text}\n```", text.replace("}", ",}", 1) if text[:-2].find("}") < 0 else text):
        found = reader.read(damaged)
        assert isinstance(found, Reading), (damaged, found)
        assert found.value == value


@pytest.mark.parametrize(("kind", "value"), TYPES, ids=[str(kind) for kind, _ in TYPES])
def test_baml_itself_takes_every_type_and_agrees(kind: Any, value: Any) -> None:
    import json

    compiled = BamlType(shapes(TypeAdapter(kind).json_schema()))
    if not isinstance(value, str) and value is not None:
        assert compiled.parse(json.dumps(value)) == value


def test_descriptions_aliases_and_limits_stand_in_the_type() -> None:
    text = source(shapes(TypeAdapter(Named).json_schema())) + source(shapes(TypeAdapter(Cat).json_schema()))
    assert 'k0 string @alias("straße") @description("where \\"it\\" is, exactly")' in text
    assert "@assert(minimum, {{ this >= 0 }}) @assert(maximum, {{ this <= 9 }})" in text


def test_a_prompt_says_what_form_the_answer_has_and_sends_nothing() -> None:
    prompt = BamlType(shapes(TypeAdapter(Cat).json_schema())).prompt("Which animal?")
    assert prompt.startswith("Which animal?")
    assert "lives: int" in prompt


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "object", "properties": {"a": {"not": {}}}}, "#/a: not is not supported"),
        ({"$ref": "https://example.org/other.json"}, "Retrieval is disabled"),
        ({"$ref": "#/$defs/None"}, "does not exist"),
        ({"$defs": {"A": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"}, "refers to itself only"),
        ({"enum": [{"a": 1}]}, "a choice of what is no text"),
        ({}, "anything at all"),
        ({"prefixItems": [{"type": "string"}], "type": "array"}, "a tuple"),
        ({"type": "strin"}, "no JSON schema"),
    ],
)
def test_what_is_not_supported_is_said_with_its_place(schema: Any, words: str) -> None:
    with pytest.raises(TaskError) as caught:
        reader_of(schema)
    assert words in str(caught.value)


@pytest.mark.parametrize("finish", ["length", "max_tokens", "content_filter", "", None, "whatever"])
def test_a_text_that_did_not_end_by_itself_is_no_answer(finish: str | None) -> None:
    assert isinstance(reader_of({"type": "integer"}).read("42", finish), Refusal)


@pytest.mark.parametrize("end", ["\ud83d", "٣", "²", "\x00"])
def test_characters_that_json_or_utf8_has_not_end_in_a_refusal(end: str) -> None:
    reader = reader_of({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}})
    for text in (f"{{'a': 2{end}}}", f"{{'a': 2{end}, 'b': 'x'", f'{{"b": "x", "a": "{end}"}}', f"{{'{end}"):
        assert isinstance(reader.read(text), Refusal)


HOSTILE = [
    "<think>" * 20_000, "[" * 100_000, '{"a":' * 30_000, '"' * 100_000, "{" + ' "a" ' * 30_000, "\n" * 100_000 + "x",
    '{"a": "' + "\n" * 100_000 + '" x', '{"a": "x"' + " \n" * 50_000 + "y", "{'a" + " " * 100_000, "```" * 40_000,
    "<|channel|>" * 10_000, "answer: " * 20_000, '{"a": "b" c ' * 10_000, "/*" * 50_000, '{"a": 1' + "/*" * 50_000,
]  # fmt: skip


@pytest.mark.timeout(60)
@pytest.mark.parametrize("schema", [{"type": "object", "properties": {"a": {"type": "integer"}}}, {"type": "integer"}])
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_is_refused_in_bounded_work(text: str, schema: Any) -> None:
    assert isinstance(reader_of(schema).read(text), Refusal)
