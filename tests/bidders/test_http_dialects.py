"""Dialects read whatever comes: nothing raises, and nothing but a seen end makes an answer."""

import json
import math
import urllib.request
from asyncio import to_thread
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("httpx_sse")

from tests.bidders.hosted import ASK, DIALECTS, PLAN, sketch_of

from atomic.bidders.http_reply import Ending, Said, judged
from atomic.config.settings import AnthropicSettings, Price
from atomic.config.wiring import Place, bidder_of, examples_of
from atomic.records.bid import NoBid, Reason
from atomic.testing import PLAYS, model_server

# What either dialect looks for, with values of any kind below.
WORDS = [
    "type", "error", "choices", "delta", "message", "content", "text", "finish_reason", "stop_reason", "usage", "index",
    "prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "cached_tokens", "input_tokens",
    "output_tokens", "content_block", "refusal", "logprobs", "top_logprobs", "token", "logprob",
    "message_start", "message_delta", "message_stop", "content_block_start", "content_block_delta", "text_delta",
    "stop", "length", "end_turn", "overloaded_error",
]  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(WORDS) | st.text()
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5)
)
EVENTS = st.lists(st.dictionaries(st.sampled_from(WORDS), JSON, max_size=6), max_size=4)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("how", ["whole", "event"])
@given(events=EVENTS, scored=st.booleans())
def test_whatever_comes_is_read_and_only_a_seen_end_is_an_answer(
    dialect: str, how: str, events: list[dict[str, Any]], scored: bool
) -> None:
    said, spoken = Said(), DIALECTS[dialect]
    for event in events:
        (spoken.whole if how == "whole" else spoken.event)(said, event)

    reply = judged(said, scored=scored)

    assert (reply.value is None) or (said.ending is Ending.WHOLE and said.fault is None)
    assert scored or (reply.value is None) == (reply.reason is not None)
    assert all(logprob <= 0.0 and not math.isnan(logprob) for _, logprob in said.tokens)
    usage = said.counts.usage
    assert usage is None or usage.prompt_tokens >= usage.cached_tokens + usage.cache_write_tokens >= 0


@pytest.mark.parametrize("ended", [None, "", 0, "tool_calls", ["stop"], {"stop": 1}, True])
def test_an_end_that_is_not_known_is_none(ended: object) -> None:
    said = Said()
    choice = {"index": 0, "delta": {"content": "sport"}, "finish_reason": ended}
    DIALECTS["chat completions"].event(said, {"choices": [choice]})

    assert Reason.CUT == judged(said, scored=False).reason


def test_text_after_the_end_is_a_fault() -> None:
    said = Said()
    for content, ended in (("sport", "stop"), (" or money", None)):
        choice = {"delta": {"content": content}, "finish_reason": ended}
        DIALECTS["chat completions"].event(said, {"choices": [choice]})

    assert (Reason.FAILED, "text after its end") == said.fault


def test_reasoning_that_only_the_total_has_is_counted() -> None:
    said = Said()
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 115,
        "completion_tokens_details": {"reasoning_tokens": 100},
    }
    DIALECTS["chat completions"].event(said, {"choices": [], "usage": usage})

    assert said.counts.usage is not None
    assert (105, 100) == (said.counts.usage.completion_tokens, said.counts.usage.reasoning_tokens)


def test_an_anthropic_bidder_needs_no_more_than_model_price_and_its_usual_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    price = Price.model_validate({"input": "$1", "output": "$5", "as_of": "2026-11-01"})
    settings = AnthropicSettings(kind="anthropic", model="m", price=price)
    bidder = bidder_of("claude", settings, Place(tmp_path, examples_of()), strict=True)

    without = bidder.offer(ASK, sketch_of(PLAN))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "s3cret")

    assert isinstance(without, NoBid)
    assert (Reason.NOT_CONFIGURED, True) == (without.reason, "ANTHROPIC_API_KEY is not set" in without.detail)
    assert not isinstance(bidder.offer(ASK, sketch_of(PLAN)), NoBid)
    assert "anthropic model" == bidder.profile.kind


@pytest.mark.parametrize("path", ["/chat/completions", "/messages"])
async def test_the_model_server_plays_what_a_header_names(path: str) -> None:
    asked = {"model": "mine", "messages": [{"role": "user", "content": "hm"}], "max_tokens": 5}
    async with model_server(answer="yes") as server:
        request = urllib.request.Request(
            server.url + path, json.dumps(asked).encode(), {"x-play": "length", "connection": "close"}
        )
        with await to_thread(urllib.request.urlopen, request) as response:
            said = response.read().decode()

    assert Reason.CUT == PLAYS["length"].reason
    assert ('"length"' if path == "/chat/completions" else '"max_tokens"') in said
