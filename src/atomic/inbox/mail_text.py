"""Bytes of a mail to clean text: charsets, folding, and what is quoted from somebody else.

Everything here is total: any bytes and any declared charset give text that encodes to UTF-8.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

# Codecs that are no charset of a mail: `idna` and `punycode` need quadratic time, the others interpret escapes.
_NOT_A_CHARSET = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"})
# WHATWG: what calls itself latin-1 is windows-1252 in practice, so that curly quotes survive.
_C1 = {code: bytes([code]).decode("cp1252", "replace") for code in range(0x80, 0xA0)}
_C1 = {code: text for code, text in _C1.items() if text != "\ufffd"}
_LATIN = frozenset({"iso8859-1", "ascii", "cp1252", "iso8859-15"})

_SPACES = re.compile(r"[ \t\f\v\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_LINE_END = re.compile(r"\r\n|[\r\u0085\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
# Unseen by a reader, read by a model: zero-width, direction and tag characters carry hidden instructions.
_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
    r"|(?<![^\s\u200c\u200d])[\u200c\u200d]+|[\u200c\u200d]+(?![^\s\u200c\u200d])"
)
_SURROGATE = re.compile(r"[\ud800-\udfff]")

_WROTE = r"(?:wrote|writes|said|schrieb|schreibt|a écrit|escribió|ha scritto|schreef|skrev|escreveu)"
_ATTRIBUTION = re.compile(rf"^(?!>).{{0,300}}\b{_WROTE}\b.{{0,120}}:\s*$", re.IGNORECASE)
_REST_IS_QUOTED = re.compile(
    r"^-{2,}\s*(?:original message|forwarded message|forwarded by .{0,80}|ursprüngliche nachricht|"
    r"weitergeleitete nachricht|message d'origine|mensaje original|messaggio originale|"
    r"begin forwarded message:?)\s*-{0,}\s*$"
    r"|^begin forwarded message:\s*$|^anfang der weitergeleiteten (?:e-mail|nachricht):\s*$",
    re.IGNORECASE,
)
_OUTLOOK_FIRST = re.compile(r"^\*?(?:from|von|de|da):\*?\s.{1,300}$", re.IGNORECASE)
_OUTLOOK_SECOND = re.compile(r"^\*?(?:sent|date|to|gesendet|datum|an|envoyé|enviado|inviato):\*?\s", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text of some bytes, and in `defect` what was wrong with their declaration ("" when nothing was)."""

    text: str
    defect: str = ""


def latin(data: bytes) -> str:
    """Read as latin-1, with the C1 range as windows-1252; total."""
    return data.decode("latin-1").translate(_C1)


def decode(data: bytes, charset: str) -> Decoded:
    """Decode by the declared charset; an unknown one is read as latin-1, a false one as UTF-8 if it is valid UTF-8.

    >>> decode("Grüße".encode(), "iso-8859-1")
    Decoded(text='Grüße', defect='charset iso-8859-1 declared, but it is utf-8')
    >>> decode(b"caf\\xe9", "x-foo")
    Decoded(text='café', defect='unknown charset x-foo: read as latin-1')
    """
    if data.isascii() and charset.lower() in {"", "us-ascii", "ascii", "utf-8", "iso-8859-1"}:
        return Decoded(data.decode("ascii"))
    name = codec_name(charset or "us-ascii")
    shown = charset[:40] if charset.isascii() and charset.isprintable() else "?"
    as_utf8 = _strictly(data, "utf-8")
    if not name:
        return Decoded(latin(data), f"unknown charset {shown}: read as latin-1")
    if name in _LATIN and as_utf8 is not None and not data.isascii():
        return Decoded(
            as_utf8, f"charset {shown} declared, but it is utf-8" if charset else "8-bit text without charset"
        )
    if name in {"iso8859-1", "cp1252"}:
        return Decoded(latin(data))
    strict = as_utf8 if name == "utf-8" else _strictly(data, name)
    if strict is not None:
        return Decoded(_SURROGATE.sub("\ufffd", strict))
    if as_utf8 is not None:
        return Decoded(as_utf8, f"charset {shown} declared, but it is utf-8")
    said = f"not valid {shown}" if charset else "8-bit text without charset"
    if name in {"utf-8", "ascii"}:
        return Decoded(latin(data), f"{said}: read as latin-1")
    return Decoded(_SURROGATE.sub("\ufffd", data.decode(name, "replace")), f"{said}: bad bytes replaced")


def codec_name(charset: str) -> str:
    """Give Python's name of a charset, "" if there is none that a mail may use."""
    try:
        name = codecs.lookup(charset.strip(" \t\"'")).name
        "".encode(name)  # refuses what is no text encoding, such as zlib
    except (LookupError, ValueError, UnicodeError):
        return ""
    return "" if name.replace("-", "_") in _NOT_A_CHARSET else name


def _strictly(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except (UnicodeError, ValueError, LookupError):
        return None


def clean(text: str) -> str:
    """Drop what no reader sees (controls, zero-width, direction and tag characters); mend surrogates."""
    return _SURROGATE.sub("\ufffd", _INVISIBLE.sub("", _CONTROL.sub("", text)))


def fold(text: str) -> str:
    """Clean the text, one space for each run of blanks, at most one empty line in a row, nothing at the ends.

    >>> fold("Hello \\t there\\r\\n\\r\\n\\r\\n\\r\\nBye  \\r\\n")
    'Hello there\\n\\nBye'
    """
    text = clean(_LINE_END.sub("\n", text))
    lines = [line.strip(" ") for line in _SPACES.sub(" ", text).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n ")


def one_line(text: str, limit: int) -> str:
    """Clean the text into one line of at most `limit` characters."""
    return " ".join(clean(text[: 4 * limit].replace("\n", " ").replace("\r", " ")).split())[:limit]


def split_quoted(text: str) -> tuple[str, str]:
    """Part what the sender wrote from what they quoted; returns (own, quoted), both folded, quote marks removed.

    Quoted are lines that start with `>`, the line that introduces them ("On … wrote:", "Am … schrieb …:"), and
    everything after a mark such as "-----Original Message-----" or a `From:` block of Outlook.

    >>> split_quoted("Yes, Friday.\\n\\nOn Monday Bob wrote:\\n> Which day?\\n")
    ('Yes, Friday.', 'On Monday Bob wrote:\\nWhich day?')
    """
    own: list[str] = []
    quoted: list[str] = []
    lines = fold(text).split("\n")
    # Under such a mark some mail programs quote with `>` all the same, and the answer stands below.
    marks_quotes = any(line.startswith(">") for line in lines)
    in_block = False
    for number, line in enumerate(lines):
        following = lines[number + 1 : number + 3]
        in_block = in_block and bool(line)
        if _REST_IS_QUOTED.match(line) or _starts_outlook_block(line, following):
            if not marks_quotes:
                quoted.extend(_unmarked(rest) for rest in lines[number:])
                break
            in_block = True
        if in_block or line.startswith(">") or line.startswith("|>"):
            quoted.append(_unmarked(line))
        elif _introduces_quote(line, following):
            quoted.append(line)
        else:
            own.append(line)
    return _joined(own), _joined(quoted)


def _introduces_quote(line: str, following: list[str]) -> bool:
    if not any(later.startswith(">") for later in following):
        return False
    # A mail program may wrap the introduction, so its first half counts when the second ends it.
    wrapped = f"{line} {following[0]}" if following and not following[0].startswith(">") else ""
    starts = re.match(r"(?:on|am|le|el|il|op|den)\s", line, re.IGNORECASE)
    return bool(_ATTRIBUTION.match(line) or (starts and wrapped and _ATTRIBUTION.match(wrapped)))


def _starts_outlook_block(line: str, following: list[str]) -> bool:
    return bool(_OUTLOOK_FIRST.match(line)) and any(_OUTLOOK_SECOND.match(later) for later in following[:1])


def _unmarked(line: str) -> str:
    return re.sub(r"^(?:\|?>[ ]?)+", "", line)


def _joined(lines: list[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n ")
