"""An event in one line for people."""

from __future__ import annotations

import datetime

from atomic.belief.credit import named
from atomic.commands.common import short_id
from atomic.records.attempt import AttemptFinished, AttemptStarted
from atomic.records.award import Award
from atomic.records.erasure import BeliefsRebased, BodiesErased
from atomic.records.event import Event, Payload
from atomic.records.hedge import Hedged
from atomic.records.imported import AnswersImported
from atomic.records.key import KeyIssued, KeyRevoked
from atomic.records.lesson import BidderChanged, ExampleRetired, FeedbackGiven, LessonsLearned, VariantDecided
from atomic.records.mode import ModeChanged, ModeStated, PairMade
from atomic.records.money import dollars
from atomic.records.outcome import ActionDone, ActionIntended, MarketOpened, OutcomeSettled
from atomic.records.price import BookPrice, PricesChanged
from atomic.records.question import QuestionAnswered, QuestionAsked, QuestionLapsed, QuestionTaken
from atomic.records.request import RequestOpened
from atomic.records.responses import ModelFitted
from atomic.records.tested import CasesPlayed


def priced(price: BookPrice) -> str:
    """A price of the book in one line.

    >>> priced(BookPrice(bidder="desk", as_of="2026-11-01", source="agreed", call=5_000_000))
    'call $0.005'
    """
    return ", ".join(f"{name} {dollars(amount)}" for name, amount in price.amounts.items())


def line(event: Event) -> str:
    """Seq, time (UTC), kind, request and what happened.

    >>> from atomic.records.outcome import MarketOpened
    >>> opened = MarketOpened(version="0.1.0", rules_version="1", config="ab12cd34ef")
    >>> print(line(Event(seq=1, kind="market", version=1, tenant="", label="internal", request_id="", round=0,
    ...     time_ns=0, payload=opened)))
         1  1970-01-01 00:00:00  market                          version 0.1.0, rules 1, configuration ab12cd34
    """
    time = datetime.datetime.fromtimestamp(event.time_ns / 1e9, tz=datetime.UTC)
    where = short_id(event.request_id) + (f"/{event.round}" if event.round else "")
    return f"{event.seq:>6}  {time:%Y-%m-%d %H:%M:%S}  {event.kind:<8}  {where:<20}  {words(event.payload)}"


def words(payload: Payload) -> str:  # noqa: PLR0911, PLR0912 - a line per kind of record
    """What a record says, without any body."""
    match payload:
        case MarketOpened():
            return f"version {payload.version}, rules {payload.rules_version}, configuration {payload.config[:8]}"
        case PricesChanged():
            return "; ".join(f"{one.bidder} costs {priced(one)}, as of {one.as_of}" for one in payload.prices)
        case ModelFitted():
            found = payload.model
            if found is None:
                return f"{payload.task}: no response model: {payload.why}"
            return f"{payload.task}: a response model of {found.lineups} line-ups, {found.labelled} of them judged"
        case CasesPlayed():
            return f"{payload.task}: {payload.passed} of {len(payload.cases)} cases passed"
        case AnswersImported():
            return f"{len(payload.requests)} requests come from the ledger {payload.origin.public_key[:8]}"
        case RequestOpened():
            return f"{payload.task}, {payload.terms.stated or f'worth {dollars(payload.terms.worth)}'}"
        case Award():
            chosen = f"buys {', '.join(payload.chosen)}" if payload.chosen else "settles"
            return f"{chosen}; standing answer {payload.standing:.2f}, propensity {payload.propensity:.2f}"
        case Hedged():
            what = f"buys {', '.join(payload.chosen)} as well" if payload.chosen else "waits no longer"
            return f"{what} after {payload.what.waited_ns / 1e6:.0f} ms of {', '.join(payload.what.running)}"
        case AttemptStarted():
            return f"{payload.bidder}+{payload.tactic}, at most {dollars(payload.reserved)}"
        case AttemptFinished():
            came = payload.reason.words if payload.reason else f"answered, right with {payload.probability:.2f}"
            return f"{payload.key} {came}; {dollars(payload.price)}, {payload.latency_ns / 1e6:.0f} ms"
        case OutcomeSettled():
            if payload.status == "refused":
                return f"{payload.task} refused: {payload.why}"
            sure = f"right with {payload.probability:.2f} ({payload.probability_source})"
            return f"{payload.task} by {payload.winner}, {sure}, {dollars(payload.cost)}"
        case FeedbackGiven():
            return f"{named(payload.source, payload.author)} says {payload.value:g}"
        case LessonsLearned():
            return f"{len(payload.lessons)} lessons for {payload.task} from {payload.source}"
        case BidderChanged():
            return f"{payload.key} is another than before: {payload.words}"
        case ExampleRetired():
            rate = (
                f"{payload.wrong:g} of {payload.repeated} answers like it were wrong, {payload.expected:.1f} expected"
            )
            return f"example {payload.example} of {payload.task} is shown no more: {rate}"
        case VariantDecided():
            lead = f"{payload.by} is right more often by {payload.lead:.0%}"
            return f"{payload.stopped} is asked no more for {payload.task}: {lead}"
        case ActionIntended():
            return f"{payload.action} intended"
        case ActionDone():
            return f"{payload.action} {payload.status}" + (f": {payload.detail}" if payload.detail else "")
        case QuestionAsked(kind="approval"):
            return f"{payload.queue} is asked to approve: {payload.about.split('/')[1]}"  # its target may be an address
        case QuestionAsked():
            return f"{payload.queue} is asked for {payload.task}: {payload.kind}"
        case QuestionTaken():
            return f"{payload.reviewer} {'took it' if payload.until_ns else 'gave it back'}"
        case QuestionAnswered():
            return f"{payload.reviewer} {'declined' if payload.declined else 'answered'}"
        case BodiesErased():
            return f"{payload.bodies} bodies of {len(payload.requests)} requests erased ({payload.why})"
        case BeliefsRebased():
            return f"beliefs begin anew at event {payload.at}, without what was erased"
        case ModeStated():
            return f"{payload.task} is answered by mode {payload.mode.mode}"
        case ModeChanged():
            return f"{payload.task}: {payload.arm or 'challengers'} {payload.why}: {payload.to}"
        case PairMade():
            said = "say the same" if payload.equal else "differ"
            return f"{payload.caller.arm} and {payload.beside.arm} {said}"
        case KeyIssued():
            return f"key {payload.key} issued: {payload.prefix}…" + (f", {payload.name}" if payload.name else "")
        case KeyRevoked():
            return f"key {payload.key} revoked"
        case QuestionLapsed():
            return "nobody waits for an answer any more"
