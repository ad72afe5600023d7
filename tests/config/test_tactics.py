"""Which tactics are offered is said in the configuration."""

import pytest

import atomic
from atomic.config.wiring import tactics_of
from atomic.errors import ConfigError
from atomic.tactics.named import USUAL, named


def test_unless_said_the_usual_ones_are_offered() -> None:
    assert list(USUAL) == [one.name for one in tactics_of(None, {})]


def test_every_tactic_can_be_chosen_by_its_name() -> None:
    assert list(named()) == [one.name for one in tactics_of(list(named()), {})]


def test_a_variant_competes_by_every_tactic_that_asks_in_the_tasks_words() -> None:
    names = [one.name for one in tactics_of(["plain"], {"spam": {"short": "Spam?"}})]

    assert ["plain", "plain~short", "labels~short", "examples~short", "examples-labels~short"] == names


async def test_a_name_that_is_none_is_refused_with_all_that_are() -> None:
    with pytest.raises(ConfigError, match="there is no 'guessing'") as raised:
        async with atomic.open({"market": {"ledger": ":memory:", "tactics": ["plain", "guessing"]}}):
            pass

    assert "narrowed" in raised.value.hint
