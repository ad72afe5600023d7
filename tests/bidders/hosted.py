"""Hosted models of both dialects, and what they are asked, for the tests."""

from dataclasses import replace
from typing import Any

from tests.bidders.tasks import topic

from atomic.bidders.anthropic_messages import ANTHROPIC_MESSAGES
from atomic.bidders.chat_completions import CHAT_COMPLETIONS
from atomic.bidders.gemini import GEMINI
from atomic.bidders.http import HttpModel, HttpOptions
from atomic.bidders.ollama import OLLAMA
from atomic.bidders.openai_responses import OPENAI_RESPONSES
from atomic.clock import Clock
from atomic.protocols import Sketch
from atomic.records.attempt import Message, Plan
from atomic.records.money import nano_usd
from atomic.records.price import Price
from atomic.testing import ModelServer, ask_for

DIALECTS = {
    "chat completions": CHAT_COMPLETIONS,
    "messages": ANTHROPIC_MESSAGES,
    "responses": OPENAI_RESPONSES,
    "gemini": GEMINI,
    "ollama": OLLAMA,
}
PRICE = Price(
    input=nano_usd("$1"), output=nano_usd("$10"), cached=nano_usd("$0.5"), cache_write=nano_usd("$1.25")
)  # a token of input is 1,000 nano-USD
ASK = ask_for(topic("a secret text about football"))
MESSAGES = (
    Message(role="system", content="Is this text about sport or about money?"),
    Message(role="user", content=ASK.features.text * 10),
)
PLAN = Plan(bidder="far", tactic="plain", messages=MESSAGES, max_tokens=50)


def sketch_of(plan: Plan) -> Sketch:
    """The size of a plan, as tactics say it."""
    return Sketch(
        tactic=plan.tactic,
        prompt_characters=sum(len(one.content) for one in plan.messages),
        max_tokens=plan.max_tokens,
        prompt_bytes=sum(len(one.content.encode()) for one in plan.messages),
        messages=len(plan.messages),
    )


def hosted(server: ModelServer, play: str = "whole", *, clock: Clock | None = None, **changes: Any) -> HttpModel:
    """A bidder whose model has the name of a play."""
    options = HttpOptions(base_url=server.url, model=play, price=PRICE)
    return HttpModel("far", replace(options, **changes), clock=clock)
