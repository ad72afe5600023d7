"""Names of people, as far as they are known for certain: those that stand before an e-mail address in the same request.

A name that only occurs in a text is not found: that takes a model, which would see what is to be kept from models.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# "Ann Smith <ann@example.org>", also quoted, and quoted inside of JSON.
_WORD = r"[^\W\d_][\w.'’-]{0,40}"
_BEFORE = re.compile(
    rf"(?:\\?\"(?P<quoted>[^\"\\<>\n]{{2,80}})\\?\"|(?P<plain>{_WORD}(?:,?[ \t]+{_WORD}){{0,4}}))"
    r"\s{0,3}<[^<>\s@]{1,64}@[^<>\s]{1,255}>"
)
_ADDRESS = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}")
_ANY_WORD = re.compile(r"(?<!\w)[^\W\d_][\w'’-]*")
_SPLIT = re.compile(r"[\s,]+")
_SHORTEST = 3  # letters of a part that is masked by itself


def names_in(texts: Iterable[str]) -> tuple[str, ...]:
    """Names that stand before addresses, and each part of one by itself, the longest first.

    Of words that stand before an address the last run that begins with capitals is the name. A part that occurs
    somewhere as a word in small letters is no name by itself ("Will", "Support").

    >>> names_in(["Say hello to Ann Smith-Jones <ann@example.org>. Smith-Jones, Ann"])
    ('Ann Smith-Jones', 'Smith-Jones', 'Ann')
    >>> names_in(["From: Will Support <will@example.org>", "I will support it"])
    ('Will Support',)
    """
    known = list(texts)
    whole = {name for text in known for match in _BEFORE.finditer(text) if (name := _name(match))}
    if not whole:
        return ()
    words = {word for text in known for word in _ANY_WORD.findall(_ADDRESS.sub(" ", text))}
    parts = {part for name in whole for part in _SPLIT.split(name) if _is_part(part) and part.lower() not in words}
    return tuple(sorted(whole | parts, key=lambda one: (-len(one), one)))


def _name(match: re.Match[str]) -> str:
    if match["quoted"] is not None:
        return str(match["quoted"]).strip()
    words: list[str] = []
    for word in reversed(match["plain"].split()):
        if not word[0].isupper():
            break
        words.append(word)
    return " ".join(reversed(words)).rstrip(".,")


def _is_part(part: str) -> bool:
    return len(part) >= _SHORTEST and part[0].isupper() and not part.endswith(".")
