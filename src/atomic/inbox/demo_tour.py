"""The guided end of the demo: one `why`, one correction and its effect, `ledger verify`, `replay`, where to look."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from atomic.explain import explain
from atomic.inbox.corrections import teach
from atomic.inbox.demo_mailbox import Mailbox
from atomic.inbox.handler import Handled, request_id
from atomic.inbox.policy_settings import InboxSettings
from atomic.inbox.tasks import TASKS, Letter
from atomic.inbox.view import harmless
from atomic.market import Market
from atomic.outcome import Outcome
from atomic.replay import replay

_LINES = 60


async def tour(
    market: Market, settings: InboxSettings, seen: Mapping[str, Handled], mailbox: Mailbox, console: Console
) -> None:
    """Show it; everything shown is as it came out, whatever that is."""
    told = _Told(console)
    fresh = {name: one for name, one in seen.items() if name not in mailbox.taught and one.answers}
    if not fresh:
        return
    told.head("Why was it decided like that?")
    one, task = _interesting(fresh)
    key = request_id(one.mail.sha256, task)
    told.say(f"{one.source.path.name}, {task}: {harmless(one.mail.subject, 60)!r}; atomic explain {key}:")
    told.block((await asyncio.to_thread(explain, market.ledger, key)).text())
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
        self.console.print(Text(harmless(words)), soft_wrap=True)

    def block(self, text: str) -> None:
        lines = text.splitlines()
        for line in lines[:_LINES]:
            self.console.print(Text(f"  {harmless(line)}"), soft_wrap=True)
        if len(lines) > _LINES:
            self.say(f"  … and {len(lines) - _LINES} lines more")


def _interesting(seen: Mapping[str, Handled]) -> tuple[Handled, str]:
    """The decision that took most rounds, of those with a dispute that was the dearest."""
    found = [
        (answer.outcome.rounds, answer.outcome.cost, name, task)
        for name, one in seen.items()
        for task, answer in one.answers.items()
        if task in {"spam", "category"}
    ]
    _, _, name, task = max(found)
    return seen[name], task


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
    before = await _asked(market, task, letter, "I am writing once more about this.")
    told.say(f"  a similar mail before: {_words(before)}")
    await teach(market, settings, one.source.key, {task: truth}, one.source)
    after = await _asked(market, task, letter, "May I come back to this?")
    told.say(f"  a similar mail after:  {_words(after)}")
    if after.answer == truth != before.answer:
        told.say("  The correction was enough.")
    elif after.answer == truth:
        told.say("  It was right before, too; what changed is who is believed, and how much.")
    else:
        told.say("  One correction was not enough here: what others have learned weighs more. The next one will tell.")


async def _asked(market: Market, task: str, letter: Letter, more: str) -> Outcome[Any]:
    """The question about a follow-up of the same sender: a mail nobody has seen, so the cache cannot know it."""
    follow_up = letter.model_copy(update={"subject": f"Re: {letter.subject}", "text": f"{more}\n\n{letter.text}"})
    return await market.run(TASKS[task], follow_up)


def _words(outcome: Outcome[Any]) -> str:
    if outcome.refused:
        return f"no answer ({outcome.why})"
    sure = f"{outcome.probability:.0%} sure ({outcome.probability_source})"
    return f"{outcome.answer!r}, {sure}, from {outcome.winner}, {outcome.price}"
