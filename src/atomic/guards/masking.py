"""Masking: what is personal becomes a placeholder before a text leaves, and itself again in what comes back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from atomic.guards.names import names_in
from atomic.guards.personal import Kind, personal, plain

_PLACEHOLDER = re.compile(r"\[(?:EMAIL|IBAN|CARD|SSN|IP|PHONE|NAME)_[1-9][0-9]*\]")
_LONGEST = 24  # characters of a placeholder, at most: with 10 digits


class Masking:
    """Placeholders for one request: the same value is the same placeholder in each of its texts.

    >>> masking = Masking()
    >>> masking.mask("Write to ann@example.org, not to bob@example.org; ann@example.org is quicker.")
    'Write to [EMAIL_1], not to [EMAIL_2]; [EMAIL_1] is quicker.'
    >>> masking.unmask({"to": ["[EMAIL_2]"], "why": "[EMAIL_9] is nobody"})
    {'to': ['bob@example.org'], 'why': '[EMAIL_9] is nobody'}
    """

    def __init__(self, *, kinds: Iterable[Kind] | None = None, region: str | None = None) -> None:
        self._kinds = None if kinds is None else frozenset(kinds)
        self._region = region
        self._placeholders: dict[str, str] = {}  # of each value
        self._values: dict[str, str] = {}  # of each placeholder
        self._numbers: Counter[str] = Counter()
        self._reserved: set[str] = set()
        self._names: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many values of each kind are masked: what may be written down of it."""
        return dict(Counter(one[1:].partition("_")[0].lower() for one in self._values))

    def look_at(self, texts: Iterable[str]) -> None:
        """All texts of the request, before any is masked: placeholders that stand in one are never given to a value,
        and whose name stands before an address in one is masked in all.

        >>> masking = Masking()
        >>> masking.look_at(["From: Ann Smith <ann@example.org>", "is [EMAIL_1] hers?"])
        >>> masking.mask("Dear Ann, is it ann@example.org?")
        'Dear [NAME_1], is it [EMAIL_2]?'
        """
        known = list(texts)
        self._reserved.update(*map(_PLACEHOLDER.findall, known))
        if self._kinds is None or "name" in self._kinds:
            self._names = names_in(plain(one)[0] for one in known)

    def mask(self, text: str) -> str:
        """The text with placeholders. One that stands in a text already is never given to a value."""
        self._reserved |= set(_PLACEHOLDER.findall(text)) - set(self._values)
        pieces, at = [], 0
        for one in personal(text, region=self._region, names=self._names):
            if self._kinds is None or one.kind in self._kinds:
                pieces += [text[at : one.start], self._placeholder(one.kind, plain(text[one.start : one.end])[0])]
                at = one.end
        return "".join((*pieces, text[at:]))

    def _placeholder(self, kind: Kind, value: str) -> str:
        known = self._placeholders.get(value)
        while known is None:
            self._numbers[kind] += 1
            free = f"[{kind.upper()}_{self._numbers[kind]}]"
            if free not in self._reserved:
                known = self._placeholders[value] = free
                self._values[free] = value
        return known

    def unmask(self, value: Any) -> Any:
        """A value as it comes back, each placeholder of ours in its texts replaced; keys of objects as well."""
        if isinstance(value, str):
            return _PLACEHOLDER.sub(lambda match: self._values.get(match[0], match[0]), value)
        if isinstance(value, dict):
            return {self.unmask(key): self.unmask(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.unmask(inner) for inner in value)
        return value


class Unmasking:
    """Unmasks a text that comes in pieces: what may be the beginning of a placeholder waits for the rest.

    >>> masking = Masking()
    >>> _ = masking.mask("ann@example.org")
    >>> stream = Unmasking(masking)
    >>> [stream.feed(piece) for piece in ("Dear [EM", "AIL_1", "], hello [", "you]")], stream.end()
    (['Dear ', '', 'ann@example.org, hello ', '[you]'], '')
    """

    def __init__(self, masking: Masking) -> None:
        self._masking = masking
        self._held = ""

    def feed(self, piece: str) -> str:
        """What can be said now."""
        text = self._held + piece
        opened = text.rfind("[", max(0, len(text) - _LONGEST))
        waits = opened >= 0 and re.fullmatch(r"\[[A-Z]{0,5}_?[0-9]*", text[opened:]) is not None
        self._held = text[opened:] if waits else ""
        said: str = self._masking.unmask(text[:opened] if waits else text)
        return said

    def end(self) -> str:
        """What was held back to the end."""
        held, self._held = self._held, ""
        return held
