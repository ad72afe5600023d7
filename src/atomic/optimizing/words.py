"""A task as DSPy optimizes it: in the very prompt that the tactic will use, read as the market reads. Imports DSPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import dspy
import orjson
from dspy.utils.exceptions import AdapterParseError

from atomic.bidders.dspy_parts import ANSWER
from atomic.cases.differing import differences
from atomic.output import Refusal, canonical_key, from_json, label_text, typed
from atomic.protocols import Profile
from atomic.records.microtask import Example, Microtask
from atomic.stages.prepare import prepare
from atomic.tactics.prompt import build

_EACH, _MOST = 1_000, 4_000  # characters, as tactics.tuned has them


class TaskAdapter(dspy.Adapter):  # type: ignore[misc] # DSPy ships no types
    """Asks as `tactics.tuned` does, with the instruction and examples that the optimizer tries; reads strictly."""

    def __init__(self, task: Microtask[..., Any], profile: Profile, examples: Sequence[Example]) -> None:
        super().__init__()
        self._task, self._profile = task, profile
        self._by_input = {one.input_json: one for one in examples}

    def format(
        self, signature: type[dspy.Signature], demos: list[dict[str, Any]], inputs: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """The messages for one input."""
        task = self._task
        if signature.input_fields.keys() != task.input_model.model_fields.keys():
            return cast("list[dict[str, Any]]", dspy.ChatAdapter().format(signature, demos, inputs))
        asked = replace(task, instruction=signature.instructions)
        call = asked(**{name: inputs[name] for name in task.input_model.model_fields})
        ask = prepare(call, request_id="", tenant="", label=task.label)
        shown = [one for demo in demos if (one := self._shown(demo)) is not None]
        prompt = build(ask, self._profile, shown, each=_EACH, most=_MOST)
        if prompt is None:
            raise ValueError("the input does not fit the model's context")
        return [{"role": one.role, "content": one.content} for one in prompt.messages]

    def parse(self, signature: type[dspy.Signature], completion: str) -> dict[str, Any]:
        """The answer. Raises AdapterParseError."""
        if ANSWER not in signature.output_fields:
            return cast("dict[str, Any]", dspy.ChatAdapter().parse(signature, completion))
        found = typed(self._task, completion)
        if isinstance(found, Refusal):
            raise AdapterParseError("TaskAdapter", signature, completion, found.reason.words)
        return {ANSWER: found}

    def of(self, demo: Mapping[str, Any]) -> Example | None:
        """The verified example that a demonstration is, by its input: its answer is the one that was verified."""
        names = self._task.input_model.model_fields
        if not all(name in demo for name in names):
            return None
        return self._by_input.get(self._task(**{name: demo[name] for name in names}).input_json)

    def _shown(self, demo: Mapping[str, Any]) -> tuple[Example, str] | None:
        example = self.of(demo)
        label = None if example is None else label_text(self._task, from_json(self._task, example.answer))
        return None if example is None or label is None else (example, label)


def as_dspy(task: Microtask[..., Any], one: Example) -> dspy.Example:
    """A verified example as DSPy has it."""
    call = task(**orjson.loads(one.input_json))
    made = dspy.Example(**call.arguments, **{ANSWER: from_json(task, one.answer)})
    return made.with_inputs(*task.input_model.model_fields)


def metric_of(task: Microtask[..., Any]) -> Any:
    """Whether an answer equals the verified one, as the task's type says."""

    def metric(gold: dspy.Example, given: Any, trace: Any = None) -> float:
        answer = getattr(given, ANSWER, None)
        return float(canonical_key(task, gold[ANSWER]) == canonical_key(task, answer))

    return metric


def feedback_of(task: Microtask[..., Any]) -> Any:
    """The same for GEPA, with where the answer differs in words."""
    metric = metric_of(task)

    def feedback(gold: Any, given: Any, trace: Any = None, name: Any = None, steps: Any = None) -> dspy.Prediction:
        score, answer = metric(gold, given), getattr(given, ANSWER, None)
        wrong = "; ".join(str(one) for one in differences(task, gold[ANSWER], answer)[:5])
        return dspy.Prediction(score=score, feedback="This is right." if score else f"This is wrong: {wrong}.")

    return feedback
