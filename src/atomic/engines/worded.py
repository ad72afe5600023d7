"""Answers in words: one label, number, truth, date or text out of a sentence, where it names one only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from atomic.engines.dates import FORMATS, formatted
from atomic.engines.numbers import number_in
from atomic.engines.passages import fenced
from atomic.engines.shapes import Shape
from atomic.engines.tree import Raw, Text, Word
from atomic.output import named_label

LONGEST = 4_000  # characters in which a word is sought
_MARKED = re.compile(
    r"(?:^|\n|[.!?]\s+|\bso,?\s+|\btherefore,?\s+)[\s*_#>]*(?:the |my |so the |therefore,? the )?"
    r"(?:(?:final|correct|best|right) )?"
    r"(?:answer|result|label|category|classification|class|verdict|output|response|total|value|conclusion|date)"
    r"\b[*_]*"
    r"(?: is| would be| =|:| -|\s*=)[*_]*:?\s*(?P<said>[^\n]+)",
    re.IGNORECASE,
)
_HEDGED = re.compile(
    r"\b(?:maybe|perhaps|possibly|might|could|unsure|unclear|not sure|uncertain|unknown|"
    r"can(?:no|')t (?:tell|say|determine)|"
    r"cannot|either|depends|unable|hard to say|difficult to|between|if|neither|both|not enough|insufficient|"
    r"probably|likely|actually|wait|or)\b",
    re.IGNORECASE,
)
_VAGUE = re.compile(
    r"(?:~|≈|<|>|≤|≥|±|\b(?:about|approximately|approx\.?|roughly|around|between|at least|at most|"
    r"more than|less than|"
    r"nearly|almost|up to|over|under|circa|ca\.|some|not|n't|from|below|above|fewer than|estimated?|"
    r"or))\s*[$€£*_]*\s*\Z",
    re.IGNORECASE,
)
_NUMERAL = re.compile(
    r"(?<![\w.,/:\-])[$€£¥]?[+\-−]?\d+(?:[,.'\u00a0\u202f]\d+)*(?: ?(?:k|thousand|million|billion|bn)\b)?"
    r"(?![\w/:]|[.,]\d|\s*[-–—]\s*\d)"
)
_VAGUE_AFTER = re.compile(
    r"\s*(?:\+|(?<=\s)\d|-?ish\b|approx|or (?:so|more|less|fewer|thereabouts)|give or take|roughly|"
    r"more or less|at (?:most|least)|"
    r"plus\b|and change|out of\b)",
    re.IGNORECASE,
)
_AFTER_NUMERAL = re.compile(r"\s*(%|°?[A-Za-z€$£]+)?")
_REFUSES = re.compile(
    r"\A\W*(?:i[’']?m sorry|i am sorry|sorry\b|"
    r"i (?:can(?:no|[’'])t|cannot|am unable|won[’']t)|i[’']?m (?:unable|not able)|"
    r"unfortunately|"
    r"as an ai|i apologi[sz]e|i do(?: not|n[’']t) (?:know|have))",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(?:not|no longer|former(?:ly)?|previous(?:ly)?|old)\b|n['’]t\b", re.IGNORECASE)
_MAIL = re.compile(r"(?<![^\s<>()\[\]\"“”*`:,;'‘])(?<!\w['‘])[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+")
_INTRODUCES = re.compile(
    r"\A\W*(?:sure|certainly|of course|okay|ok|absolutely|great|here(?:[’']s| is| are| you)|"
    r"the (?:\w+ ){0,3}(?:is|are|would be)\b|"
    r"answer|based on|i think|i would|i[’']d|let me|to \w+ (?:this|the)|my \w+ (?:is|would)|"
    r"final|result|output|this \w+ is)",
    re.IGNORECASE,
)
_ADDS = re.compile(
    r"\b(?:let me know|hope (?:this|that|it)|feel free|anything else|would you like|note that|note:)", re.IGNORECASE
)

_DAY = r"(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day,? )?"
_STAMPS = {
    "date": rf"{_DAY}(?:\d{{4}}-\d{{2}}-\d{{2}}(?!T)|[A-Z][a-z]+\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}"
    r"|\d{1,2}(?:st|nd|rd|th|\.)? (?:of )?[A-Z][a-z]+,? \d{4}|\b\d{1,4}[/.]\d{1,2}[/.]\d{1,4}\b)",
    "date-time": r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?",
    "time": r"\b\d{1,2}:\d{2}(?::\d{2})?(?: ?[aApP][mM]\b)?",
    "uuid": r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
}


def refuses(text: str) -> bool:
    """Whether a text says that there is no answer."""
    return bool(_REFUSES.search(text))


def said(shape: Shape, text: str) -> Iterator[Raw]:
    """What a text may name as the answer, each once; nothing, or several, where it does not say one thing.

    >>> list(said(Shape(kind="whole"), "The total is 1,200."))
    [Text(value='1,200')]
    """
    text = fenced(text) or text
    if refuses(text) or (len(text) > LONGEST and (shape.kind != "text" or shape.limits)):
        return
    if shape.kind == "text":
        texts = dict.fromkeys(_texts(shape, text))
        yield from texts if len(texts) == 1 else ()
        return
    marked = list(_MARKED.finditer(text))
    rest = marked[-1]["said"].strip() if marked else ""
    for part in dict.fromkeys((text, rest) if rest else (text,)):
        found = list(dict.fromkeys(_named(shape, part)))
        if len(found) == 1 and (part != rest or len({one["said"].strip(" .*_").casefold() for one in marked}) == 1):
            yield found[0]
            return


def _named(shape: Shape, text: str) -> Iterator[Raw]:
    text = _of_its_scale(shape, text)
    bare = text.strip(" \n\t*_`\"'").rstrip(".!")
    if shape.kind in ("whole", "number"):
        if bare and (number_in(bare, shape.description) is not None or bare.endswith("%")):
            yield Word(bare) if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", bare) else Text(bare)
            return
        yield from _numerals(shape, text)
        return
    if shape.kind == "choice":
        exact = [one for one in shape.choices if isinstance(one, str) and one.casefold() == bare.casefold()]
        if len(exact) == 1:
            yield Text(exact[0])  # "unknown" may be a choice
            return
    if _HEDGED.search(text):
        return
    if shape.kind == "truth":
        label = bare if bare in ("0", "1") else named_label(("yes", "no"), text, truth=True)
        yield from [Text(label)] if label else []
    if shape.kind == "choice":
        spelt = tuple(one if isinstance(one, str) else json.dumps(one) for one in shape.choices)
        label = named_label(spelt, text)
        yield from [Text(label)] if label else []
    if shape.kind == "null" and bare.casefold() in ("null", "none", "n/a"):
        yield Text(bare)


def _of_its_scale(shape: Shape, text: str) -> str:
    """`7/10` and `7 out of 10` are 7 where 10 is the most that there is."""
    numbers = [one for one in shape.choices if isinstance(one, int) and not isinstance(one, bool)]
    most = max(numbers) if numbers and len(numbers) == len(shape.choices) else shape.limits.get("maximum")
    if not isinstance(most, int):
        return text
    # "1 out of 10 cases" is no score.
    after = r"(?![\w/]|[.,]\d| (?!points?\b|stars?\b|for\b|because\b|since\b|as\b|and\b|but\b|overall\b|on\b|in\b)\w)"
    return re.sub(rf"(?<![\w.,/])(\d+(?:\.\d+)?) ?(?:/|out of) ?{most}{after}", r"\1", text)


def _numerals(shape: Shape, text: str) -> Iterator[Raw]:
    """Each number of a sentence; one that is vague, or in units that nobody asked for, is as good as two."""
    spoken = re.fullmatch(
        r"(?:the )?(?:\w+ )?(?:answer|result|total|number|count|value) (?:is|=|:) ([a-z\- ]+?)\.?", text.strip(), re.I
    )
    if spoken and number_in(spoken[1]) is not None:
        yield Text(spoken[1])
        return
    for found in _NUMERAL.finditer(text):
        number = found.group()
        unit = _AFTER_NUMERAL.match(text, found.end())
        after = unit[1] if unit else None
        if _VAGUE.search(text[: found.start()]) or after == "%" or _VAGUE_AFTER.match(text, found.end()):
            yield from (Text("vague"), Text("vague, too"))
        elif after and number_in(f"1 {after}", shape.description) is None and _is_unit(after):
            yield from (Text("in units"), Text("in units, too"))
        else:
            yield Text(number)


def _is_unit(word: str) -> bool:
    return number_in(f"1 {word}", word) is not None or word.casefold() in ("dozen", "dozens", "hundred", "m", "b")


def _texts(shape: Shape, text: str) -> Iterator[Raw]:
    kind, pattern = shape.limits.get("format"), shape.limits.get("pattern")
    bare = text.strip()
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'`" and bare[0] not in bare[1:-1]:
        bare = bare[1:-1]
    if kind in FORMATS:
        yield from _dated(bare, kind)
    elif kind == "email":
        sure = not (_HEDGED.search(text) or _DENIED.search(text))
        yield from map(Text, _MAIL.findall(bare)) if sure else ()
    elif isinstance(pattern, str):
        if re.search(pattern, bare) and not _INTRODUCES.search(bare):
            yield Text(bare)
            return
        inner = pattern.removeprefix("^").removesuffix("$")
        if pattern.startswith("^") and pattern.endswith("$") and not _HEDGED.search(text):
            yield from {
                Text(one.group()): None
                for one in re.finditer(rf"(?<![\w\-])(?:{inner})(?![\w\-])", text)
                if one.group()
            }
    elif not _INTRODUCES.search(bare) and not _ADDS.search(bare):
        yield Text(bare)


def _dated(text: str, kind: str) -> Iterator[Raw]:
    stripped = text.strip(" .*_`")
    if formatted(stripped, kind):
        yield Text(stripped)
        return
    if _HEDGED.search(text) or _DENIED.search(text):
        return
    yield from {Text(one): None for one in re.findall(_STAMPS[kind], text)}
