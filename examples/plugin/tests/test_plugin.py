"""Atomic's contract suites, on what this package offers. Nothing here needs more than pytest."""

import asyncio
from importlib.metadata import entry_points
from typing import Any, Literal

import atomic
from atomic.protocols import Profile
from atomic.records.microtask import microtask
from atomic.testing import ScriptedBidder, ask_for, check_bidder, check_engine, check_tactic

INPUTS = [("WHERE IS MY ORDER",), ("Thanks a lot.",), ("",)]


@microtask(worth="$0.001", explore=False)
async def mood(text: str) -> Literal["angry", "calm"]:
    """In which mood was this written?"""
    raise NotImplementedError


def loaded(group: str, name: str) -> Any:
    """As Atomic loads it; the package must be installed."""
    (found,) = entry_points(group=f"atomic.{group}", name=name)
    return found.load()


def test_the_bidder_keeps_its_contract() -> None:
    make = loaded("bidders", "shouting")

    replies = asyncio.run(check_bidder(lambda: make("loud"), mood, INPUTS))

    assert [one.value for one in replies] == ["angry", "calm", "calm"]


def test_the_tactic_keeps_its_contract() -> None:
    tactic = loaded("tactics", "one-message")()
    speaks = Profile(name="model", kind="any", speaks=True, context_characters=2_000)

    for profile in (speaks, Profile(name="rule", kind="any")):
        for one in INPUTS:
            check_tactic(tactic, ask_for(mood(*one)), profile, ())


def test_the_engine_keeps_its_contract() -> None:
    figures = asyncio.run(check_engine(loaded("engines", "to-the-letter")().parse))

    assert figures.refused["whole"] == 0


def test_a_configuration_finds_them_all() -> None:
    async def bought() -> tuple[Any, str]:
        model = ScriptedBidder("model", ["calm"], profile=Profile(name="model", kind="any", speaks=True, right=0.9))
        market: dict[str, Any] = {
            "ledger": ":memory:",
            "per_day": "$1",
            "tactics": ["one-message"],
            "engine": "to-the-letter",
        }
        loud = {"kind": "plugin", "plugin": "shouting", "options": {"mark": "?!"}}
        async with atomic.open({"market": market, "bidders": {"loud": loud}}, bidders=[model]) as opened:
            outcome = await opened.run(mood, "Really?!")
            return outcome.answer, outcome.winner

    assert asyncio.run(bought()) == ("calm", "model+one-message")
