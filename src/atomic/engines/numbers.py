"""Numbers as people write them, where they can be read in one way only."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:(?P<mark>[,' _\u00a0\u2009\u202f’])\d{3})(?:(?P=mark)\d{3})*(?:\.\d+)?")
_POINTS = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+|[+-]?\d{1,3}(?:\.\d{3}){2,}")  # 1.200,50 and 1.200.300
_CURRENCIES = {
    "$": "usd", "us$": "usd", "usd": "usd", "dollar": "usd", "dollars": "usd", "€": "eur", "eur": "eur", "euro": "eur",
    "euros": "eur", "£": "gbp", "gbp": "gbp", "pounds": "gbp", "¥": "jpy", "jpy": "jpy", "yen": "jpy", "chf": "chf",
    "₹": "inr", "inr": "inr",
}  # fmt: skip
_SCALES = {"k": 3, "thousand": 3, "million": 6, "mio": 6, "mn": 6, "M": 6, "billion": 9, "bn": 9}
_UNITS = {
    "kg": ("kg", "kilo", "kilos", "kilogram", "kilograms"), "g": ("g", "gram", "grams"), "km": ("km", "kilometers",
    "kilometres", "kilometer"), "m": ("m", "meter", "meters", "metre", "metres"), "cm": ("cm", "centimeters"),
    "mm": ("mm",), "s": ("s", "sec", "secs", "second", "seconds"), "ms": ("ms", "milliseconds", "millis"),
    "min": ("min", "mins", "minute", "minutes"), "h": ("h", "hr", "hrs", "hour", "hours"), "d": ("day", "days"),
    "week": ("week", "weeks"), "month": ("month", "months"), "y": ("year", "years", "yrs", "yr"),
    "c": ("°c", "celsius"), "f": ("°f", "fahrenheit"), "l": ("l", "liter", "liters", "litre", "litres"),
    "ml": ("ml",), "mb": ("mb", "megabytes"), "gb": ("gb", "gigabytes"), "kb": ("kb",), "percent": ("%", "percent",
    "pct", "percentage"), "lb": ("lb", "lbs"), "mi": ("mi", "mile", "miles"),
}  # fmt: skip
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words}
_ONES = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
}
_TENS = {
    word: 10 * number
    for number, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
}
_POWERS = {"thousand": 10**3, "million": 10**6, "billion": 10**9}


def number_in(text: str, about: str = "") -> Decimal | None:
    """The number that a text is, or None where it is none or could be two.

    `about` is the name and description of what it is for: a unit counts as said there or not at all.

    >>> [str(number_in(one)) for one in ("1,200", "3.5k", "forty-two", "$1,200.50", "1.200,50", "1,5", "about 40")]
    ['1200', '3500.0', '42', '1200.50', '1200.50', 'None', 'None']
    >>> number_in("12 kg", "weight_kg"), number_in("12 g", "weight_kg"), number_in("12 kg", "weight")
    (Decimal('12'), None, None)
    """
    text = " ".join(text.split()).replace("−", "-").strip("*_`").rstrip(".").strip()
    if not text or len(text) > 200 or any(one.isdigit() and not one.isascii() for one in text):
        return None
    spoken = _words(text.casefold())
    if spoken is not None:
        return Decimal(spoken)
    bare = _without_unit(text, _tokens(about))
    return None if bare is None else _written(bare)


def _written(text: str) -> Decimal | None:
    scale = 0
    for word, power in _SCALES.items():
        head = text[: -len(word)] if word == "M" and text.endswith("M") else ""
        if word != "M" and text.casefold().endswith(word):
            head = text[: -len(word)]
        if head and (head[-1].isdigit() or head.endswith(" ")):
            scale, text = power, head.strip()
            break
    if _GROUPED.fullmatch(text) and not text.lstrip("+-").startswith("0"):
        text = re.sub(r"[^\d.+-]", "", text)
    elif _POINTS.fullmatch(text):
        text = text.replace(".", "").replace(",", ".")
    elif not _PLAIN.fullmatch(text) or (scale and "e" in text.casefold()):
        return None
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found * Decimal(10) ** scale


def _without_unit(text: str, about: frozenset[str]) -> str | None:
    """The text without its currency or unit; None where what it is for does not say that unit."""
    sign = text[0] if text[:1] in "+-" else ""
    match = re.fullmatch(
        r"(?P<before>[^\d\s+\-.]*)\s*(?P<number>[+-]?[.\d].*?)\s*(?P<after>[^\d\s.,'’]*)", text[len(sign) :]
    )
    if not match:
        return None
    before, number, after = match["before"].casefold(), match["number"], match["after"]
    if after in _SCALES or after.casefold() in _SCALES:
        number, after = f"{number} {after}", ""
    after = after.casefold()
    words = number.split()
    if after in ("old",) and words[-1:] in (["years"], ["year"]) and "age" in about:
        number, after = " ".join(words[:-1]), ""
    units = {_CURRENCIES.get(one, one) for one in (before, after) if one}
    if not units:
        return sign + number
    (unit, *more) = units
    if more or (before and before not in _CURRENCIES):
        return None
    return sign + number if _is_said(unit, about) else None


def _is_said(unit: str, about: frozenset[str]) -> bool:
    money = {_CURRENCIES[one] for one in about if one in _CURRENCIES}
    if unit in _CURRENCIES.values():
        return unit in money or not money
    said = {_UNIT_OF[one] for one in about if one in _UNIT_OF}
    if unit in ("year", "years") and "age" in about:
        return said <= {"y"}
    return unit in _UNIT_OF and said == {_UNIT_OF[unit]}


def _tokens(about: str) -> frozenset[str]:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", about)
    return frozenset(re.findall(r"[^\W\d_]+|[%$€£¥]|°[cf]", apart.casefold()))


def _words(text: str) -> int | None:
    """A whole number in English words."""
    sign = 1
    for minus in ("minus ", "negative "):
        if text.startswith(minus):
            sign, text = -1, text.removeprefix(minus)
    words = [one for one in re.split(r"[\s\-]+", text.replace(",", " ")) if one]
    total = group = 0
    last = "start"
    for word in words:
        if last == "and" and word not in _ONES and word not in _TENS:
            return None
        kind = _kind(word)
        if (last, kind) not in _FOLLOWS or (last == "tens" and kind == "ones" and _ONES[word] > 9):
            return None
        if kind == "hundred":
            group *= 100
        elif kind == "power":
            if total and total < _POWERS[word] * 1000:
                return None
            total, group = total + group * _POWERS[word], 0
        elif kind != "and":
            group += _ONES.get(word, 0) + _TENS.get(word, 0)
        last = kind
    return sign * (total + group) if last not in ("start", "and") else None


def _kind(word: str) -> str:
    kinds = ((_ONES, "ones"), (_TENS, "tens"), (_POWERS, "power"))
    return next((kind for words, kind in kinds if word in words), word)


_FOLLOWS = {
    ("start", "ones"), ("start", "tens"), ("ones", "hundred"), ("ones", "power"), ("tens", "ones"), ("tens", "power"),
    ("hundred", "ones"), ("hundred", "tens"), ("hundred", "power"), ("hundred", "and"), ("power", "ones"),
    ("power", "tens"), ("power", "and"), ("and", "ones"), ("and", "tens"),
}  # fmt: skip
