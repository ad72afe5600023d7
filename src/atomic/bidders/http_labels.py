"""Labels weighed by a hosted model's log-probabilities, and put right as the plan says."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace

from atomic.bidders.label_scores import MOST_PROMPTS, Means, Tokens, adjusted, score_labels
from atomic.records.attempt import Plan, Reply
from atomic.records.canonical import canonical_json, content_id

Shares = Mapping[str, float]


class Labels:
    """Scores of one model, and what there is to take off them.

    What the labels score on a text that says nothing hangs on the prompt before it alone, so a prompt is asked for it
    once, which is a second call, and remembered. In memory, like a bidder's pace.
    """

    def __init__(self) -> None:
        self._means = Means()
        self._anyhow: OrderedDict[str, Shares] = OrderedDict()  # by prompt

    def unasked(self, plan: Plan) -> Plan | None:
        """The plan that asks what the labels score on nothing; None where that is known or of no use."""
        if not (plan.neutral and plan.labels and plan.messages) or _prompt(plan) in self._anyhow:
            return None
        nothing = replace(plan.messages[-1], content=plan.neutral)
        return replace(plan, messages=(*plan.messages[:-1], nothing), neutral="", batch=False, priors=())

    def heard_of_nothing(self, plan: Plan, tokens: Tokens) -> None:
        """What came of `unasked`."""
        self._anyhow[_prompt(plan)] = _scored(plan, tokens)
        if len(self._anyhow) > MOST_PROMPTS:
            self._anyhow.popitem(last=False)

    def weighed(self, task: str, plan: Plan, tokens: Tokens, reply: Reply) -> Reply:
        """The reply with the likeliest label as its value, and the label's share as its confidence."""
        found = _scored(plan, tokens)
        taken_off = self._anyhow.get(_prompt(plan)) if plan.neutral else None
        if plan.batch:
            taken_off = self._means.of(task, plan.tactic, plan.labels)
            self._means.learn(task, plan.tactic, found)
        shares = adjusted(found, taken_off, plan.priors)
        best = max(shares, key=lambda label: shares[label])
        return replace(reply, value=best, confidence=shares[best])


def _scored(plan: Plan, tokens: Tokens) -> Shares:
    return score_labels(plan.labels, lambda begun: () if begun else tokens)


def _prompt(plan: Plan) -> str:
    said = [[one.role, one.content] for one in plan.messages[:-1]]
    return content_id(canonical_json([said, list(plan.labels), plan.neutral]))
