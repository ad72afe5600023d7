"""`atomic bidders` and `atomic models check`: who takes part, how good they were so far, and what is missing."""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from atomic.commands.common import ConfigOption, JsonOption, LedgerOption, columns, config_for, print_json, reading, say
from atomic.commands.prices import standing
from atomic.errors import OperatorError
from atomic.records.money import dollars

if TYPE_CHECKING:
    from atomic.belief import Beliefs
    from atomic.config import Config
    from atomic.config.settings import AnyBidder
    from atomic.protocols import Bidder, Profile
    from atomic.records.price import BookPrice

models = typer.Typer(no_args_is_help=True, help="Language models of the configuration.")
_TURNED = ("when (UTC)", "who", "breaker", "for", "why", "event")
_HEADING = ("who", "kind", "price", "accepts", "evidence", "right", "health")


def bidders(
    breakers: Annotated[
        bool, typer.Option("--breakers", help="Tell when whose circuit breaker opened and closed, newest last.")
    ] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """List the bidders.

    What they cost and may see, how often they were right, and how they are.
    """
    read = config_for(config, ledger)
    heading: tuple[str, ...] = _TURNED if breakers else _HEADING
    rows = list(_turned(read) if breakers else _rows(read, *_beliefs(read)))
    if json:
        print_json([dict(zip(heading, row, strict=True)) for row in rows])
        return
    for line in columns([heading, *rows]):
        say(line)


def _turned(config: Config) -> Iterator[tuple[str, ...]]:
    """A row for each time that a breaker opened or closed."""
    from atomic.belief.breakers import breakers_turned

    if config.ledger is None or not config.ledger.exists():
        return
    with reading(None, config.ledger) as opened:
        for one in breakers_turned(opened.read(kinds=("finished",))):
            when = datetime.datetime.fromtimestamp(one.time_ns / 1e9, tz=datetime.UTC)
            pause = f"{one.pause_ns / 1e9:.0f} s" if one.pause_ns else ""
            yield f"{when:%Y-%m-%d %H:%M:%S}", one.bidder, one.breaker, pause, one.why, f"#{one.seq}"


def _beliefs(config: Config) -> tuple[Beliefs, set[tuple[str, str, int]]]:
    """What is believed, and the bids and domains that there is evidence of."""
    from atomic.belief import Beliefs
    from atomic.records.lesson import LessonsLearned

    beliefs, keys = Beliefs(), set[tuple[str, str, int]]()
    if config.ledger is None or not config.ledger.exists():
        return beliefs, keys
    with reading(None, config.ledger) as opened:
        for event in opened.read():
            beliefs.fold((event,))
            if isinstance(event.payload, LessonsLearned):
                learned = event.payload
                keys |= {
                    (one.key, learned.domain, learned.alternatives) for one in learned.lessons if one.kind == "right"
                }
    return beliefs, keys


def _rows(config: Config, beliefs: Beliefs, keys: set[tuple[str, str, int]]) -> Iterator[tuple[str, ...]]:
    from atomic.config.wiring import Place, bidder_of, examples_of
    from atomic.protocols import Priced, Profile

    place, prices = Place(config.folder, examples_of()), standing(config)
    for name, settings in config.settings.bidders.items():
        bidder = bidder_of(name, settings, place)
        if isinstance(bidder, Priced) and name in prices:
            bidder.reprice(prices[name])
        profile = bidder.profile
        health = _missing(bidder) or _health(name, beliefs)
        yield (
            name,
            settings.kind,
            _price(prices.get(name), settings),
            profile.accepts,
            *_evidence(profile, beliefs, keys),
            health,
        )
    seen = {key.rpartition("+")[0] for key, _, _ in keys} | {
        name for name, health in beliefs.healths.items() if health.on_trial
    }
    for name in sorted(seen - config.settings.bidders.keys()):
        evidence = _evidence(Profile(name=name, kind=""), beliefs, keys)
        yield name, "given in the code", "", "", *evidence, _health(name, beliefs)


def _price(price: BookPrice | None, settings: AnyBidder) -> str:
    if price is None:
        return _stated(settings)
    if price.input is not None and price.output is not None:
        return f"{dollars(price.input)} in, {dollars(price.output)} out per M tokens, {price.as_of}"
    if price.hour is not None:
        return f"{dollars(price.hour)} per hour"
    return f"{dollars(price.call or 0)} per answer"


def _stated(settings: AnyBidder) -> str:
    """What the configuration says of a price that no book has."""
    from atomic.config.outsiders import RemoteSettings

    if isinstance(settings, RemoteSettings):
        return f"at most {dollars(settings.most)} per answer"
    return "none yet" if settings.priced else "$0"


def _evidence(profile: Profile, beliefs: Beliefs, keys: set[tuple[str, str, int]]) -> tuple[str, str]:
    """Effective count of labelled outcomes over all tasks and tactics, and the share that was right."""
    seen = [
        beliefs.evidence(key, "", domain, alternatives, profile)
        for key, domain, alternatives in sorted(keys)
        if key.rpartition("+")[0] == profile.name
    ]
    count = sum(one.domain_count for one in seen)
    right = sum(one.domain_right for one in seen)
    return f"{count:.1f}", f"{right / count:.2f}" if count > 0 else "-"


def _health(name: str, beliefs: Beliefs) -> str:
    return beliefs.health(name).told(time.time_ns()) or "ok"


def _missing(bidder: Bidder) -> str:
    """What keeps a bidder from bidding at all: found by asking it, since an offer takes microseconds."""
    from atomic.protocols import Sketch
    from atomic.records.bid import NoBid, Reason
    from atomic.records.microtask import microtask
    from atomic.stages.prepare import prepare

    @microtask(worth="$1")
    async def probe(text: str) -> Literal["yes", "no"]:
        """Is anybody there?"""
        raise NotImplementedError

    ask = prepare(probe("hello"), request_id="probe", tenant="", label="public")
    offer = bidder.offer(ask, Sketch(tactic="plain", prompt_characters=10, max_tokens=1))
    missing = isinstance(offer, NoBid) and offer.reason == Reason.NOT_CONFIGURED
    return f"not configured: {offer.detail}" if missing and isinstance(offer, NoBid) else ""


@models.command("check")
def check(config: ConfigOption = None) -> None:
    """Load every local model.

    Of hosted ones, look whether library and key are there: they are not called, since that would cost. Exit 1 if
    anything is missing.
    """
    wrong = asyncio.run(_check(config_for(config, None)))
    raise typer.Exit(1 if wrong else 0)


async def _check(config: Config) -> int:
    from atomic.config.settings import HostedSettings, LocalSettings
    from atomic.config.wiring import Place, bidder_of, examples_of

    place, wrong, checked = Place(config.folder, examples_of()), 0, 0
    for name, settings in config.settings.bidders.items():
        if not isinstance(settings, LocalSettings | HostedSettings):
            continue
        checked += 1
        started = time.perf_counter()
        try:
            bidder = bidder_of(name, settings, place, strict=True)
            try:
                said = await _warmed(bidder)
            finally:
                await bidder.close()
        except OperatorError as error:
            wrong += 1
            typer.echo(f"{name}: {error}")
        else:
            typer.echo(f"{name}: {said} ({time.perf_counter() - started:.1f} s)")
    if not checked:
        typer.echo("this configuration has no language models")
    return wrong


async def _warmed(bidder: Bidder) -> str:
    from atomic.bidders.local import LocalModel

    if isinstance(bidder, LocalModel):
        await bidder.warm()
        return "loaded"
    missing = _missing(bidder)
    if missing:
        raise OperatorError(missing)
    return "configured, not called"
