"""Python types in BAML's words: prompts, what is read, what is held, and what is seen of it while it grows."""

from __future__ import annotations

from enum import StrEnum

import pytest
from pydantic import BaseModel, Field

pytest.importorskip("baml_py")

from atomic.engines.baml_parser import BamlParser
from atomic.engines.baml_wording import in_bamls_words
from atomic.engines.partial import PartialReader
from atomic.output import Refusal
from atomic.protocols import Parsed, Profile
from atomic.records.microtask import microtask
from atomic.tactics import Plain
from atomic.testing import ask_for, check_tactic

SPEAKS = Profile(name="model", kind="test", speaks=True)


class Size(StrEnum):
    """How large."""

    SMALL = "small"
    LARGE = "large"


class Pen(BaseModel):
    """A pen."""

    colour: str = Field(alias="the colour", description="in English")
    size: Size
    pieces: int = Field(ge=1)


@in_bamls_words
@microtask(worth="$1")
async def pens(mail: str) -> list[Pen]:
    """Which pens?"""
    raise NotImplementedError


async def _reply(mail: str) -> str:
    """Write a reply."""
    raise NotImplementedError


reply = in_bamls_words(microtask(worth="$1")(_reply), key="reply")
GOOD = '[{"the colour": "red", "size": "small", "pieces": 2}]'


def test_the_prompt_says_the_form_in_bamls_words_with_aliases_and_descriptions() -> None:
    plan = check_tactic(Plain(), ask_for(pens("Two pens")), SPEAKS, [])
    assert plan is not None
    assert plan == Plain().plan(ask_for(pens("Two pens")), SPEAKS, [])
    system, user = Plain().plan(ask_for(pens("Two pens")), SPEAKS, []).messages
    assert "// in English\n    the colour: string," in system.content
    assert 'size: "small" or "large",' in system.content
    assert "JSON schema" not in system.content
    assert "Two pens" in user.content


def test_limits_of_the_type_hold_when_it_is_read() -> None:
    parser = BamlParser()
    assert parser.parse(pens, GOOD) == Parsed([Pen.model_validate_json(GOOD[1:-1])])
    assert isinstance(parser.parse(pens, GOOD.replace("2", "0")), Refusal)


def test_a_text_under_a_key_is_free_of_what_is_said_around_it() -> None:
    parser = BamlParser()
    assert parser.parse(reply, 'Sure, here it is:\n{"reply": "Dear Ann,\\nyes."}\nAnything else?') == Parsed(
        "Dear Ann,\nyes."
    )
    for text in ("Dear Ann, yes.", "Dear {name}, my reply: yes."):
        assert parser.parse(reply, text) == Parsed(text), "who writes no JSON writes the text"
    assert isinstance(parser.parse(reply, '{"reply": "Dear Ann, ye'), Refusal)
    assert isinstance(parser.parse(reply, '{"answer": 3}'), Refusal)


@pytest.mark.parametrize("text", [f"{GOOD} or rather []", f"{GOOD[:-1]}, ", "[]\n[]\nno: " + GOOD])
def test_what_the_witness_refuses_nobody_else_takes(text: str) -> None:
    assert isinstance(BamlParser().parse(pens, text), Refusal)


def test_a_text_under_a_key_is_told_while_it_grows() -> None:
    reader = PartialReader(reply)
    found = [reader.feed(piece) for piece in ('Sure: {"re', 'ply": "Dear', ' Ann"', "}")]
    assert [None, "Dear", "Dear Ann", None] == [one and one.value for one in found]


def test_a_model_that_is_held_writes_the_text_under_its_key() -> None:
    pytest.importorskip("llguidance")
    from atomic.engines.lark import accepts
    from atomic.engines.outlines import OutlinesEngine

    held = OutlinesEngine().constraint(reply, 128)
    assert accepts(held.grammar, '{"reply": "Dear Ann"}')
    assert not accepts(held.grammar, "Dear Ann")
    assert OutlinesEngine().answer(held, '{"reply": "Dear Ann"}') == '{"reply": "Dear Ann"}'
