"""What leaves the house: mail that is sent, webhooks that are told. At most once, and nothing is lost in silence.

    claim -> intent (on disk) -> the wire -> receipt

Whoever holds the claim is the only process at it. An intent without a receipt is *uncertain*: those outside are asked
(the Sent folder, the receiver), and where they do not know of it, a person decides. That they do not know is no proof
that it did not arrive, so it is never repeated for that.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from atomic.config.secrets import secret_of
from atomic.errors import OperatorError
from atomic.inbox import drafts, sending, webhooks
from atomic.inbox.approval import asking_again, question_again
from atomic.inbox.book import KINDS, Book, Departure, key_of
from atomic.inbox.case import Case, Taken
from atomic.inbox.loops import sent_id
from atomic.inbox.outside_settings import SmtpSettings, WebhookSettings
from atomic.inbox.policy import LEAVING, Decision
from atomic.inbox.policy_settings import InboxSettings
from atomic.inbox.sending import Ended
from atomic.inbox.sent_folder import is_sent
from atomic.market import Market
from atomic.records.canonical import canonical_json
from atomic.records.event import Entry, Event
from atomic.records.outcome import ActionDone, ActionIntended
from atomic.records.question import QuestionLapsed

_SILENT_END = "its process ended before it could say"
_HOUR_NS = 3_600_000_000_000


def idempotency_key(key: str) -> str:
    """The Idempotency-Key of an action's key: what a receiver knows it by, with no address in it.

    >>> idempotency_key("3f0a/webhook/crm")
    '1230e875238cefdecc784006d10de2b1'
    """
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def check_secrets(settings: InboxSettings) -> None:
    """Raises ConfigError or MissingExtra where a secret that will be needed cannot be read."""
    _password(settings.smtp)
    for name, webhook in settings.webhooks.items():
        _token(name, webhook)


def left_open(book: Book, sha256: str, wanted: Sequence[Decision], decided: Sequence[Decision]) -> list[Decision]:
    """What is to be brought to an end beside what is `wanted` now: what may have left, what is `decided` no more."""
    page = book.page(sha256)
    now, ever = ({f"{one.action}/{one.target}" for one in some} for some in (wanted, decided))
    found = []
    for what in page.unfinished:
        name, _, target = what.partition("/")
        action = next((one for one in LEAVING if one == name), None)
        may_have_left = page.status.get(what) in {"intended", "uncertain"}
        if action is not None and what not in (now if may_have_left else ever):
            found.append(Decision(action=action, target=target, mode="act", probability=0.0, rule=0))
    return found


@dataclass(frozen=True, slots=True)
class Leaving:
    """Carries out what leaves the house, for one mailbox with its results in `out`."""

    market: Market
    settings: InboxSettings
    book: Book
    out: Path

    async def carry_out(self, case: Case, one: Decision, *, wanted: bool = True, refile: bool = False) -> Taken:
        """Do it if it was not done, and say where it stands; one that is not `wanted` is only brought to an end.

        With `refile` what was given up is tried once more. Raises LedgerUnwritable or LedgerLocked.
        """
        ledger, claim = self.market.ledger, f"action/{idempotency_key(_key(case, one))}"
        if await ledger.claim("", claim, "") == "running":
            return Taken(one, "waiting", "another process is at it")
        taken = None
        try:
            # Between our last look and the claim another process may have done it.
            self.book.fold(ledger.read(request_id=case.request_id, kinds=KINDS))
            taken = await self._claimed(case, one, wanted=wanted, refile=refile)
        finally:
            with suppress(OperatorError):  # the claim goes with this process at the latest
                await ledger.release("", claim, done=taken is not None and taken.status == "done")
        return taken

    async def _claimed(self, case: Case, one: Decision, *, wanted: bool, refile: bool) -> Taken:
        status = self.book.page(case.mail.sha256).status.get(f"{one.action}/{one.target}", "")
        if status == "done":
            return Taken(one, "before")
        if status == "given_up" and not refile:
            return Taken(one, "given_up")
        if status in {"intended", "uncertain"}:
            departure = self.book.departure(_key(case, one))
            assert departure is not None
            taken = await self._settled(case, one, departure, silent=status == "intended")
            if taken is not None:
                return taken
        if not wanted:
            return await self._end(case, one, Ended("given_up", "not wanted any more"))
        return await self._performed(case, one)

    async def _settled(self, case: Case, one: Decision, departure: Departure, *, silent: bool) -> Taken | None:
        """Bring an uncertain one to an end; None where a person says that it is to be done once more."""
        question = self.book.questions.get("", question_again(case, one, departure.event.seq))
        if await asyncio.to_thread(self._arrived, one, departure.event, _key(case, one)):
            lapsed = [] if question is None or question.settled else [question.asked.question]
            return await self._end(case, one, Ended("done", "found outside"), lapsed=lapsed)
        if question is not None and question.declined:
            return await self._end(case, one, Ended("given_up", "left as it is by a person"))
        if question is not None and question.settled:
            return None
        if silent or question is None:
            return await self._end(case, one, Ended("uncertain", _SILENT_END if silent else departure.detail))
        return Taken(one, "uncertain", departure.detail)

    async def _performed(self, case: Case, one: Decision) -> Taken:
        intent = case.entry(ActionIntended(action=one.action, key=_key(case, one)), one, self.out)
        (event,) = await self.market.record([intent], power_durable=True)
        self.book.fold((event,))
        ended = self._over_limit(case, one, event)
        if ended is None:
            try:
                ended = await asyncio.to_thread(self._over_the_wire, case, one, event)
            except OperatorError as error:  # a secret or a library is gone
                ended = Ended("failed", error.message)
            except ValueError as error:  # an address or a header that cannot be written
                ended = Ended("given_up", type(error).__name__)
        if ended.status == "uncertain" and await asyncio.to_thread(self._arrived, one, event, _key(case, one)):
            ended = Ended("done", "found outside")
        return await self._end(case, one, ended)

    async def _end(self, case: Case, one: Decision, ended: Ended, *, lapsed: Sequence[str] = ()) -> Taken:
        """Write down what came of it; of what is uncertain a person is asked."""
        key = _key(case, one)
        done = ActionDone(action=one.action, key=key, status=ended.status, detail=ended.detail)
        entries = [case.entry(done), *(Entry(payload=QuestionLapsed(question=name)) for name in lapsed)]
        departure = self.book.departure(key)
        if ended.status == "uncertain" and departure is not None:
            entries.append(asking_again(case, one, key, departure.event.seq))
        self.book.fold(await self.market.record(entries, power_durable=True))
        return Taken(one, ended.status, ended.detail)

    def _over_limit(self, case: Case, one: Decision, intent: Event) -> Ended | None:
        """Too many to one recipient: counted in the ledger, behind our own intent, so that no two processes miss each
        other's."""
        smtp = self.settings.smtp
        if one.action != "send" or smtp is None:
            return None
        self.book.read(self.market.ledger)
        since, to = intent.time_ns - int(smtp.per_hours * _HOUR_NS), case.recipient(one).lower()
        earlier = [
            departure
            for seq, departure in self.book.departures.items()
            if seq < intent.seq and departure.event.time_ns > since and departure.may_have_left
            if departure.event.kind == "intended" and self._recipient(departure.event) == to
        ]
        if len(earlier) < smtp.per_recipient:
            return None
        return Ended("failed", f"{smtp.per_recipient} in {smtp.per_hours:g} hours went to this recipient: the most")

    def _recipient(self, intent: Event) -> str:
        """Who an earlier one went to; "" where that was erased, or for a webhook."""
        body = self.market.ledger.body(intent.bodies[0]) if intent.bodies else None
        return "" if body is None else str(orjson.loads(body).get("to", "")).lower()

    def _over_the_wire(self, case: Case, one: Decision, intent: Event) -> Ended:
        if one.action == "webhook":
            settings = self.settings.webhooks[one.target]
            key = idempotency_key(_key(case, one))
            return webhooks.tell(settings, _token(one.target, settings), key=key, content=_told(case, one, key))
        smtp = self.settings.smtp
        assert smtp is not None  # `read_policy` refuses rules that send without it
        return sending.submit(
            smtp,
            _password(smtp),
            sender=self.settings.own_addresses[0],
            to=case.recipient(one),
            content=self._written(case, one, intent),
        )

    def _written(self, case: Case, one: Decision, intent: Event) -> bytes:
        own = self.settings.own_addresses[0]
        at = datetime.fromtimestamp(intent.time_ns / 1e9, tz=UTC)
        stamp, to = drafts.Stamp(sent_id(_key(case, one), own), at), case.recipient(one)
        if one.replies:
            return drafts.reply(
                case.mail, case.reply_text, address=to, request_id=case.request_id, own=own, stamp=stamp
            )
        return drafts.forward(case.mail, case.source.raw, to=to, request_id=case.request_id, own=own, stamp=stamp)

    def _arrived(self, one: Decision, intent: Event, key: str) -> bool:
        """Whether those outside know of it."""
        if one.action == "webhook":
            settings = self.settings.webhooks.get(one.target)
            return settings is not None and _asked(one.target, settings, idempotency_key(key))
        smtp = self.settings.smtp
        if smtp is None or smtp.sent is None:
            return False
        ident = sent_id(key, self.settings.own_addresses[0])
        return is_sent(Path(smtp.sent), ident, since=intent.time_ns / 1e9)


def _key(case: Case, one: Decision) -> str:
    return key_of(case.mail.sha256, one.action, one.target)


def _told(case: Case, one: Decision, key: str) -> bytes:
    """What a webhook is told: typed values, and what names the mail; nothing of its text."""
    content = {
        "key": key,
        "mail": case.mail.sha256,
        "message_id": case.mail.message_id or "",
        "rule": one.rule,
        "probability": one.probability,
        "values": {name: value if isinstance(value, bool) else str(value) for name, value in case.values.items()},
    }
    return canonical_json(content)


def _asked(name: str, settings: WebhookSettings, key: str) -> bool:
    try:
        return webhooks.has_it(settings, _token(name, settings), key=key)
    except OperatorError:  # without its secret it cannot be asked, which proves nothing
        return False


def _password(smtp: SmtpSettings | None) -> str:
    if smtp is None or smtp.password is None:
        return ""
    return secret_of(smtp.password, user=smtp.user, what="the password of inbox.smtp")


def _token(name: str, settings: WebhookSettings) -> str:
    return "" if settings.token is None else secret_of(settings.token, user=name, what=f"the token of webhook {name}")
