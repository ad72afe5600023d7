"""What a prompt says about the form of the answer."""

from __future__ import annotations

from typing import Any

from atomic.output.reading import plain_type
from atomic.records.canonical import canonical_json
from atomic.records.microtask import Microtask


def instructions(task: Microtask[..., Any]) -> str:
    """One or two sentences that ask for an answer `typed` can read; for a model of JSON with its schema.

    >>> from typing import Literal
    >>> from atomic.records.microtask import microtask
    >>> @microtask(worth="$1")
    ... async def kind(text: str) -> Literal["spam", "ham", "other"]:
    ...     \"\"\"Which is it?\"\"\"
    >>> instructions(kind)
    'Answer with one word only: spam, ham or other.'
    """
    if task.labels:
        *most, last = task.labels
        what = "one word" if all(label.isalnum() for label in task.labels) else "exactly one of these"
        return f"Answer with {what} only: {', '.join(most)}{' or ' if most else ''}{last}."
    kind = plain_type(task)
    if kind is str:
        return "Answer with the text itself: no introduction, no quotation marks, no comment."
    if kind is int:
        return "Answer with one whole number only, in digits."
    if kind is float:
        return "Answer with one number only, in digits."
    schema = canonical_json(task.output.json_schema()).decode()
    return f"Answer with JSON only, no comment, that fits this JSON schema: {schema}"
