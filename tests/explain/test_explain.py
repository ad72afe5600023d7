"""An explanation says what the ledger says, and nothing that it does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

import pytest
from tests.explain.trading import REQUESTS, as_entry, bidders, copied, mail, open_market, spam

from atomic.belief.examples import ExampleStore
from atomic.clock import FrozenClock
from atomic.counterfactual import Given
from atomic.errors import NotFound
from atomic.explain import Explanation, explain
from atomic.ledger import MemoryLedger
from atomic.market import Market, Trade
from atomic.protocols import Ledger, Spend
from atomic.records import (
    AttemptFinished,
    Award,
    Commitment,
    Entry,
    Event,
    LessonsLearned,
    OutcomeSettled,
    Reason,
    Slate,
    Table,
    decode,
    nano_usd,
)
from atomic.records.microtask import with_terms
from atomic.tactics import Plain
from atomic.testing import Line, ScriptedBidder


@pytest.fixture(scope="module")
def told(traded: MemoryLedger) -> list[Explanation]:
    return [explain(traded, f"r{number}") for number in range(REQUESTS)]


class Erased:
    """A ledger whose bodies were all erased."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger

    async def append(
        self, entries: Sequence[Entry], *, spend: Spend | None = None, power_durable: bool = False
    ) -> tuple[Event, ...]:
        return await self._ledger.append(entries, spend=spend, power_durable=power_durable)

    def read(
        self, *, after: int = 0, request_id: str | None = None, kinds: Sequence[str] = (), limit: int | None = None
    ) -> Iterator[Event]:
        return self._ledger.read(after=after, request_id=request_id, kinds=kinds, limit=limit)

    def body(self, commitment: Commitment) -> bytes | None:
        return None

    def blob(self, content_id: str) -> bytes:
        return self._ledger.blob(content_id)

    def subjects(self, commitment: Commitment) -> tuple[str, ...]:
        return ()


def payloads(ledger: Ledger, request_id: str, kind: str) -> list[Event]:
    return list(ledger.read(request_id=request_id, kinds=(kind,)))


def test_every_bid_is_told_with_the_numbers_on_record(traded: MemoryLedger, told: list[Explanation]) -> None:
    for one in told:
        awards = [event.payload for event in payloads(traded, one.asked.request_id, "award")]
        assert len(awards) == len(one.rounds)
        for award, around in zip(awards, one.rounds, strict=True):
            assert isinstance(award, Award)
            slate: Slate = decode(Slate, traded.blob(award.slate))
            assert len(slate.bids) == len(around.bids)
            for bid, shown in zip(slate.bids, around.bids, strict=True):
                for name in ("probability", "spread", "price", "latency_ns", "latency_high_ns", "key"):
                    assert getattr(bid, name) == getattr(shown, name)
                assert bid.offer.claim == shown.claim
                assert (bid.offer.price, bid.offer.ceiling) == (shown.offered_price, shown.ceiling)
                seen, grounds = bid.evidence, shown.grounds
                assert (seen.prior, seen.prior_weight) == (grounds.prior, grounds.prior_weight)
                assert (seen.domain_count, seen.task_count) == (grounds.domain_count, grounds.task_count)


def test_every_action_is_told_with_score_and_propensity(traded: MemoryLedger, told: list[Explanation]) -> None:
    for one in told:
        for event, around in zip(payloads(traded, one.asked.request_id, "award"), one.rounds, strict=True):
            award = event.payload
            assert isinstance(award, Award)
            assert [(c.action, c.score, c.propensity) for c in award.candidates] == [
                (shown.action, shown.score, shown.propensity) for shown in around.actions
            ]
            assert (award.chosen, award.propensity, award.draw) == (around.chosen, around.propensity, around.draw)
            if around.margin is not None and around.runner_up is not None:
                scores = {candidate.action: candidate.score for candidate in award.candidates}
                assert scores[award.chosen] - scores[around.runner_up] == around.margin


def test_lessons_behind_a_bid_are_those_in_the_ledger(traded: MemoryLedger, told: list[Explanation]) -> None:
    lessons = {event.seq: event for event in traded.read(kinds=("lessons",))}
    taught = [
        (bid.key, one) for each in told for around in each.rounds for bid in around.bids for one in bid.grounds.lessons
    ]

    assert taught
    for key, one in taught:
        payload = lessons[one.seq].payload
        assert isinstance(payload, LessonsLearned)
        assert payload.source == one.source
        assert (key, one.target, one.weight) in [
            (e.key, e.target, e.weight) for e in payload.lessons if e.kind == "right"
        ]


def test_evidence_is_never_younger_than_the_award(told: list[Explanation]) -> None:
    ages = [bid.grounds.youngest_age_ns for one in told for around in one.rounds for bid in around.bids]

    assert any(age is not None for age in ages)
    assert all(age is None or age >= 0 for age in ages)


def test_the_posterior_after_the_last_attempt_is_the_standing_of_the_next_round(told: list[Explanation]) -> None:
    pairs = 0
    for one in told:
        for around, later in zip(one.rounds, one.rounds[1:], strict=False):
            if around.attempts and around.attempts[-1].group is not None:
                assert later.standing == around.attempts[-1].hand
                assert later.standing_group == around.attempts[-1].hand_group
                pairs += 1
    assert pairs > REQUESTS // 2


def test_attempts_are_told_as_they_ended(traded: MemoryLedger, told: list[Explanation]) -> None:
    for one in told:
        ended = [event.payload for event in payloads(traded, one.asked.request_id, "finished")]
        shown = [attempt for around in one.rounds for attempt in around.attempts]
        assert len(ended) == len(shown)
        for done, attempt in zip(ended, shown, strict=True):
            assert isinstance(done, AttemptFinished)
            assert (done.key, done.group, done.price) == (attempt.key, attempt.group, attempt.price)
            assert (done.confidence, done.latency_ns) == (attempt.confidence, attempt.latency_ns)
            assert (None if done.reason is None else done.reason.words) == (attempt.words or None)


def test_the_outcome_is_told_with_its_source(traded: MemoryLedger, told: list[Explanation]) -> None:
    for one in told:
        settled = payloads(traded, one.asked.request_id, "outcome")[0].payload
        assert isinstance(settled, OutcomeSettled)
        assert one.outcome is not None
        assert (settled.probability, settled.cost, settled.winner) == (
            one.outcome.probability,
            one.outcome.cost,
            one.outcome.winner,
        )
        first = one.text().splitlines()[0]
        assert f"{settled.probability:.3f}" in first
        assert ("outcomes behind it" if settled.probability_source == "labelled" else "estimated, unverified") in first


def test_counterfactuals_are_told_for_every_considered_bid_of_every_round(
    traded: MemoryLedger, told: list[Explanation]
) -> None:
    for one in told:
        for event, around in zip(payloads(traded, one.asked.request_id, "award"), one.rounds, strict=True):
            award = event.payload
            assert isinstance(award, Award)
            assert set(award.considered) == {found.key for found in around.prices}
            given = Given(
                position=award.position,
                slate=decode(Slate, traded.blob(award.slate)),
                table=decode(Table, traded.blob(award.table)),
                draw=award.draw,
            )
            for found in around.prices:
                if found.price is not None and found.says == "chosen":
                    assert found.at == given.at_price(found.key, found.price).verdict().chosen
                    assert found.beyond == given.at_price(found.key, found.price + 1).verdict().chosen


def test_exploration_is_told_with_its_probability_and_what_was_best(told: list[Explanation]) -> None:
    explored = [(one, around) for one in told for around in one.rounds if around.chosen != around.best]

    assert explored
    for one, around in explored:
        assert f"Chosen by exploration with probability {around.propensity:.3f}" in one.text()


def test_no_bids_are_told_with_number_and_words(told: list[Explanation]) -> None:
    closed = next(none for none in told[0].rounds[0].no_bids if none.bidder == "closed")

    assert (10, "not configured") == (closed.reason, closed.words)
    assert "closed+plain: not configured (reason 10)" in told[0].text()


def test_the_input_is_told_only_when_asked_for(traded: MemoryLedger, told: list[Explanation]) -> None:
    one, with_body = told[0], explain(traded, "r0", bodies=True)

    assert mail(0) not in one.text()
    assert mail(0) not in json.dumps(one.json())
    assert mail(0) in with_body.text()
    assert {"mail": mail(0)} == with_body.json()["asked"]["input"]


def test_erased_bodies_are_told_as_erased(traded: MemoryLedger) -> None:
    one = explain(Erased(traded), "r0", bodies=True)

    assert "erased" == one.asked.input_state
    assert one.outcome is not None
    assert ("erased", None) == (one.outcome.answer_state, one.outcome.answer)
    assert one.text().startswith("erased, right with probability")
    assert "input erased" in one.text()
    assert any(word.truth_state == "erased" for word in one.words)


def test_feedback_is_told_with_the_lessons_it_taught(told: list[Explanation]) -> None:
    judge, person = told[0].words

    assert ("judge", "person") == (judge.source, person.source)
    assert judge.lessons
    assert any(lesson.weight < 0 for lesson in person.lessons)  # the judge's are taken back
    assert "Since then" in told[0].text()
    assert "person ann said right" in told[0].text()
    assert "Nobody has said yet" in told[1].text()


def test_json_holds_every_field_and_is_json(told: list[Explanation]) -> None:
    for one in told[:5]:
        assert one.json() == json.loads(json.dumps(one.json()))
        assert {field.name for field in fields(Explanation)} == set(one.json())


def test_an_unknown_request_and_another_tenants_are_not_found(traded: MemoryLedger) -> None:
    for request_id, tenant in (("nothing", ""), ("r0", "somebody else")):
        with pytest.raises(NotFound):
            explain(traded, request_id, tenant=tenant)


async def test_an_outcome_explains_itself() -> None:
    market = await open_market(MemoryLedger())
    outcome = await market.run(spam, mail(3))

    assert explain(market.ledger, outcome.id).text() == outcome.explain()


async def test_the_brief_story_says_the_decision_first_and_fits_a_screen() -> None:
    ledger = MemoryLedger()
    market = await open_market(ledger)
    outcome = await market.run(spam, mail(3))

    story = explain(ledger, outcome.id)
    lines = story.brief().splitlines()

    assert lines[0].startswith(f"spam: {outcome.answer}, from {outcome.winner} (")
    assert 10 < len(lines) <= 30
    assert max(map(len, lines)) <= 150
    assert f"* {story.rounds[0].chosen[0]}" in story.brief()


async def test_a_refusal_is_told_with_its_reason() -> None:
    ledger = MemoryLedger()
    market = await open_market(ledger)
    terms = with_terms(spam.terms, refuse_below=0.9999)
    await market.buy(spam(mail(1)), Trade(request_id="r", terms=terms))

    assert explain(ledger, "r").text().startswith("Refused: the best answer is right with probability")


async def test_a_round_without_bids_is_told() -> None:
    ledger = MemoryLedger()
    nobody = ScriptedBidder("nobody", [Line(no_bid=Reason.DECLINED)])
    market = Market(ledger=ledger, bidders=[nobody], tactics=[Plain()], examples=ExampleStore())
    await market.start()
    await market.buy(spam(mail(1)), Trade(request_id="r"))

    text = explain(ledger, "r").text()

    assert text.startswith("Refused: no bid is worth its price.")
    assert "0 bids, 1 no-bid" in text


async def test_a_request_that_was_cut_is_told_as_open() -> None:
    ledger = MemoryLedger()
    slow = ScriptedBidder("slow", [Line(answer="ham", hangs=True)])
    market = Market(ledger=ledger, bidders=[slow], tactics=[Plain()], examples=ExampleStore())
    await market.start()
    began = asyncio.Event()
    ledger.follow(lambda events: began.set() if any(event.kind == "started" for event in events) else None)
    buying = asyncio.ensure_future(market.buy(spam(mail(1)), Trade(request_id="r")))
    await began.wait()

    one = explain(ledger, "r")
    buying.cancel()
    await asyncio.gather(buying, return_exceptions=True)

    assert one.outcome is None
    assert "unfinished" == one.rounds[0].attempts[0].status
    assert one.text().startswith("No outcome yet")
    assert "cut, or still running" in one.text()


async def test_awards_of_other_rules_are_told_without_counterfactuals(traded: MemoryLedger) -> None:
    def older(event: Event) -> Entry:
        entry = as_entry(traded, event)
        if isinstance(entry.payload, Award):
            return replace(entry, payload=replace(entry.payload, rules_version="0"))
        return entry

    one = explain(await copied(traded, older), "r1")

    assert not any(around.prices or around.worths for around in one.rounds)
    assert "No counterfactuals: the award was made by rules 0" in one.text()


async def test_ages_are_counted_from_the_award() -> None:
    clock = FrozenClock()
    ledger = MemoryLedger(clock=clock)
    market = await open_market(ledger, clock=clock)
    await market.buy(spam(mail(0)), Trade(request_id="first"))
    await market.feedback("first", 1.0)
    clock.advance(90_000_000_000)
    await market.buy(spam(mail(1)), Trade(request_id="second"))

    ages = {bid.grounds.youngest_age_ns for bid in explain(ledger, "second").rounds[0].bids}

    assert 90_000_000_000 in ages
    assert "youngest 1.5 min before" in explain(ledger, "second").text()


async def test_the_tactics_of_a_bidder_are_compared() -> None:
    class Loud(Plain):
        @property
        def name(self) -> str:
            return "loud"

    ledger = MemoryLedger()
    market = Market(
        ledger=ledger,
        bidders=bidders()[:1],
        tactics=[Plain(), Loud()],
        examples=ExampleStore(),
    )
    await market.start()
    await market.buy(spam(mail(1)), Trade(request_id="r", terms=with_terms(spam.terms, worth=nano_usd("$0.01"))))

    (tactic,) = explain(ledger, "r").rounds[0].tactics

    assert {"mini+plain", "mini+loud"} == {tactic.key, tactic.other}
    assert tactic.behind is not None
