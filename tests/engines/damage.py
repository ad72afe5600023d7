"""Damaged texts by generator: values of several schemas as models write them, and cut where no answer is due.

`python tests/engines/damage.py FILE` writes them as lines for `atomic bench repair`.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_TEXT, _WHOLE, _NUMBER, _TRUTH = {"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}


def _object(required: str, **fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": required.split()}


_PERSON = _object("name age", name=_TEXT, age={"type": "integer", "minimum": 0, "maximum": 150}, email=_TEXT)
_TICKET = _object(
    "subject priority open",
    subject=_TEXT,
    priority={"enum": ["low", "medium", "high", "in_progress"]},
    open=_TRUTH,
    tags={"type": "array", "items": _TEXT},
)
_ORDER = {
    "$defs": {"Item": _object("sku quantity price", sku=_TEXT, quantity=_WHOLE, price=_NUMBER)},
    **_object("id items total", id=_TEXT, items={"type": "array", "items": {"$ref": "#/$defs/Item"}}, total=_NUMBER),
}
_TREE = {
    "$defs": {
        "Node": _object("label children", label=_TEXT, children={"type": "array", "items": {"$ref": "#/$defs/Node"}})
    },
    "$ref": "#/$defs/Node",
}
_PET = {
    "anyOf": [
        _object("kind lives", kind={"const": "cat"}, lives=_WHOLE),
        _object("kind barks", kind={"const": "dog"}, barks=_TRUTH),
    ]
}
_EVENT = _object(
    "title day", title=_TEXT, day={"type": "string", "format": "date"}, place={"anyOf": [_TEXT, {"type": "null"}]}
)
_WORDS = _object("größe straße", größe=_NUMBER, straße=_TEXT)
_LABEL = _object("sentiment confidence", sentiment={"enum": ["Positive", "Negative", "Neutral"]}, confidence=_NUMBER)
_SCORES = {"type": "object", "additionalProperties": _NUMBER}

BASES: tuple[tuple[Any, Any], ...] = (
    (_PERSON, {"name": "Anna Schmidt", "age": 42, "email": "anna@example.org"}),
    (_PERSON, {"name": "Conan O'Brien", "age": 61}),
    (_TICKET, {"subject": "Printer on fire, again", "priority": "high", "open": True, "tags": ["hardware", "urgent"]}),
    (_TICKET, {"subject": "Notes: {draft} [v2]", "priority": "in_progress", "open": False, "tags": []}),
    (_ORDER, {"id": "A-17", "items": [{"sku": "x1", "quantity": 2, "price": 9.5}, {"sku": "x2", "quantity": 1, "price": 20}], "total": 39}),
    (_TREE, {"label": "root", "children": [{"label": "a", "children": []}, {"label": "b", "children": [{"label": "c", "children": []}]}]}),
    (_PET, {"kind": "dog", "barks": False}),
    (_EVENT, {"title": "Review", "day": "2026-11-24", "place": None}),
    (_EVENT, {"title": "Dinner, at eight", "day": "2027-01-05", "place": "Zürich"}),
    (_WORDS, {"größe": 1.82, "straße": "Am Markt 5"}),
    (_LABEL, {"sentiment": "Negative", "confidence": 0.85}),
    (_SCORES, {"alpha": 0.5, "beta": 1, "gamma": -3.25}),
    ({"type": "array", "items": _WHOLE}, [3, 1, 4, 1, 5]),
    ({"type": "array", "items": {"enum": ["red", "green", "blue"]}}, ["red", "blue"]),
)  # fmt: skip

Damage = Callable[[str, Any, random.Random], str]


def _dumped(value: Any, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=False, **options)


def _single(value: Any) -> str:
    return repr(value)


def _bare_keys(text: str) -> str:
    return re.sub(r'"([a-zß-ü_]+)":', r"\1:", text)


def _trailing(text: str) -> str:
    """A comma before each closing bracket that is none of a text's, where something stands before it."""
    closers = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<=[^\[{,\s])(\s*[\]}])""")
    return closers.sub(lambda found: found[1] or f",{found[2]}", text)


def _cased(value: Any, random_: random.Random) -> Any:
    """Choices in another case or with another mark between words."""
    names = {"low", "medium", "high", "in_progress", "Positive", "Negative", "Neutral", "red", "green", "blue", "dog"}
    if isinstance(value, dict):
        return {key: _cased(one, random_) for key, one in value.items()}
    if isinstance(value, list):
        return [_cased(one, random_) for one in value]
    if isinstance(value, str) and value in names:
        return random_.choice([value.upper(), value.title(), value.lower(), value.replace("_", " "), f" {value} "])
    return value


def _worded(value: Any, random_: random.Random) -> Any:
    """Whole numbers in words or with marks, truths as words."""
    words = {42: "forty-two", 61: "sixty one", 2: "two", 1: "one", 3: "three", 4: "four", 5: "five", 39: "thirty-nine"}
    if isinstance(value, dict):
        return {key: _worded(one, random_) for key, one in value.items()}
    if isinstance(value, list):
        return [_worded(one, random_) for one in value]
    if isinstance(value, bool):
        return random_.choice(["yes", "Yes", "true"] if value else ["no", "No", "false"])
    if isinstance(value, int) and value in words:
        return random_.choice([words[value], words[value].title(), str(value)])
    return str(value) if isinstance(value, float) else value


def _commented(text: str, random_: random.Random) -> str:
    lines = text.splitlines()
    at = [number for number, line in enumerate(lines[:-1]) if number and not line.rstrip().endswith(("[", "{"))]
    for number in at[:2]:
        lines[number] += random_.choice(["  // as stated", "  # from the mail", "  /* checked */"])
    return "\n".join(lines)


def _keys_cased(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.title().replace("_", " "): _keys_cased(one) for key, one in value.items()}
    return [_keys_cased(one) for one in value] if isinstance(value, list) else value


_BEFORE = (
    "Sure! Here is the JSON you asked for:",
    "Here you go:",
    "Based on the mail, the result is as follows.\n",
    "Answer:",
)
_AFTER = ("I hope this helps!", "Let me know if you need anything else.", "(All fields are filled in.)")
_THOUGHTS = (
    "<think>\nThe user wants JSON. Maybe {\"age\": 41}? No, let me look again.\n</think>\n",
    "<thinking>Step 1: read. Step 2: write [1, 2].</thinking>",
    "Okay, so I should answer in JSON.\n</think>\n\n",
)  # fmt: skip

DAMAGES: dict[str, Damage] = {
    "as it should be": lambda text, value, r: text,
    "spread out": lambda text, value, r: _dumped(value, indent=r.choice([2, 4])),
    "fence": lambda text, value, r: f"```{r.choice(['json', '', 'JSON'])}\n{_dumped(value, indent=2)}\n```",
    "prose": lambda text, value, r: f"{r.choice(_BEFORE)}\n{text}\n{r.choice(_AFTER)}",
    "fence in prose": lambda text, value, r: f"{r.choice(_BEFORE)}\n\n```json\n{text}\n```\n\n{r.choice(_AFTER)}",
    "trailing commas": lambda text, value, r: _trailing(text),
    "single quotes": lambda text, value, r: _single(value),
    "keys without quotes": lambda text, value, r: _bare_keys(text),
    "choices in another case": lambda text, value, r: _dumped(_cased(value, r)),
    "comments": lambda text, value, r: _commented(_dumped(value, indent=2), r),
    "numbers in words": lambda text, value, r: _dumped(_worded(value, r)),
    "thoughts": lambda text, value, r: r.choice(_THOUGHTS) + text,
    "thoughts and fence": lambda text, value, r: f"{r.choice(_THOUGHTS)}```json\n{text}\n```",
    "keys in another case": lambda text, value, r: _dumped(_keys_cased(value)) if not _is_map(value) else text,
    "wrapped": lambda text, value, r: _dumped({r.choice(["result", "answer", "data"]): value}) if not _is_map(value) else text,
    "no commas": lambda text, value, r: _dumped(value, indent=2).replace(",\n", "\n"),
    "twice the same": lambda text, value, r: f"{text}\n\nAs JSON again:\n```json\n{_dumped(value, indent=2)}\n```",
    "special marks": lambda text, value, r: f"{text}<|im_end|>",
    "python names and commas": lambda text, value, r: _trailing(_single(value)),
    "curly quotes": lambda text, value, r: re.sub(r'"([^"]*)"', r"“\1”", text),
    "text of JSON": lambda text, value, r: _dumped(text) if isinstance(value, dict | list) else text,
    "everything": lambda text, value, r: f"{r.choice(_THOUGHTS)}{r.choice(_BEFORE)}\n```\n{_trailing(_bare_keys(_commented(_dumped(value, indent=2), r)))}\n```\n{r.choice(_AFTER)}",
}  # fmt: skip


def _is_map(value: Any) -> bool:
    return isinstance(value, dict) and "alpha" in value


def generated(seed: int = 7) -> Iterator[dict[str, Any]]:
    """The cases: every damage of every base, and each base cut at two places, said and unsaid."""
    dice = random.Random(seed)
    for schema, value in BASES:
        for damage in DAMAGES.values():
            yield {"schema": schema, "text": damage(_dumped(value), value, dice), "finish": "stop", "value": value}
        text = _dumped(value)
        for finish in ("length", "length", "stop", "stop"):
            end = dice.randrange(2, max(3, int(len(text) * 0.9)))
            yield {
                "schema": schema,
                "text": dice.choice(["", "Here it is:\n"]) + text[:end],
                "finish": finish,
                "refuse": True,
            }
        yield {"schema": schema, "text": text, "finish": "length", "refuse": True}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in generated()))
