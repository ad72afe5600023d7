"""The guided end of the demo: one `why`, one correction and its effect, `ledger verify`, `replay`, where to look."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from atomic.explain import Explanation, explain
from atomic.inbox.corrections import teach
from atomic.inbox.demo_mailbox import Mailbox
from atomic.inbox.handler import DRAFT, Handled, request_id
from atomic.inbox.policy_settings import InboxSettings
from atomic.inbox.tasks import TASKS, Letter
from atomic.inbox.view import harmless
from atomic.market import Market
from atomic.outcome import Outcome
from atomic.protocols import History
from atomic.records.award import Award
from atomic.replay import replay

_LINES = 40
_LIKELY = 5  # stories that are read for the one that is told
_FOLLOW_UPS = (
    "I am writing once more about this.",
    "May I come back to this?",
    "Just a short question about the below.",
    "One more word on this matter.",
)
_TIMES = ("once", "twice", "three times")


async def tour(
    market: Market, settings: InboxSettings, seen: Mapping[str, Handled], mailbox: Mailbox, console: Console
) -> None:
    """Show it; everything shown is as it came out, whatever that is."""
    told = _Told(console)
    fresh = {name: one for name, one in seen.items() if name not in mailbox.taught and one.answers}
    if not fresh:
        return
    told.head("Why was it decided like that?")
    one, task, story = await asyncio.to_thread(_interesting, market.ledger, fresh)
    told.say(f"{one.source.path.name}, {harmless(one.mail.subject, 60)!r}")
    told.block(story.brief())
    told.say(f"The whole story: atomic explain {request_id(one.mail.sha256, task)}")
    told.head("One correction, and what it changes")
    await _correction(market, settings, fresh, mailbox, told)
    told.head("Is the record whole, and do its decisions follow from it?")
    found = await asyncio.to_thread(replay, market.ledger)
    told.say(f"replay: {found.text()}")


@dataclass(frozen=True, slots=True)
class _Told:
    console: Console

    def head(self, words: str) -> None:
        self.console.print(Text(f"\n── {words}", style="bold"))

    def say(self, words: str) -> None:
        self.console.print(Text(harmless(words)), soft_wrap=not self.console.is_terminal)

    def block(self, text: str) -> None:
        lines = text.splitlines()
        for line in lines[:_LINES]:
            self.console.print(Text(f"  {harmless(line)}"), soft_wrap=not self.console.is_terminal)
        if len(lines) > _LINES:
            self.say(f"  … and {len(lines) - _LINES} lines more")


def _interesting(ledger: History, seen: Mapping[str, Handled]) -> tuple[Handled, str, Explanation]:
    """A decision to learn from: a price was paid, by worth and not by a draw, and another price would have changed it.

    Of the likely ones the first that is all of it, else the likeliest.
    """
    found = sorted(
        (
            (answer.outcome.cost > 0, answer.outcome.rounds, answer.outcome.cost, name, task)
            for name, one in seen.items()
            for task, answer in one.answers.items()
            if task != DRAFT
        ),
        reverse=True,
    )
    keys = [(seen[name], task, request_id(seen[name].mail.sha256, task)) for *_, name, task in found]
    likely = [one for one in keys if _by_worth(ledger, one[2])][:_LIKELY] or keys[:1]
    stories = []
    for handled, task, key in likely:
        stories.append((handled, task, explain(ledger, key)))
        if any(one.found == "proven" for one in stories[-1][2].rounds[0].prices):
            return stories[-1]
    return stories[0]


def _by_worth(ledger: History, key: str) -> bool:
    """Whether the best by score was bought first. Looked at before explaining, which takes a thousand times longer."""
    event = next(iter(ledger.read(request_id=key, kinds=("award",), limit=1)), None)
    award = event.payload if event is not None else None
    return isinstance(award, Award) and award.chosen != () and award.chosen == award.candidates[0].action


def _wrong(seen: Mapping[str, Handled], mailbox: Mailbox) -> tuple[Handled, str, Any] | None:
    """A decision that its owner would correct: category first, since there is most to learn."""
    for task in ("category", "spam", "priority", "needs_reply", "sentiment"):
        for name, one in sorted(seen.items()):
            label = mailbox.labels.get(name, {}).get(task)
            answer = one.answers.get(task)
            if answer is not None and label is not None and answer.value not in {None, label}:
                return one, task, label
    return None


async def _correction(
    market: Market, settings: InboxSettings, seen: Mapping[str, Handled], mailbox: Mailbox, told: _Told
) -> None:
    found = _wrong(seen, mailbox)
    if found is None:
        told.say("Nothing was decided otherwise than its owner would; there is nothing to correct.")
        return
    one, task, truth = found
    letter = Letter.of(one.mail)
    name, subject = one.source.path.name, harmless(one.mail.subject, 50)
    told.say(f"{name} ({subject}): {task} was {one.answers[task].value!r}; its owner says {truth!r}.")
    told.say("Then that sender writes again, mails that nobody has seen:")
    asked = await _asked(market, task, letter, _FOLLOW_UPS[0])
    told.say(f"  {'before the correction:':23s} {_words(asked)}")
    was_right = asked.answer == truth
    await teach(market, settings, one.source.key, {task: truth}, one.source)
    for times, more in enumerate(_FOLLOW_UPS[1:], start=1):
        if times > 1:
            await market.feedback(asked.id, truth=truth, author="owner")
        asked = await _asked(market, task, letter, more)
        told.say(f"  {f'corrected {_TIMES[times - 1]}:':23s} {_words(asked)}")
        if asked.answer == truth:
            break
    if asked.answer != truth:
        told.say("  That was not enough here: what others have learned weighs more. The next correction will tell.")
    elif was_right:
        told.say("  It was right before, too; what changed is who is believed, and how much.")


async def _asked(market: Market, task: str, letter: Letter, more: str) -> Outcome[Any]:
    """The question about a follow-up of the same sender: a mail nobody has seen, so the cache cannot know it."""
    follow_up = letter.model_copy(update={"subject": f"Re: {letter.subject}", "text": f"{more}\n\n{letter.text}"})
    return await market.run(TASKS[task], follow_up)


def _words(outcome: Outcome[Any]) -> str:
    if outcome.refused:
        return f"no answer ({outcome.why})"
    return f"{outcome.answer!r} from {outcome.winner}, right with probability {outcome.probability:.2f}"
