"""Rules that a person wrote down: what is known for certain needs no model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from atomic.errors import ConfigError
from atomic.output import Refusal, typed
from atomic.protocols import Profile, Sketch
from atomic.records.attempt import Plan, Reply
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Ask

SEARCHED = 5_000  # characters of a text that an expression is held against
LONGEST_EXPRESSION = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`when` maps a field to a regular expression that must be found in it; all of them must be.

    A field is "text" (the whole input as a reader sees it) or a path into the input's JSON ("mail.subject"); a field
    that is absent is not found. Expressions are Python's; they see the first 5,000 characters. They come from the
    person who runs the market: one that backtracks without end is theirs to mend. `answer` is JSON or a label.

    Raises ConfigError when an expression is wrong or too long, the claim no probability, or `when` empty.
    """

    task: str
    when: Mapping[str, str]
    answer: Any
    claim: float = 0.95
    expressions: tuple[tuple[str, re.Pattern[str]], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile the expressions."""
        where = f"the rule for {self.task!r}"
        if not self.when:
            raise ConfigError(f"{where} has no conditions", hint='when = { text = "unsubscribe" }')
        if not 0.0 < self.claim < 1.0:
            raise ConfigError(f"{where} claims {self.claim}", hint="a claim lies between 0 and 1")
        compiled = []
        for name, expression in self.when.items():
            if len(expression) > LONGEST_EXPRESSION:
                raise ConfigError(
                    f"{where}: the expression for {name!r} is longer than {LONGEST_EXPRESSION} characters"
                )
            try:
                compiled.append((name, re.compile(expression)))
            except re.error as error:
                raise ConfigError(f"{where}: {name} = {expression!r} is no regular expression: {error}") from error
        object.__setattr__(self, "expressions", tuple(compiled))


class Rules:
    """Answers with the first rule whose conditions hold; no rule, no bid.

    >>> from atomic.records.microtask import microtask
    >>> from atomic.testing import ask_for
    >>> @microtask(worth="$1")
    ... async def spam(text: str) -> bool:
    ...     \"\"\"Is it spam?\"\"\"
    >>> rules = Rules([Rule(task="spam", when={"text": "(?i)cheap pills"}, answer="yes")])
    >>> sketch = Sketch(tactic="plain", prompt_characters=0, max_tokens=0)
    >>> rules.offer(ask_for(spam("Cheap pills!")), sketch).claim, rules.offer(ask_for(spam("Hi")), sketch).reason.words
    (0.95, 'no rule')
    """

    def __init__(self, rules: Sequence[Rule], *, name: str = "rules", profile: Profile | None = None) -> None:
        self._profile = profile or Profile(name=name, kind="rules", right=0.9)
        self._rules: dict[str, list[Rule]] = {}
        for rule in rules:
            self._rules.setdefault(rule.task, []).append(rule)

    @property
    def profile(self) -> Profile:
        """As declared."""
        return self._profile

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """Price 0, and what the rule claims."""
        rule = self._rule_for(ask)
        if rule is None:
            return NoBid(bidder=self._profile.name, tactic=sketch.tactic, reason=Reason.NO_RULE)
        return Offer(bidder=self._profile.name, tactic=sketch.tactic, claim=rule.claim, latency_ns=0)

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """The rule's answer; a rule whose answer is not of the task's type says so."""
        rule = self._rule_for(ask)
        if rule is None:
            return Reply(reason=Reason.NO_RULE)
        answer = typed(ask.task, rule.answer)
        if isinstance(answer, Refusal):
            return Reply(reason=answer.reason, detail=f"the rule's answer: {answer.detail}")
        return Reply(value=answer, confidence=rule.claim)

    async def close(self) -> None:
        """Nothing to give back."""

    def _rule_for(self, ask: Ask) -> Rule | None:
        rules = self._rules.get(ask.task.name)
        if not rules:
            return None
        shown = orjson.loads(ask.input_json) if any(name != "text" for rule in rules for name in rule.when) else {}
        for rule in rules:
            if all(_found(one, _field(ask, shown, name)) for name, one in rule.expressions):
                return rule
        return None


def _found(expression: re.Pattern[str], value: object) -> bool:
    if isinstance(value, bool | int | float):
        value = orjson.dumps(value).decode()
    return isinstance(value, str) and expression.search(value[:SEARCHED]) is not None


def _field(ask: Ask, shown: Any, name: str) -> object:
    if name == "text":
        return ask.features.text
    for part in name.split("."):
        shown = shown.get(part) if isinstance(shown, dict) else None
    return shown
