"""`atomic.open`: from a configuration to a running market. Here, and nowhere else, hands are chosen and wired."""

from __future__ import annotations

import asyncio
import re
import tomllib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from atomic.clock import Clock, SystemClock
from atomic.config.governing import policies_of
from atomic.config.problems import Source, problems_of, secrets_in
from atomic.config.settings import Settings
from atomic.config.toml_lines import Path as Keys
from atomic.config.toml_lines import lines_of
from atomic.config.tuned import read_found, tuned_tactics, with_pins
from atomic.config.wiring import Place, bidder_of, examples_of, ledger_of, parser_of, tactics_of
from atomic.errors import ConfigError, OperatorError
from atomic.market import Market
from atomic.modes import wrong_in
from atomic.protocols import Bidder, Follower, Tactic, Warmable
from atomic.records.canonical import canonical_json, content_id
from atomic.records.event import Entry
from atomic.records.mode import Mode
from atomic.records.outcome import MarketOpened
from atomic.rules.auction import RULES_VERSION
from atomic.version import __version__

DEFAULT_FILE = "atomic.toml"
IN_MEMORY = ":memory:"


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration that was read and found right. `folder` is where its relative paths begin."""

    settings: Settings
    folder: Path
    source: Source

    @property
    def digest(self) -> str:
        """A SHA-256 (hex) of what it says: equal however it is written down."""
        return content_id(canonical_json(self.settings.model_dump(mode="json")))

    @property
    def ledger(self) -> Path | None:
        """Where the ledger lies; None when it is in memory."""
        return None if self.settings.market.ledger == IN_MEMORY else self.folder / self.settings.market.ledger


def read_config(config: str | Path | Mapping[str, Any]) -> Config:
    """Read a TOML file, or take a mapping of the same form.

    Raises ConfigError, which says file, line, key and the nearest valid name; no value of a secret is ever repeated.

    >>> read_config({"market": {"ledger": ":memory:", "per_day": "$1"}}).settings.market.per_day
    1000000000
    >>> read_config({"bidders": {"words": {"kind": "specialst"}}})
    Traceback (most recent call last):
    atomic.errors.ConfigError: configuration: bidders.words: there is no kind "specialst"; did you mean "specialist"?
      docs/configuration.md lists every table and key
    """
    if isinstance(config, Mapping):
        return _checked(dict(config), Path(), Source("configuration", {}))
    path = Path(config)
    try:
        text = path.read_bytes().decode()
        raw = tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigError(f"there is no {path}", hint="docs/configuration.md shows a small one to begin with") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 from byte {error.start} on") from None
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(path, str(error)) from None
    return _checked(raw, path.parent, Source(str(path), lines_of(text)))


def with_ledger(config: Config, ledger: Path) -> Config:
    """The same configuration with another ledger, whose path begins in the current folder."""
    return _at(config, str(ledger.absolute()))


def unwritten(config: Config) -> Config:
    """The same configuration where its ledger is there already; where it is not, in memory, so that none is made."""
    return config if config.ledger is not None and config.ledger.exists() else _at(config, IN_MEMORY)


def _at(config: Config, ledger: str) -> Config:
    market = config.settings.market.model_copy(update={"ledger": ledger})
    return replace(config, settings=config.settings.model_copy(update={"market": market}))


def _checked(raw: dict[str, Any], folder: Path, source: Source) -> Config:
    secrets = list(secrets_in(raw))
    if secrets:
        raise source.wrong(secrets)
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        raise source.wrong(problems_of(error, raw)) from None
    if wrong := list(_wrong_bidders(settings)):
        raise source.wrong(wrong)
    if settings.inbox:
        from atomic.inbox.policy import read_policy  # markets without an inbox do not pay for it

        read_policy(settings.inbox, source)
    return Config(settings, folder, source)


def _wrong_bidders(settings: Settings) -> Iterator[tuple[Keys, str]]:
    """What no single table can know."""
    for name, bidder in settings.bidders.items():
        if "+" in name or not name:
            yield ("bidders", name), "a bidder's name is not empty and has no +"
        if bidder.priced and settings.market.per_day is None:
            yield (
                ("bidders", name),
                'has a price, and market.per_day is missing: say what a UTC day may cost at most, such as "$1"',
            )


_TWICE = re.compile(r"Cannot declare \((.*)\) twice")
_PLACE = re.compile(r" \(at line (\d+), column \d+\)")


def _syntax_error(path: Path, said: str) -> ConfigError:
    """What `tomllib` says of a text, with the line in its usual place."""
    place, twice = _PLACE.search(said), _TWICE.search(said)
    what = _PLACE.sub("", said)
    if twice is not None:
        names = re.findall(r"'([^']*)'", twice.group(1))
        what = f"{'.'.join(names)}: declared twice"
    return ConfigError(f"{path}:{place.group(1) if place else '1'}: {what}", hint="this is not valid TOML")


@asynccontextmanager
async def open(
    config: str | Path | Mapping[str, Any] | Config = DEFAULT_FILE,
    *,
    bidders: Sequence[Bidder] = (),
    tactics: Sequence[Tactic] | None = None,
    clock: Clock | None = None,
    followers: Sequence[Follower] = (),
    metrics: bool = False,
) -> AsyncIterator[Market]:
    """A market as a configuration describes it, running until the `async with` block ends.

    `bidders` are added to those of the configuration and closed with them; `tactics` replace the usual ones;
    `followers` are told of every event from this opening on, other processes' too; `metrics` says that somebody reads
    its metrics, though they may be exported nowhere (`atomic.observe.observed_in`). A bidder that lacks something on
    this machine (a library, a model, a key) does not bid and says why in every award.

    Raises ConfigError, LedgerLocked or LedgerUnwritable.

    >>> import asyncio
    >>> async def example() -> list[str]:
    ...     async with open({"market": {"ledger": ":memory:"}}) as market:
    ...         return [event.kind for event in market.ledger.read()]
    >>> asyncio.run(example())
    ['market']
    """
    read = config if isinstance(config, Config) else read_config(config)
    _refuse_duplicates(read, bidders)
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        for given in bidders:
            stack.push_async_callback(given.close)
        everybody, examples = [*bidders], examples_of()
        wordings = {name: one.variants for name, one in read.settings.task.items()}
        place, found = Place(read.folder, examples), read_found(read.folder / read.settings.market.tuned)
        for name, settings in read.settings.bidders.items():
            made = bidder_of(name, settings, place)
            stack.push_async_callback(made.close)
            everybody.append(made)
        ledger = ledger_of(read.ledger, clock)
        stack.push_async_callback(ledger.close)
        market = Market(
            ledger=ledger,
            bidders=everybody,
            tactics=[*tactics_of(read.settings.market.tactics, wordings), *tuned_tactics(found)]
            if tactics is None
            else tactics,
            examples=with_pins(examples, found),
            per_day=read.settings.market.per_day,
            per_task=read.settings.market.per_task,
            queue=read.settings.market.queue,
            clock=clock,
            modes=_modes(read, everybody),
            parser=parser_of(read.settings.market.engine),
            policies=policies_of(read.settings.govern, read.folder) if read.settings.govern.policies else None,
        )
        await asyncio.gather(market.start(), *(_warm(bidder) for bidder in everybody))
        for follower in followers:
            ledger.follow(follower)
        opened = MarketOpened(version=__version__, rules_version=RULES_VERSION, config=read.digest)
        await market.record([Entry(payload=opened)])
        if metrics or read.settings.observe.otlp is not None:
            from atomic.observe import observing  # OpenTelemetry takes half a second to load

            await stack.enter_async_context(
                observing(market, read.settings.observe, per_day=read.settings.market.per_day)
            )
        stack.push_async_callback(market.close)  # a wire in use is given back before the ledger it reports to
        yield market


async def _warm(bidder: Bidder) -> None:
    """Load what is slow to load before the first request waits for it."""
    if isinstance(bidder, Warmable):
        try:
            await bidder.warm()
        except OperatorError:
            return  # it does not bid, and says in every award why


@asynccontextmanager
async def open_to_judge(config: Config, *, followers: Sequence[Follower] = ()) -> AsyncIterator[Market]:
    """A market without bidders that has read nothing yet: enough to give feedback, however long its ledger is.

    Raises LedgerLocked or LedgerUnwritable.
    """
    clock = SystemClock()
    ledger = ledger_of(config.ledger, clock)
    for follower in followers:
        ledger.follow(follower)
    try:
        yield Market(
            ledger=ledger,
            bidders=(),
            tactics=(),
            examples=examples_of(),
            clock=clock,
        )
    finally:
        await ledger.close()


def _modes(config: Config, everybody: Iterable[Bidder]) -> dict[str, Mode]:
    """The mode of each task that has a table. Raises ConfigError for one that cannot be."""
    names = {bidder.profile.name for bidder in everybody}
    modes = {task: settings.stated for task, settings in config.settings.task.items()}
    wrong = [(("task", task, key), why) for task, mode in modes.items() for key, why in wrong_in(mode, names)]
    if wrong:
        raise config.source.wrong(wrong)
    return modes


def _refuse_duplicates(config: Config, bidders: Iterable[Bidder]) -> None:
    names = [bidder.profile.name for bidder in bidders]
    for name in names:
        if name in config.settings.bidders:
            raise config.source.wrong([(("bidders", name), "a bidder of this name is given in the code, too")])
        if names.count(name) > 1:
            raise ConfigError(f"two bidders given in the code are called {name!r}", hint="give each a name of its own")
