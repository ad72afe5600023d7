"""A mail with what its actions need, and what came of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from atomic.inbox.mail import Mail, subjects_of
from atomic.inbox.policy import Decision, Mode
from atomic.inbox.source import SourceMail
from atomic.records.canonical import canonical_json
from atomic.records.event import Body, Entry
from atomic.records.outcome import ActionDone, ActionIntended, ActionStatus

Status = ActionStatus | Literal["before", "waiting", "refused"]
ENDS: dict[Mode, Literal["done", "suggested", "observed"]] = {
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
    """A mail with what its actions need: the text of a reply if one was bought, and where it goes; its typed values."""

    source: SourceMail
    mail: Mail
    request_id: str
    reply_text: str = ""
    reply_to: str = ""
    values: Mapping[str, str | bool] = field(default_factory=dict)

    def recipient(self, one: Decision) -> str:
        """Who gets what is written: whom the mail names for a reply, else an address of the configuration."""
        if one.replies:
            return self.reply_to
        return one.target if one.action in {"forward", "send"} else ""

    def text(self, one: Decision) -> str:
        """The words that were bought for it, if it says any."""
        return self.reply_text if one.replies else ""

    def subjects(self, one: Decision) -> tuple[str, ...]:
        """Whose data an action is: the mail's subjects, and who gets it."""
        return tuple(dict.fromkeys((*subjects_of(self.mail), *filter(None, [self.recipient(one)]))))

    def entry(
        self, payload: ActionIntended | ActionDone, one: Decision | None = None, out: Path | None = None
    ) -> Entry:
        """An event about it; with a decision also the body `action`, which holds what it takes to undo it."""
        bodies: tuple[Body, ...] = ()
        if one is not None:
            content: dict[str, str | float | int] = {
                "target": one.target,
                "mode": one.mode,
                "probability": one.probability,
                "rule": one.rule,
                "path": str(self.source.path.absolute()),
            }
            content |= {"out": str(out.absolute())} if out is not None else {}
            content |= {"to": to} if (to := self.recipient(one)) else {}
            bodies = (Body(name="action", content=canonical_json(content), subjects=self.subjects(one)),)
        return Entry(payload=payload, request_id=self.request_id, bodies=bodies)
