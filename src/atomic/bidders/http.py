"""A model behind an OpenAI-compatible chat completions endpoint, by httpx."""

from __future__ import annotations

import asyncio
import importlib.util
import os
from dataclasses import dataclass
from typing import Any

import orjson

from atomic.bidders.http_reply import Price, Settled, read_reply, reason_of_status
from atomic.bidders.label_scores import score_labels
from atomic.bidders.pace import Pace
from atomic.errors import MissingExtra, MissingPrice
from atomic.protocols import Profile, Sketch
from atomic.records.attempt import Plan, Reply, Usage
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Ask
from atomic.records.request import DataLabel

LARGEST_REPLY = 4_000_000  # bytes; beyond that it is not an answer to a microtask
CONNECT_SECONDS = 10.0
TOKENS_PER_MESSAGE = 16  # of a chat template, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """Where a model is and what it costs. `price` must be known: what has none is not free.

    `key_env` names the environment variable that holds the key ("" for an endpoint that wants none). `limit_field`
    is what the endpoint calls its limit on tokens. `top_logprobs` above 0 says that it gives log-probabilities, so
    that labels can be scored.
    """

    base_url: str
    model: str
    price: Price | None
    key_env: str = ""
    context_tokens: int = 32_000
    limit_field: str = "max_tokens"
    top_logprobs: int = 0
    accepts: DataLabel = "internal"
    jurisdictions: tuple[str, ...] = ("unknown",)
    concurrency: int = 8
    right: float = 0.6


class HttpModel:
    """Answers by one POST to `{base_url}/chat/completions`; every failure is a reason, a cut answer never whole.

    Without a URL, or with its key's variable unset, it makes no-bids that say so. Priced by the usage that is billed;
    a reply that reports none is billed as reserved. Cancelling closes the connection. One call per attempt: a retry
    is a new bid.

    Raises MissingPrice when there is no price, MissingExtra without httpx.
    """

    def __init__(self, name: str, options: HttpOptions) -> None:
        if options.price is None:
            raise MissingPrice(
                f"{name}: no price for the model {options.model!r}",
                hint="give USD per million tokens of input and output; an unknown price is not 0",
            )
        if importlib.util.find_spec("httpx") is None:
            raise MissingExtra(f"{name} needs httpx", hint='pip install "atomic-market[http]"')
        self._options = options
        self._price = options.price
        self._client: Any = None
        self._pace = Pace(characters=3.0, reads=5_000.0, writes=50.0)
        self._profile = Profile(
            name=name,
            kind="http model",
            right=options.right,
            accepts=options.accepts,
            jurisdictions=options.jurisdictions,
            concurrency=options.concurrency,
            metered=True,
            context_characters=2 * options.context_tokens,
            speaks=True,
            scores_labels=options.top_logprobs > 0,
        )

    @property
    def profile(self) -> Profile:
        """As configured."""
        return self._profile

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """Price by the prompt's size and what a token of it came to before; no claim."""
        name = self._profile.name
        missing = self._missing()
        if missing:
            return NoBid(bidder=name, tactic=sketch.tactic, reason=Reason.NOT_CONFIGURED, detail=missing)
        if sketch.prompt_characters > self._profile.context_characters:
            return NoBid(bidder=name, tactic=sketch.tactic, reason=Reason.INPUT_TOO_LONG)
        prompt = self._pace.tokens(sketch.prompt_characters)
        answer = self._pace.answer_tokens(sketch.max_tokens)
        return Offer(
            bidder=name,
            tactic=sketch.tactic,
            price=self._price.of(Usage(prompt_tokens=prompt, completion_tokens=answer)),
            ceiling=self._ceiling(sketch.prompt_characters, sketch.max_tokens),
            latency_ns=int(self._pace.seconds(sketch.prompt_characters, answer) * 1e9),
        )

    def _ceiling(self, characters: int, max_tokens: int) -> int:
        # Twice the tokens that such a text had before: dense text has about that many.
        prompt = 2 * self._pace.tokens(characters) + 8 * TOKENS_PER_MESSAGE
        return self._price.of(Usage(prompt_tokens=prompt, completion_tokens=max_tokens))

    def _missing(self) -> str:
        if not self._options.base_url:
            return "no base URL is configured"
        if self._options.key_env and not os.environ.get(self._options.key_env):
            return f"the environment variable {self._options.key_env} is not set"
        return ""

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """One call, within the time that is left."""
        missing = self._missing()
        if missing:
            return Reply(reason=Reason.NOT_CONFIGURED, detail=missing)
        import httpx

        started = asyncio.get_running_loop().time()
        characters = sum(len(message.content) for message in plan.messages)
        # What was sent and never answered may be billed all the same: the input, at least.
        lost = self._price.of(Usage(prompt_tokens=self._pace.tokens(characters)))
        try:
            async with asyncio.timeout(max(0.0, ask.time_left_ns / 1e9)):
                settled = await self._post(plan)
        except (TimeoutError, httpx.TimeoutException):
            return Reply(reason=Reason.TIMED_OUT, detail="no whole answer in time", price=lost)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            connected = not isinstance(error, httpx.ConnectError | httpx.InvalidURL | httpx.UnsupportedProtocol)
            return Reply(reason=Reason.FAILED, detail=type(error).__name__, price=lost if connected else 0)
        return self._reply(plan, settled, characters, asyncio.get_running_loop().time() - started)

    def _reply(self, plan: Plan, settled: Settled, characters: int, seconds: float) -> Reply:
        reply, usage = settled.reply, settled.usage
        if usage is None:
            price = self._ceiling(characters, plan.max_tokens) if settled.billed else 0
            detail = "; ".join(one for one in (reply.detail, "no usage reported" if settled.billed else "") if one)
            return Reply(value=reply.value, reason=reply.reason, detail=detail, price=price)
        self._pace.learn(characters, usage, [(0, 0.0, usage.completion_tokens, seconds)])
        value, confidence = reply.value, reply.confidence
        if plan.labels and reply.reason is None:
            shares = score_labels(plan.labels, lambda begun: () if begun else settled.tokens)
            value = max(shares, key=lambda label: shares[label])
            confidence = shares[value]
        return Reply(
            value=value, reason=reply.reason, detail=reply.detail, confidence=confidence,
            usage=usage, price=self._price.of(usage),
        )  # fmt: skip

    async def _post(self, plan: Plan) -> Settled:
        asked: dict[str, Any] = {
            "model": self._options.model,
            "messages": [{"role": one.role, "content": one.content} for one in plan.messages],
            "temperature": 0,
            self._options.limit_field: 1 if plan.labels else plan.max_tokens,
        }
        if plan.labels:
            asked |= {"logprobs": True, "top_logprobs": self._options.top_logprobs}
        headers = {"content-type": "application/json", "accept": "application/json"}
        if self._options.key_env:
            headers["authorization"] = f"Bearer {os.environ[self._options.key_env]}"
        url = f"{self._options.base_url.rstrip('/')}/chat/completions"
        async with self._http().stream("POST", url, content=orjson.dumps(asked), headers=headers) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LARGEST_REPLY:
                    return Settled(Reply(reason=Reason.FAILED, detail=f"more than {LARGEST_REPLY} bytes"))
        if response.status_code != 200:
            return Settled(reason_of_status(response.status_code, response.headers.get("retry-after", ""), bytes(body)))
        return read_reply(bytes(body), scored=bool(plan.labels))

    def _http(self) -> Any:
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),  # the deadline is the attempt's
                limits=httpx.Limits(max_connections=self._options.concurrency),
                follow_redirects=False,  # a key is not carried elsewhere
            )
        return self._client

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
