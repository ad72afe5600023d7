"""Grammars of types: everything that the corpus asks for, with an end, and reasons where there is none."""
# A microtask has no body: somebody else answers it.
# mypy: disable-error-code="empty-body"

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, Json

from atomic.errors import TaskError
from atomic.output import Refusal, typed
from atomic.protocols import Constraint
from atomic.records.bid import Reason
from atomic.records.microtask import Microtask, microtask
from atomic.testing.types import TypeCase, check_type_case, type_cases

pytest.importorskip("llguidance")
outlines = pytest.importorskip("outlines")

from atomic.engines.bounded import bounded  # noqa: E402
from atomic.engines.lark import Grammar, accepts  # noqa: E402
from atomic.engines.outlines import OutlinesEngine  # noqa: E402

CASES = type_cases()
TOKENS = 256
# Right answers that no grammar here writes: keys that a model does not declare, lists where anything goes, exponents.
NOT_WRITTEN = {("open", 0), ("any_field", 0), ("tiny", 0)}
NOT_HELD = {"text", "slashes"}  # free, and of a pattern that the runtime does not hold
SUMS = 'start: NUMBER ("+" NUMBER)*\nNUMBER: /[0-9]{1,4}/'


@microtask(worth="$1")
async def looks_back(text: str) -> Annotated[Any, Field(json_schema_extra={"type": "string", "pattern": "(?<=a)b"})]:
    """A pattern that looks back."""


@microtask(worth="$1")
async def holds_json(text: str) -> Json[int]:
    """A format that nobody can hold."""


@microtask(worth="$1")
async def quoting_pattern(text: str) -> Annotated[str, Field(pattern='^"[a-z]+"$')]:
    """A pattern with quotation marks."""


@microtask(worth="$1")
async def story(text: str) -> list[str]:
    """Tell what happened, in steps."""


@microtask(worth="$1")
async def slug(text: str) -> Annotated[str, outlines.types.Regex("[a-z]{1,8}(-[a-z]{1,8})?")]:
    """A name for this text in a URL."""


@microtask(worth="$1")
async def size(text: str) -> Annotated[str, outlines.types.dsl.Choice(["small", "large"])]:
    """How large is it?"""


@microtask(worth="$1")
async def sums(text: str) -> Annotated[str, Grammar(outlines.types.CFG(SUMS))]:
    """What is added?"""


@pytest.fixture(scope="module")
def engine() -> OutlinesEngine:
    return OutlinesEngine(compile_seconds=30.0)  # what grammars take; how long they need is the bench's


def held(engine: OutlinesEngine, task: Microtask[..., Any]) -> Constraint:
    found = engine.constraint(task, TOKENS)
    assert found.supported, found.why
    assert found.grammar, found.why
    return found


def as_written(constraint: Constraint, text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if constraint.quoted else text


def test_the_corpus_has_at_least_120_types_of_different_names() -> None:
    assert 120 <= len(CASES) == len({case.name for case in CASES})


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_what_is_of_a_type_is_read_and_nothing_else(case: TypeCase) -> None:
    check_type_case(case)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES if case.name not in NOT_HELD])
def test_a_grammar_takes_what_is_of_the_type_and_nothing_else(engine: OutlinesEngine, case: TypeCase) -> None:
    constraint = held(engine, case.task)

    for number, text in enumerate(case.valid):
        if (case.name, number) not in NOT_WRITTEN:
            assert accepts(constraint.grammar, as_written(constraint, text)), text
    for text in case.invalid:
        assert not accepts(constraint.grammar, as_written(constraint, text)), text


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_everything_in_a_grammar_has_an_end(engine: OutlinesEngine, case: TypeCase) -> None:
    _, _, document = engine.constraint(case.task, TOKENS).grammar.partition("%json ")
    for node in nodes(json.loads(document or "{}")):
        match node.get("type"):
            case "string":
                assert {"maxLength", "format"} & set(node) or node["pattern"].endswith("$"), node
            case "array":
                assert "maxItems" in node
            case "object":
                assert node["additionalProperties"] is False
                assert "maxProperties" in node or "properties" in node
            case "integer" | "number":
                assert {"minimum", "exclusiveMinimum"} & set(node)
                assert {"maximum", "exclusiveMaximum"} & set(node)
                assert "integer" == node["type"] or "multipleOf" in node


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if isinstance(value.get("type"), str):
            yield value
        for one in value.values():
            yield from nodes(one)
    elif isinstance(value, list):
        for one in value:
            yield from nodes(one)


def test_fewer_tokens_leave_less_room_for_texts_and_lists() -> None:
    schema = {"type": "array", "items": {"type": "string"}}

    small, large = bounded(schema, 64).schema, bounded(schema, 1024).schema

    assert small["maxItems"] <= large["maxItems"]
    assert (small["maxItems"] - 1) * small["items"]["maxLength"] <= 128, "one item more is there to be refused"
    assert small["items"]["maxLength"] < large["items"]["maxLength"]


def test_too_few_tokens_for_any_answer_are_told(engine: OutlinesEngine) -> None:
    found = engine.constraint(next(case.task for case in CASES if case.name == "invoice"), 8)

    assert not found.supported
    assert "8 tokens are no room for any answer" == found.why


@pytest.mark.parametrize(
    ("task", "why"),
    [(looks_back, "look-around"), (holds_json, "application/json"), (quoting_pattern, "JSON escapes")],
)
def test_what_cannot_be_held_is_told_with_its_reason(
    engine: OutlinesEngine, task: Microtask[..., Any], why: str
) -> None:
    found = engine.constraint(task, TOKENS)

    assert not found.supported
    assert why in found.why


def test_a_grammar_that_takes_too_long_to_compile_is_not_used_and_told() -> None:
    found = OutlinesEngine(compile_seconds=0.0).constraint(story, TOKENS)

    assert found.supported
    assert "" == found.grammar
    assert "longer than 0 ms" in found.why


def test_one_schema_is_compiled_once_whoever_declares_it(engine: OutlinesEngine) -> None:
    def again() -> Microtask[..., Any]:
        @microtask(worth="$2")
        async def other(text: str) -> list[str]:
            """Another task of the same type."""

        return other

    first = engine.constraint(story, TOKENS)

    assert first is engine.constraint(again(), TOKENS)
    assert first is not engine.constraint(story, TOKENS + 1)


def test_types_of_outlines_are_whole_texts(engine: OutlinesEngine) -> None:
    for task, good, bad in ((slug, "a-b", "!a-b!"), (size, "large", "larger"), (sums, "1+22", "1+")):
        constraint = held(engine, task)
        assert accepts(constraint.grammar, as_written(constraint, good)), good
        assert not accepts(constraint.grammar, as_written(constraint, bad)), bad
        assert good == typed(task, good)
        assert isinstance(typed(task, bad), Refusal), bad


def test_a_type_of_outlines_inside_another_is_a_whole_text_too(engine: OutlinesEngine) -> None:
    class Release(BaseModel):
        version: outlines.types.semver  # type: ignore[name-defined]
        name: Annotated[str, outlines.types.Regex("[a-z]{1,8}")]

    @microtask(worth="$1")
    async def release(text: str) -> Release:
        """Which release?"""

    grammar = held(engine, release).grammar
    assert accepts(grammar, '{"version": "1.2.3", "name": "abc"}')
    assert not accepts(grammar, '{"version": "v1.2.3", "name": "abc"}')
    assert not accepts(grammar, '{"version": "1.2.3", "name": "abc!"}')


def test_a_context_free_grammar_is_held_whole_only(engine: OutlinesEngine) -> None:
    class Line(BaseModel):
        sum: Annotated[str, Grammar(SUMS)]

    @microtask(worth="$1")
    async def line(text: str) -> Line:
        """A line."""

    assert "whole answer only" in engine.constraint(line, TOKENS).why


def test_what_is_no_grammar_is_refused_where_it_is_written() -> None:
    with pytest.raises(TaskError, match="not a grammar"):
        Grammar("start: (")


def test_labels_are_their_own_grammar(engine: OutlinesEngine) -> None:
    @microtask(worth="$1")
    async def quoting(text: str) -> Literal['say "yes"', "don't", "not\\so"]:
        """Which?"""

    for label in quoting.labels:
        assert accepts(held(engine, quoting).grammar, label)
    assert not accepts(held(engine, quoting).grammar, "yes")


def test_a_text_as_long_as_its_tokens_let_it_be_is_cut(engine: OutlinesEngine) -> None:
    constraint = held(engine, story)
    end = json.loads(constraint.room)["items"]["maxLength"]

    whole, cut = (json.dumps(["a" * length]) for length in (end - 1, end))

    assert whole == engine.answer(constraint, whole)
    answer = engine.answer(constraint, cut)
    assert isinstance(answer, Refusal)
    assert Reason.CUT is answer.reason


def ends(engine: OutlinesEngine, constraint: Constraint, value: object) -> bool:
    """Whether an answer is refused as cut."""
    answer = engine.answer(constraint, json.dumps(value, separators=(", ", ": ")))
    assert not isinstance(answer, Refusal) or Reason.CUT is answer.reason, answer
    return isinstance(answer, Refusal)


class Branch(BaseModel):
    name: Annotated[str, Field(max_length=4)]
    next: "Branch | None"


class Basket(BaseModel):
    fruits: list[Literal["apple", "pear"]]
    counts: dict[str, Annotated[int, Field(ge=0, le=9)]]
    two: Annotated[list[int], Field(max_length=2)]


@microtask(worth="$1")
async def basket(text: str) -> Basket:
    """What is in it?"""
    raise NotImplementedError


@microtask(worth="$1")
async def branch(text: str) -> Branch:
    """A branch."""
    raise NotImplementedError


def test_a_list_or_dictionary_that_goes_on_beyond_its_room_is_cut(engine: OutlinesEngine) -> None:
    constraint = held(engine, basket)
    room = json.loads(constraint.room)["properties"]["fruits"]["maxItems"] - 1

    def full(fruits: int, counts: int, two: int) -> bool:
        pairs = dict.fromkeys("abcdefghijkl"[:counts], 1)
        return ends(engine, constraint, {"fruits": ["pear"] * fruits, "counts": pairs, "two": [1] * two})

    assert [False, False] == [full(0, 0, 0), full(room, room, 2)], "ended by its writer, or by its type"
    assert [True, True] == [full(room + 1, 0, 0), full(0, room + 1, 0)]


def test_a_nesting_that_only_the_room_ends_is_cut(engine: OutlinesEngine) -> None:
    constraint = held(engine, branch)

    def nested(levels: int) -> object:
        return {"name": "a", "next": nested(levels - 1) if levels else None}

    found = [ends(engine, constraint, nested(levels)) for levels in range(5)]
    assert [False, False, False, False, True] == found


def test_a_text_that_its_type_ends_is_whole(engine: OutlinesEngine) -> None:
    @microtask(worth="$1")
    async def title(text: str) -> Annotated[str, Field(max_length=12)]:
        """A title."""

    assert "a" * 12 == engine.answer(held(engine, title), json.dumps("a" * 12))


def test_a_text_that_a_runtime_did_not_hold_is_refused(engine: OutlinesEngine) -> None:
    answer = engine.answer(held(engine, story), 'Sure! ["a"]')

    assert isinstance(answer, Refusal)
    assert Reason.NOT_THE_TYPE is answer.reason


def test_neither_library_is_imported_before_a_type_asks_for_it() -> None:
    program = (
        "import sys, atomic.engines.outlines as engine; engine.OutlinesEngine();"
        "sys.exit(bool({'llguidance', 'outlines'} & set(sys.modules)))"
    )

    assert 0 == subprocess.run([sys.executable, "-c", program], check=False).returncode
