"""The typed client against a running server: what is bought, judged, explained and told as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest

from atomic.client import AsyncClient, Client
from atomic.errors import CallerError, Conflict, NotFound
from atomic.records.microtask import Ask, microtask
from atomic.server.native.shapes import OutcomeShown, ProblemShown, RunAsked, TermsAsked, WhatIfAsked
from atomic.testing import Line, ScriptedBidder
from atomic.testing.serving import serving


@microtask(worth="$0.01", explore=False)
async def mood(text: str) -> Literal["friendly", "angry"]:
    """How does the writer feel?"""
    raise NotImplementedError


@microtask(worth="$0.01", explore=False)
async def total(first: int, second: int) -> int:
    """What is the sum?"""
    raise NotImplementedError


def cheap(ask: Ask) -> Line | object:
    if ask.task.name == "total":
        return Line(answer=ask.arguments["first"] + ask.arguments["second"])
    return Line(answer="friendly" if "thank" in ask.arguments["text"].lower() else "angry", price=1_000, claim=0.9)


def dear(ask: Ask) -> Line | object:
    return cheap(ask) if ask.task.name == "total" else Line(answer="friendly", price=4_000_000, claim=0.95)


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    config = {"market": {"ledger": str(tmp_path / "atomic.db"), "per_day": "$1"}}
    async with serving(
        config, bidders=[ScriptedBidder("a", cheap), ScriptedBidder("b", dear)], tasks=[mood, total]
    ) as on:
        yield on


@pytest.fixture
async def client(url: str) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(url) as found:
        yield found


async def test_an_answer_is_bought_with_its_story(client: AsyncClient) -> None:
    found = await client.run("mood", "Thank you", decision=True)

    assert ("answered", "friendly", "a+plain") == (found.status, found.answer, found.winner)
    assert found.decision is not None
    assert "a+plain" == found.decision.winner
    assert found.request_id == (await client.request(found.request_id)).request_id
    assert "mood" == (await client.explain(found.request_id))["asked"]["task"]
    assert "b" in str(await client.why_not(found.request_id, "b"))


async def test_arguments_go_by_name(client: AsyncClient) -> None:
    assert 5 == (await client.run("total", {"first": 2, "second": 3})).answer
    with pytest.raises(CallerError, match="does not fit"):
        await client.run("total", {"first": "two", "second": 3})
    with pytest.raises(NotFound, match="no task"):
        await client.run("nothing", 1)


async def test_the_same_request_id_buys_once(client: AsyncClient) -> None:
    first = await client.run("mood", "Thank you", request_id="mail-7")
    again = await client.run("mood", "Thank you", request_id="mail-7")

    assert first.model_dump(exclude={"latency"}) == again.model_dump(exclude={"latency"})
    with pytest.raises(Conflict):
        await client.run("mood", "Another", request_id="mail-7")


async def test_terms_of_one_request_are_its_own(client: AsyncClient) -> None:
    found = await client.run("mood", "Hm", terms=TermsAsked(bidder="b"))

    assert ("b+plain", 4_000_000) == (found.winner, found.cost)
    with pytest.raises(CallerError, match="two objectives"):
        await client.run("mood", "Hm", terms=TermsAsked(worth="$1", target=0.9))


async def test_a_batch_keeps_its_order_and_tells_what_could_not_be_made(client: AsyncClient) -> None:
    asked = [RunAsked(input="thanks"), RunAsked(input={"wrong": 1}), RunAsked(input="grr")]
    found = (await client.batch("mood", asked)).outcomes

    assert isinstance(found[1], ProblemShown)
    assert ["friendly", "angry"] == [one.answer for one in found if isinstance(one, OutcomeShown)]


async def test_feedback_changes_what_is_believed(client: AsyncClient) -> None:
    found = await client.run("mood", "Thank you")
    await client.feedback(found.request_id, truth="friendly")

    (row,) = [one for one in (await client.beliefs("mood")).rows if one["bid"] == "a+plain"]
    assert (1.0, 1.0) == (row["seen"], row["seen_right"])
    with pytest.raises(NotFound):
        await client.feedback("nothing", 1.0)


async def test_requests_are_paged_from_the_newest(client: AsyncClient) -> None:
    for number in range(5):
        await client.run("mood", f"mail {number}", request_id=f"mail-{number}")
    first = await client.requests(limit=2)
    rest = await client.requests(before=first.next, limit=10)

    assert ["mail-4", "mail-3"] == [one.request_id for one in first.requests]
    assert ["mail-2", "mail-1", "mail-0"] == [one.request_id for one in rest.requests]
    assert rest.next is None
    assert ["mail-3"] == [one.request_id for one in (await client.requests(search="l-3")).requests]
    assert [] == (await client.requests(task="other")).requests
    assert 5 == len((await client.requests(bidder="a", status="answered")).requests)


async def test_what_if_replay_budgets_and_the_ledger_can_be_asked(client: AsyncClient) -> None:
    await client.run("mood", "Thank you")
    found = await client.what_if(WhatIfAsked(without=["a"]))

    assert (1, 1) == (found["totals"]["requests"], found["totals"]["changed"])
    assert 0 == (await client.replay())["differences"]
    assert 1_000 == (await client.budgets()).spent
    assert {"a", "b"} == {one["name"] for one in (await client.bidders()).rows}
    assert (await client.verify())["ok"] is True
    head = await client.head()
    events = (await client.events(after=head.seq - 1)).events
    assert [head.seq] == [one["seq"] for one in events]
    with pytest.raises(NotFound, match="pair"):
        await client.savings("b")


async def test_events_are_told_as_they_come_and_from_any_point_on(client: AsyncClient) -> None:
    async def heard(after: int | None, count: int) -> list[Any]:
        events = client.live(after=after)
        return [(await anext(events))["seq"] for _ in range(count)]

    assert [1] == await heard(0, 1)
    listening = asyncio.create_task(heard(1, 3))
    await client.run("mood", "Thank you")
    assert [2, 3, 4] == await listening
    assert [3, 4] == await heard(2, 2)


async def test_the_sync_client_does_the_same(url: str) -> None:
    def ask() -> list[Any]:
        with Client(url) as found:
            outcome = found.run("mood", "Thank you")
            events = found.live(after=0)
            first = next(events)
            events.close()  # type: ignore[attr-defined]  # a generator in fact
            return [outcome.answer, first["kind"], [one.name for one in found.tasks()]]

    assert ["friendly", "market", ["mood", "total"]] == await asyncio.to_thread(ask)
