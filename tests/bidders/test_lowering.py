"""Lowering: over the corpus of types, each dialect is asked for what it can hold, and answers come back whole."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs
import pytest

from atomic.bidders.http_limits import ANTHROPIC, GEMINI, LLAMA_CPP, OPENAI, VLLM
from atomic.bidders.lowering import WRAP, Holds, lower
from atomic.output import Refusal, plain_type, typed
from atomic.testing.types import TypeCase, type_cases

DIALECTS = {"openai": OPENAI, "anthropic": ANTHROPIC, "gemini": GEMINI, "vllm": VLLM, "llama.cpp": LLAMA_CPP}
CASES = [one for one in type_cases() if not one.task.labels and plain_type(one.task) not in (str, int, float)]
STRUCTURE = {
    "type", "$ref", "$defs", "anyOf", "enum", "properties", "required", "additionalProperties", "items", "prefixItems",
    "description", "format", "nullable", "propertyOrdering",
}  # fmt: skip


def schemas(schema: Any) -> Iterator[Mapping[str, Any]]:
    """A schema and all within it."""
    if not isinstance(schema, Mapping):
        return
    yield schema
    for key in ("anyOf", "prefixItems"):
        for one in schema.get(key, ()):
            yield from schemas(one)
    for key in ("properties", "$defs"):
        for one in schema.get(key, {}).values():
            yield from schemas(one)
    for key in ("items", "additionalProperties"):
        yield from schemas(schema.get(key))


def plain(schema: Any) -> Any:
    """OpenAPI's spelling as JSON schema's."""
    if isinstance(schema, list):
        return [plain(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    said = {key: plain(one) for key, one in schema.items() if key not in ("nullable", "propertyOrdering")}
    if isinstance(said.get("type"), str):
        said["type"] = said["type"].lower()
    return {"anyOf": [said, {"type": "null"}]} if schema.get("nullable") else said


def as_asked(lowered: Any, value: Any, holds: Holds) -> Any:
    """A value as the dialect would write it: wrapped, and null for what may be missing."""

    def fill(schema: Any, one: Any) -> Any:
        while "$ref" in schema:
            schema = lowered.schema["$defs"][schema["$ref"].rpartition("/")[2]]
        if not isinstance(one, list | dict):
            return one
        options = [schema]
        while any("anyOf" in each or "$ref" in each for each in options):
            options = [
                inner
                for each in options
                for inner in each.get("anyOf")
                or [lowered.schema["$defs"][each["$ref"].rpartition("/")[2]] if "$ref" in each else each]
            ]
        if isinstance(one, list):
            items: Any = next((each["items"] for each in options if each.get("items")), {})
            return [fill(items, each) for each in one]
        fitting = [each for each in options if set(one) <= set(each.get("properties", {}))]
        known = fitting[0].get("properties", {}) if len(fitting) == 1 else {}
        if not known:
            return one
        names = known if holds.every else one
        return {name: fill(known[name], one[name]) if name in one else None for name in names}

    return fill(lowered.schema, {WRAP: value} if lowered.wrapped else value)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("case", CASES, ids=lambda one: one.name)
def test_a_type_is_asked_for_in_nothing_but_what_the_dialect_holds_or_there_is_a_reason(
    case: TypeCase, dialect: str
) -> None:
    holds = DIALECTS[dialect]
    lowered = lower(case.task.output.json_schema(), holds)

    if lowered.schema is None:
        assert lowered.why.startswith("it ")
        return
    for one in schemas(lowered.schema):
        assert set(one) <= STRUCTURE | holds.keywords
        assert one.get("format") in {None, *holds.formats}
        if one.get("type") == "object" and holds.closed:
            assert one["additionalProperties"] is False
        if one.get("type") == "object" and holds.every:
            assert list(one["properties"]) == one["required"]
        assert holds.refs or "$ref" not in one
        assert holds.tuples or "prefixItems" not in one
        assert one or holds.anything
    assert not holds.rooted or lowered.schema["type"] == "object"
    jsonschema_rs.validator_for(plain(lowered.schema))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("case", CASES, ids=lambda one: one.name)
def test_an_answer_that_is_held_so_is_read_as_the_answer_of_the_type(case: TypeCase, dialect: str) -> None:
    lowered = lower(case.task.output.json_schema(), DIALECTS[dialect])
    if lowered.schema is None:
        pytest.skip(lowered.why)
    valid = jsonschema_rs.validator_for(plain(lowered.schema), validate_formats=False)
    for text in case.valid:
        expected = typed(case.task, text)
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        asked = as_asked(lowered, value, DIALECTS[dialect])

        assert valid.is_valid(asked), f"{asked} is not of {lowered.schema}"
        read = typed(case.task, lowered.read(json.dumps(asked)))
        assert not isinstance(read, Refusal), f"{asked}: {read}"
        assert expected == read


def held(holds: Holds) -> int:
    return sum(lower(one.task.output.json_schema(), holds).schema is not None for one in CASES)


@pytest.mark.parametrize(
    ("dialect", "share"), [("openai", 0.7), ("anthropic", 0.6), ("gemini", 0.6), ("vllm", 0.9), ("llama.cpp", 0.9)]
)
def test_most_types_of_the_corpus_are_held(dialect: str, share: float) -> None:
    print(dialect, held(DIALECTS[dialect]), "of", len(CASES))
    assert held(DIALECTS[dialect]) >= share * len(CASES)


def test_what_is_no_json_of_the_lowered_form_is_left_to_the_parser_as_it_is() -> None:
    lowered = lower({"type": "array", "items": {"type": "string"}}, OPENAI)

    assert ["Sure: [1]", '{"other": 1}'] == [lowered.read(text) for text in ("Sure: [1]", '{"other": 1}')]


def test_what_is_not_held_is_told() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 5}}}

    assert "held to its type by the endpoint, but for maxLength" == lower(schema, OPENAI).told
    assert "not held to its type: it has no values of any type" == lower({}, OPENAI).told


def test_a_null_that_the_type_takes_stays_and_one_that_only_says_missing_goes() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
    }

    assert {"b": None} == json.loads(lower(schema, OPENAI).read('{"a": null, "b": null}'))


def test_missing_keys_are_told_from_nulls_also_in_lists_that_may_be_missing() -> None:
    item = {"type": "object", "properties": {"a": {"type": "integer"}}}
    schema = {"anyOf": [{"type": "array", "items": item}, {"type": "null"}]}

    assert [{}, {"a": 1}] == json.loads(lower(schema, OPENAI).read('{"answer": [{"a": null}, {"a": 1}]}'))
