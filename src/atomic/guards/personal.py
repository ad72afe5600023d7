"""Finding what is personal in a text: by form and by check digits, not by guessing. Names are found where known."""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from atomic.errors import MissingExtra

Kind = Literal["email", "phone", "iban", "card", "ssn", "ip", "name"]
KINDS: tuple[Kind, ...] = (
    "email",
    "iban",
    "card",
    "ssn",
    "ip",
    "phone",
    "name",
)  # where two overlap, the earlier here wins

# Many texts are masked as JSON: a line that begins after `\n` there begins after a letter.
_EMAIL = re.compile(
    r"(?:(?<!\\)|(?<=\\[nrt]))\w(?:[\w.!#$%&*+/=?^`{|}~'-]{0,62}[\w+-])?@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,63}(?![\w-])"
)
_ESCAPED = re.compile(r"\\+u([0-9A-Fa-f]{4})")
_IBAN = re.compile(r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
_CARD = re.compile(r"(?<![0-9])(?:[0-9][ -]?){12,18}[0-9](?![0-9])")
_SSN = re.compile(r"(?<![0-9-])[0-9]{3}-[0-9]{2}-[0-9]{4}(?![0-9-])")
_IP = re.compile(
    r"(?<![0-9A-Fa-f.:])(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![\w.:])"
)


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """Something personal: characters `start` to before `end`, and of which kind."""

    start: int
    end: int
    kind: Kind


def plain(text: str) -> tuple[str, Sequence[int]]:
    r"""A text in which a character that JSON wrote as `\u00fc` is that character; and where each began.

    >>> plain(r"m\u00fcller")
    ('müller', [0, 1, 7, 8, 9, 10, 11])
    """
    if "\\u" not in text:
        return text, range(len(text) + 1)
    pieces, places, at = list[str](), list[int](), 0
    for match in _ESCAPED.finditer(text):
        pieces += [text[at : match.start()], chr(int(match[1], 16))]
        places += [*range(at, match.start()), match.start()]
        at = match.end()
    return "".join((*pieces, text[at:])), [*places, *range(at, len(text) + 1)]


def personal(text: str, *, region: str | None = None, names: Iterable[str] = ()) -> list[Found]:
    """What is personal in a text, in order and without overlaps.

    E-mail addresses; IBANs, payment cards and US social security numbers by their check digits and rules; IP addresses;
    telephone numbers that name their country, and with `region` ("DE") those of that country as well; and `names`.

    Raises MissingExtra without phonenumbers and python-stdnum.

    >>> [(one.kind, "ann@example.org, +49 30 1234567"[one.start : one.end])
    ...  for one in personal("ann@example.org, +49 30 1234567")]
    [('email', 'ann@example.org'), ('phone', '+49 30 1234567')]
    """
    taken: list[Found] = []  # in order
    read, places = plain(text)
    for one in sorted(_all(read, region, names), key=lambda one: (KINDS.index(one.kind), one.start)):
        at = bisect_left(taken, one)
        if (at == 0 or taken[at - 1].end <= one.start) and (at == len(taken) or one.end <= taken[at].start):
            taken.insert(at, one)
    return [Found(places[one.start], places[one.end], one.kind) for one in taken]


def _all(text: str, region: str | None, names: Iterable[str]) -> Iterator[Found]:
    try:
        import phonenumbers
        from stdnum import iban, luhn
        from stdnum.us import ssn
    except ImportError:
        raise MissingExtra(
            "guards need to know telephone numbers", hint="pip install 'atomic-market[govern]'"
        ) from None
    for match in _EMAIL.finditer(text):
        yield Found(match.start(), match.end(), "email")
    for match in _IBAN.finditer(text):
        length = next((end for end in range(len(match[0]), 14, -1) if iban.is_valid(match[0][:end])), 0)
        if length:  # what follows may be a word in capitals
            yield Found(match.start(), match.start() + len(match[0][:length].rstrip(" -")), "iban")
    for match in _CARD.finditer(text):
        digits = re.sub("[ -]", "", match[0])
        if luhn.is_valid(digits) and len(set(digits)) > 1:
            yield Found(match.start(), match.end(), "card")
    for match in _SSN.finditer(text):
        if ssn.is_valid(match[0]):
            yield Found(match.start(), match.end(), "ssn")
    for match in _IP.finditer(text):
        if _is_address(match[0]):
            yield Found(match.start(), match.end(), "ip")
    yield from _named(text, names)
    for number in phonenumbers.PhoneNumberMatcher(text, region):
        yield Found(number.start, number.end, "phone")


def _named(text: str, names: Iterable[str]) -> Iterator[Found]:
    known = "|".join(map(re.escape, names))  # the longest first
    if known:
        for match in re.finditer(rf"(?:(?<![^\W_])|(?<=\\[nrt]))(?:{known})(?![^\W_])", text):
            yield Found(match.start(), match.end(), "name")


def _is_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)
