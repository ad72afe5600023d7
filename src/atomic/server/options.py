"""What a request says beside its dialect: headers `x-atomic-…`, or the same in a field `atomic` of its body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from atomic.records.request import DataLabel
from atomic.server.problems import Problem

_NAMES = ("request-id", "label", "domain", "subjects", "decision")
_YES = frozenset({"1", "true", "yes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`request_id` is an idempotency key; `decision` asks for how it was decided, in the response's field `atomic`."""

    request_id: str = ""
    label: DataLabel | None = None
    domain: str = ""
    subjects: tuple[str, ...] = ()
    decision: bool = False


def options_of(headers: Mapping[str, str], body: dict[str, Any]) -> Options:
    """Take the options out of a request. Raises Problem.

    >>> options_of({"x-atomic-label": "public"}, {"atomic": {"decision": True}})
    Options(request_id='', label='public', domain='', subjects=(), decision=True)
    """
    given = body.pop("atomic", None) or {}
    if not isinstance(given, Mapping):
        raise Problem(400, "atomic: not an object", hint=_hint())
    said: dict[str, Any] = {name.replace("-", "_"): headers.get(f"x-atomic-{name}") for name in _NAMES}
    said["request_id"] = said["request_id"] or headers.get("idempotency-key")
    for name, value in given.items():
        if name not in said:
            raise Problem(400, f"atomic.{name}: there is no such option", hint=_hint())
        said[name] = value
    label = said["label"]
    if label is not None and label not in get_args(DataLabel):
        raise Problem(400, f"there is no data label {label!r}", hint=f"one of {', '.join(get_args(DataLabel))}")
    subjects = said["subjects"] or ()
    subjects = [one.strip() for one in subjects.split(",")] if isinstance(subjects, str) else subjects
    if not isinstance(subjects, list | tuple):
        raise Problem(400, "atomic.subjects: not a list of texts", hint=_hint())
    texts = [said["request_id"] or "", said["domain"] or "", *subjects]
    if not all(isinstance(one, str) and len(one) <= 200 for one in texts):
        raise Problem(400, "atomic: request_id, domain and subjects are texts of at most 200 characters")
    decision = said["decision"]
    return Options(
        request_id=texts[0],
        label=cast(DataLabel | None, label),
        domain=texts[1],
        subjects=tuple(texts[2:]),
        decision=decision is True or str(decision).lower() in _YES,
    )


def _hint() -> str:
    return f"it may have {', '.join(name.replace('-', '_') for name in _NAMES)}"
