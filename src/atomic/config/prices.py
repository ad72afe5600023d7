"""The price book: what each bidder costs now, and what a price file would change of that."""

from __future__ import annotations

import datetime
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from atomic.config.outsiders import McpSettings
from atomic.config.problems import Source, nearest, problems_of
from atomic.config.settings import AnyBidder, HostedSettings, LocalSettings, PersonSettings
from atomic.config.toml_lines import Path as Keys
from atomic.config.toml_lines import lines_of
from atomic.config.values import Amount, BidderSettings, Day, Table
from atomic.errors import ConfigError
from atomic.protocols import History
from atomic.records.price import UNITS, BookPrice, PricesChanged

ABSURD = 10  # times as much, or as little: then somebody has to say that it is so
_TOKENS = ("input", "output")
_BY_TOKENS = (*_TOKENS, "cached", "cache_write", "reasoning", "call")
_IN_CONFIGURATION = "the configuration"
_HINT = "docs/configuration.md shows a price file"


class PriceEntry(Table):
    """`[prices.NAME]` of a price file: a bidder's whole price in nano-USD, per million tokens, per call or per hour."""

    unit: Literal["million tokens", "call", "hour"] | None = None
    input: Amount | None = None
    output: Amount | None = None
    cached: Amount | None = None
    cache_write: Amount | None = None
    reasoning: Amount | None = None
    call: Amount | None = None
    hour: Amount | None = None
    as_of: Day | None = None
    source: Annotated[str, Field(min_length=1)] | None = None


class PriceFile(Table):
    """A price file: what stands at its top holds for every bidder in it that does not say otherwise."""

    currency: Literal["USD"] = "USD"
    as_of: Day | None = None
    source: Annotated[str, Field(min_length=1)] | None = None
    prices: Annotated[dict[str, PriceEntry], Field(min_length=1)]


def price_in(settings: BidderSettings) -> BookPrice | None:
    """What a bidder's table says that it costs; None where it is free, or where the price book is to say.

    `bidder` is left empty, and so is `as_of` of what nobody had to look up: one's own rates.
    """
    if isinstance(settings, HostedSettings):
        said = settings.price
        if said is None:
            return None
        amounts = {name: getattr(said, name) for name in _BY_TOKENS} | {"call": said.call or None}
        return BookPrice(bidder="", as_of=said.as_of.isoformat(), source=_IN_CONFIGURATION, **amounts)
    if isinstance(settings, LocalSettings):
        return BookPrice(bidder="", as_of="", source=_IN_CONFIGURATION, hour=settings.usd_per_hour)
    if isinstance(settings, PersonSettings | McpSettings):
        return BookPrice(bidder="", as_of="", source=_IN_CONFIGURATION, call=settings.price)
    return None


def standing_prices(bidders: Mapping[str, AnyBidder], ledger: History | None) -> dict[str, BookPrice]:
    """What each bidder costs now: by the ledger's last word, unless the configuration's is of a later day."""
    own = {name: price for name, settings in bidders.items() if (price := price_in(settings)) is not None}
    found = dict(own)
    for event in ledger.read(kinds=("prices",)) if ledger is not None else ():
        for price in event.payload.prices if isinstance(event.payload, PricesChanged) else ():
            if price.bidder not in own or price.as_of >= own[price.bidder].as_of:
                found[price.bidder] = price
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Payees:
    """Whom prices may be for: the configuration's bidders, those that the code gave (`others`), and the day today."""

    bidders: Mapping[str, AnyBidder]
    others: Set[str]
    today: datetime.date


def read_price_file(path: Path, payees: Payees) -> tuple[BookPrice, ...]:
    """The prices in a TOML file, or in a JSON file of the same form.

    Raises ConfigError, which says file, line and key, for what cannot be read, is no price, or is for nobody here.
    """
    raw, source = _raw(path)
    try:
        read = PriceFile.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(source.wrong(problems_of(error, raw, _keys_at)).message, hint=_HINT) from None
    if wrong := list(_wrong(read, payees)):
        raise ConfigError(source.wrong(wrong).message, hint=_HINT)
    return tuple(
        BookPrice(
            bidder=name,
            as_of=str(entry.as_of or read.as_of),
            source=str(entry.source or read.source),
            **{unit: getattr(entry, unit) for unit in UNITS},
        )
        for name, entry in read.prices.items()
    )


def _raw(path: Path) -> tuple[dict[str, Any], Source]:
    try:
        text = path.read_bytes().decode()
        lines: Mapping[Keys, int] = {}
        if path.suffix.lower() == ".json":
            raw = json.loads(text, object_pairs_hook=lambda pairs: _once(pairs, path))
        else:
            raw, lines = tomllib.loads(text), lines_of(text)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 from byte {error.start} on") from None
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ConfigError(
            f"{path}: {error}", hint=f"this is not valid TOML, or JSON in a file .json; {_HINT}"
        ) from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: is no table", hint=_HINT)
    return raw, Source(str(path), lines)


def _once(pairs: list[tuple[str, Any]], path: Path) -> dict[str, Any]:
    """An object of JSON; a bidder that stands there twice is not silently taken once."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"{path}: {twice}: declared twice", hint=_HINT)
    return found


def _keys_at(path: Keys) -> Iterable[str]:
    if path == ():
        return PriceFile.model_fields
    return PriceEntry.model_fields if len(path) == 2 and path[0] == "prices" else ()


def _wrong(read: PriceFile, payees: Payees) -> Iterator[tuple[Keys, str]]:
    """What no single value can know."""
    latest = payees.today + datetime.timedelta(days=1)  # it may be tomorrow where the price was looked up
    for name, entry in read.prices.items():
        path: Keys = ("prices", name)
        said = {unit for unit in UNITS if getattr(entry, unit) is not None}
        if name not in payees.bidders and name not in payees.others:
            yield path, "there is no such bidder" + nearest(name, {*payees.bidders, *payees.others})
            continue
        needed, taken, why = _units(payees.bidders.get(name))
        if not taken:
            yield path, f"{why} is free"
        for unit in sorted(said - {*taken} if taken else ()):
            yield (*path, unit), f"{why} is priced by {', '.join(taken)}"
        for unit in needed:
            if unit not in said:
                yield path, f"{unit} is missing: an unknown price is never taken for free"
        if entry.unit is not None and taken and UNITS[taken[0]] != _SPELLED[entry.unit]:
            yield (*path, "unit"), f"{why} is priced {UNITS[taken[0]]}"
        as_of = entry.as_of or read.as_of
        if as_of is None:
            yield path, "as_of is missing: the day on which the price was looked up"
        elif as_of > latest:
            yield path, f"as_of {as_of} has not come yet"
        if not (entry.source or read.source):
            yield path, "source is missing: where the price was looked up"
        own = price_in(payees.bidders[name]) if name in payees.bidders else None
        if own is not None and as_of is not None and as_of.isoformat() < own.as_of:
            yield path, f"as_of {as_of} is older than the configuration's {own.as_of}, which would go on to hold"


_SPELLED = {"million tokens": "per M tokens", "call": "per call", "hour": "per hour"}


def _units(settings: AnyBidder | None) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """By what a bidder must be priced, by what it may be, and what it is."""
    if settings is None:
        return ("call",), ("call",), "a bidder given in the code"
    kind = f'a bidder of kind "{settings.kind}"'
    if isinstance(settings, HostedSettings):
        return _TOKENS, _BY_TOKENS, kind
    if isinstance(settings, LocalSettings):
        return ("hour",), ("hour",), kind
    return (("call",), ("call",), kind) if isinstance(settings, PersonSettings | McpSettings) else ((), (), kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One amount of a bidder's price, in nano-USD: None is none."""

    bidder: str
    unit: str
    old: int | None
    new: int | None

    @property
    def percent(self) -> float | None:
        """By how much it changes; None where there is nothing to compare with.

        >>> Change(bidder="mini", unit="input", old=4, new=5).percent
        25.0
        """
        return None if not self.old or self.new is None else 100.0 * (self.new - self.old) / self.old

    @property
    def absurd(self) -> bool:
        """Whether it is more than ten times as much or as little, or from or to nothing: a slip of a unit, perhaps."""
        if self.old is None or self.new is None:
            return False
        return max(self.old, self.new) > ABSURD * min(self.old, self.new)


def changes(old: Mapping[str, BookPrice], new: Iterable[BookPrice]) -> list[Change]:
    """Every amount that new prices would make another one, in the order of the bidders' names."""
    found = []
    for price in sorted(new, key=lambda one: one.bidder):
        before = old[price.bidder].amounts if price.bidder in old else {}
        for unit in UNITS:
            was, is_now = before.get(unit), price.amounts.get(unit)
            if was != is_now and not (unit == "call" and not was and not is_now):
                found.append(Change(bidder=price.bidder, unit=unit, old=was, new=is_now))
    return found
