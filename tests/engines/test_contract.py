"""Every engine over the corpus of types: what comes out is of the type, and no repair goes unnamed."""

from __future__ import annotations

import pytest

from atomic.output import Refusal
from atomic.protocols import Parsed
from atomic.records.bid import Reason
from atomic.testing.engines import check_engine, held_engine, said_of, text_engine
from atomic.testing.types import type_cases


def test_the_corpus_has_over_120_types_with_three_texts_each() -> None:
    cases = type_cases()
    assert len(cases) >= 120
    assert all(len(list(said_of(case))) >= 3 for case in cases if case.valid), "three texts of each type"


async def test_the_core_reads_every_whole_answer_and_nothing_that_is_wrong() -> None:
    figures = await check_engine(text_engine)
    assert (figures.refused["whole"], sum(figures.repaired.values())) == (0, 0)


async def test_bamls_parser_keeps_the_contract() -> None:
    pytest.importorskip("baml_py")
    from atomic.engines.baml_parser import BamlParser

    figures = await check_engine(BamlParser().parse)
    assert figures.refused["whole"] == 0
    assert figures.repaired["whole"] == 0


async def test_what_outlines_holds_keeps_the_contract() -> None:
    pytest.importorskip("llguidance")
    from atomic.engines.outlines import OutlinesEngine

    figures = await check_engine(held_engine(OutlinesEngine()))
    assert figures.right["whole"] > 0.5 * sum(figures.right.values())


async def test_an_answer_of_another_type_breaks_the_contract() -> None:
    with pytest.raises(AssertionError, match="cannot be written as JSON"):
        await check_engine(lambda task, text: Parsed({"made": "up"}))


async def test_refusing_everything_is_honest() -> None:
    figures = await check_engine(lambda task, text: Refusal(Reason.NOT_THE_TYPE))
    assert sum(figures.refused.values()) == figures.answers
