"""What `atomic.toml` may say: one frozen model per table, and nothing that is not in them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from atomic.config.dialects import DialectName, HeldBy
from atomic.config.governing import GovernSettings
from atomic.config.outsiders import McpSettings, ObserveSettings, RemoteSettings
from atomic.config.plugins import PluginSettings
from atomic.config.programs import DspySettings
from atomic.config.values import (
    Age,
    Amount,
    BidderSettings,
    Day,
    EnvironmentName,
    Names,
    Pattern,
    PerDay,
    Probability,
    SecretSettings,
    Share,
    Table,
    Url,
)
from atomic.records.mode import MARKET, Mode, ModeName
from atomic.records.request import DataLabel


class MarketSettings(Table):
    """`[market]`: where the ledger is, and what a UTC day may cost (nano-USD; None: nothing has a price).

    `per_task` says of microtasks, by name, what of a day may go to them; `queue` how many requests may wait at once for
    somebody to have a place. `tactics` are how bidders may be asked, by name; None: the usual ones. `engine` is the
    plug-in that reads free text; empty: BAML's where it is installed, else the core.
    """

    ledger: str = "atomic.db"
    per_day: Amount | None = None
    per_task: dict[str, Amount] = Field(default_factory=dict)
    queue: Annotated[int, Field(ge=0)] = 10_000
    tuned: str = "tuned.json"
    tactics: Names | None = None
    engine: str = ""


class TaskSettings(Table):
    """`[task.NAME]`: who answers a microtask's requests; see `atomic.records.mode.Mode` and docs/modes.md.

    `variants` are other instructions for it, by a name: each competes with the docstring; see docs/tactics.md.
    """

    mode: ModeName = "market"
    incumbent: str = ""
    challengers: Names = (MARKET,)
    sample: Share = 0.1
    shadow: PerDay = 0
    share: Annotated[float, Field(gt=0.0, lt=1.0, strict=False)] = 0.05
    floor: Share = 0.0
    if_incumbent_fails: Literal["refuse", "market"] = "refuse"
    alpha: Annotated[float, Field(gt=0.0, le=0.5)] = 0.05
    unlabelled: Literal["worst", "estimate"] = "worst"
    variants: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")], str] = Field(default_factory=dict)

    @property
    def stated(self) -> Mode:
        """As the market takes it."""
        said = self.model_dump(exclude={"variants"})
        return Mode(shadow_per_day=said.pop("shadow"), **said)


class ServeSettings(Table):
    """`[serve]`: `atomic serve`; see docs/serving.md.

    `tasks` are modules or files of Python whose microtasks it offers, `worth` what an answer of a conversation is worth
    where its caller names no policy. A worker has at most `most` requests under way; `rates` says of tasks how many
    requests a minute they take. `drain` is how many seconds what is under way may take once it is told to stop.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8700
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    tasks: Names = ()
    worth: Amount = 10_000_000
    most: Annotated[int, Field(ge=1)] = 1_000
    rates: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    drain: Annotated[float, Field(ge=0.0, le=86_400.0, strict=False)] = 600.0


class RetentionSettings(Table):
    """`[retention]`: how long the bodies of requests are kept under each data label; for ever where it is not said."""

    public: Age | None = None
    internal: Age | None = None
    confidential: Age | None = None
    sovereign: Age | None = None


class Price(Table):
    """USD per million tokens as of a day, in nano-USD, and `call` per call.

    `cached` and `cache_write` are the input's price unless said, `reasoning` is the output's.
    """

    input: Amount
    output: Amount
    cached: Amount | None = None
    cache_write: Amount | None = None
    reasoning: Amount | None = None
    call: Amount = 0
    as_of: Day


def _price_or_book(value: object) -> object:
    return None if value == "book" else value


class ModelSettings(BidderSettings):
    """A language model: `right` is how often it is believed to be right before anything was seen of it.

    Models of one `family` (of one maker and size) start from its record.
    `accepts` is the highest data label that it may see, `jurisdictions` are where it works, `context` is in tokens.
    What is not said is the kind's default.
    """

    priced: ClassVar[bool] = True

    model: str
    right: Probability | None = None
    family: str | None = None
    context: Annotated[int, Field(ge=1_024)] | None = None
    accepts: DataLabel | None = None
    jurisdictions: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = None


class SpecialistSettings(BidderSettings):
    """An online text classifier, over words or runs of four bytes; `centroids`: for many labels with few examples."""

    kind: Literal["specialist"]
    reads: Literal["words", "spelling"] = "words"
    method: Literal["logistic", "centroids"] = "logistic"


class NaiveBayesSettings(BidderSettings):
    """The other online text classifier: learns faster from few examples, and stops learning sooner."""

    kind: Literal["naive-bayes"]


class NeighboursSettings(BidderSettings):
    """The vote of the nearest verified examples."""

    kind: Literal["neighbours"]
    count: Annotated[int, Field(ge=1)] = 8


class CacheSettings(BidderSettings):
    """Answers given before to exactly the same input; `off` names the tasks it stays away from."""

    kind: Literal["cache"]
    capacity: Annotated[int, Field(ge=1)] = 10_000
    off: Names = ()


class SemanticCacheSettings(BidderSettings):
    """Answers given before to inputs like this one; `off` names the tasks it stays away from."""

    kind: Literal["semantic-cache"]
    capacity: Annotated[int, Field(ge=1)] = 5_000
    off: Names = ()


class RuleSettings(Table):
    """One rule: where every field named in `when` matches its pattern, `answer` is right with probability `claim`."""

    task: str
    when: Annotated[dict[str, Pattern], Field(min_length=1)]
    answer: Any
    claim: Probability = 0.95


class RulesSettings(BidderSettings):
    """Rules written by hand; the first that matches answers."""

    kind: Literal["rules"]
    rules: Annotated[tuple[RuleSettings, ...], Field(strict=False, min_length=1)]


class LocalSettings(ModelSettings):
    """A language model on this machine: any GGUF file, by its path or as "package:NAME" of an installed package.

    `slots` is how many requests it works on at once, `threads` how many threads each takes. `engine` is the plug-in
    that holds it to a type; empty: Outlines where it is installed.
    """

    kind: Literal["local"]
    usd_per_hour: Amount
    threads: Annotated[int, Field(ge=1)] | None = None
    slots: Annotated[int, Field(ge=1)] | None = None
    engine: str = ""


class HostedSettings(ModelSettings):
    """A language model that somebody else runs.

    Its key lies where `key` says, or in the environment variable `key_env`, never in the file.

    `stall` is how many seconds a stream may say nothing; `reasoning` how many tokens the model may think beyond its
    answer; `overhead` how many the endpoint puts into a prompt of its own, at most. `images` and `tools` say whether it
    takes conversations with some. `mask` names what it is never shown but as placeholders ("email", "phone", "iban",
    "card", "ssn", "ip", "name"), `mask_region` ("DE") whose telephone numbers are found without their country's.
    """

    price: Annotated[Price | None, BeforeValidator(_price_or_book)]  # None: "book", the ledger's price book has it
    concurrency: Annotated[int, Field(ge=1)] | None = None
    stream: bool | Literal["heard"] | None = None
    stall: Annotated[float, Field(gt=0.0, le=3600.0, strict=False)] | None = None
    reasoning: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    overhead: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    images: bool | None = None
    tools: bool | None = None
    mask: Annotated[
        tuple[Literal["email", "phone", "iban", "card", "ssn", "ip", "name"], ...], Field(strict=False)
    ] = ()
    mask_region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    key: SecretSettings | None = None
    key_env: EnvironmentName | None = None

    @model_validator(mode="after")
    def _one_key(self) -> HostedSettings:
        if self.key is not None and "key_env" in self.model_fields_set:
            raise ValueError("key and key_env: one of them says where the key lies")
        return self


class HttpSettings(HostedSettings):
    """A hosted language model behind the OpenAI-compatible API, or another that `dialect` names.

    `limit_field` is what the endpoint calls its limit on tokens; `top_logprobs` above 0 says that it gives
    log-probabilities, so that labels can be scored.
    """

    kind: Literal["http"]
    url: Url
    dialect: DialectName = "chat"
    limit_field: Literal["max_tokens", "max_completion_tokens"] | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None


class AnthropicSettings(HostedSettings):
    """A hosted language model behind Anthropic's Messages; `held` says by what its answers are held to a type."""

    kind: Literal["anthropic"]
    held: HeldBy = "tool"
    url: Url = "https://api.anthropic.com/v1"
    key_env: EnvironmentName | None = "ANTHROPIC_API_KEY"
    reasoning: Annotated[int, Field(ge=1_024, le=1_000_000)] | None = None  # the least that its API takes


class PersonSettings(BidderSettings):
    """A person, or several behind one queue: `atomic answer` answers. Money per answer, times in seconds.

    A question lapses after `deadline`; `expected` is how long an answer is believed to take before any was seen.
    `capacity` is how many questions may be open at once, `reviewers` how many different people must answer each.
    """

    priced: ClassVar[bool] = True

    kind: Literal["person"]
    price: Amount
    deadline: Annotated[float, Field(ge=1.0, le=31_622_400.0)] = 3_600.0
    expected: Annotated[float, Field(gt=0.0, le=31_622_400.0)] = 60.0
    capacity: Annotated[int, Field(ge=1)] = 20
    reviewers: Annotated[int, Field(ge=1, le=2)] = 1
    right: Probability = 0.95
    tasks: Names = ()
    accepts: DataLabel = "sovereign"
    jurisdictions: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] = ("here",)


AnyBidder = (
    SpecialistSettings
    | NaiveBayesSettings
    | NeighboursSettings
    | CacheSettings
    | SemanticCacheSettings
    | RulesSettings
    | LocalSettings
    | HttpSettings
    | AnthropicSettings
    | RemoteSettings
    | McpSettings
    | DspySettings
    | PersonSettings
    | PluginSettings
)
KINDS: dict[str, type[BidderSettings]] = {
    "specialist": SpecialistSettings,
    "naive-bayes": NaiveBayesSettings,
    "neighbours": NeighboursSettings,
    "cache": CacheSettings,
    "semantic-cache": SemanticCacheSettings,
    "rules": RulesSettings,
    "local": LocalSettings,
    "http": HttpSettings,
    "anthropic": AnthropicSettings,
    "remote": RemoteSettings,
    "mcp": McpSettings,
    "dspy": DspySettings,
    "person": PersonSettings,
    "plugin": PluginSettings,
}


class Settings(Table):
    """A whole configuration. `[inbox]` is the inbox's own: kept as a table, which `atomic.inbox.policy` reads."""

    market: MarketSettings = MarketSettings()
    retention: RetentionSettings = RetentionSettings()
    serve: ServeSettings = ServeSettings()
    bidders: dict[str, Annotated[AnyBidder, Field(discriminator="kind")]] = Field(default_factory=dict)
    task: dict[str, TaskSettings] = Field(default_factory=dict)
    observe: ObserveSettings = ObserveSettings()
    govern: GovernSettings = GovernSettings()
    inbox: dict[str, Any] = Field(default_factory=dict)
