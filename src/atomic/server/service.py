"""What all routes of a worker share: the market, its keys, its gate, and what it is told when it is to stop."""

from __future__ import annotations

import asyncio
import importlib.util
import ipaddress
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import structlog

from atomic.config import Config, open
from atomic.config.governing import policies_of, provider_of
from atomic.errors import AtomicError, KeyRefused, TooMany
from atomic.ledger import MemoryLedger, SqliteLedger
from atomic.login import OpenId
from atomic.market import Market, Trade
from atomic.overview import KINDS, Overviews
from atomic.policies import Action, Area, CedarPolicies
from atomic.protocols import Bidder
from atomic.records.event import Event
from atomic.records.microtask import Microtask
from atomic.records.principal import Principal as Identity
from atomic.records.request import DataLabel, not_below
from atomic.review import Queue
from atomic.server.gate import Gate
from atomic.server.keyring import Keyring, Principal, purse_of_team, purse_of_tenant, team_of
from atomic.server.problems import places
from atomic.server.sessions import whose
from atomic.server.tasks import tasks_of

if TYPE_CHECKING:
    from atomic.observe import Observed

CATCH_UP_SECONDS = 0.5
_MEASURED = importlib.util.find_spec("opentelemetry") is not None
_KINDS = ("key", "revoked")


@dataclass(slots=True, kw_only=True)
class Service:
    """One worker's. `draining` is set once it is told to stop: streams without an end are ended then."""

    config: Config
    market: Market
    ledger: SqliteLedger | MemoryLedger
    tasks: Mapping[str, Microtask[..., Any]]
    gate: Gate
    keyring: Keyring
    policies: CedarPolicies
    open_id: OpenId | None
    secret: bytes  # of the market: what cookies are sealed with
    queue: Queue
    overviews: Overviews = field(default_factory=Overviews)
    observed: Observed | None = None  # without the extra `observe`
    draining: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def guarded(self) -> bool:
        """Whether it is asked who asks: once a key was issued, or where people log in."""
        return self.keyring.required or self.open_id is not None

    async def principal(self, headers: Mapping[str, str], method: str) -> Principal:
        """Who asks, and whether its rate lets it. Raises KeyRefused, TooMany or ProviderError."""
        if not self.guarded:
            refuse_strangers(headers)
            return Principal()
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        secret = (headers.get("x-api-key") or (secret if scheme.lower() == "bearer" else "")).strip()
        logged_in = None if secret else whose(headers, method, self.secret, self.keyring, time.time_ns())
        # Of a person for whom nobody vouches any more it opens nothing.
        if logged_in is not None and (logged_in.person is None or self.open_id is not None):
            await self.admit_key(logged_in)
            return logged_in
        if self.open_id is not None and secret.count(".") == 2:  # a token; a key of ours has no point
            return Principal(person=await self.open_id.principal(secret))
        who = self.keyring.principal(secret, time.time_ns())
        await self.admit_key(who)
        return who

    def may_stay(self, who: Principal) -> bool:
        """Whether somebody who was let in may still be told what happens: a key may have been revoked since."""
        return who.key is None or self.keyring.by_id(who.key.key, time.time_ns()) is not None

    def require(self, who: Principal, action: Action, *areas: Area) -> None:
        """Nothing, if they may do this in one of the areas. Raises KeyRefused, which says why not."""
        refused = [self.policies.entering(who.who, action, area) for area in areas]
        if all(refused):
            raise KeyRefused(refused[0], hint="an administrator gives roles; see docs/governance.md", known=True)

    def may_run(self, who: Principal, task: str, asked: DataLabel | None = None) -> DataLabel | None:
        """The label of a request for which this one is asked, if they may make it; None: the task's own.

        What is only passed through has no label of its own: its caller knows what it is. Raises KeyRefused.
        """
        if not who.may(task):
            raise KeyRefused(f"this key may not use {task!r}", hint="`atomic keys list` says what it may", known=True)
        label = not_below(self.tasks[task].label, asked) if task in self.tasks else asked
        if why := self.policies.running(who.who, task, label or "internal"):
            raise KeyRefused(why, hint="an administrator gives roles; see docs/governance.md", known=True)
        return label

    async def trade(self, who: Principal, task: str, label: DataLabel | None = None) -> Trade:
        """The options of a purchase that it asks for, under this label. Raises KeyRefused or TooMany."""
        label = self.may_run(who, task, label)
        if rate := self.config.settings.serve.rates.get(task):
            await self._admit(f"task {task}", rate, f"the task {task!r}")
        purses = (*who.purses, *self._purses(who.who))
        return Trade(tenant=who.tenant, purses=purses, principal=who.who, label=label)

    def _purses(self, who: Identity) -> Iterator[tuple[str, int | None]]:
        """What a tenant and a team may spend, if that is said."""
        govern = self.config.settings.govern
        if (cap := govern.tenants.get(who.tenant)) is not None:
            yield purse_of_tenant(who.tenant), cap
        if who.team and (cap := govern.teams.get(team := team_of(who))) is not None:
            yield purse_of_team(team), cap

    async def admit_key(self, who: Principal) -> None:
        """Count one request of a key against its rate. Raises TooMany."""
        if who.key is not None and who.key.rate:
            await self._admit(f"key {who.key.key}", who.key.rate, "this key")

    async def _admit(self, name: str, per_minute: int, whose: str) -> None:
        wait = await self.market.ledger.admit_at_rate(name, per_minute=per_minute)
        if wait:
            raise TooMany(f"{whose} takes {per_minute} requests a minute", seconds=wait / 1e9, hint="come again later")


def refuse_strangers(headers: Mapping[str, str]) -> None:
    """Without keys whoever reaches this machine's own address may ask, but no web page that a browser shows here.

    A page reaches loopback by its own scripts (then the browser sends its origin) or under a name of its own that it
    points here (then the host is that name). Raises KeyRefused.

    >>> refuse_strangers({"host": "localhost:8700"}), refuse_strangers({"host": "[::1]:8700"})
    (None, None)
    >>> refuse_strangers({"host": "127.0.0.1:8700", "origin": "https://example.com"})
    Traceback (most recent call last):
    atomic.errors.KeyRefused: without keys only programs of this machine may ask
      `atomic keys create` makes a key; then everybody who has one may
    """
    origin = headers.get("origin", "")
    if _is_loopback(headers.get("host", "")) and (not origin or _is_loopback(origin.partition("://")[2])):
        return
    raise KeyRefused(
        "without keys only programs of this machine may ask",
        hint="`atomic keys create` makes a key; then everybody who has one may",
        known=True,
    )


def _is_loopback(host: str) -> bool:
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    return is_loopback(name.strip("[]"))


def is_loopback(host: str) -> bool:
    """Whether an address or a name is this machine's own.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0"), is_loopback("example.com")
    (True, True, False, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@asynccontextmanager
async def running(
    config: Config, bidders: Sequence[Bidder] = (), tasks: Sequence[Microtask[..., Any]] = ()
) -> AsyncIterator[Service]:
    """A worker's service, until the block ends."""
    known = {**tasks_of(config), **{one.name: one for one in tasks}}
    async with _vouching(config) as open_id, open(config, bidders=bidders, metrics=_MEASURED) as market:
        ledger = market.ledger
        assert isinstance(ledger, SqliteLedger | MemoryLedger)
        keyring, head = Keyring(), ledger.head()
        keyring.fold(ledger.read(kinds=_KINDS))
        overviews = Overviews()
        unfollows = (ledger.follow(keyring.fold, after=head), ledger.follow(overviews.follow, after=head))
        past = takewhile(lambda event: event.seq <= head, ledger.read(kinds=KINDS))
        looking_back = asyncio.create_task(_look_back(overviews, past))
        service = Service(
            config=config,
            market=market,
            ledger=ledger,
            tasks=known,
            gate=Gate(config.settings.serve.most),
            keyring=keyring,
            queue=Queue(ledger),
            policies=policies_of(config.settings.govern, config.folder),
            open_id=open_id,
            secret=ledger.secret(),
            overviews=overviews,
            observed=_observed(market),
        )
        catching_up = asyncio.create_task(_catch_up(market))
        try:
            yield service
        finally:
            for unfollow in unfollows:
                unfollow()
            for task in (catching_up, looking_back):
                task.cancel()
            await asyncio.gather(catching_up, looking_back, return_exceptions=True)


async def _look_back(overviews: Overviews, past: Iterator[Event]) -> None:
    """Read the past into the overview; that it cannot be read is told, in the log and on every page."""
    try:
        await overviews.know(past)
    except Exception as error:  # of storage or a bug: nobody waits for this task, so it says so itself
        overviews.why = f"the past cannot be read: {type(error).__name__}"
        structlog.get_logger().error("the past cannot be read", error=type(error).__name__, at=places(error))


@asynccontextmanager
async def _vouching(config: Config) -> AsyncIterator[OpenId | None]:
    """Whoever vouches for people, if anybody does."""
    login = config.settings.govern.login
    if login is None:
        yield None
        return
    import httpx

    async with httpx.AsyncClient(timeout=10.0, follow_redirects=False) as client:
        yield OpenId(provider_of(login), client)


def _observed(market: Market) -> Observed | None:
    if not _MEASURED:
        return None
    from atomic.observe import observed_in

    return observed_in(market)


async def _catch_up(market: Market) -> None:
    """Hear what other processes wrote although we write nothing: keys, feedback, answers of people."""
    while True:
        await asyncio.sleep(CATCH_UP_SECONDS)
        try:
            await market.record(())
        except AtomicError as error:  # the ledger cannot be written now, or was changed: requests say so as well
            structlog.get_logger().warning("not caught up", error=type(error).__name__)
