"""Corrections: how people teach an inbox. Moving a mail or changing a tag says what is right; so does a command.

A folder or a tag is read backwards through the policy's rules, and only where they leave no doubt: if one rule alone
moves mail to `Billing`, and it does so when the category is billing, then a mail that its owner puts there is billing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from atomic.errors import CallerError
from atomic.inbox.actions import Actions
from atomic.inbox.book import BY_OWNER, UNTAG
from atomic.inbox.handler import Handled, earlier, handle, request_id, trade_for
from atomic.inbox.mail import parse
from atomic.inbox.places import Tags
from atomic.inbox.policy import AFTER_SPAM, conditions, folders
from atomic.inbox.policy_settings import InboxSettings, RuleSettings
from atomic.inbox.source import INBOX, SourceMail
from atomic.inbox.tasks import TASKS, Letter
from atomic.market import Market

Truths = dict[str, str | bool]


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a correction changed: (task, what was held, what is right), and the mail handled again."""

    changes: tuple[tuple[str, Any, str | bool], ...]
    handled: Handled


def meaning(settings: InboxSettings, action: Literal["move", "tag"], target: str) -> Truths:
    """What it says of a mail that it is in a folder or has a tag, as the rules have it; empty where they are in doubt.

    >>> from atomic.inbox.policy import read_policy
    >>> policy = read_policy({"rules": [{"when": {"category": "billing"}, "do": {"move": "Billing"}}]})
    >>> meaning(policy, "move", "Billing")
    {'category': 'billing', 'spam': 'ham'}
    """
    each = [_implied(rule) for rule in settings.rules if getattr(rule.do, action) == target]
    return {name: value for name, value in (each[0] if each else {}).items() if all(o.get(name) == value for o in each)}


def not_meaning(settings: InboxSettings, action: Literal["move", "tag"], target: str) -> Truths:
    """What it says of a mail that it is *not* in a folder or has *not* a tag: only where a rule looks at one value
    and there is one other."""
    each = [conditions(rule.when) for rule in settings.rules if getattr(rule.do, action) == target]
    if len(each) != 1 or len(each[0]) != 1:
        return {}
    ((name, value),) = each[0].items()
    if isinstance(value, bool):
        return {name: not value} if name in TASKS else {}
    others = [one for one in TASKS[name].labels if one != value] if name in TASKS else []
    return {name: others[0]} if len(others) == 1 else {}


def _implied(rule: RuleSettings) -> Truths:
    named = {name: value for name, value in conditions(rule.when).items() if name in TASKS}
    if "spam" not in named and not named.keys().isdisjoint(AFTER_SPAM):
        named["spam"] = "ham"  # the others are asked of nothing else
    return named


async def correct(
    market: Market, source: SourceMail, settings: InboxSettings, actions: Actions, truths: Mapping[str, str | bool]
) -> Corrected:
    """Say what is right about a mail: it teaches at once, and the mail is tagged and filed anew.

    A task that nobody was asked about is bought first, so that there is something to learn from. Raises TaskError for
    a value that is none of the task's, CallerError when there is nothing to correct.
    """
    if not truths:
        raise CallerError("nothing to correct", hint="say --spam, --category, …, or --folder with a rule's folder")
    changes = await teach(market, settings, source.key, truths, source)
    return Corrected(changes, await handle(market, source, settings, actions, refile=True))


async def teach(
    market: Market,
    settings: InboxSettings,
    sha256: str,
    truths: Mapping[str, str | bool],
    source: SourceMail | None = None,
) -> tuple[tuple[str, Any, str | bool], ...]:
    """Give the truths as a person's feedback; returns (task, held before, truth) of those that differ.

    That an answer was right teaches, too. What the owner said before is not said again. What nobody was asked is
    bought if the mail is at hand, else passed over. Raises as `correct`.
    """
    changes = []
    # spam first: it is what the others wait for
    for task in sorted(truths, key=lambda name: list(TASKS).index(name)):
        key, truth = request_id(sha256, task), truths[task]
        known, said = earlier(market.ledger, key)
        if said == truth or not (known or source):
            continue
        if not known and source:
            mail = parse(source.raw)
            await market.buy(TASKS[task](Letter.of(mail)), trade_for(mail, task, settings))
        held = _answer(market, key) if said is None else said
        await market.feedback(key, truth=truth, author="owner")
        if held != truth:
            changes.append((task, held, truth))
    return tuple(changes)


def _answer(market: Market, key: str) -> Any:
    """The market's answer to a settled request, as JSON has it; None for a refusal."""
    settled = next(iter(market.ledger.read(request_id=key, kinds=("outcome",))))
    body = market.ledger.body(settled.bodies[0]) if settled.bodies else None
    return None if body is None else orjson.loads(body)


def truths_of_folder(settings: InboxSettings, folder: str) -> Truths:
    """What `--folder` says. Raises CallerError when the rules do not say what the folder is for."""
    truths = meaning(settings, "move", folder)
    if not truths:
        known = ", ".join(one for one in folders(settings) if meaning(settings, "move", one)) or "none"
        raise CallerError(f"no rule says what folder {folder!r} is for", hint=f"folders with one meaning: {known}")
    return truths


async def learn_from_moves(market: Market, actions: Actions, settings: InboxSettings) -> list[str]:
    """Learn from what the owner moved and tagged since the last run; returns what was learned, in words.

    A mail that lies in another folder than it was put into, or whose tags are others than it was given, teaches what
    folder and tags mean; it is then left where it is. Only of mail that was handled before.
    """
    said = []
    for item in actions.place.moved():
        page = actions.book.page(item.key)
        expected = page.folder or (INBOX if actions.place.moves_source else "")
        if f"move/{item.folder}" in page.unfinished:  # we put it there, and died before we could say so
            continue
        if item.folder == expected or not earlier(market.ledger, request_id(item.key, "spam"))[0]:
            continue
        truths = meaning(settings, "move", item.folder)
        if page.rule_folder and (item.folder == INBOX or item.folder in folders(settings)):
            truths = {**not_meaning(settings, "move", page.rule_folder), **truths}
        changes = await teach(market, settings, item.key, truths, item)
        await actions.note(item.key, request_id(item.key, "mail"), [(BY_OWNER, item.folder)])
        said.append(_words(item.path.name, f"moved to {item.folder}", changes))
    return said + await _learn_from_tags(market, actions, settings)


async def _learn_from_tags(market: Market, actions: Actions, settings: InboxSettings) -> list[str]:
    said = []
    for key, tags in Tags(actions.place.out).all():
        page = actions.book.page(key)
        added = [one for one in tags if one not in page.tags and f"tag/{one}" not in page.unfinished]
        removed = [one for one in page.tags if one not in tags]
        if not added and not removed:
            continue
        truths: Truths = {}
        for tag in removed:
            truths |= not_meaning(settings, "tag", tag)
        for tag in added:
            truths |= meaning(settings, "tag", tag)
        changes = await teach(market, settings, key, truths)
        ends = [*((UNTAG, one) for one in removed), *(("tag", one) for one in added)]
        await actions.note(key, request_id(key, "mail"), ends)
        said.append(_words(key[:12], f"tagged {', '.join(tags) or 'nothing'}", changes))
    return said


def _words(name: str, what: str, changes: tuple[tuple[str, Any, str | bool], ...]) -> str:
    learned = ", ".join(f"{task} is {truth}, not {held}" for task, held, truth in changes)
    return f"{name}: its owner {what}: {f'learned that {learned}' if learned else 'nothing new to learn from it'}"
