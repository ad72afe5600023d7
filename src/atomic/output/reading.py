"""A raw answer to a value of the declared type, or the reason there is none."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from atomic.output.equality import as_json
from atomic.output.found_json import first_json, parsed
from atomic.output.labels import answers_by_label, find_label
from atomic.records.bid import Reason
from atomic.records.canonical import canonical_json
from atomic.records.microtask import Microtask

_NUMBER = re.compile(r"(?<![\w.])[+\-−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w]|\.\d)")
_LONGEST_NUMBER_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a raw answer is not of the declared type. `detail` never quotes the answer."""

    reason: Reason
    detail: str = ""


def typed(task: Microtask[..., Any], value: object) -> object:
    """The answer as the task's declared type, strictly validated, or a `Refusal`. Never raises.

    `value` is what a bidder handed back: the text of a model, an answer of the type, or the JSON value of one. Text
    is repaired by parsing alone: a label is found whatever its case and company, a number among words, JSON in a
    code fence or between sentences. What can be read in two ways is refused.

    >>> from typing import Literal
    >>> from atomic.records.microtask import microtask
    >>> @microtask(worth="$1")
    ... async def spam(text: str) -> Literal["spam", "ham"]:
    ...     \"\"\"Which is it?\"\"\"
    >>> typed(spam, "Answer: **Spam**."), typed(spam, " ").reason.words, typed(spam, "spam, or ham?").reason.words
    ('spam', 'empty', 'not the type')
    """
    if value is None and not _takes_none(task):
        return Refusal(Reason.EMPTY, "no answer")
    try:
        if isinstance(value, str) and not value.strip():
            return Refusal(Reason.EMPTY, "an empty text")
        answer = _from_text(task, value) if isinstance(value, str) else _from_value(task, value)
    except ValidationError as error:
        return Refusal(Reason.NOT_THE_TYPE, _faults(error))
    except Exception as error:  # a validator of the task's author may raise anything, and so may a bidder's own `str`
        return Refusal(Reason.NOT_THE_TYPE, f"the type's own validation raised {type(error).__name__}")
    if isinstance(answer, Refusal):
        return answer
    try:
        canonical_json(as_json(task, answer))
    except Exception as error:  # a type of the task's author may be written by anything; NaN and surrogates end here
        return Refusal(Reason.NOT_THE_TYPE, f"cannot be written as JSON: {type(error).__name__}")
    return answer


def from_json(task: Microtask[..., Any], value: object) -> object:
    """The answer that `as_json` wrote, strictly: no repair, so that a text which looks like a number stays a text.

    A `Refusal` when it is none: the type may have changed since. Never raises.
    """
    try:
        return task.output.validate_json(canonical_json(value), strict=True)
    except Exception as error:  # a validator of the task's author may raise anything
        return Refusal(Reason.NOT_THE_TYPE, type(error).__name__)


def _from_text(task: Microtask[..., Any], text: str) -> object:
    kind = plain_type(task)
    if kind is str:
        return task.output.validate_python(text.strip(), strict=True)
    if task.labels:
        return _label(task, text)
    if kind in (int, float):
        return _number(task, text)
    return _json(task, text)


def _from_value(task: Microtask[..., Any], value: object) -> object:
    try:
        return task.output.validate_python(value, strict=True)
    except ValidationError:
        # A JSON value (from a cache, a rule, another process) has lists for sets and texts for dates.
        try:
            content = canonical_json(value)
        except (TypeError, ValueError):
            return Refusal(Reason.NOT_THE_TYPE, f"a {type(value).__name__}")
        return task.output.validate_json(content, strict=True)


def _label(task: Microtask[..., Any], text: str) -> object:
    found = first_json(text) if "{" in text else None
    if found is not None:
        # Keys of an object are words, too: {"spam": false} does not name spam.
        (value,) = parsed(found) or ({},)
        texts = [one for one in value.values() if isinstance(one, str)] if isinstance(value, dict) else []
        text = texts[0] if len(texts) == 1 else ""
    label = find_label(task, text)
    if label is None:
        return Refusal(Reason.NOT_THE_TYPE, "names none of the labels, or more than one")
    return answers_by_label(task)[label]


def _number(task: Microtask[..., Any], text: str) -> object:
    found = {one.replace(",", "").replace("−", "-").lstrip("+") for one in _NUMBER.findall(text[:_LONGEST_NUMBER_TEXT])}
    if len(found) != 1:
        return Refusal(Reason.NOT_THE_TYPE, "holds no number" if not found else "holds more than one number")
    number = found.pop()
    if plain_type(task) is int:
        number = re.sub(r"\.0+$", "", number)
    sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
    answer = task.output.validate_json(sign + (digits.lstrip("0") or "0" if digits.isdigit() else digits), strict=True)
    if isinstance(answer, float) and not math.isfinite(answer):
        return Refusal(Reason.NOT_THE_TYPE, "not a finite number")
    return answer


def _json(task: Microtask[..., Any], text: str) -> object:
    found = first_json(text)
    if found is not None:
        return task.output.validate_json(found, strict=True)
    if "{" in text or "[" in text:
        return Refusal(Reason.NOT_THE_TYPE, "holds no whole JSON value")
    # A date, an id or an optional text is often written without its quotes.
    return task.output.validate_json(canonical_json(text.strip()), strict=True)


def plain_type(task: Microtask[..., Any]) -> Any:
    """The declared type without its annotations: `Annotated[str, …]` is `str`."""
    kind = task.output_type
    while hasattr(kind, "__metadata__") and get_origin(kind) is not None:
        kind = get_args(kind)[0]
    return kind


def _takes_none(task: Microtask[..., Any]) -> bool:
    try:
        task.output.validate_python(None, strict=True)
    except Exception:  # a validator of the task's author may raise anything; then None is not an answer
        return False
    return True


def _faults(error: ValidationError) -> str:
    """The kinds of faults, and nothing of what was found: an answer may quote a confidential input."""
    kinds = sorted({str(one["type"]) for one in error.errors(include_url=False, include_input=False)})
    return ", ".join(kinds[:5])
