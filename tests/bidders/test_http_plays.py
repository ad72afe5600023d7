"""Every play of the model server, in both dialects, streamed or not: only what is whole is an answer."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

pytest.importorskip("httpx_sse")

from tests.bidders.hosted import ASK, DIALECTS, PLAN, hosted, sketch_of
from tests.bidders.tasks import topic

import atomic
from atomic.records.attempt import AttemptFinished
from atomic.records.bid import Offer, Reason
from atomic.records.event import Event
from atomic.testing import PLAYS, ModelServer, model_server

ANSWER = "Größe: 1 €, 😀 wie gehabt"
# Ollama has no word for the first two: what it ends with instead is not known. Responses that use all the tokens that
# they may are taken for cut: llama.cpp's server calls those complete, too.
UNSAID = {("ollama", "refusal"), ("ollama", "content-filter"), ("responses", "dense")}
WHOLE = [name for name, play in PLAYS.items() if play.reason is None]


def patience(play: str) -> float:
    """Seconds that a stream may say nothing: short where it will, long where only a busy machine could make it so."""
    return 0.2 if play == "stalled" else 30.0


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with model_server(answer=ANSWER) as running:
        yield running


def test_there_are_plays_that_are_whole_and_plays_that_fail_in_every_way() -> None:
    failures = {play.reason for play in PLAYS.values()} - {None}

    assert len(WHOLE) >= 5
    assert failures >= {
        Reason.CUT,
        Reason.EMPTY,
        Reason.FAILED,
        Reason.INPUT_TOO_LONG,
        Reason.NOT_CONFIGURED,
        Reason.NO_CAPACITY,
        Reason.REFUSED,
        Reason.TIMED_OUT,
    }


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one piece"])
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("play", PLAYS)
async def test_only_a_whole_answer_is_an_answer_and_all_else_has_its_reason(
    server: ModelServer, play: str, dialect: str, stream: bool
) -> None:
    model = hosted(server, play, dialect=DIALECTS[dialect], stream=stream, stall_seconds=patience(play))
    ask = replace(ASK, time_left_ns=500_000_000) if play == "stalled" else ASK
    offer = model.offer(ask, sketch_of(PLAN))

    reply = await model.attempt(ask, PLAN)
    await model.close()

    assert isinstance(offer, Offer)
    reason = Reason.CUT if (dialect, play) in UNSAID else PLAYS[play].reason
    assert (ANSWER if reason is None else None, reason) == (reply.value, reply.reason)
    assert 0 <= reply.price <= offer.ceiling
    assert ASK.features.text not in reply.detail
    assert "quoted" not in reply.detail
    assert [stream] == [one.streams for one in server.asked]


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one piece"])
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("play", [name for name, play in PLAYS.items() if play.status != 200])
async def test_what_the_endpoint_refused_is_free_but_where_it_may_have_worked_before(
    server: ModelServer, play: str, dialect: str, stream: bool
) -> None:
    model = hosted(server, play, dialect=DIALECTS[dialect], stream=stream)
    offer = model.offer(ASK, sketch_of(PLAN))

    reply = await model.attempt(ASK, PLAN)
    await model.close()

    assert isinstance(offer, Offer)
    assert (offer.ceiling if play in ("gateway-timeout", "filtered-prompt") else 0) == reply.price


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("play", ["cut", "stalled", "error-event", "malformed", "not-utf8", "wrong-type", "closed"])
async def test_what_broke_and_whose_bill_is_not_known_is_billed_at_least_by_its_input(
    server: ModelServer, play: str, dialect: str
) -> None:
    model = hosted(server, play, dialect=DIALECTS[dialect], stall_seconds=patience(play))
    offer = model.offer(ASK, sketch_of(PLAN))

    reply = await model.attempt(ASK, PLAN)
    await model.close()

    assert isinstance(offer, Offer)
    if dialect == "messages" and play != "wrong-type":  # the input's usage came first, the output's never
        assert (4 + server.asked[0].size // 4) * 1_000 + PLAN.max_tokens * 10_000 == reply.price
    elif play == "closed" and dialect in ("chat completions", "gemini"):  # the usage came, only the end did not
        assert 0 < reply.price < offer.ceiling
    else:
        assert offer.ceiling == reply.price


@pytest.mark.parametrize("kind", ["http", "anthropic"])
@pytest.mark.parametrize("play", PLAYS)
async def test_a_market_settles_for_no_play_that_fails_and_its_books_hold_the_attempt(
    play: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAR_KEY", "s3cret")
    seen: list[Event] = []
    async with model_server(answer="sport") as server:
        price = {"input": "$1", "output": "$10", "as_of": "2026-11-01"}
        far = {
            "kind": kind,
            "url": server.url,
            "model": play,
            "key_env": "FAR_KEY",
            "stall": patience(play),
            "price": price,
        }
        config = {"market": {"ledger": ":memory:", "per_day": "$9"}, "bidders": {"far": far}}
        async with atomic.open(config, followers=[seen.extend]) as market:
            outcome = await market.run(topic, "a match of football")
        calls = len(server.asked)

    finished = [event.payload for event in seen if isinstance(event.payload, AttemptFinished)]
    assert (play in WHOLE) == (not outcome.refused)
    assert {PLAYS[play].reason} == {one.reason for one in finished}
    assert (calls, outcome.cost) == (len(finished), sum(one.price for one in finished))


async def test_who_was_asked_to_wait_makes_no_bids_that_say_for_how_long_while_another_answers() -> None:
    seen: list[Event] = []
    async with model_server(answer="sport") as server:
        price = {"input": "$1", "output": "$10", "as_of": "2026-11-01"}
        far = {"kind": "http", "url": server.url, "model": "rate-limited", "right": 0.9, "price": price}
        near = far | {"model": "whole", "right": 0.8}
        config = {"market": {"ledger": ":memory:", "per_day": "$9"}, "bidders": {"far": far, "near": near}}
        async with atomic.open(config, followers=[seen.extend]) as market:
            outcomes = [await market.run(topic, text) for text in ("a match", "another match")]
            told = outcomes[1].explain()

    asked = [one.body["model"] for one in server.asked]
    assert ["sport", "sport"] == [one.answer for one in outcomes]
    assert 1 == asked.count("rate-limited")
    assert "status 429; 7 s left" in told


KINDS = ["chat", "openai", "responses", "gemini", "vllm", "llama.cpp", "ollama", "tool", "format"]


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one piece"])
@pytest.mark.parametrize("dialect", KINDS)
async def test_no_failure_is_returned_as_success_in_any_dialect(
    dialect: str, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "s3cret")
    kind = {"kind": "http", "dialect": dialect}
    if dialect in ("tool", "format"):
        kind = {"kind": "anthropic", "held": dialect}
    price = {"input": "$1", "output": "$10", "as_of": "2026-11-01"}
    async with model_server(answer="sport") as server:
        bidders = {
            name: {**kind, "url": server.url, "model": name, "stream": stream, "stall": patience(name), "price": price}
            for name in PLAYS
        }
        config = {"market": {"ledger": ":memory:", "per_day": "$99"}, "bidders": bidders}
        async with atomic.open(config) as market:
            outcomes = {}
            for name in PLAYS:
                seconds = 2 if name == "stalled" else 60
                terms = atomic.Terms(worth=1, max_price=10**9, mandate=name, deadline_ns=seconds * 10**9)
                outcomes[name] = await market.buy(topic(f"a match of {name}"), atomic.Trade(terms=terms))

    failures = [name for name, play in PLAYS.items() if play.reason is not None]
    returned = [name for name in failures if not outcomes[name].refused]
    print(f"{dialect}, streamed {stream}: {len(failures)} failures played, {len(returned)} returned as success")
    assert [] == returned
    assert [] == [name for name in WHOLE if outcomes[name].answer != "sport" and (dialect, name) not in UNSAID]
