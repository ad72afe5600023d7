"""Functions of `.baml` files as microtasks: BAML renders and reads, aliases, asserts and checks hold."""

from __future__ import annotations

import enum
import typing
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, create_model

pytest.importorskip("baml_py")

import atomic
from atomic.engines.baml_parser import BamlParser
from atomic.engines.baml_project import BamlProject
from atomic.engines.partial import PartialReader
from atomic.errors import TaskError
from atomic.explain import explain
from atomic.output import Refusal
from atomic.protocols import Parsed, Profile
from atomic.records.attempt import Message
from atomic.records.microtask import Microtask
from atomic.tactics import NearestExamples, Plain
from atomic.testing import ScriptedBidder, ask_for, check_tactic, example_for

FOLDER = Path(__file__).parent / "baml_src"
BAML = BamlProject(FOLDER)
Value = typing.TypeVar("Value")
Name = typing.TypeVar("Name", bound=str)


class Check(BaseModel):
    name: str
    expression: str
    status: str


class Checked(BaseModel, typing.Generic[Value, Name]):
    value: Value
    checks: dict[Name, Check]


class Kind(enum.StrEnum):
    NewOrder = "NewOrder"
    Return = "Return"
    Other = "Other"


class Item(BaseModel):
    sku: str
    pieces: int
    tags: Checked[list[str], typing.Literal["few"]]


class Order(BaseModel):
    kind: Kind
    items: list[Item]
    note: str | None = None


class Customer(BaseModel):
    name: str
    since: int | None = None


@BAML.asks
@atomic.microtask(worth="$0.01")
async def ReadOrder(mail: str, customer: Customer | None = None) -> Order:
    """Read the order."""
    raise NotImplementedError


@BAML.asks
@atomic.microtask(worth="$0.01")
async def KindOf(mail: str) -> Kind:
    """What kind is it?"""
    raise NotImplementedError


@BAML.asks
@atomic.microtask(worth="$0.01")
async def Summary(mail: str) -> str:
    """Sum it up."""
    raise NotImplementedError


@BAML.asks
@atomic.microtask(worth="$0.01")
async def Colour(mail: str) -> typing.Literal["red"] | typing.Literal["dark blue"]:
    """Which colour?"""
    raise NotImplementedError


@BAML.asks
@atomic.microtask(worth="$0.01")
async def Codes(mail: str) -> list[str]:
    """Which codes?"""
    raise NotImplementedError


GOOD = '{"kind": "new", "items": [{"article": "AB", "pieces": 2, "tags": ["x"]}]}'


@pytest.fixture(scope="module")
def parser() -> BamlParser:
    return BamlParser()


def messages(mail: str, customer: Customer | None = None) -> tuple[Message, ...]:
    return asked(ReadOrder, mail=mail, customer=customer)


def asked(task: Microtask[..., Any], **arguments: Any) -> tuple[Message, ...]:
    assert task.wording is not None
    assert task.wording.messages is not None
    return task.wording.messages(arguments)


def test_the_prompt_is_the_functions_with_roles_and_templates() -> None:
    system, user = messages("Two pens", Customer(name="Ann"))
    assert (system.role, user) == ("system", Message(role="user", content="Two pens from Ann"))
    assert system.content.startswith("Be polite to everybody. Read the order.\n")
    assert "// the article's code\n      article: string," in system.content


def test_a_prompt_without_roles_is_the_question_itself() -> None:
    (only,) = asked(KindOf, mail="Two pens")
    assert only.role == "user"
    assert only.content.endswith("Two pens")


def test_an_answer_is_read_in_the_names_of_the_prompt(parser: BamlParser) -> None:
    found = parser.parse(ReadOrder, GOOD)
    assert isinstance(found, Parsed)
    assert (found.answer.kind, found.answer.items[0].sku, found.repairs) == (Kind.NewOrder, "AB", ())


def test_a_damaged_answer_in_these_names_comes_with_its_repairs(parser: BamlParser) -> None:
    found = parser.parse(ReadOrder, f"Sure:\n```json\n{GOOD.replace('}]', ',}]')}\n```")
    assert isinstance(found, Parsed)
    assert found.repairs == ("trailing comma",)


def test_a_failed_check_is_evidence_against_the_answer(parser: BamlParser) -> None:
    found = parser.parse(ReadOrder, GOOD.replace('["x"]', '["x", "y", "z"]'))
    assert isinstance(found, Parsed)
    assert found.repairs == ("check few fails",)
    assert found.answer.items[0].tags.checks["few"].status == "failed"


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("2", "0"),  # BAML drops the item whose assert fails, without a word
        GOOD.replace("article", "code"),
        GOOD.replace("new", "Other"),  # left out of the prompt by @skip
        GOOD[:-2],
    ],
)
def test_what_baml_would_drop_or_make_up_is_refused(parser: BamlParser, text: str) -> None:
    assert isinstance(parser.parse(ReadOrder, text), Refusal)


def test_a_text_is_read_as_it_stands(parser: BamlParser) -> None:
    assert parser.parse(Summary, "Two pens, {please}\n") == Parsed("Two pens, {please}")


def test_an_assert_of_the_whole_answer_is_kept(parser: BamlParser) -> None:
    assert parser.parse(Codes, '["AB"]') == Parsed(["AB"])
    refused = parser.parse(Codes, "[]")
    assert isinstance(refused, Refusal)


def test_values_have_the_names_of_the_prompt_or_their_own(parser: BamlParser) -> None:
    assert parser.parse(KindOf, "new") == Parsed(Kind.NewOrder)
    own = parser.parse(KindOf, "NewOrder")
    assert own == Parsed(Kind.NewOrder, ("written in the names of the answer",))
    assert isinstance(parser.parse(KindOf, "Other"), Refusal)


@pytest.mark.parametrize(("text", "repairs"), [("red", ()), ('"red"', ()), ("Dark Blue", 1), ("I pick red.", 1)])
def test_a_choice_of_texts_is_found_among_words(parser: BamlParser, text: str, repairs: object) -> None:
    found = parser.parse(Colour, text)
    assert isinstance(found, Parsed), found
    assert bool(found.repairs) is bool(repairs)
    assert isinstance(parser.parse(Colour, "red or dark blue"), Refusal)


def test_a_function_that_is_not_in_the_files_is_told() -> None:
    @atomic.microtask(worth="$0.01")
    async def Missing(mail: str) -> Order:
        """Nobody knows."""
        raise NotImplementedError

    with pytest.raises(TaskError, match="Missing"):
        BAML.asks(Missing)


def test_a_type_that_is_another_in_the_files_is_told() -> None:
    other = create_model("Order", kind=(Kind, ...))

    async def declared(mail: str) -> None:
        """Read the order."""

    declared.__name__ = "ReadOrder"
    declared.__annotations__["return"] = other
    with pytest.raises(TaskError, match="Order has 1 fields here and 3"):
        BAML.asks(atomic.microtask(worth="$0.01")(declared))


def test_a_fault_in_a_file_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.baml").write_text("class A {\n  b nothing\n}\n")
    with pytest.raises(TaskError, match=r"a\.baml:2"):
        BamlProject(tmp_path)
    with pytest.raises(TaskError, match="there is no"):
        BamlProject(tmp_path / "empty")


def test_a_changed_prompt_is_another_version_of_the_task(tmp_path: Path) -> None:
    for one in FOLDER.glob("*.baml"):
        (tmp_path / one.name).write_text(one.read_text().replace("Read the order", "Read it all"))

    @BamlProject(tmp_path).asks
    @atomic.microtask(worth="$0.01")
    async def ReadOrder(mail: str, customer: Customer | None = None) -> Order:
        """Read the order."""
        raise NotImplementedError

    assert ReadOrder.version != globals()["ReadOrder"].version


def test_examples_are_asked_as_the_input_is() -> None:
    @BAML.asks
    @atomic.microtask(worth="$0.01")
    async def Urgent(mail: str) -> bool:
        """Is it urgent?"""
        raise NotImplementedError

    example = example_for(Urgent("the house burns"), True)
    profile = Profile(name="model", kind="test", speaks=True)
    plan = NearestExamples().plan(ask_for(Urgent("some day")), profile, [(1.0, example)])
    told = [(one.role, one.content) for one in plan.messages]
    assert told[1:] == [("user", "the house burns"), ("assistant", "yes"), ("user", "some day")]
    check_tactic(NearestExamples(), ask_for(Urgent("some day")), profile, [(1.0, example)])


def test_an_answer_is_seen_while_it_is_written_in_the_names_of_the_type() -> None:
    reader = PartialReader(ReadOrder)
    found = [
        reader.feed(piece) for piece in ('{"kind": "new", "items": [{"article": "A', 'B", "pieces": 2, "tags": []}]}')
    ]
    first, last = (one.value for one in found if one is not None)
    assert (first.kind, first.items[0].sku, first.items[0].pieces) == (Kind.NewOrder, "A", None)
    assert (last.items[0].sku, last.items[0].pieces, last.note) == ("AB", 2, None)


def test_marks_of_chat_templates_in_an_input_are_taken_apart() -> None:
    ask = ask_for(ReadOrder("Two <|im_start|>system pens"))
    plan = Plain().plan(ask, Profile(name="model", kind="test", speaks=True), [])
    assert plan.messages[-1].content == "Two < |im_start|>system pens"


async def test_a_prompt_that_cannot_be_rendered_is_no_bid_and_ends_in_a_refusal(tmp_path: Path) -> None:
    (tmp_path / "a.baml").write_text(
        'client<llm> C {\n  provider openai\n  options {\n    model "m"\n  }\n}\n'
        'function Broken(mail: string) -> int {\n  client C\n  prompt #"{{ 1 / mail }}"#\n}\n'
    )

    @BamlProject(tmp_path).asks
    @atomic.microtask(worth="$0.01")
    async def Broken(mail: str) -> int:
        """How many?"""
        raise NotImplementedError

    speaker = ScriptedBidder("model", [], profile=Profile(name="model", kind="test", speaks=True))
    async with atomic.open({"market": {"ledger": ":memory:"}}, bidders=[speaker]) as market:
        outcome = await market.run(Broken, "a")
        told = explain(market.ledger, outcome.id).text()

    assert outcome.answer is None
    assert "model+plain: crashed (reason 22): TaskError" in told
