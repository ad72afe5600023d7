"""Finding what is personal in a text: by form and by check digits, not by guessing. Names of people are not found."""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from atomic.errors import MissingExtra

Kind = Literal["email", "phone", "iban", "card", "ssn", "ip"]
KINDS: tuple[Kind, ...] = ("email", "iban", "card", "ssn", "ip", "phone")  # where two overlap, the earlier here wins

# Many texts are masked as JSON: a line that begins after `\n` there begins after a letter.
_EMAIL = re.compile(
    r"(?:(?<!\\)|(?<=\\[nrt]))\w(?:[\w.!#$%&*+/=?^`{|}~'-]{0,62}[\w+-])?@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,63}(?![\w-])"
)
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


def personal(text: str, *, region: str | None = None) -> list[Found]:
    """What is personal in a text, in order and without overlaps.

    E-mail addresses; IBANs, payment cards and US social security numbers by their check digits and rules; IP addresses;
    telephone numbers that name their country, and with `region` ("DE") those of that country as well.

    Raises MissingExtra without phonenumbers and python-stdnum.

    >>> [(one.kind, "ann@example.org, +49 30 1234567"[one.start : one.end])
    ...  for one in personal("ann@example.org, +49 30 1234567")]
    [('email', 'ann@example.org'), ('phone', '+49 30 1234567')]
    """
    taken: list[Found] = []  # in order
    for one in sorted(_all(text, region), key=lambda one: (KINDS.index(one.kind), one.start)):
        at = bisect_left(taken, one)
        if (at == 0 or taken[at - 1].end <= one.start) and (at == len(taken) or one.end <= taken[at].start):
            taken.insert(at, one)
    return taken


def _all(text: str, region: str | None) -> Iterator[Found]:
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
    for number in phonenumbers.PhoneNumberMatcher(text, region):
        yield Found(number.start, number.end, "phone")


def _is_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)
