"""A hosted model, by aiohttp, in whichever dialect its endpoint speaks."""

from __future__ import annotations

import asyncio
import importlib.util
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import orjson

from atomic.bidders.chat_completions import CHAT_COMPLETIONS
from atomic.bidders.http_dialect import CannotSayError, Dialect, Wanted
from atomic.bidders.http_form import Forms, Prompt
from atomic.bidders.http_labels import Labels
from atomic.bidders.http_reply import Said, bill, judged
from atomic.bidders.http_rest import Rest
from atomic.bidders.lowering import Lowered
from atomic.bidders.pace import Pace
from atomic.bidders.tag import Tag
from atomic.bidders.turns import THOUGHTS
from atomic.bidders.warmth import Warmth
from atomic.clock import Clock, SystemClock
from atomic.errors import MissingExtra, MissingPrice, OperatorError
from atomic.output import plain_type
from atomic.protocols import Profile, Sketch
from atomic.records.attempt import Plan, Reply, Usage
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.conversation import Conversation, Spoken
from atomic.records.microtask import Ask
from atomic.records.price import BookPrice, Price
from atomic.records.request import DataLabel

if TYPE_CHECKING:
    from atomic.bidders.http_wire import Post, Wire

TOKENS_PER_MESSAGE = 16  # of a chat template, at most
BYTES_PER_CHARACTER = 4  # in UTF-8, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """Where a model is and what it costs. `price` must be known: what has none is not free.

    `as_of` is the UTC date of that price. "book" says that the ledger's price book has it; until then it does not bid.

    `key_env` names the environment variable that holds the key ("" for an endpoint that wants none); `key`, where
    given, is asked for it instead at each use, and raises OperatorError where there is none. `limit_field` is what the
    endpoint calls its limit on tokens. `top_logprobs` above 0 says that it gives log-probabilities, so that labels can
    be scored. `stream` asks for events, "heard" only where a caller reads along; a stream that says nothing for
    `stall_seconds` is given up.
    `reasoning_tokens` is how much the model may think beyond its answer; `overhead_tokens` bounds what the endpoint
    puts into each prompt of its own. `images` and `tools` say whether it takes conversations that have some.
    """

    base_url: str
    model: str
    price: Price | Literal["book"] | None
    as_of: str = ""
    dialect: Dialect = CHAT_COMPLETIONS
    key_env: str = ""
    key: Callable[[], str] | None = None
    context_tokens: int = 32_000
    limit_field: str = "max_tokens"
    top_logprobs: int = 0
    stream: bool | Literal["heard"] = True
    stall_seconds: float = 30.0
    reasoning_tokens: int = 0
    overhead_tokens: int = 128
    images: bool = True
    tools: bool = True
    accepts: DataLabel = "internal"
    jurisdictions: tuple[str, ...] = ("unknown",)
    concurrency: int = 8
    right: float = 0.6
    family: str = ""


class HttpModel:
    """Answers by one POST; every failure is a reason, and a text whose end was not seen is never an answer.

    Without a URL, or with its key's variable unset, it makes no-bids that say so; so it does while the endpoint asks
    to wait. Priced by the usage that is billed; what was sent and reports none is billed as reserved, the most that it
    can be. Cancelling closes the connection. A retry is a new bid; what a prompt's labels score on nothing is a call.

    Raises MissingPrice when there is no price, MissingExtra without aiohttp.
    """

    def __init__(self, name: str, options: HttpOptions, *, clock: Clock | None = None) -> None:
        if options.price is None:
            raise MissingPrice(
                f"{name}: no price for the model {options.model!r}",
                hint="give USD per million tokens of input and output; an unknown price is not 0",
            )
        if importlib.util.find_spec("aiohttp") is None:
            raise MissingExtra(f"{name} needs aiohttp", hint='pip install "atomic-market[http]"')
        self._options = options
        self._tag = Tag(None if options.price == "book" else options.price, as_of=options.as_of)
        self._wire: Wire | None = None
        self._rest = Rest(clock or SystemClock())
        self._warmth = Warmth(clock or SystemClock())
        self._refusal = ""
        self._pace = Pace(characters=3.0, reads=5_000.0, writes=50.0)
        self._profile = Profile(
            name=name,
            kind=options.dialect.kind,
            right=options.right,
            family=options.family,
            accepts=options.accepts,
            jurisdictions=options.jurisdictions,
            concurrency=options.concurrency,
            metered=True,
            context_characters=2 * options.context_tokens,
            speaks=True,
            continues=True,
            converses=True,
            thinks=options.reasoning_tokens > 0,
            holds=options.dialect.holds is not None,
            scores_labels=options.top_logprobs > 0 and options.dialect.scores,
            calibrates=options.top_logprobs > 0 and options.dialect.scores,
        )
        self._forms = Forms(options.dialect)
        self._labels = Labels()

    @property
    def profile(self) -> Profile:
        """As configured."""
        return self._profile

    def reprice(self, price: BookPrice) -> None:
        """Take on a price of the book, from the next offer on."""
        if price.of_tokens is not None:
            self._tag.change(price.of_tokens, as_of=price.as_of)

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """Price by the prompt's size and what a token of it came to before; the ceiling is what it cannot exceed."""
        name = self._profile.name
        reason, detail = self._hindrance()
        price = self._tag.offered(ask)
        if price is None and reason is None:
            reason, detail = Reason.NOT_CONFIGURED, "no price yet: `atomic prices update` sets it"
        if price is None or reason is not None:
            return NoBid(bidder=name, tactic=sketch.tactic, reason=reason or Reason.NOT_CONFIGURED, detail=detail)
        if sketch.prompt_characters > self._profile.context_characters:
            return NoBid(bidder=name, tactic=sketch.tactic, reason=Reason.INPUT_TOO_LONG)
        if unable := self._unable(ask):
            return NoBid(bidder=name, tactic=sketch.tactic, reason=Reason.TYPE_NOT_SUPPORTED, detail=unable)
        prompt = self._pace.tokens(sketch.prompt_characters)
        answer = self._pace.answer_tokens(sketch.max_tokens + self._options.reasoning_tokens)
        size = (sketch.prompt_bytes or BYTES_PER_CHARACTER * sketch.prompt_characters) + self._forms.size(ask)
        messages = sketch.messages or 2 + 2 * sketch.examples
        ceiling = sketch.calls * price.most(self._most_prompt(size, messages), self._most_answer(sketch.max_tokens))
        warm = 0 if price.cached is None else min(prompt, self._pace.tokens(self._warmth.of(ask)))
        used = Usage(prompt_tokens=prompt, completion_tokens=answer, cached_tokens=warm)
        return Offer(
            bidder=name,
            tactic=sketch.tactic,
            price=min(ceiling, price.of(used)),
            ceiling=ceiling,
            warm=warm,
            latency_ns=int(self._pace.seconds(sketch.prompt_characters, answer) * 1e9),
        )

    def _unable(self, ask: Ask) -> str:
        """What of a conversation the model cannot take; empty where it can."""
        talk = ask.conversation
        if talk is None:
            return ""
        if talk.images and not self._options.images:
            return "it sees no images"
        return "it calls no tools" if talk.tools and not self._options.tools else ""

    def _most_prompt(self, size: int, messages: int) -> int:
        # A token spells at least one byte, so there are no more tokens than bytes but for the template's own.
        return size + TOKENS_PER_MESSAGE * messages + self._options.overhead_tokens

    def _most_answer(self, max_tokens: int) -> int:
        return max_tokens + self._options.reasoning_tokens

    def _hindrance(self) -> tuple[Reason | None, str]:
        """What keeps it from being called now."""
        options = self._options
        if not options.base_url:
            return Reason.NOT_CONFIGURED, "no base URL is configured"
        try:
            self._key()
        except OperatorError as error:
            return Reason.NOT_CONFIGURED, error.message
        if left := self._rest.seconds_left:
            return Reason.NO_CAPACITY, f"{self._refusal}; {math.ceil(left)} s left"
        return None, ""

    def _key(self) -> str:
        """Raises OperatorError where there is none that a header can hold."""
        options = self._options
        if options.key is not None:
            key, where = options.key().strip(), f"where the key of {self._profile.name} should lie"
        elif options.key_env:
            key, where = os.environ.get(options.key_env, "").strip(), f"the environment variable {options.key_env}"
            if not key:
                raise OperatorError(f"{where} is not set")
        else:
            return ""
        if not (key and key.isascii() and key.isprintable()):
            raise OperatorError(f"{where} holds no key")
        return key

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """One call, within the time that is left; before it another, for what the labels score on nothing."""
        reason, detail = self._hindrance()
        price = self._tag.of(ask)
        if price is None or reason is not None:
            return Reply(reason=reason or Reason.NOT_CONFIGURED, detail=detail or "no price")
        if not self._options.dialect.takes_blank and not all(one.content.strip() for one in plan.messages):
            return Reply(reason=Reason.DECLINED, detail="a blank message")
        self._connected()  # the first time loads aiohttp: not timed
        by = asyncio.get_running_loop().time() + max(0.0, ask.time_left_ns / 1e9)
        first = Reply()
        if (unasked := self._labels.unasked(plan)) is not None:
            said, first = await self._called(ask, unasked, price, by)
            if first.reason is not None:
                return first
            self._labels.heard_of_nothing(plan, said.tokens)
        said, reply = await self._called(ask, plan, price, by)
        if plan.labels and reply.reason is None:
            reply = self._labels.weighed(ask.task.name, plan, said.tokens, reply)
        return replace(reply, usage=Usage.of((first.usage, reply.usage)), price=first.price + reply.price)

    async def _called(self, ask: Ask, plan: Plan, price: Price, by: float) -> tuple[Said, Reply]:
        """One call, until then by the event loop's clock: what was said, and the reply with its bill."""
        talk = None if plan.messages else ask.conversation
        form = None if plan.labels or plan.free else self._forms.of(ask)
        try:
            post = self._post(plan, talk, form, heard=ask.hear is not None)
        except CannotSayError as error:
            unsaid = f"its dialect has no words for {error}"
            return Said(), Reply(reason=Reason.TYPE_NOT_SUPPORTED, detail=unsaid)
        held = form is not None and form[0].schema is not None
        form_tool = self._options.dialect.form_tool if held else ""
        # A text inside a form is not said as it is, and no more is what a form is wrapped around.
        bare = form is None or not held or not (form[0].wrapped or plain_type(ask.task) is str)
        said = Said(hear=ask.hear if bare else None, limit=self._most_answer(plan.max_tokens), form_tool=form_tool)
        said.offered = talk is not None and talk.offers
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout_at(by):
                await self._connected().ask(self._options.dialect, post, said)
        except TimeoutError:
            said.lose(Reason.TIMED_OUT, "no whole answer in time")
        self._heed(said)
        prompt = Prompt.of(plan, talk)
        size = prompt.size + (form[1] if form is not None else 0)
        most = self._most_prompt(size, prompt.messages), self._most_answer(plan.max_tokens)
        if said.counts.usage is not None:
            used = [(0, 0.0, said.counts.usage.completion_tokens, loop.time() - started)]
            self._pace.learn(prompt.characters, said.counts.usage, used)
            self._warmth.read(ask)
        reply = judged(said, scored=bool(plan.labels), talk=talk, form_tool=form_tool)
        reply = _in_form(reply, None if form is None else form[0])
        return said, self._billed(said, price, most, self._noted(reply, talk))

    def _post(
        self, plan: Plan, talk: Conversation | None, form: tuple[Lowered, int] | None, *, heard: bool = False
    ) -> Post:
        from atomic.bidders.http_wire import Post

        options, dialect = self._options, self._options.dialect
        wanted = Wanted(
            model=options.model,
            limit=self._most_answer(plan.max_tokens),
            stream=(heard if options.stream == "heard" else options.stream)
            and not plan.labels,  # one token is no stream
            limit_field=options.limit_field,
            top_logprobs=options.top_logprobs,
            reasoning_tokens=THOUGHTS.get(plan.effort, options.reasoning_tokens),
            form=None if form is None else form[0].schema,
            talk=talk,
        )
        return Post(
            url=options.base_url.rstrip("/") + dialect.where(options.model, stream=wanted.stream),
            headers=dialect.headers(self._key()),
            content=orjson.dumps(dialect.request(plan, wanted)),
            stream=wanted.stream,
        )

    def _connected(self) -> Wire:
        from atomic.bidders.http_wire import Wire

        if self._wire is None:
            options = self._options
            # Without TLS a connection costs little, and local servers close theirs without a word after streams
            # (llama.cpp's after one in eight), which costs the next call its reply.
            keeps = options.base_url.lower().startswith("https:")
            self._wire = Wire(concurrency=options.concurrency, stall_seconds=options.stall_seconds, keeps=keeps)
        return self._wire

    def _heed(self, said: Said) -> None:
        """Abstain for as long as the endpoint asks."""
        busy = said.fault is not None and said.fault[0] is Reason.NO_CAPACITY
        if said.fault is None:
            self._rest.answered()
        elif busy or (said.wait is not None and said.status >= 500):
            self._refusal = said.fault[1]
            self._rest.refused(said.wait)

    def _noted(self, reply: Reply, talk: Conversation | None) -> Reply:
        """The reply with what of the settings that were asked for was not said to the endpoint."""
        said = self._options.dialect.settings
        unsaid = () if said is None or talk is None else sorted(set(talk.settings) - said)
        return _with(reply, f"not said to the endpoint: {', '.join(unsaid)}") if unsaid else reply

    def _billed(self, said: Said, agreed: Price, most: tuple[int, int], reply: Reply) -> Reply:
        """The reply with its bill."""
        price, reported = bill(said, agreed, most_prompt=most[0], most_completion=most[1])
        if said.fault is not None and said.wait is not None:
            reply = replace(reply, detail=f"{reply.detail}, retry after {said.wait:g} s")
        if not reported:
            reply = _with(reply, "no usage reported")
        usage = said.counts.usage or Usage()
        return replace(reply, usage=usage, price=price, model=said.model)

    async def close(self) -> None:
        """Close the connections."""
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()


def _in_form(reply: Reply, form: Lowered | None) -> Reply:
    """The answer as the type wants it, and what it was held to."""
    if form is None or reply.reason is not None:
        return reply
    value = reply.value
    if isinstance(value, str):
        value = form.read(value)
    elif isinstance(value, Spoken) and value.text:
        value = value.model_copy(update={"text": form.read(value.text)})
    return _with(replace(reply, value=value), form.told)


def _with(reply: Reply, note: str) -> Reply:
    return replace(reply, detail=f"{reply.detail}; {note}" if reply.detail else note)
