"""Explanations: the story of one request, every number with where it came from. See docs/explanation.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from atomic.counterfactual import Given, best, price_breaks, worth_points
from atomic.explain.attempts import attempts_told
from atomic.explain.bids import LessonBook, bid_told
from atomic.explain.brief import tell_briefly
from atomic.explain.expected import expected_told
from atomic.explain.explained import (
    ActionTold,
    Alternative,
    Asked,
    AttemptTold,
    Explained,
    HedgeTold,
    LessonTold,
    NoBidTold,
    RoundTold,
    Settled,
    TacticTold,
    WordTold,
)
from atomic.explain.story import RoundStory, Story, read_body, read_story
from atomic.explain.telling import tell
from atomic.explain.wording import assigned_told
from atomic.grids import grid_points
from atomic.protocols import History
from atomic.records.award import Award, Scored
from atomic.records.bid import Bid
from atomic.rules.auction import RULES_VERSION, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation(Explained):
    """The story of one request: as a record, as text, as JSON."""

    def text(self) -> str:
        """The story in plain words: the decision in the first line, then round by round."""
        return tell(self)

    def brief(self) -> str:
        """The same on one screen: the decision, who bid, why it ended so, and what would have changed it."""
        return tell_briefly(self)

    def html(self) -> str:
        """The story as one HTML file with the bids as a picture: no script, nothing from outside."""
        from atomic.explain.page import page  # most explanations are read in a terminal

        return page(self)

    def without_answers(self) -> Explanation:
        """The same story for whoever may not see answers."""
        rounds = tuple(
            replace(one, attempts=tuple(replace(two, answer=None, answer_state="hidden") for two in one.attempts))
            for one in self.rounds
        )
        outcome = None if self.outcome is None else replace(self.outcome, answer=None, answer_state="hidden")
        return replace(self, rounds=rounds, outcome=outcome)

    def json(self) -> dict[str, Any]:
        """The same record as JSON has it: the fields of `atomic.explain.explained`, tuples as lists."""
        return {name: plain(value) for name, value in asdict(self).items()}


def plain(value: Any) -> Any:
    """A value as JSON has it: tuples as lists."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def explain(ledger: History, request_id: str, *, tenant: str = "", bodies: bool = False) -> Explanation:
    """Tell the story of a request from the ledger alone.

    The input is told only with `bodies`; answers are. What was erased says so. Counterfactuals are found by running
    the auction some hundred times per round. Raises NotFound for an unknown request, Tampered for a changed body.
    """
    story = read_story(ledger, request_id, tenant)
    book = LessonBook(ledger)
    rounds: list[RoundTold] = []
    answers = 0
    for index, one in enumerate(story.rounds):
        later = story.rounds[index + 1] if index + 1 < len(story.rounds) else None
        attempts = attempts_told(ledger, one, later, answers)
        answers += sum(1 for attempt in attempts if attempt.group is not None)
        rounds.append(_round(one, attempts, book))
    return Explanation(
        asked=_asked(ledger, story, bodies),
        outcome=_settled(ledger, story),
        rounds=tuple(rounds),
        alternatives=_alternatives(rounds),
        words=tuple(_words(ledger, story)),
    )


def _asked(ledger: History, story: Story, bodies: bool) -> Asked:
    opened, event = story.opened, story.request
    content, state = read_body(ledger, event, "input")
    hide = state == "shown" and not bodies
    return Asked(
        request_id=event.request_id,
        tenant=event.tenant,
        task=opened.task,
        task_version=opened.task_version,
        domain=opened.domain,
        label=event.label,
        labels=opened.labels,
        worth=story.rounds[0].award.position.terms.worth if story.rounds else opened.terms.worth,
        max_price=opened.terms.max_price,
        latency_price=opened.terms.latency_price,
        deadline_ns=opened.terms.deadline_ns,
        refuse_below=opened.terms.refuse_below,
        explore=opened.terms.explore,
        time_ns=event.time_ns,
        input_state="hidden" if hide else state,
        input=None if hide else content,
        objective=opened.terms.stated,
        assigned=assigned_told(opened.assignment, event.request_id) if opened.assignment is not None else "",
    )


def _round(story: RoundStory, attempts: tuple[AttemptTold, ...], book: LessonBook) -> RoundTold:
    award, slate = story.award, story.slate
    given = Given(position=award.position, slate=slate, table=story.table, draw=award.draw)
    outright = award.position.terms.mandate or award.position.terms.survey  # not by score
    leading = award.chosen if outright else best(as_verdict(award))
    chosen = next((one for one in award.candidates if one.action == award.chosen), None)
    others = [one for one in award.candidates if one.action != award.chosen]
    top = chosen or (award.candidates[0] if award.candidates else None)
    why = unproven(award, given)
    keys = [key for key in award.considered if any(bid.key == key for bid in slate.bids)]
    return RoundTold(
        number=award.position.round,
        seq=story.event.seq,
        time_ns=story.event.time_ns,
        elapsed_ns=award.position.elapsed_ns,
        waited_ns=award.waited_ns,
        spent=award.position.spent,
        standing=award.standing,
        standing_group=award.standing_group if award.standing_group >= 0 else None,
        chosen=award.chosen,
        best=leading,
        explored=any(0.0 < one.propensity < 1.0 for one in award.candidates),
        propensity=award.propensity,
        draw=award.draw,
        over_settling=top.score if top else None,
        runner_up=others[0].action if chosen and others else None,
        margin=chosen.score - others[0].score if chosen and others else None,
        actions=tuple(_action(one, slate.bids) for one in award.candidates),
        bids=tuple(bid_told(bid, story, book) for bid in slate.bids),
        no_bids=tuple(
            NoBidTold(
                key=one.key,
                bidder=one.bidder,
                tactic=one.tactic,
                reason=int(one.reason),
                words=one.reason.words,
                detail=one.detail,
            )
            for one in slate.no_bids
        ),
        tactics=tuple(_tactics(story)),
        attempts=attempts,
        hedges=tuple(
            HedgeTold(
                running=one.what.running,
                waited_ns=one.what.waited_ns,
                chosen=one.chosen,
                waiting=one.waiting,
                gain=one.gain,
            )
            for one in story.hedges
        ),
        prices=() if why else price_breaks(given, keys),
        worths=() if why else worth_points(given),
        grids=() if why else grid_points(given, keys),
        unproven=why,
        expected=expected_told(award.position, story.table),
        capacity=award.capacity,
        beliefs_seq=award.beliefs_seq,
        rules_version=award.rules_version,
        slate=award.slate,
        table=award.table,
    )


def as_verdict(award: Award) -> Verdict:
    """What the auction found, as the award recorded it."""
    return Verdict(
        standing=award.standing,
        standing_group=award.standing_group,
        considered=award.considered,
        candidates=award.candidates,
        chosen=award.chosen,
        propensity=award.propensity,
    )


def unproven(award: Award, given: Given) -> str:
    """Why the auction cannot be run again on this award; empty when it can and gives the same."""
    if award.rules_version != RULES_VERSION:
        return f"the award was made by rules {award.rules_version}, and this release has {RULES_VERSION}"
    if given.verdict() != as_verdict(award):
        return "the auction, run again, does not give this award: run `atomic replay` and `atomic ledger verify`"
    return ""


def _action(one: Scored, bids: Sequence[Bid]) -> ActionTold:
    price = sum(bid.price for bid in bids if bid.key in one.action)
    return ActionTold(action=one.action, score=one.score, propensity=one.propensity, price=price)


def _tactics(story: RoundStory) -> list[TacticTold]:
    """The other tactics of each bidder that was bought, beside the one that was."""
    award, told = story.award, []
    scores = {one.action[0]: one.score for one in award.candidates if len(one.action) == 1}
    for key in award.chosen:
        bidder = key.rpartition("+")[0]
        for bid in story.slate.bids:
            if bid.offer.bidder == bidder and bid.key not in award.chosen:
                known = key in scores and bid.key in scores
                behind = scores[key] - scores[bid.key] if known else None
                told.append(TacticTold(key=key, other=bid.key, behind=behind, why="" if known else "no candidate"))
        for none in story.slate.no_bids:
            if none.bidder == bidder:
                told.append(TacticTold(key=key, other=none.key, behind=None, why=none.reason.words))
    return told


def _settled(ledger: History, story: Story) -> Settled | None:
    outcome, event = story.outcome, story.outcome_event
    if outcome is None or event is None:
        return None
    answer, state = read_body(ledger, event, "answer")
    counts = [0.0]
    for one in story.rounds:
        bids = {bid.key: bid for bid in one.slate.bids}
        for attempt in one.tries:
            done = attempt.finished
            if done is not None and done.group is not None and done.group == outcome.group:
                counts.append(bids[done.key].evidence.task_count)
    return Settled(
        status=outcome.status,
        why=outcome.why,
        answer_state=state,
        answer=answer,
        probability=outcome.probability,
        probability_source=outcome.probability_source,
        behind=max(counts),
        winner=outcome.winner,
        group=outcome.group,
        rounds=outcome.rounds,
        cost=outcome.cost,
        latency_ns=outcome.latency_ns,
        time_ns=event.time_ns,
    )


def _alternatives(rounds: Sequence[RoundTold]) -> tuple[Alternative, ...]:
    bought = {key for one in rounds for key in one.chosen}
    return tuple(
        Alternative(key=bid.key, price=bid.price, probability=bid.probability)
        for one in rounds[:1]
        for bid in one.bids
        if bid.key not in bought
    )


def _words(ledger: History, story: Story) -> list[WordTold]:
    told = []
    for word in story.words:
        truth, state = read_body(ledger, word.event, "truth")
        lessons = word.learned.lessons if word.learned is not None else ()
        told.append(
            WordTold(
                seq=word.event.seq,
                time_ns=word.event.time_ns,
                source=word.given.source,
                author=word.given.author,
                value=word.given.value,
                truth_state=state,
                truth=truth,
                lessons=tuple(
                    LessonTold(kind=one.kind, key=one.key, target=one.target, weight=one.weight) for one in lessons
                ),
            )
        )
    return told
