"""Traces, metrics and logs by OTLP: what a collector gets, what it never gets, and that nobody waits for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, Literal

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from tests.observe.collector import Collector, attributes, black_hole, collecting

import atomic
from atomic.observe import observed_in
from atomic.protocols import Profile
from atomic.testing import Line, ScriptedBidder
from atomic.trade import Trade

STAGES = {"prepare", "collect", "auction", "tune", "execute", "settle"}
CANARY = "the-canary-that-nobody-may-see"


@atomic.microtask(worth="$0.002", explore=False, label="public")
async def spam(text: str) -> Literal["spam", "ham"]:
    """Is this mail spam?"""
    raise NotImplementedError


def model(name: str = "mini", *lines: Line) -> ScriptedBidder:
    profile = Profile(name=name, kind="openai", right=0.9, speaks=True)
    return ScriptedBidder(name, lines or (Line(answer="spam", price=100),), profile=profile)


def config(collector: Collector | str, **observe: Any) -> dict[str, Any]:
    url = collector if isinstance(collector, str) else collector.url
    return {"market": {"ledger": ":memory:", "per_day": "$1"}, "observe": {"otlp": url, **observe}}


async def bought(collector: Collector | str, *bidders: ScriptedBidder, count: int = 1, **observe: Any) -> None:
    async with atomic.open(config(collector, **observe), bidders=bidders or (model(),)) as market:
        for number in range(count):
            await market.buy(spam(f"{CANARY} {number}"), Trade(request_id=f"r{number}"))


async def test_a_request_is_a_trace_with_one_span_a_stage_and_its_id_on_each() -> None:
    async with collecting() as collector:
        await bought(collector)
        spans = collector.spans()

    root = next(one for one in spans if one.name == "atomic spam")
    stages = [one for one in spans if attributes(one).get("atomic.stage")]
    assert set(Counter(one.name for one in stages)) == STAGES
    assert {"r0"} == {attributes(one)["atomic.request.id"] for one in spans}
    assert 1 == len({one.trace_id for one in spans})
    assert {root.span_id} == {one.parent_span_id for one in stages}
    assert all(root.start_time_unix_nano <= one.start_time_unix_nano <= one.end_time_unix_nano for one in spans)
    assert ("answered", "mini+plain") == (attributes(root)["atomic.status"], attributes(root)["atomic.winner"])


async def test_an_attempt_of_a_model_is_a_client_span_by_the_genai_conventions() -> None:
    async with collecting() as collector:
        await bought(collector)
        spans = collector.spans()

    (chat,) = [one for one in spans if one.name.startswith("chat")]
    said = attributes(chat)
    assert ("chat", "openai", "mini") == tuple(
        said[name] for name in ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model")
    )
    assert {"gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"} <= set(said)
    assert trace.SpanKind.CLIENT.value + 1 == chat.kind
    assert "execute" == next(one.name for one in spans if one.span_id == chat.parent_span_id)


async def test_a_failed_attempt_is_an_error_and_is_logged_with_its_trace() -> None:
    broken = model("broken", Line(raises=ValueError(CANARY), price=1))
    async with collecting() as collector:
        await bought(collector, broken)
        spans, logs = collector.spans(), collector.logs()

    failed = next(one for one in spans if one.name == "chat broken")
    assert "crashed" == attributes(failed)["error.type"]
    said = {one.body.string_value: one for one in logs}
    assert {"broken: no answer, crashed", "spam: refused"} <= set(said)
    assert failed.trace_id == said["spam: refused"].trace_id


async def test_the_callers_own_span_is_the_parent() -> None:
    tracer = TracerProvider().get_tracer("caller")
    async with collecting() as collector:
        async with atomic.open(config(collector), bidders=[model()]) as market:
            with tracer.start_as_current_span("theirs") as theirs:
                await market.run(spam, CANARY)
        root = next(one for one in collector.spans() if one.name == "atomic spam")

    context = theirs.get_span_context()
    assert context.trace_id == int.from_bytes(root.trace_id)
    assert context.span_id == int.from_bytes(root.parent_span_id)


async def test_feedback_comes_into_the_trace_of_what_it_is_about() -> None:
    async with collecting() as collector:
        async with atomic.open(config(collector), bidders=[model()]) as market:
            await market.buy(spam(CANARY), Trade(request_id="r0"))
            await market.feedback("r0", 1.0)
        spans = collector.spans()

    learned = next(one for one in spans if one.name == "learn")
    assert next(one for one in spans if one.name == "atomic spam").span_id == learned.parent_span_id
    assert 1.0 == attributes(learned)["atomic.right"]


async def test_no_content_leaves_unless_it_is_asked_for_and_public() -> None:
    async with collecting() as quiet, collecting() as telling:
        await bought(quiet)
        await bought(telling, content=True)
        async with atomic.open(config(telling, content=True), bidders=[model()]) as market:
            await market.buy(spam("an internal canary"), Trade(label="internal"))

    assert CANARY.encode() not in quiet.everything
    assert CANARY.encode() in telling.everything
    assert b"an internal canary" not in telling.everything


async def test_metrics_are_those_of_the_conventions_and_our_own() -> None:
    async with collecting() as collector:
        await bought(collector, count=3)
        metrics = collector.metrics()

    assert {"gen_ai.client.operation.duration", "gen_ai.client.token.usage", "atomic.requests"} <= set(metrics)
    assert [3] == [int(one.as_int or one.as_double) for one in metrics["atomic.requests"].sum.data_points]


async def test_of_all_requests_a_share_is_traced() -> None:
    async with collecting() as collector:
        await bought(collector, count=60, sample=0.3)
        roots = [one for one in collector.spans() if one.name == "atomic spam"]

    assert 0 < len(roots) < 60


@pytest.mark.parametrize("observe", [{"traces": False}, {"logs": False}, {"metrics": False}])
async def test_what_is_switched_off_does_not_leave(observe: dict[str, bool]) -> None:
    async with collecting() as collector:
        await bought(collector, **observe)

    assert {"traces", "logs", "metrics"} - set(observe) == {what for what, _ in collector.came}


async def test_a_collector_that_never_answers_keeps_no_request_and_no_end_waiting() -> None:
    async with black_hole() as url, atomic.open(config(url), bidders=[model()]) as market:
        outcomes = [await market.run(spam, f"{number}") for number in range(300)]
        observed = observed_in(market)
        assert observed is not None
        settled = sum(1 for _ in market.ledger.read(kinds=("outcome",)))
        page = observed.page().decode()

    assert 300 == len(outcomes) == settled
    assert 'atomic_requests_total{atomic_bidder="mini",atomic_status="answered",atomic_task="spam"} 300.0' in page


async def test_what_a_collector_does_not_take_is_lost_and_counted() -> None:
    async with collecting() as collector, atomic.open(config(f"{collector.url}/nowhere"), bidders=[model()]) as market:
        observed = observed_in(market)
        assert observed is not None
        await market.run(spam, CANARY)
        while 'atomic_status="lost",atomic_telemetry_kind="spans"' not in observed.page().decode():  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    assert [] == collector.came


async def test_two_processes_on_one_ledger_export_its_numbers_once(tmp_path: Any) -> None:
    async with collecting() as collector:
        said = {
            **config(collector, traces=False, logs=False),
            "market": {"ledger": str(tmp_path / "a.db"), "per_day": "$1"},
        }
        async with atomic.open(said, bidders=[model()]) as one, atomic.open(said, bidders=[model()]) as other:
            await one.run(spam, "a")
            await other.run(spam, "b")
            await one.record(())
            both = [observed_in(market) for market in (one, other)]
            while not any(each and each.speaks for each in both):  # noqa: ASYNC110 - told by another task
                await asyncio.sleep(0.01)

            assert 1 == sum(bool(each and each.speaks) for each in both)
        (point,) = collector.metrics()["atomic.requests"].sum.data_points

    assert 2 == int(point.as_int or point.as_double)
