"""One mail through the market: asked what is needed and no more, decided by the policy, carried out as files.

    spam -> [ category | sentiment | priority | needs_reply ] -> draft_reply -> decide -> actions

Spam ends at the first arrow: nothing else of it is bought. What stands in brackets runs at once. A machine's mail is
never asked whether it wants a reply, and a draft is bought only where a rule would use it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import orjson

from atomic.flow import Results, Step, run_flow
from atomic.inbox.actions import Actions
from atomic.inbox.automatic import may_answer
from atomic.inbox.case import Case, Taken
from atomic.inbox.drafts import answerable
from atomic.inbox.loops import why_by_hand, why_no_forward
from atomic.inbox.mail import Mail, parse, subjects_of
from atomic.inbox.policy import AFTER_SPAM, Decision, Value, conditions, decide
from atomic.inbox.policy_settings import InboxSettings
from atomic.inbox.source import SourceMail
from atomic.inbox.tasks import TASKS, Letter
from atomic.market import Market, Trade
from atomic.outcome import Outcome
from atomic.protocols import Ledger
from atomic.records.lesson import FeedbackGiven

DRAFT = "draft_reply"
_PREFIX = 16  # hex digits of a mail's SHA-256: short enough to type, too many to meet by chance
_LIKELY = 0.9  # that mail is a machine's, where only its subject says so


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is held of a mail for one task: the market's outcome, or its owner's word. `again`: bought earlier."""

    outcome: Outcome[Any]
    truth: Any = None
    again: bool = False

    @property
    def value(self) -> Any:
        """The owner's word before the market's; None when there is neither."""
        return self.outcome.answer if self.truth is None else self.truth

    @property
    def probability(self) -> float:
        """That the value is right."""
        return self.outcome.probability if self.truth is None else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """A mail and what came of it; `problem` says why it could not be handled, `no_reply` why nobody may answer it.

    `spent` in nano-USD is what this run paid, `seconds` how long it took.
    """

    source: SourceMail
    mail: Mail
    answers: Mapping[str, Answer] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()
    taken: tuple[Taken, ...] = ()
    no_reply: str = ""
    problem: str = ""
    seconds: float = 0.0

    @property
    def spent(self) -> int:
        """Nano-USD that this run paid for it."""
        return sum(one.outcome.cost for one in self.answers.values() if not one.again)


def request_id(sha256: str, task: str) -> str:
    """The request id of a mail's task: the same mail is the same request, whenever and wherever it is seen.

    >>> request_id("0123456789abcdef" * 4, "spam")
    '0123456789abcdef/spam'
    """
    return f"{sha256[:_PREFIX]}/{task}"


def needed(settings: InboxSettings) -> tuple[str, ...]:
    """The tasks that are bought for a mail: those the settings name, and those the rules look at."""
    used = {name for rule in settings.rules for name in conditions(rule.when)}
    return tuple(name for name in TASKS if name in settings.ask or name in used)


async def handle(
    market: Market, source: SourceMail, settings: InboxSettings, actions: Actions, *, refile: bool = False
) -> Handled:
    """Buy what is needed of a mail, decide, and carry out. A mail handled before costs nothing and changes nothing.

    With `refile` it also loses tags and drafts that are not decided any more, and moves even if its owner moved it.

    Raises what the market and the ledger raise (`Conflict`, `LedgerUnwritable`, …); never for what stands in a mail.
    """
    began = time.perf_counter()
    mail = await asyncio.to_thread(parse, source.raw)
    judging = Judging(market, mail, settings)
    answers = await judging.run()
    decisions = judging.decisions(answers)
    case = Case(
        source=source,
        mail=mail,
        request_id=request_id(mail.sha256, "mail"),
        reply_text=str(answers[DRAFT].value) if DRAFT in answers else "",
        reply_to=judging.address,
        values={name: one.value for name, one in answers.items() if name != DRAFT and one.value is not None},
    )
    if refile or any(one.truth is not None for one in answers.values()):
        await actions.take_back(case, decisions)
    taken = await actions.carry_out(case, decisions, refile=refile)
    return Handled(
        source=source,
        mail=mail,
        answers=answers,
        decisions=decisions,
        taken=taken,
        no_reply=judging.no_reply,
        seconds=time.perf_counter() - began,
    )


class Judging:
    """The purchases for one mail, as a flow; `no_reply` says why nobody may answer it, `address` who would get it."""

    def __init__(self, market: Market, mail: Mail, settings: InboxSettings) -> None:
        self._market = market
        self._mail = mail
        self._settings = settings
        self._letter = Letter.of(mail)
        may, self.no_reply = may_answer(mail, own_addresses=settings.own_addresses)
        self.address = ""
        if may:
            self.address, self.no_reply = answerable(mail)
            if self.address in settings.own_addresses:
                self.address, self.no_reply = "", "it would go to ourselves"

    async def run(self) -> dict[str, Answer]:
        """Buy."""
        asked = needed(self._settings)
        first = ("spam",) if "spam" in asked else ()
        steps = [Step(name=name, work=partial(self._step, name)) for name in first]
        rest = [name for name in asked if name in AFTER_SPAM and (name != "needs_reply" or not self.no_reply)]
        steps += [
            Step(name=name, work=partial(self._step, name), after=first, when=self._is_no_spam if first else _always)
            for name in rest
        ]
        steps.append(Step(name=DRAFT, work=partial(self._step, DRAFT), after=(*first, *rest), when=self._wants_draft))
        return await run_flow(steps)

    def decisions(self, answers: Results) -> tuple[Decision, ...]:
        """What the policy makes of the answers, but for what may not be."""
        found = (self._allowed(one, answers) for one in decide(self._settings, self._values(answers)))
        return tuple(one for one in found if one is not None)

    def _allowed(self, one: Decision, answers: Results) -> Decision | None:
        """A reply only where there is a text, and somebody to get it; nothing sent that could go round in circles."""
        own = self._settings.own_addresses
        if one.replies:
            has_text = DRAFT in answers and answers[DRAFT].value
            if self.no_reply or not (has_text or one.mode == "observe"):
                return None
            by_hand = one.action == "send" and one.mode == "act" and why_by_hand(self._mail, own)
            return replace(one, mode="approve") if by_hand else one
        return None if one.action == "send" and why_no_forward(self._mail, one.target, own) else one

    def _values(self, answers: Results) -> dict[str, Value]:
        values = {
            name: Value(value=one.value, probability=one.probability)
            for name, one in answers.items()
            if name != DRAFT and one.value is not None
        }
        machine = self._mail.automatic
        certain = 1.0 if machine is None or machine.certain else _LIKELY
        values["automatic"] = Value(value=False if machine is None else machine.kind, probability=certain)
        return values

    def _is_no_spam(self, answers: Results) -> bool:
        return bool(answers["spam"].value == "ham")

    def _wants_draft(self, answers: Results) -> bool:
        wanted = decide(self._settings, self._values(answers))
        return not self.no_reply and any(one.replies and one.mode != "observe" for one in wanted)

    async def _step(self, name: str, _: Results) -> Answer:
        return await self.buy(name)

    async def buy(self, name: str) -> Answer:
        """Buy the answer to one task; what was bought before is looked up."""
        key = request_id(self._mail.sha256, name)
        again, truth = earlier(self._market.ledger, key)
        outcome = await self._market.buy(TASKS[name](self._letter), trade_for(self._mail, name, self._settings))
        return Answer(outcome=outcome, truth=truth, again=again)


def trade_for(mail: Mail, task: str, settings: InboxSettings) -> Trade:
    """The options that a mail's task is bought with."""
    terms = settings.terms[task].applied(TASKS[task].terms) if task in settings.terms else None
    return Trade(request_id=request_id(mail.sha256, task), subjects=subjects_of(mail), terms=terms)


def earlier(ledger: Ledger, key: str) -> tuple[bool, Any]:
    """Whether a request has an outcome already, and what its owner said is right (None: nothing)."""
    known, truth = False, None
    for event in ledger.read(request_id=key, kinds=("outcome", "feedback")):
        known = known or event.kind == "outcome"
        if isinstance(event.payload, FeedbackGiven) and event.payload.source == "person" and event.bodies:
            body = ledger.body(event.bodies[0])
            truth = orjson.loads(body) if body is not None else truth
    return known, truth


def _always(_: Results) -> bool:
    return True


def unreadable(source: SourceMail, problem: str) -> Handled:
    """A mail that could not be handled, and why."""
    return Handled(source=source, mail=parse(b"", hide_headers=True), problem=problem)
