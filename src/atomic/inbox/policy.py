"""The policy of an inbox: ordered rules from typed values to actions. A pure function; no text of a mail reaches it.

The only things that cross from a mail to an action are values of `Literal`, enum and bool types, each with the
probability that it is right. Folders, tags and recipients stand in the configuration, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from atomic.config.problems import Source, nearest
from atomic.config.values import SecretSettings
from atomic.inbox.outside_settings import SmtpSettings, WebhookSettings
from atomic.inbox.policy_settings import (
    Autonomy,
    AutonomySettings,
    DoSettings,
    InboxSettings,
    RuleSettings,
    TermsSettings,
    WhenSettings,
)

Action = Literal["tag", "forward", "reply", "send", "webhook", "move"]
Mode = Literal["observe", "suggest", "approve", "act"]
# move last: a moved mail has all the rest behind it
ACTIONS: tuple[Action, ...] = ("tag", "forward", "reply", "send", "webhook", "move")
LEAVING: tuple[Action, ...] = ("send", "webhook")  # the house: done at most once, and never to be undone
_ADD_UP = {"tag", *LEAVING}  # of all rules that hold; of the others the first rule's counts
AFTER_SPAM = ("category", "sentiment", "priority", "needs_reply")  # what is asked only of mail that is no spam
NO_SOURCE = Source("configuration", {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A typed value that crossed from a mail, and the probability that it is right."""

    value: str | bool
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An action that a rule asks for. `rule` counts from 1; `probability`: its values are right at least so often."""

    action: Action
    target: str
    mode: Mode
    probability: float
    rule: int

    @property
    def words(self) -> str:
        """The action for people.

        >>> Decision(action="move", target="Junk", mode="act", probability=0.9, rule=1).words
        'move to Junk'
        """
        between = "to " if self.action in {"forward", "move"} or (self.action == "send" and not self.replies) else ""
        return f"{self.action} {between}{self.target}"

    @property
    def replies(self) -> bool:
        """Whether it answers the mail, as a draft or sent."""
        return self.action == "reply" or (self.action, self.target) == ("send", "reply")


def read_policy(table: Mapping[str, Any], source: Source = NO_SOURCE) -> InboxSettings:
    """The policy that an `[inbox]` table states.

    Raises ConfigError, which says file, line, key and the nearest valid name.

    >>> read_policy({"rules": [{"when": {"spam": "spam"}, "do": {"move": "Junk"}}]}).rules[0].do.move
    'Junk'
    >>> read_policy({"rules": [{"when": {"categry": "billing"}, "do": {"tag": "billing"}}]})
    Traceback (most recent call last):
    atomic.errors.ConfigError: configuration: inbox.rules[0].when.categry: unknown key; did you mean "category"?
      docs/configuration.md lists every table and key
    """
    try:
        settings = InboxSettings.model_validate(dict(table))
    except ValidationError as error:
        raise source.wrong(dict(_problems(error)).items()) from None
    empty = [
        (("inbox", "rules", index, part), "must not be empty")
        for index, rule in enumerate(settings.rules)
        for part, model in (("when", rule.when), ("do", rule.do))
        if not model.model_dump(exclude_none=True)
    ]
    if wrong := [*empty, *_not_reachable(settings)]:
        raise source.wrong(wrong)
    return settings


def _not_reachable(settings: InboxSettings) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What rules ask for, and no table says how to reach."""
    for index, rule in enumerate(settings.rules):
        at = ("inbox", "rules", index, "do")
        if rule.do.send and settings.smtp is None:
            yield (*at, "send"), "nothing is sent without a table [inbox.smtp]"
        if rule.do.webhook and rule.do.webhook not in settings.webhooks:
            known = nearest(rule.do.webhook, settings.webhooks)
            yield (*at, "webhook"), f"there is no table [inbox.webhooks.{rule.do.webhook}]{known}"
    if settings.smtp is not None and not settings.own_addresses:
        yield ("inbox", "smtp"), "inbox.own_addresses is missing: the first is the sender"


def decide(settings: InboxSettings, values: Mapping[str, Value]) -> tuple[Decision, ...]:
    """The actions that the rules ask for, in the order in which they are carried out.

    Tags, sends and webhooks of all rules that hold add up; of moves and drafts the first rule that names one decides. A
    rule's probability is at least 1 minus the sum of its values' error probabilities, however these depend on each
    other; that a mail is no spam counts among them wherever it is what let the others be asked.

    >>> policy = read_policy({"rules": [{"when": {"spam": "spam"}, "do": {"move": "Junk"}}]})
    >>> [(one.words, one.mode) for one in decide(policy, {"spam": Value(value="spam", probability=0.97)})]
    [('move to Junk', 'act')]
    >>> decide(policy, {"spam": Value(value="ham", probability=0.97)})
    ()
    """
    found: dict[tuple[Action, str], Decision] = {}
    for number, rule in enumerate(settings.rules, start=1):
        named = conditions(rule.when)
        if not all(_holds(wanted, values.get(name)) for name, wanted in named.items()):
            continue
        probability = _at_least(values, named)
        for action in ACTIONS:
            target = getattr(rule.do, action)
            taken = (action, target) in found if action in _ADD_UP else any(one == action for one, _ in found)
            if target is not None and not taken:
                mode = _mode(getattr(settings.autonomy, action), probability)
                found[action, target] = Decision(
                    action=action, target=target, mode=mode, probability=probability, rule=number
                )
    return tuple(sorted(found.values(), key=lambda one: ACTIONS.index(one.action)))


def conditions(when: WhenSettings) -> dict[str, str | bool]:
    """What a rule asks for, by the name of the value."""
    return {name: value for name in WhenSettings.model_fields if (value := getattr(when, name)) is not None}


def folders(settings: InboxSettings) -> tuple[str, ...]:
    """Every folder that a rule moves mail to, in order, once each."""
    return tuple(dict.fromkeys(rule.do.move for rule in settings.rules if rule.do.move))


def _holds(wanted: str | bool, value: Value | None) -> bool:
    if value is None:
        return False
    # `automatic = true` is any kind of machine, and its value is the kind.
    return wanted == (bool(value.value) if isinstance(wanted, bool) else value.value)


def _at_least(values: Mapping[str, Value], named: Mapping[str, object]) -> float:
    used = set(named) | ({"spam"} if "spam" in values and not named.keys().isdisjoint(AFTER_SPAM) else set())
    return max(0.0, 1.0 - sum(1.0 - values[name].probability for name in sorted(used)))


def _mode(autonomy: Autonomy, probability: float) -> Mode:
    if isinstance(autonomy, str):
        return autonomy
    return "act" if probability >= autonomy else "suggest"


def _problems(error: ValidationError) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for one in error.errors(include_url=False):
        # Members of a union are named in the path behind the key; people know only the key.
        path = ("inbox", *one["loc"])
        cut = next((end for end in range(len(path), 0, -1) if _is_ours(path[:end])), len(path))
        path = path[: cut + 1] if one["type"] == "extra_forbidden" else path[:cut]
        yield path, _said(one, path)


_NAMED = {("inbox", "terms"), ("inbox", "webhooks")}  # tables whose keys are names
_MODELS: Mapping[tuple[str, ...], type[BaseModel]] = {
    ("inbox",): InboxSettings,
    ("inbox", "autonomy"): AutonomySettings,
    ("inbox", "smtp"): SmtpSettings,
    ("inbox", "smtp", "password"): SecretSettings,
    ("inbox", "terms", "*"): TermsSettings,
    ("inbox", "webhooks", "*"): WebhookSettings,
    ("inbox", "webhooks", "*", "token"): SecretSettings,
    ("inbox", "rules"): RuleSettings,
    ("inbox", "rules", "when"): WhenSettings,
    ("inbox", "rules", "do"): DoSettings,
}


def _model_at(path: tuple[str | int, ...]) -> type[BaseModel] | None:
    names = tuple(part for part in path if isinstance(part, str))
    return _MODELS.get((*names[:2], "*", *names[3:]) if names[:2] in _NAMED and names[2:] else names)


def _is_ours(path: tuple[str | int, ...]) -> bool:
    if isinstance(path[-1], int):
        return len(path) == 3 or path[:2] != ("inbox", "rules")
    if path[:-1] in _NAMED:
        return True
    above = _model_at(path[:-1])
    return path == ("inbox",) or (above is not None and path[-1] in above.model_fields)


def _said(one: ErrorDetails, path: tuple[str | int, ...]) -> str:
    kind = one["type"]
    if kind == "extra_forbidden":
        above = _model_at(path[:-1])
        return "unknown key" + nearest(str(path[-1]), above.model_fields if above else ())
    if path[:2] == ("inbox", "autonomy") and len(path) == 3:
        modes = '"observe", "suggest", "approve", or the probability from which to act, above 0, at most 1'
        return f"not {one['input']!r}: {modes}"
    if kind in {"literal_error", "enum"}:
        words = re.findall(r"'([^']*)'", one["ctx"]["expected"])
        return f"not {one['input']!r}" + nearest(str(one["input"]), words)
    if kind == "value_error":
        return str(one["ctx"]["error"])
    if kind == "missing":
        return "is missing"
    return one["msg"][0].lower() + one["msg"][1:]
