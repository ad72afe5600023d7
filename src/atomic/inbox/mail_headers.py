"""Header fields of real mail: read under guard, bounded, decoded to clean text.

The `email` package raises many kinds of errors on broken headers (IndexError, AttributeError, ValueError,
LookupError); each is turned into a worse but usable value here, and no header longer than its limit is decoded,
since some of its parsers need quadratic time.
"""

from __future__ import annotations

import email.utils
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import policy
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser

from atomic.inbox.mail_text import clean, codec_name, decode, one_line

SUBJECT_LIMIT = 998
FIELD_LIMIT = 4_000
ADDRESSES_LIMIT = 64_000

MALFORMED = (LookupError, ValueError, TypeError, AttributeError, AssertionError, OverflowError, RecursionError)

_HEADER_END = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n")
_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]]{1,64}@[^\s<>,;:\"()\[\]@]{1,253}")
_IDENTIFIER = re.compile(r"<[^<>\s]{1,990}>")


@dataclass(frozen=True, slots=True)
class Block:
    """The header fields found in some bytes, and the offset at which the body starts."""

    message: Message = field(repr=False)
    body_start: int


def read_block(raw: bytes, start: int, end: int, limit: int) -> Block:
    """Parse the header fields of `raw[start:end]`, at most `limit` bytes of them.

    The first line that is no header field starts the body, whether or not an empty line stands before it.

    >>> block = read_block(b"Subject: Hi\\n\\nText", 0, 17, 1_000)
    >>> block.message["Subject"], block.body_start
    ('Hi', 13)
    """
    for blank in (b"\r\n", b"\n", b"\r"):
        if raw.startswith(blank, start, end):
            return Block(Message(), start + len(blank))
    found = _HEADER_END.search(raw, start, min(end, start + limit))
    stop = found.end() if found else min(end, start + limit)
    message = BytesParser(policy=policy.compat32).parsebytes(raw[start:stop], headersonly=True)
    rest = message.get_payload()
    # ASCII with surrogate escapes: one character of what was left over is one byte.
    return Block(message, stop - (len(rest) if isinstance(rest, str) else 0))


def fields(message: Message) -> dict[str, list[str]]:
    """Raw values by lower-case name, in order; 8-bit bytes are surrogate escapes until `decoded` reads them."""
    values: dict[str, list[str]] = {}
    for name, value in message.raw_items():
        values.setdefault(name.strip().lower(), []).append(str(value))
    return values


def decoded(value: str, limit: int = FIELD_LIMIT) -> str:
    """Give a header value as one line of clean text: encoded words and raw 8-bit bytes decoded; never raises.

    >>> decoded("=?utf-8?q?Gr=C3=BC=C3=9Fe?= aus Ulm")
    'Grüße aus Ulm'
    """
    value = value[:FIELD_LIMIT].replace("\r", "").replace("\n", "")
    if "=?" in value:
        value = _without_encoded_words(value)
    if not value.isascii():
        eight_bit = value.encode("utf-8", "surrogateescape")
        value = decode(eight_bit, "utf-8").text
    return one_line(value, limit)


def _without_encoded_words(value: str) -> str:
    try:
        pieces = decode_header(value)
    except MALFORMED:
        return value
    words = []
    for piece, charset in pieces:
        if isinstance(piece, str):
            words.append(piece)
        elif charset is None:
            words.append(decode(piece, "utf-8").text)
        else:
            words.append(decode(piece, charset if codec_name(charset) else "iso-8859-1").text)
    return "".join(words)


def mailboxes(values: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Give (name, lower-case address) of each mailbox in some address fields, in order, without repetition.

    >>> mailboxes(['"Meier, Jo" <Jo@Example.com>, ann@example.org', "broken <x@example.net"])
    (('Meier, Jo', 'jo@example.com'), ('', 'ann@example.org'), ('broken', 'x@example.net'))
    """
    found: dict[str, str] = {}
    for value in values:
        for name, raw_address in _parsed(value) or [("", address) for address in _ADDRESS.findall(value)]:
            address = one_line(raw_address, 320).replace(" ", "").lower()
            if "@" in address:
                found.setdefault(address, decoded(name, 200))
    return tuple((name, address) for address, name in found.items())


def _parsed(value: str) -> list[tuple[str, str]]:
    if len(value) > ADDRESSES_LIMIT:  # groups cost `email` quadratic time; a plain search finds the addresses too
        return []
    try:
        pairs = email.utils.getaddresses([value.replace("\r", "").replace("\n", "")])
    except MALFORMED:
        return []
    return [(name, address) for name, address in pairs if "@" in address]


def identifiers(values: Iterable[str]) -> tuple[str, ...]:
    """Give the message ids in some fields, with their angle brackets, in order, the first 100.

    >>> identifiers(["<a@example.com> <b@example.com>"]), identifiers(["bare@example.com"])
    (('<a@example.com>', '<b@example.com>'), ('<bare@example.com>',))
    """
    found: dict[str, None] = {}
    for value in values:
        text = clean(value[:ADDRESSES_LIMIT])
        marked = _IDENTIFIER.findall(text)
        bare = text.split()
        if not marked and len(bare) == 1 and "@" in bare[0]:
            marked = [f"<{bare[0].strip('<>')[:990]}>"]
        found.update(dict.fromkeys(marked))
    return tuple(found)[:100]


def date(value: str) -> datetime | None:
    """Give an RFC 5322 date in UTC, None when it is no date; without a zone it is taken as UTC.

    >>> date("Mon, 3 Mar 2025 09:30:00 +0100")
    datetime.datetime(2025, 3, 3, 8, 30, tzinfo=datetime.timezone.utc)
    >>> date("yesterday") is None
    True
    """
    try:
        when = email.utils.parsedate_to_datetime(value[:100])
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except MALFORMED:
        return None


def content_type(message: Message) -> str:
    """Give the lower-case media type, `text/plain` when there is none or it is malformed."""
    try:
        return one_line(_only(message, "content-type").get_content_type(), 100)
    except MALFORMED:
        return "text/plain"


def parameter(message: Message, name: str, header: str = "content-type") -> str:
    """Give a parameter of a header (`charset`, `filename`) as clean text, "" when there is none."""
    try:
        value = _only(message, header).get_param(name, "", header)
        text = email.utils.collapse_rfc2231_value(value) if value else ""
    except MALFORMED:
        return ""
    if not text.isascii() and all(ord(character) < 256 for character in text):
        text = decode(text.encode("latin-1"), "utf-8").text
    return decoded(text, 255)


def boundary(message: Message) -> bytes:
    """Give the boundary of a multipart as the bytes that stand in the mail, b"" when there is none."""
    try:
        return str(_only(message, "content-type").get_param("boundary", "")).rstrip().encode("latin-1", "replace")
    except MALFORMED:
        return b""


def _only(message: Message, header: str) -> Message:
    """One header alone with its raw bytes as latin-1: `email` reads no parameters from 8-bit headers."""
    alone = Message()
    for value in fields(message).get(header, [])[:1]:
        raw = value[:FIELD_LIMIT].encode("ascii", "surrogateescape")
        alone[header] = raw.decode("latin-1").replace("\r", "").replace("\n", " ")
    return alone


def evidence_fields(values: Mapping[str, list[str]], names: Iterable[str]) -> dict[str, str]:
    """Give the first value of each named header that is there, decoded."""
    return {name: decoded(values[name][0], 500) for name in names if name in values}
