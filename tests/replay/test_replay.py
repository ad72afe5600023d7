"""Replay finds nothing on a true ledger and every kind of change in an award."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.explain.trading import as_entry, copied, trade

from atomic.explain import explain
from atomic.ledger import MemoryLedger, SqliteLedger
from atomic.ledger.reader import LedgerReader
from atomic.records import Award, Entry, Event, LessonsLearned, Slate, decode, encode
from atomic.records.canonical import content_id
from atomic.replay import replay

REQUESTS = 30


@pytest.fixture
async def traded() -> MemoryLedger:
    ledger = MemoryLedger()
    await trade(ledger, REQUESTS)
    return ledger


def awards(ledger: MemoryLedger) -> list[Award]:
    return [event.payload for event in ledger.read(kinds=("award",)) if isinstance(event.payload, Award)]


def first_round(award: Award) -> bool:
    return award.position.round == 1 and len(award.candidates) > 1


async def altered(
    ledger: MemoryLedger, change: Callable[[Award], Award], where: Callable[[Award], bool] = first_round
) -> tuple[MemoryLedger, int]:
    """A copy in which the last award that `where` picks is another, and its seq."""
    seq = [
        event.seq
        for event in ledger.read(kinds=("award",))
        if isinstance(event.payload, Award) and where(event.payload)
    ][-1]

    def changed(event: Event) -> Entry:
        entry = as_entry(ledger, event)
        if event.seq != seq:
            return entry
        assert isinstance(entry.payload, Award)
        return replace(entry, payload=change(entry.payload))

    return await copied(ledger, changed), seq


async def test_a_true_ledger_replays_bit_for_bit(traded: MemoryLedger) -> None:
    found = replay(traded)

    assert () == found.different
    assert len(awards(traded)) == found.awards == found.draws
    assert 0 == found.exit_code


async def test_a_true_ledger_in_a_file_replays_deeply_too(tmp_path: Path) -> None:
    async with SqliteLedger.open(tmp_path / "market.db") as ledger:
        market = await trade(ledger, REQUESTS)
        found = replay(ledger, deep=True)

    assert found.deep is not None
    assert () == found.different
    assert found.awards == found.deep.awards == found.deep.tables
    assert market.beliefs.digest() == found.deep.digest
    assert 0 == found.exit_code


async def test_a_copy_without_its_keys_is_replayed_and_explained_without_draws_and_bodies(tmp_path: Path) -> None:
    async with SqliteLedger.open(tmp_path / "market.db") as ledger:
        await trade(ledger, 4)
    copy = tmp_path / "copy.db"
    shutil.copy(tmp_path / "market.db", copy)

    with LedgerReader.open(copy) as reader:
        found, told = replay(reader, deep=True), explain(reader, "r1", bodies=True)

    assert (0, 0) == (found.exit_code, found.draws)
    assert found.awards > 0
    assert "sealed" == told.asked.input_state
    assert told.text().startswith("sealed, right with probability")


async def test_deep_replay_appraises_every_recorded_bid_again(traded: MemoryLedger) -> None:
    found = replay(traded, deep=True)

    assert found.deep is not None
    assert sum(len(decode(Slate, traded.blob(one.slate)).bids) for one in awards(traded)) == found.deep.bids
    assert 0 == found.differences


def other_choice(award: Award) -> Award:
    other = next(one for one in award.candidates if one.action != award.chosen)
    return replace(award, chosen=other.action)


def last_bit(award: Award) -> Award:
    return replace(award, propensity=math.nextafter(award.propensity, 0.0))


def last_bit_of_a_candidate(award: Award) -> Award:
    first = award.candidates[0]
    return replace(
        award,
        candidates=(replace(first, propensity=math.nextafter(first.propensity, 0.0)), *award.candidates[1:]),
    )


def other_score(award: Award) -> Award:
    first = award.candidates[0]
    return replace(award, candidates=(replace(first, score=first.score + 1), *award.candidates[1:]))


def other_order(award: Award) -> Award:
    return replace(award, candidates=tuple(reversed(award.candidates)))


def negative_zero(award: Award) -> Award:
    assert 0.0 == award.standing
    return replace(award, standing=-0.0)


CHANGES: list[tuple[Callable[[Award], Award], str]] = [
    (other_choice, "chosen"),
    (last_bit, "propensity"),
    (last_bit_of_a_candidate, "propensity of"),
    (other_score, "score of"),
    (other_order, "candidates"),
    (negative_zero, "standing"),
    (lambda award: replace(award, standing_group=3), "standing group"),
    (lambda award: replace(award, considered=award.considered[1:]), "considered"),
    (lambda award: replace(award, draw=math.nextafter(award.draw, 1.0)), "draw"),
    (lambda award: replace(award, position=replace(award.position, round=2)), "round"),
    (lambda award: replace(award, table="0" * 64), "content"),
]


@pytest.mark.parametrize(("change", "what"), CHANGES, ids=[what for _, what in CHANGES])
async def test_a_changed_award_is_found(traded: MemoryLedger, change: Callable[[Award], Award], what: str) -> None:
    ledger, seq = await altered(traded, change)

    found = replay(ledger, secret=traded.secret())

    assert {seq} == {one.seq for one in found.different}
    assert any(one.what.startswith(what) for one in found.different)
    assert 1 == found.exit_code


async def test_another_slate_under_an_award_is_found(traded: MemoryLedger) -> None:
    slates = [one.slate for one in awards(traded) if first_round(one)]
    ledger, seq = await altered(traded, lambda award: replace(award, slate=slates[0]))

    assert {seq} == {one.seq for one in replay(ledger, secret=traded.secret()).different}


async def test_a_bid_that_beliefs_never_made_is_found_deeply_alone(traded: MemoryLedger) -> None:
    """A slate, with an award to fit it, whose one bid differs by the last bit of its spread: no score depends on it."""
    slates: dict[str, bytes] = {}

    def change(award: Award) -> Award:
        slate = decode(Slate, traded.blob(award.slate))
        first = replace(slate.bids[0], spread=math.nextafter(slate.bids[0].spread, 1.0))
        content = encode(Slate(bids=(first, *slate.bids[1:]), no_bids=slate.no_bids))
        slates[award.slate] = content
        return replace(award, slate=content_id(content))

    ledger, seq = await altered(traded, change)
    (content,) = slates.values()
    await ledger.append([replace(as_entry(traded, next(traded.read())), blobs=(content,), request_id="x")])

    shallow = replay(ledger, secret=traded.secret())
    deep = replay(ledger, secret=traded.secret(), deep=True)

    assert () == shallow.different
    assert [seq] == [one.seq for one in deep.different]
    assert "spread" in deep.different[0].what


async def test_a_changed_lesson_is_found_deeply_in_the_awards_after_it(traded: MemoryLedger) -> None:
    lessons = next(event.seq for event in traded.read(kinds=("lessons",)))

    def change(event: Event) -> Entry:
        entry = as_entry(traded, event)
        if event.seq == lessons and isinstance(entry.payload, LessonsLearned):
            first, *rest = entry.payload.lessons
            flipped = replace(first, target=1.0 - first.target)
            return replace(entry, payload=replace(entry.payload, lessons=(flipped, *rest)))
        return entry

    ledger = await copied(traded, change)
    found = replay(ledger, secret=traded.secret(), deep=True)

    assert 1 == found.exit_code
    assert all(one.seq > lessons for one in found.different)


async def test_spending_that_the_attempts_do_not_give_is_found_deeply(traded: MemoryLedger) -> None:
    ledger, seq = await altered(
        traded,
        lambda award: replace(award, position=replace(award.position, spent=award.position.spent + 1)),
    )

    found = replay(ledger, secret=traded.secret(), deep=True)

    assert [(seq, "spent")] == [(one.seq, one.what.partition(":")[0]) for one in found.different]


async def test_an_award_by_other_rules_is_not_replayable_here(traded: MemoryLedger) -> None:
    ledger, _ = await altered(traded, lambda award: replace(award, rules_version="0"))

    found = replay(ledger, secret=traded.secret(), deep=True)

    assert (("0", 1),) == found.not_replayable
    assert len(awards(traded)) - 1 == found.awards
    assert 2 == found.exit_code
    assert "not replayable here" in found.text()


async def test_a_difference_outranks_what_is_not_replayable(traded: MemoryLedger) -> None:
    ledger, _ = await altered(traded, lambda award: replace(award, rules_version="0"))
    found = replay(ledger, secret=b"another")

    assert 1 == found.exit_code


async def test_a_sample_takes_whole_requests_and_the_same_ones_again(traded: MemoryLedger) -> None:
    some, again, none = (replay(traded, sample=share) for share in (0.5, 0.5, 0.0))

    assert some == again
    assert 0 < some.awards < len(awards(traded))
    assert 0 == none.awards


async def test_an_empty_ledger_replays() -> None:
    found = replay(MemoryLedger(), deep=True)

    assert (0, 0, ()) == (found.awards, found.exit_code, found.different)


def test_the_bench_finds_no_difference() -> None:
    from atomic.bench.replay import run

    figures: dict[str, Any] = run(100)

    assert 0 == figures["different"]
    assert 100 <= figures["awards"]
