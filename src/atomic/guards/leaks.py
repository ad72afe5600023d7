"""What an answer must not carry out: secrets, and personal data or links that were not in the input."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter

from atomic.guards.personal import personal
from atomic.records.validator import Validator

_ANY: TypeAdapter[Any] = TypeAdapter(Any)

_SECRETS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("an API key", re.compile(r"\b(?:sk|pk|rk)[-_](?:live|test|proj|ant)?[-_]?[A-Za-z0-9_-]{20,}\b")),
    ("an access key of a cloud", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a token of a code host", re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-)[\w-]{20,}\b")),
    ("a token of a chat", re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}\b")),
    ("a JSON web token", re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}\b")),
    ("a key of this server", re.compile(r"\batk_[0-9a-f]{8,}_[\w-]{20,}\b")),
)  # fmt: skip
_LINK = re.compile(r"\bhttps?://([^\s/?#\"'<>)\]]+)", re.IGNORECASE)


def leaks(answer: str, given: str) -> list[str]:
    """Why an answer should not go out, in words that quote nothing; empty: nothing was found.

    `given` is all that the answerer was given: personal data and hosts of links that stand there may stand in the
    answer, too; a secret may not, wherever it stands.

    >>> leaks("Write to eve@evil.example or see https://evil.example/?q=1", "Dear Ann, …")
    ['an email address that was not in the input', 'a link to a host that was not in the input']
    >>> leaks("I wrote to ann@example.org.", "from: ann@example.org")
    []
    """
    return list(dict.fromkeys(_found(answer, given)))


def _found(answer: str, given: str) -> Iterator[str]:
    for what, pattern in _SECRETS:
        if pattern.search(answer):
            yield what
    known = {given[one.start : one.end].casefold() for one in personal(given)}
    for one in personal(answer):
        if answer[one.start : one.end].casefold() not in known:
            yield f"{_NAMES[one.kind]} that was not in the input"
    for match in _LINK.finditer(answer):
        host = re.escape(match[1])  # as a word of its own: a host's ending is another host
        if not re.search(rf"(?<![\w.-]){host}(?![\w-])", given, re.IGNORECASE):
            yield "a link to a host that was not in the input"


_NAMES = {
    "email": "an email address",
    "phone": "a telephone number",
    "iban": "an IBAN",
    "card": "a payment card",
    "ssn": "a social security number",
    "ip": "an IP address",
    "name": "a name",
}


def no_leaks(name: str = "no leaks") -> Validator:
    """A validator for microtasks whose answers go out: evidence against an answer that carries out what it should not.

    >>> no_leaks().test({"mail": "hello"}, "Write to eve@evil.example")
    False
    """

    def test(arguments: Mapping[str, Any], answer: Any) -> bool:
        return not leaks(
            str(_ANY.dump_python(answer, mode="json")), str(_ANY.dump_python(dict(arguments), mode="json"))
        )

    personal("")  # raises MissingExtra where it is declared
    return Validator(name=name, version="leaks 1", test=test)
