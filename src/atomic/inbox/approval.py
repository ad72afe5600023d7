"""Approval before an action: the decision waits in the ledger's queue until a person approves or refuses it.

Only that word crosses back. A decision is approved as it was shown: with another target or another text it is a
question of its own, so nobody approves one draft and sends another.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

from atomic.inbox.mail import Mail, subjects_of
from atomic.inbox.policy import Decision
from atomic.records.canonical import canonical_json
from atomic.records.event import Body, Entry
from atomic.records.question import QuestionAsked

QUEUE = "inbox"
APPROVE, REFUSE = "approve", "refuse"
_DIGITS = 8  # of a digest, enough to tell apart the drafts of one mail


class Approvable(Protocol):
    """What is shown of a mail whose action waits; `actions.Case` is one."""

    @property
    def mail(self) -> Mail:
        """The mail."""
        ...

    @property
    def request_id(self) -> str:
        """The request that its actions are recorded under."""
        ...

    @property
    def reply_text(self) -> str:
        """The text of the reply, if one was bought."""
        ...

    @property
    def reply_to(self) -> str:
        """Who would get it."""
        ...


def question_of(case: Approvable, one: Decision) -> str:
    """The name of the question whether this may be done, to this mail, in these words."""
    content = canonical_json([one.action, one.target, _text(case, one), _recipient(case, one)])
    digest = hashlib.sha256(content).hexdigest()[:_DIGITS]
    return f"{QUEUE}/{case.mail.sha256[:16]}/{one.action}/{digest}"


def asking(case: Approvable, one: Decision, key: str) -> Entry:
    """The event that asks; `key` is the action's in the ledger."""
    asked = QuestionAsked(
        question=question_of(case, one),
        queue=QUEUE,
        kind="approval",
        task=one.words,
        labels=(APPROVE, REFUSE),
        about=key,
    )
    content = {"instruction": f"May this be done: {one.words}?", "shown": "\n".join(_shown(case, one))}
    body = Body(name="question", content=canonical_json(content), subjects=subjects_of(case.mail))
    return Entry(payload=asked, request_id=case.request_id, bodies=(body,))


def _shown(case: Approvable, one: Decision) -> list[str]:
    lines = [
        f"from: {case.mail.sender}",
        f"subject: {case.mail.subject}",
        f"rule {one.rule}, right with probability {one.probability:.2f}",
    ]
    if recipient := _recipient(case, one):
        lines.append(f"to: {recipient}")
    text = _text(case, one)
    return [*lines, "", *text.splitlines()] if text else lines


def _text(case: Approvable, one: Decision) -> str:
    return case.reply_text if one.action == "reply" else ""


def _recipient(case: Approvable, one: Decision) -> str:
    return {"reply": case.reply_to, "forward": one.target}.get(one.action, "")
