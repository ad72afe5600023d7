"""Actions as files: tags, folders and drafts. Intended before, done after, and each key done once.

An intent is power-durable before anything happens. A process that died in between leaves an intent without an end;
the next run carries it out again, which converges (see `places`).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from atomic.inbox import drafts
from atomic.inbox.approval import asking, question_of
from atomic.inbox.book import KINDS, UNTAG, WITHDRAW, Book, key_of
from atomic.inbox.mail import Mail, subjects_of
from atomic.inbox.places import OUTBOX, Place, Tags, name_of, write_whole
from atomic.inbox.policy import Decision
from atomic.inbox.policy_settings import InboxSettings
from atomic.inbox.source import INBOX, SourceMail
from atomic.market import Market
from atomic.records.canonical import canonical_json
from atomic.records.event import Body, Entry
from atomic.records.outcome import ActionDone, ActionIntended

Status = Literal["done", "suggested", "observed", "failed", "before", "waiting", "refused"]
_ENDS: dict[str, Literal["done", "suggested", "observed"]] = {
    "act": "done",
    "suggest": "suggested",
    "observe": "observed",
}


@dataclass(frozen=True, slots=True)
class Taken:
    """An action and what came of it; "before": an earlier run did it, "waiting": for a person's approval.

    `path` is the file that shows it.
    """

    decision: Decision
    status: Status
    detail: str = ""
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A mail with what its actions need: the text of a reply if one was bought, and where the reply goes."""

    source: SourceMail
    mail: Mail
    request_id: str
    reply_text: str = ""
    reply_to: str = ""


@dataclass(slots=True)
class Actions:
    """Carries out decisions for one mailbox. `load` first."""

    market: Market
    place: Place
    settings: InboxSettings
    book: Book = field(default_factory=Book)

    def load(self) -> None:
        """Read from the ledger what was done."""
        self.book = Book()
        self.book.fold(self.market.ledger.read(kinds=KINDS))

    async def carry_out(self, case: Case, decisions: Sequence[Decision], *, refile: bool = False) -> tuple[Taken, ...]:
        """Carry out what is decided for a mail and was not done before; an action that fails does not stop the others.

        What its owner moved stays where it is, unless the owner asks for `refile`.

        Raises LedgerUnwritable or LedgerLocked; then what was intended is carried out by the next run.
        """
        by_owner = self.book.page(case.mail.sha256).by_owner and not refile
        wanted, held = await self._approved(case, [one for one in decisions if not (one.action == "move" and by_owner)])
        given_up = self._given_up(case, wanted)
        todo = [one for one in wanted if self._is_due(case.mail.sha256, one)]
        effects = [one for one in todo if _has_effect(one)]
        intents = [self._intended(case, one) for one in effects]
        if intents or given_up:
            self.book.fold(await self.market.record([*given_up, *intents], power_durable=True))
        taken = []
        for one in todo:
            taken.append(await asyncio.to_thread(self._do, case, one) if one in effects else _held_back(one))
        if taken:
            self.book.fold(await self.market.record([self._done(case, one, one.decision in effects) for one in taken]))
        earlier = [Taken(one, "before") for one in wanted if one not in todo]
        order = [(one.action, one.target) for one in decisions]
        return tuple(
            sorted([*taken, *earlier, *held], key=lambda one: order.index((one.decision.action, one.decision.target)))
        )

    async def _approved(self, case: Case, decisions: Sequence[Decision]) -> tuple[list[Decision], list[Taken]]:
        """What may be carried out now, and what waits for a person or was refused by one; asks where nobody was."""
        go, held = [], []
        for one in decisions:
            status = self.book.page(case.mail.sha256).status.get(f"{one.action}/{one.target}")
            if one.mode != "approve":
                go.append(one)
            elif status == "done":
                go.append(replace(one, mode="act"))
            else:
                name = question_of(case, one)
                if self.book.questions.get("", name) is None:
                    asked = asking(case, one, key_of(case.mail.sha256, one.action, one.target))
                    self.book.fold(await self.market.record([asked], power_durable=True))
                question = self.book.questions.get("", name)
                if question is not None and question.settled and not question.declined:
                    go.append(replace(one, mode="act"))
                else:
                    refused = question is not None and question.declined
                    held.append(Taken(one, "refused" if refused else "waiting"))
        return go, held

    async def take_back(self, case: Case, decisions: Sequence[Decision]) -> None:
        """Take back what a correction makes wrong: tags that we gave, drafts that nobody has changed since, and the
        folder, if the mail still lies where we put it: it goes back to the INBOX (of the results)."""
        wanted = {f"{one.action}/{one.target}" for one in decisions}
        page = self.book.page(case.mail.sha256)
        tags = [one for one in page.tags if f"tag/{one}" not in wanted]
        drafts = {what: digest for what, digest in page.drafts.items() if what not in wanted}
        if tags:
            await asyncio.to_thread(Tags(self.place.out).remove, name_of(case.mail), case.mail, tags)
        for what, digest in drafts.items():
            await asyncio.to_thread(_remove_unchanged, self._draft(case, what.partition("/")[0]), digest)
        strays = page.rule_folder not in {"", INBOX} and page.folder == page.rule_folder
        back = strays and not any(one.action == "move" and one.mode in {"act", "approve"} for one in decisions)
        if back:
            await asyncio.to_thread(self.place.move, case.source, name_of(case.mail), INBOX)
        if tags or drafts or back:
            moved = [("move", INBOX)] if back else []
            ends = [*((UNTAG, one) for one in tags), *((WITHDRAW, what) for what in drafts), *moved]
            await self.note(case.mail.sha256, case.request_id, ends)

    async def note(self, sha256: str, request_id: str, ends: Sequence[tuple[str, str]]) -> None:
        """Remember what somebody else did to a mail, as (action, target)."""
        entries = [
            Entry(
                payload=ActionDone(
                    action=action, key=key_of(sha256, action, target), status="done", detail="by its owner"
                ),
                request_id=request_id,
            )
            for action, target in ends
        ]
        self.book.fold(await self.market.record(entries))

    def _is_due(self, sha256: str, one: Decision) -> bool:
        status = self.book.page(sha256).status.get(f"{one.action}/{one.target}")
        return status != "done" and status != _ENDS[one.mode]

    def _given_up(self, case: Case, wanted: Sequence[Decision]) -> list[Entry]:
        """What was intended by a run that died, and is not wanted any more since the policy or an answer changed."""
        still = {f"{one.action}/{one.target}" for one in wanted if _has_effect(one)}
        ends = []
        for what in self.book.page(case.mail.sha256).unfinished:
            if what not in still:
                action, key = what.partition("/")[0], f"{case.mail.sha256}/{what}"
                ends.append(ActionDone(action=action, key=key, status="failed", detail="not wanted any more"))
        return [self._entry(case, end) for end in ends]

    def _do(self, case: Case, one: Decision) -> Taken:
        name, suggested = name_of(case.mail), one.mode == "suggest"
        try:
            match one.action:
                case "tag":
                    path = Tags(self.place.out).add(name, case.mail, one.target)
                case "move":
                    path = self.place.move(case.source, name, one.target)
                case "forward":
                    return self._write(case, one, self._forward(case, one.target, suggested=suggested))
                case "reply":
                    return self._write(case, one, self._reply(case, suggested=suggested))
        except (OSError, ValueError) as error:
            # ValueError: an address or a header of the mail that cannot be written.
            why = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
            return Taken(one, "failed", why)
        return Taken(one, _ENDS[one.mode], path=path)

    def _write(self, case: Case, one: Decision, content: bytes) -> Taken:
        path = self._draft(case, one.action)
        write_whole(path, content)
        # The digest lets a correction tell our draft from one that somebody has worked on.
        return Taken(one, _ENDS[one.mode], _digest(content), path)

    def _draft(self, case: Case, action: str) -> Path:
        return self.place.out / OUTBOX / f"{name_of(case.mail)}.{action}.eml"

    def _own(self) -> str:
        return next(iter(self.settings.own_addresses), "")

    def _forward(self, case: Case, to: str, *, suggested: bool) -> bytes:
        return drafts.forward(
            case.mail, case.source.raw, to=to, request_id=case.request_id, own=self._own(), suggested=suggested
        )

    def _reply(self, case: Case, *, suggested: bool) -> bytes:
        return drafts.reply(
            case.mail,
            case.reply_text,
            address=case.reply_to,
            request_id=case.request_id,
            own=self._own(),
            suggested=suggested,
        )

    def _intended(self, case: Case, one: Decision) -> Entry:
        key = key_of(case.mail.sha256, one.action, one.target)
        return self._entry(case, ActionIntended(action=one.action, key=key), one)

    def _done(self, case: Case, taken: Taken, intended: bool) -> Entry:
        one = taken.decision
        key = key_of(case.mail.sha256, one.action, one.target)
        assert taken.status in {"done", "suggested", "observed", "failed"}
        end = ActionDone(action=one.action, key=key, status=taken.status, detail=taken.detail)
        return self._entry(case, end, None if intended else one)

    def _entry(self, case: Case, payload: ActionIntended | ActionDone, one: Decision | None = None) -> Entry:
        bodies: tuple[Body, ...] = ()
        if one is not None:
            content = {"target": one.target, "mode": one.mode, "probability": one.probability, "rule": one.rule}
            bodies = (Body(name="action", content=canonical_json(content), subjects=subjects_of(case.mail)),)
        return Entry(payload=payload, request_id=case.request_id, bodies=bodies)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _remove_unchanged(path: Path, digest: str) -> None:
    if path.exists() and _digest(path.read_bytes()) == digest:
        path.unlink(missing_ok=True)


def _has_effect(one: Decision) -> bool:
    """Whether it writes something: a suggested draft is a file marked as such, a suggested tag or move is nothing."""
    return one.mode == "act" or (one.mode == "suggest" and one.action in {"forward", "reply"})


def _held_back(one: Decision) -> Taken:
    return Taken(one, _ENDS[one.mode])
