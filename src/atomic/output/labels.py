"""Labels in what a model wrote: tolerant of case, punctuation and company, strict about which one is meant."""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

from atomic.records.microtask import Microtask

# A label that somebody names is named at the beginning or the end; in the middle of a long text it is only a word.
SHORT = 300

_OTHER_SPELLINGS: Mapping[bool, tuple[str, ...]] = {True: ("true",), False: ("false",)}
_SEPARATORS = re.compile(r"(?<=[^\W_])[\s_\-]+(?=[^\W_])")
_NEGATED = re.compile(
    r"(?:\b(?:not|no|non|never|nor|kein\w*|nicht)|n[’']t)[\s_\-]+(?:(?:an?|the|really|ein\w*)\s+)?[\W_]*$"
)
_DENIED = re.compile(r"[\W_]*\s(?:is|are|was) (?:not|wrong|incorrect|false)\b")
_WRAPPING = " \t\r\n\"'`*_.,:;!?()[]{}<>#“”‘’«»„"


def answers_by_label(task: Microtask[..., Any]) -> dict[str, Any]:
    """The possible answers by their canonical spelling, in order of declaration; empty when the task has no labels.

    >>> from atomic.records.microtask import microtask
    >>> @microtask(worth="$1")
    ... async def urgent(text: str) -> bool:
    ...     \"\"\"Is it urgent?\"\"\"
    >>> answers_by_label(urgent)
    {'yes': True, 'no': False}
    """
    kind = task.output_type
    if kind is bool:
        return {"yes": True, "no": False}
    if get_origin(kind) is Literal:
        return dict(zip(task.labels, get_args(kind), strict=True))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return dict(zip(task.labels, kind, strict=True))
    return {}


def label_text(task: Microtask[..., Any], answer: object) -> str | None:
    """The canonical spelling of an answer's label; None when the task has no labels or this is none of its answers."""
    for label, one in answers_by_label(task).items():
        if type(one) is type(answer) and one == answer:
            return label
    return None


def find_label(task: Microtask[..., Any], text: str) -> str | None:
    """The one label that a text names, in canonical spelling; None when it names none, several, or only denies one.

    In a text of more than 300 characters only the first and the last line are read.

    >>> from atomic.records.microtask import microtask
    >>> @microtask(worth="$1")
    ... async def kind(text: str) -> Literal["spam", "ham"]:
    ...     \"\"\"Which is it?\"\"\"
    >>> [find_label(kind, text) for text in (" Spam.", "**Answer:** ham", "spam or ham", "not spam")]
    ['spam', 'ham', None, None]
    """
    return named_label(task.labels, text, truth=task.output_type is bool)


def named_label(labels: tuple[str, ...], text: str, *, truth: bool = False) -> str | None:
    """As `find_label`, of labels that are no task's; `truth`: they are yes and no, and have other spellings."""
    bare = text.strip(_WRAPPING)
    for exact in (text.strip(), bare):
        if exact in labels:
            return exact
    spellings = _spellings(labels, truth)
    found = {label for part in _parts(text) for label in _named(part, spellings)}
    return found.pop() if len(found) == 1 else None


def _parts(text: str) -> tuple[str, ...]:
    if len(text) <= SHORT:
        return (text,)
    head, tail = text[:SHORT].lstrip(), text[-SHORT:].rstrip()
    return head.partition("\n")[0], tail.rpartition("\n")[2]


@lru_cache(maxsize=256)
def _spellings(labels: tuple[str, ...], is_bool: bool) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Each label with a pattern per spelling, longest first, so that "not urgent" is found before "urgent"."""
    spelled = [(label, label) for label in labels]
    if is_bool:
        spelled += [("yes" if value else "no", other) for value, others in _OTHER_SPELLINGS.items() for other in others]
    spelled.sort(key=lambda one: (-len(one[1]), one[1]))
    return tuple((label, _pattern(spelling)) for label, spelling in spelled if spelling.strip(_WRAPPING))


def _pattern(spelling: str) -> re.Pattern[str]:
    folded = unicodedata.normalize("NFC", spelling).casefold()
    words = r"[\s_\-]+".join(re.escape(word) for word in _SEPARATORS.split(folded))
    # A digit that belongs to a longer number ("-1", "2.5") is another answer, not this one with decoration.
    before = r"(?<![^\W_])(?<![\d][.,])(?<![+\-−])" if folded[0].isdigit() else r"(?<![^\W_])"
    after = r"(?![^\W_])(?![.,]\d)" if folded[-1].isdigit() else r"(?![^\W_])"
    if folded in ("a", "i"):  # a word of its own where another word follows
        after = r"(?![^\W_]|['’]|\s+(?!is\b|because\b|since\b|as\b)[^\W\d_])"
    return re.compile(before + words + after)


def _named(text: str, spellings: tuple[tuple[str, re.Pattern[str]], ...]) -> set[str]:
    """Labels that a text names, or the pair that forbids an answer where it denies one."""
    folded = unicodedata.normalize("NFC", text).casefold()
    taken: list[tuple[int, int, str]] = []
    for label, pattern in spellings:
        for match in pattern.finditer(folded):
            inside = any(start <= match.start() and match.end() <= end and one != label for start, end, one in taken)
            if not inside:
                taken.append((match.start(), match.end(), label))
    denied = any(
        _NEGATED.search(folded[max(0, start - 24) : start]) or _DENIED.match(folded, end) for start, end, _ in taken
    )
    named = {label for _, _, label in taken}
    return named | {"", "denied"} if denied else named
