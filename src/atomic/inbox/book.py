"""What was done to which mail, read from the ledger: so that nothing is done twice, and nothing stays half done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from atomic.inbox.policy import LEAVING
from atomic.protocols import History
from atomic.questions import Questions
from atomic.records.event import Event
from atomic.records.outcome import ActionDone, ActionIntended
from atomic.records.question import QuestionAnswered, QuestionAsked, QuestionLapsed, QuestionTaken

BY_OWNER = "moved-by-owner"
UNTAG = "untag"
WITHDRAW = "withdraw"
NOT_OURS = "by its owner"  # the detail of what somebody else did


@dataclass(slots=True)
class Page:
    """What was done to one mail. `status` is "intended" or an ActionDone's, by `<action>/<target>`.

    `folder` is where it was put last, by us or by its owner, `rule_folder` where by us; a mail that its owner moved
    is never moved again. `approved` holds what a person approved.
    """

    status: dict[str, str] = field(default_factory=dict)
    folder: str = ""
    rule_folder: str = ""
    tags: tuple[str, ...] = ()
    by_owner: bool = False
    approved: set[str] = field(default_factory=set)  # `<action>/<target>`
    drafts: dict[str, str] = field(default_factory=dict)  # digest of each draft's file, by `<action>/<target>`

    @property
    def unfinished(self) -> list[str]:
        """What was intended or approved and neither done nor given up; what leaves the house also where it failed."""
        left = [what for what, status in self.status.items() if _is_open(what, status)]
        ended = {*left, *(what for what, status in self.status.items() if status in _ENDED)}
        return [*left, *sorted(self.approved - ended)]

    def end(self, what: str, status: str, detail: str = "") -> None:
        """Something ended."""
        self.status[what] = status
        action, _, target = what.partition("/")
        if action in {"reply", "forward"} and status in {"done", "suggested"}:
            self.drafts[what] = detail
        if status == "undone":
            self._take_back(what, detail)
        if status != "done":
            return
        if action in {"move", BY_OWNER}:
            self.folder, self.by_owner = target, self.by_owner or action == BY_OWNER
            self.rule_folder = target if action == "move" else self.rule_folder
            # It left every other folder, so that it may come back there.
            for other in [one for one in self.status if one.startswith("move/") and one != what]:
                del self.status[other]
        elif action == "tag":
            self.tags = (*(one for one in self.tags if one != target), target)
        elif action == UNTAG:
            self.tags = tuple(one for one in self.tags if one != target)
            self.status.pop(f"tag/{target}", None)
        elif action == WITHDRAW:
            self.status.pop(target, None)
            self.drafts.pop(target, None)

    def _take_back(self, what: str, detail: str) -> None:
        action, _, target = what.partition("/")
        self.drafts.pop(what, None)
        if action == "tag":
            self.tags = tuple(one for one in self.tags if one != target)
        elif action == "move":
            self.folder, self.rule_folder = detail, ""


def _is_open(what: str, status: str) -> bool:
    return status == "intended" or (what.partition("/")[0] in LEAVING and status in {"uncertain", "failed"})


@dataclass(slots=True)
class Departure:
    """Something that was to leave the house: the event that intended it, and what came of it last.

    "uncertain" stays so, whatever a person made of it, unless it is known to have arrived.
    """

    event: Event
    key: str
    status: str = "intended"
    detail: str = ""

    @property
    def may_have_left(self) -> bool:
        """Whether it left, or may have."""
        return self.status not in {"failed", "given_up"}


_BLANK = Page()
_ENDED = {"done", "failed", "given_up", "undone"}
_OF_QUESTIONS = (QuestionAsked, QuestionTaken, QuestionAnswered, QuestionLapsed)
KINDS = ("intended", "action", "asked", "taken", "answered", "lapsed")


@dataclass(slots=True)
class Book:
    """The actions of a ledger, folded in its order: a page for each mail, by its SHA-256; and its questions.

    `departures` are what left the house or was to, by the seq of its intent. What is folded twice does no harm.
    """

    pages: dict[str, Page] = field(default_factory=dict)
    questions: Questions = field(default_factory=lambda: Questions(keep=True))
    departures: dict[int, Departure] = field(default_factory=dict)
    _read_to: int = 0

    def read(self, history: History) -> None:
        """Take in what a ledger holds beyond what was read before, other processes' events too."""
        for event in history.read(after=self._read_to, kinds=KINDS):
            self.fold((event,))
            self._read_to = event.seq

    def fold(self, events: Iterable[Event]) -> None:
        """Take in events; those that are no actions are passed over."""
        for event in events:
            payload = event.payload
            if isinstance(payload, _OF_QUESTIONS):
                self._fold_question(event, payload.question)
            if not isinstance(payload, ActionIntended | ActionDone):
                continue
            sha256, _, what = payload.key.partition("/")
            page = self.pages.setdefault(sha256, Page())
            if isinstance(payload, ActionIntended):
                page.status[what] = "intended"
                if payload.action in LEAVING:
                    self.departures.setdefault(event.seq, Departure(event, payload.key))
            else:
                page.end(what, payload.status, payload.detail)
                if payload.action in LEAVING:
                    self._departed(event.seq, payload)

    def _departed(self, seq: int, done: ActionDone) -> None:
        departure = self.departure(done.key, before=seq)
        if departure is not None and (departure.status != "uncertain" or done.status == "done"):
            departure.status, departure.detail = done.status, done.detail

    def departure(self, key: str, *, before: int | None = None) -> Departure | None:
        """The last one of a key."""
        found = (one for seq, one in reversed(self.departures.items()) if before is None or seq < before)
        return next((one for one in found if one.key == key), None)

    def _fold_question(self, event: Event, name: str) -> None:
        self.questions.fold((event,))
        found = self.questions.get(event.tenant, name)
        if found is not None and found.asked.kind == "approval" and found.settled and not found.declined:
            sha256, _, what = found.asked.about.partition("/")
            self.pages.setdefault(sha256, Page()).approved.add(what)

    def page(self, sha256: str) -> Page:
        """A mail's page, an empty one when nothing was done to it; not to be changed."""
        return self.pages.get(sha256, _BLANK)


def key_of(sha256: str, action: str, target: str) -> str:
    """The key of an action in the ledger; `target` may hold slashes, since it is the last part."""
    return f"{sha256}/{action}/{target}"
