"""What `atomic.toml` may say: one frozen model per table, and nothing that is not in them."""

from __future__ import annotations

import datetime
import re
from decimal import InvalidOperation
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from atomic.errors import TaskError
from atomic.records.mode import MARKET, Mode, ModeName
from atomic.records.money import nano_usd
from atomic.records.request import DataLabel

_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_AGE = re.compile(r"([1-9][0-9]{0,4})([hdw])\Z")
_HOURS = {"h": 1, "d": 24, "w": 168}
_USER_INFO = re.compile(r"[a-z]+://[^/?#]*@", re.IGNORECASE)
_KEY_IN_QUERY = re.compile(
    r"[?&](?:[^=&#]*[_-])?(?:key|token|secret|password|sig|signature)=(?!\{key\})", re.IGNORECASE
)


def _amount(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError('not an amount of money: write it as "$0.002"')
    try:
        return nano_usd(value)
    except (TaskError, InvalidOperation):
        raise ValueError(f'{value!r} is not an amount of money: write it as "$0.002"') from None


def _per_day(value: object) -> int:
    amount, slash, period = value.partition("/") if isinstance(value, str) else ("", "", "")
    if not slash or period.strip() != "day":
        raise ValueError(f'{value!r} is not an amount of money a day: write it as "$0.10/day"')
    return _amount(amount.strip())


def _date(value: object) -> object:
    if isinstance(value, str):
        try:
            return datetime.date.fromisoformat(value)
        except ValueError:
            raise ValueError(f'{value!r} is not a date: write it as "2026-11-01"') from None
    return value


def _age(value: object) -> int:
    """Nanoseconds of "90d", "36h" or "2w"."""
    found = _AGE.match(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'{value!r} is not an age: write it as "90d" (h: hours, d: days, w: weeks)')
    return int(found.group(1)) * _HOURS[found.group(2)] * 3_600_000_000_000


def _environment_name(value: str) -> str:
    if not _ENVIRONMENT_NAME.match(value):  # not quoted: it may be the secret itself
        raise ValueError('not the name of an environment variable, such as "OPENAI_API_KEY"')
    return value


def _url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("not a URL: it begins with https:// or http://")
    if _USER_INFO.match(value) or _KEY_IN_QUERY.search(value):
        raise ValueError("a secret has no place in a URL: name an environment variable in `key_env`")
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return value


Amount = Annotated[int, BeforeValidator(_amount)]  # nano-USD, written in dollars
Age = Annotated[int, BeforeValidator(_age)]  # nanoseconds, written as "90d"
Day = Annotated[datetime.date, BeforeValidator(_date)]
EnvironmentName = Annotated[str, AfterValidator(_environment_name)]
Url = Annotated[str, AfterValidator(_url)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Names = Annotated[tuple[str, ...], Field(strict=False)]  # TOML has lists where we want tuples
Probability = Annotated[float, Field(gt=0.0, lt=1.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0, strict=False)]
PerDay = Annotated[int, BeforeValidator(_per_day)]  # nano-USD, written as "$0.10/day"


class Table(BaseModel):
    """A table of the file: unknown keys and other types than declared are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class MarketSettings(Table):
    """`[market]`: where the ledger is, and what a UTC day may cost (nano-USD; None: nothing has a price).

    `per_task` says of microtasks, by name, what of a day may go to them; `queue` how many requests may wait at once for
    somebody to have a place.
    """

    ledger: str = "atomic.db"
    per_day: Amount | None = None
    per_task: dict[str, Amount] = {}
    queue: Annotated[int, Field(ge=0)] = 10_000


class TaskSettings(Table):
    """`[task.NAME]`: who answers a microtask's requests; see `atomic.records.mode.Mode` and docs/modes.md."""

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

    @property
    def stated(self) -> Mode:
        """As the market takes it."""
        said = self.model_dump()
        return Mode(shadow_per_day=said.pop("shadow"), **said)


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


class BidderSettings(Table):
    """What is common to bidders: whether the kind has a price, so that a day's cap must be stated."""

    priced: ClassVar[bool] = False


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
    """An online text classifier, over words or over runs of four bytes."""

    kind: Literal["specialist"]
    reads: Literal["words", "spelling"] = "words"


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

    `slots` is how many requests it works on at once, `threads` how many threads each takes.
    """

    kind: Literal["local"]
    usd_per_hour: Amount
    threads: Annotated[int, Field(ge=1)] | None = None
    slots: Annotated[int, Field(ge=1)] | None = None


class HostedSettings(ModelSettings):
    """A language model that somebody else runs; its key lies in the environment only.

    `stall` is how many seconds a stream may say nothing; `reasoning` how many tokens the model may think beyond its
    answer; `overhead` how many the endpoint puts into a prompt of its own, at most.
    """

    price: Annotated[Price | None, BeforeValidator(_price_or_book)]  # None: "book", the ledger's price book has it
    concurrency: Annotated[int, Field(ge=1)] | None = None
    stream: bool | None = None
    stall: Annotated[float, Field(gt=0.0, le=3600.0, strict=False)] | None = None
    reasoning: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    overhead: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class HttpSettings(HostedSettings):
    """A hosted language model behind the OpenAI-compatible API.

    `limit_field` is what the endpoint calls its limit on tokens; `top_logprobs` above 0 says that it gives
    log-probabilities, so that labels can be scored.
    """

    kind: Literal["http"]
    url: Url
    key_env: EnvironmentName | None = None
    limit_field: Literal["max_tokens", "max_completion_tokens"] | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None


class AnthropicSettings(HostedSettings):
    """A hosted language model behind Anthropic's Messages."""

    kind: Literal["anthropic"]
    url: Url = "https://api.anthropic.com/v1"
    key_env: EnvironmentName = "ANTHROPIC_API_KEY"
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
    | RulesSettings
    | LocalSettings
    | HttpSettings
    | AnthropicSettings
    | PersonSettings
)
KINDS: dict[str, type[BidderSettings]] = {
    "specialist": SpecialistSettings,
    "naive-bayes": NaiveBayesSettings,
    "neighbours": NeighboursSettings,
    "cache": CacheSettings,
    "rules": RulesSettings,
    "local": LocalSettings,
    "http": HttpSettings,
    "anthropic": AnthropicSettings,
    "person": PersonSettings,
}


class Settings(Table):
    """A whole configuration. `[inbox]` is the inbox's own: kept as a table, which `atomic.inbox.policy` reads."""

    market: MarketSettings = MarketSettings()
    retention: RetentionSettings = RetentionSettings()
    bidders: dict[str, Annotated[AnyBidder, Field(discriminator="kind")]] = {}
    task: dict[str, TaskSettings] = {}
    inbox: dict[str, Any] = {}
