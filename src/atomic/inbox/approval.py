"""Approval before an action: the decision waits in the ledger's queue until a person approves or refuses it.

Only that word crosses back. A decision is approved as it was shown: with another target or another text it is a
question of its own, so nobody approves one draft and sends another.
"""

from __future__ import annotations

import hashlib

from atomic.inbox.case import Case
from atomic.inbox.policy import Decision
from atomic.records.canonical import canonical_json
from atomic.records.event import Body, Entry
from atomic.records.question import QuestionAsked

QUEUE = "inbox"
APPROVE, REFUSE = "approve", "refuse"
_DIGITS = 8  # of a digest, enough to tell apart the drafts of one mail


def question_of(case: Case, one: Decision) -> str:
    """The name of the question whether this may be done, to this mail, in these words."""
    content = canonical_json([one.action, one.target, case.text(one), case.recipient(one)])
    digest = hashlib.sha256(content).hexdigest()[:_DIGITS]
    return f"{QUEUE}/{case.mail.sha256[:16]}/{one.action}/{digest}"


def asking(case: Case, one: Decision, key: str) -> Entry:
    """The event that asks; `key` is the action's in the ledger."""
    return _asked(case, one, key, question_of(case, one), one.words, f"May this be done: {one.words}?")


def question_again(case: Case, one: Decision, seq: int) -> str:
    """The name of the question whether what was intended by event `seq` may be done once more."""
    return f"{QUEUE}/{case.mail.sha256[:16]}/{one.action}/again-{seq}"


def asking_again(case: Case, one: Decision, key: str, seq: int) -> Entry:
    """The event that asks what to do where nobody knows whether something arrived."""
    why = "It is not known whether this arrived. Look there; approve to do it once more, refuse to leave it as it is."
    return _asked(case, one, key, question_again(case, one, seq), f"{one.words} once more", why)


def _asked(case: Case, one: Decision, key: str, name: str, task: str, instruction: str) -> Entry:
    asked = QuestionAsked(question=name, queue=QUEUE, kind="approval", task=task, labels=(APPROVE, REFUSE), about=key)
    content = {"instruction": instruction, "shown": "\n".join(_shown(case, one))}
    body = Body(name="question", content=canonical_json(content), subjects=case.subjects(one))
    return Entry(payload=asked, request_id=case.request_id, bodies=(body,))


def _shown(case: Case, one: Decision) -> list[str]:
    lines = [
        f"from: {case.mail.sender}",
        f"subject: {case.mail.subject}",
        f"rule {one.rule}, right with probability {one.probability:.2f}",
    ]
    if recipient := case.recipient(one):
        lines.append(f"to: {recipient}")
    text = case.text(one)
    return [*lines, "", *text.splitlines()] if text else lines
