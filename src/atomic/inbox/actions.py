"""Actions as files: tags, folders and drafts. Intended before, done after, and each key done once.

What leaves the house is done by `leaving`, once the drafts and tags are there and before the mail moves.

An intent is power-durable before anything happens. A process that died in between leaves an intent without an end;
the next run carries it out again, which converges (see `places`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from atomic.inbox import drafts
from atomic.inbox.approval import asking, question_of
from atomic.inbox.book import NOT_OURS, UNTAG, WITHDRAW, Book, key_of
from atomic.inbox.case import ENDS, Case, Taken
from atomic.inbox.leaving import Leaving, left_open
from atomic.inbox.places import OUTBOX, TAGS, Place, Tags, digest_of, name_of, remove_unchanged, write_whole
from atomic.inbox.policy import LEAVING, Decision
from atomic.inbox.policy_settings import InboxSettings
from atomic.inbox.source import INBOX
from atomic.market import Market
from atomic.records.event import Entry
from atomic.records.outcome import ActionDone, ActionIntended


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
        self.book.read(self.market.ledger)

    async def carry_out(self, case: Case, decisions: Sequence[Decision], *, refile: bool = False) -> tuple[Taken, ...]:
        """Carry out what is decided for a mail and was not done before; an action that fails does not stop the others.

        What its owner moved stays where it is, and what was undone stays undone, unless the owner asks for `refile`.

        Raises LedgerUnwritable or LedgerLocked; then what was intended is carried out by the next run.
        """
        by_owner = self.book.page(case.mail.sha256).by_owner and not refile
        wanted, held = await self._approved(case, [one for one in decisions if not (one.action == "move" and by_owner)])
        given_up = self._given_up(case, wanted)
        todo = [one for one in wanted if self._is_due(case.mail.sha256, one, refile=refile)]
        effects = [one for one in todo if _has_effect(one)]
        intents = [self._intended(case, one) for one in effects]
        if intents or given_up:
            self.book.fold(await self.market.record([*given_up, *intents], power_durable=True))
        taken = [await asyncio.to_thread(self._do, case, one) for one in effects if one.action != "move"]
        left = await self._left_the_house(case, wanted, decisions, refile=refile)
        taken += [await asyncio.to_thread(self._do, case, one) for one in effects if one.action == "move"]
        taken += [_held_back(one) for one in todo if one not in effects]
        if taken:
            self.book.fold(await self.market.record([self._done(case, one, one.decision in effects) for one in taken]))
        earlier = [self._before(case, one) for one in wanted if one not in todo and not _leaves(one)]
        order = [(one.action, one.target) for one in decisions]
        shown = [one for one in (*taken, *left, *earlier, *held) if (one.decision.action, one.decision.target) in order]
        shown.sort(key=lambda one: order.index((one.decision.action, one.decision.target)))
        return (*shown, *(one for one in left if one not in shown and one.status == "uncertain"))

    async def _left_the_house(
        self, case: Case, wanted: Sequence[Decision], decided: Sequence[Decision], *, refile: bool
    ) -> list[Taken]:
        """Send and tell what is wanted; bring to an end what an earlier run left open."""
        leaving = Leaving(self.market, self.settings, self.book, self.place.out)
        todo = [one for one in wanted if _leaves(one)]
        status = self.book.page(case.mail.sha256).status
        taken = []
        for one in todo:
            done = status.get(f"{one.action}/{one.target}") == "done"
            taken.append(Taken(one, "before") if done else await leaving.carry_out(case, one, refile=refile))
        ends = left_open(self.book, case.mail.sha256, todo, decided)
        return [*taken, *[await leaving.carry_out(case, one, wanted=False) for one in ends]]

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
            await asyncio.to_thread(Tags.remove, self.place.out / TAGS / f"{name_of(case.mail)}.json", tags)
        for what, digest in drafts.items():
            await asyncio.to_thread(remove_unchanged, self._draft(case, what.partition("/")[0]), digest)
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
                payload=ActionDone(action=action, key=key_of(sha256, action, target), status="done", detail=NOT_OURS),
                request_id=request_id,
            )
            for action, target in ends
        ]
        self.book.fold(await self.market.record(entries))

    def _is_due(self, sha256: str, one: Decision, *, refile: bool) -> bool:
        """Whether it is to be done here and now; what leaves the house has its own way."""
        status = self.book.page(sha256).status.get(f"{one.action}/{one.target}")
        return not _leaves(one) and status not in {"done", ENDS[one.mode]} and (refile or status != "undone")

    def _before(self, case: Case, one: Decision) -> Taken:
        status = self.book.page(case.mail.sha256).status.get(f"{one.action}/{one.target}")
        return Taken(one, "undone" if status == "undone" else "before")

    def _given_up(self, case: Case, wanted: Sequence[Decision]) -> list[Entry]:
        """What was intended by a run that died, and is not wanted any more since the policy or an answer changed."""
        still = {f"{one.action}/{one.target}" for one in wanted if _has_effect(one)}
        ends = []
        for what in self.book.page(case.mail.sha256).unfinished:
            action, key = what.partition("/")[0], f"{case.mail.sha256}/{what}"
            if what not in still and action not in LEAVING:
                ends.append(ActionDone(action=action, key=key, status="failed", detail="not wanted any more"))
        return [case.entry(end) for end in ends]

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
        return Taken(one, ENDS[one.mode], path=path)

    def _write(self, case: Case, one: Decision, content: bytes) -> Taken:
        path = self._draft(case, one.action)
        write_whole(path, content)
        # The digest lets a correction tell our draft from one that somebody has worked on.
        return Taken(one, ENDS[one.mode], digest_of(content), path)

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
        return case.entry(ActionIntended(action=one.action, key=key), one, self.place.out)

    def _done(self, case: Case, taken: Taken, intended: bool) -> Entry:
        one = taken.decision
        key = key_of(case.mail.sha256, one.action, one.target)
        assert taken.status in {"done", "suggested", "observed", "failed"}
        end = ActionDone(action=one.action, key=key, status=taken.status, detail=taken.detail)
        return case.entry(end, None if intended else one)


def _leaves(one: Decision) -> bool:
    return one.mode == "act" and one.action in LEAVING


def _has_effect(one: Decision) -> bool:
    """Whether it writes something: a suggested draft is a file marked as such, any other suggestion is nothing."""
    return one.mode == "act" or (one.mode == "suggest" and one.action in {"forward", "reply"})


def _held_back(one: Decision) -> Taken:
    return Taken(one, ENDS[one.mode])
