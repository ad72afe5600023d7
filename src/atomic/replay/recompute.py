"""Recompute awards from recorded slates, tables and draws, and compare them bit for bit."""

from __future__ import annotations

import hashlib
import struct
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from atomic.errors import NotFound, Tampered
from atomic.protocols import History, Valuation
from atomic.records.award import Award, Scored, Slate, Table
from atomic.records.canonical import content_id
from atomic.records.event import Event, decode
from atomic.records.hedge import Hedged
from atomic.replay.assigned import assigned_differently
from atomic.replay.rebuild import Rebuilt, rebuild
from atomic.rules.auction import RULES_VERSION, Verdict, auction
from atomic.rules.exploration import drawn
from atomic.rules.hedging import Choice, hedge
from atomic.rules.valuation import lookahead

MOST_DIFFERENCES = 1_000  # named one by one; the rest are only counted
_TABLES = 256  # kept decoded: many awards share one


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An award that is not what its inputs give, and in what. `seq` 0: something about the whole ledger."""

    seq: int
    request_id: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a replay found.

    `awards` were recomputed, `draws` of them with their draw from the market's secret, and so were `hedges`.
    `differences` counts what differs, `different` names the first thousand. `not_replayable` counts what was decided by
    another version of the rules. `deep` is there when beliefs were rebuilt too.
    """

    awards: int
    draws: int
    differences: int
    different: tuple[Difference, ...]
    not_replayable: tuple[tuple[str, int], ...]
    hedges: int = 0
    deep: Rebuilt | None = None

    @property
    def exit_code(self) -> int:
        """0: all the same; 1: something differs; 2: nothing differs, but something cannot be replayed here."""
        return 1 if self.differences else 2 if self.not_replayable else 0

    def text(self) -> str:
        """What was found, a line each."""
        hedges = f" and {self.hedges} hedges" if self.hedges else ""
        draws = f"{self.draws} with their draws"
        lines = [f"{self.awards} awards{hedges} recomputed, {draws}; {self.differences} differences."]
        if self.deep is not None:
            lines.append(
                f"Beliefs rebuilt from {self.deep.events} events: {self.deep.bids} bids and {self.deep.tables} tables "
                f"appraised again for {self.deep.awards} awards; digest {self.deep.digest[:16]}."
            )
            if self.deep.erased:
                lines.append(f"erased: the inputs and answers of {self.deep.erased} of these awards are gone.")
        lines += [f"#{one.seq} {one.request_id}: {one.what}" for one in self.different]
        if self.differences > len(self.different):
            lines.append(f"… and {self.differences - len(self.different)} more.")
        lines += [
            f"{count} awards by rules {version}: not replayable here (rules {RULES_VERSION})"
            for version, count in self.not_replayable
        ]
        return "\n".join(lines)


@runtime_checkable
class KnowsSecret(Protocol):
    """A ledger that keeps the market's secret."""

    def secret(self) -> bytes:
        """The key of the draws."""
        ...


def replay(
    ledger: History,
    *,
    deep: bool = False,
    sample: float | None = None,
    secret: bytes | None = None,
    valuation: Valuation = lookahead,
) -> Replay:
    """Recompute every award of a ledger and compare it with the recorded one, floats by their bits.

    `sample` takes that share of the awards, chosen by the SHA-256 of their requests. `deep` also rebuilds beliefs
    from the ledger and appraises each recorded offer again. Draws are recomputed with `secret`, by default the
    ledger's own when it keeps one. Memory does not grow with the ledger, but for 16 bytes an award when deep.

    >>> from atomic.ledger import MemoryLedger
    >>> replay(MemoryLedger()).exit_code
    0
    """
    recompute = _Recompute(ledger, secret or _secret_of(ledger), valuation)
    found = _Found()
    for event in sampled(ledger, sample, ("award", "hedged")):
        for what in recompute.differing(event):
            found.add(event, what)
    for event, what in assigned_differently(ledger, secret or _secret_of(ledger)):
        found.add(event, what)
    rebuilt = None
    if deep:
        rebuilt = rebuild(ledger, lambda: sampled(ledger, sample), found.add)
    return Replay(
        awards=recompute.awards,
        draws=recompute.draws,
        hedges=recompute.hedges,
        differences=found.count,
        different=tuple(found.named),
        not_replayable=tuple(sorted(recompute.others.items())),
        deep=rebuilt,
    )


def _secret_of(ledger: History) -> bytes | None:
    if not isinstance(ledger, KnowsSecret):
        return None
    try:
        return ledger.secret()
    except NotFound:  # a copy that was handed on without its keys
        return None


def sampled(ledger: History, share: float | None, kinds: Sequence[str] = ("award",)) -> Iterator[Event]:
    """The awards of a ledger in order, or a share of them: all rounds of a request, or none."""
    for event in ledger.read(kinds=kinds):
        if share is None or _place(event) < share:
            yield event


def _place(event: Event) -> float:
    digest = hashlib.sha256(f"{event.tenant}\0{event.request_id}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


class _Found:
    """Differences: all counted, the first of them named."""

    def __init__(self) -> None:
        self.count = 0
        self.named: list[Difference] = []

    def add(self, event: Event | None, what: str) -> None:
        self.count += 1
        if len(self.named) < MOST_DIFFERENCES:
            seq, request_id = (event.seq, event.request_id) if event is not None else (0, "")
            self.named.append(Difference(seq=seq, request_id=request_id, what=what))


class _Recompute:
    """One pass over the awards."""

    def __init__(self, ledger: History, secret: bytes | None, valuation: Valuation) -> None:
        self._ledger = ledger
        self._secret = secret
        self._valuation = valuation
        self._tables: OrderedDict[str, Table] = OrderedDict()
        self.awards = 0
        self.draws = 0
        self.hedges = 0
        self.others: Counter[str] = Counter()

    def differing(self, event: Event) -> Iterator[str]:
        """In what an award or a hedge differs from what its inputs give."""
        award = event.payload
        if isinstance(award, Hedged):
            yield from self._hedge_differs(award)
        if not isinstance(award, Award):
            return
        if award.rules_version != RULES_VERSION:
            self.others[award.rules_version] += 1
            return
        self.awards += 1
        if event.round != award.position.round:
            yield f"round: recorded as {award.position.round}, in its event as {event.round}"
        if self._secret is not None:
            self.draws += 1
            draw = drawn(self._secret, event.tenant, event.request_id, award.position.round)
            if not same_bits(draw, award.draw):
                yield f"draw: recorded {award.draw!r}, by the market's secret {draw!r}"
        try:
            slate: Slate = decode(Slate, _content(self._ledger, award.slate))
            table = self._table(award.table)
        except (NotFound, Tampered, ValueError) as error:
            yield f"content: {error}"
            return
        verdict = auction(award.position, slate, table, award.draw, valuation=self._valuation)
        yield from _verdict_differs(verdict, award)

    def _hedge_differs(self, hedged: Hedged) -> Iterator[str]:
        if hedged.rules_version != RULES_VERSION:
            self.others[hedged.rules_version] += 1
            return
        self.hedges += 1
        try:
            slate: Slate = decode(Slate, _content(self._ledger, hedged.slate))
            table = self._table(hedged.table)
        except (NotFound, Tampered, ValueError) as error:
            yield f"content: {error}"
            return
        choice = hedge(hedged.position, slate, table, hedged.what, valuation=self._valuation)
        if choice != (recorded := Choice(hedged.chosen, hedged.waiting, hedged.gain)):
            yield f"hedge: recorded {recorded}, recomputed {choice}"

    def _table(self, table_id: str) -> Table:
        table = self._tables.get(table_id)
        if table is None:
            table = self._tables[table_id] = decode(Table, _content(self._ledger, table_id))
            if len(self._tables) > _TABLES:
                self._tables.popitem(last=False)
        else:
            self._tables.move_to_end(table_id)
        return table


def _content(ledger: History, named: str) -> bytes:
    content = ledger.blob(named)
    if content_id(content) != named:
        raise Tampered(f"content {named} does not hash to its id")
    return content


def same_bits(one: float, other: float) -> bool:
    """Whether two floats are the same 64 bits: 0.0 and -0.0 are not.

    >>> same_bits(0.1, 0.1), same_bits(0.0, -0.0)
    (True, False)
    """
    return struct.pack(">d", one) == struct.pack(">d", other)


def _verdict_differs(verdict: Verdict, award: Award) -> Iterator[str]:
    if not same_bits(verdict.standing, award.standing):
        yield f"standing: recorded {award.standing!r}, recomputed {verdict.standing!r}"
    if not same_bits(verdict.propensity, award.propensity):
        yield f"propensity: recorded {award.propensity!r}, recomputed {verdict.propensity!r}"
    if verdict.standing_group != award.standing_group:
        yield f"standing group: recorded {award.standing_group}, recomputed {verdict.standing_group}"
    if verdict.considered != award.considered:
        yield f"considered: recorded {_list(award.considered)}, recomputed {_list(verdict.considered)}"
    if verdict.chosen != award.chosen:
        yield f"chosen: recorded {_list(award.chosen)}, recomputed {_list(verdict.chosen)}"
    if [one.action for one in verdict.candidates] != [one.action for one in award.candidates]:
        yield "candidates: others, or in another order"
        return
    for fresh, recorded in zip(verdict.candidates, award.candidates, strict=True):
        yield from _candidate_differs(fresh, recorded)


def _candidate_differs(fresh: Scored, recorded: Scored) -> Iterator[str]:
    name = _list(recorded.action)
    if fresh.score != recorded.score:
        yield f"score of {name}: recorded {recorded.score}, recomputed {fresh.score}"
    if not same_bits(fresh.propensity, recorded.propensity):
        yield f"propensity of {name}: recorded {recorded.propensity!r}, recomputed {fresh.propensity!r}"


def _list(keys: tuple[str, ...]) -> str:
    return " and ".join(keys) or "nobody"
