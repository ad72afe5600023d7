"""JSON while it is being written: a tree that is added to, so that a token costs what it adds and not what came before.

It is strict: what is no JSON is damaged, and read by somebody else.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic_core import from_json

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_WORD = re.compile(r"[^\s,:{}\[\]\"]+")
_CLOSES = {"}": dict, "]": list}


class Grows(str):
    """A text that is not whole."""

    __slots__ = ()


class Growing:
    """The value that a text begins, so far. A number or a word stands there once something follows it.

    >>> growing = Growing()
    >>> for piece in ('{"name": "An', 'na", "age": 4', "2", "}"):
    ...     growing.feed(piece)
    ...     growing.root
    {'name': 'An'}
    {'name': 'Anna'}
    {'name': 'Anna'}
    {'name': 'Anna', 'age': 42}
    """

    def __init__(self) -> None:
        """Nothing is there yet; `root` has no meaning before the first bracket."""
        self.root: Any = None
        self.begun = False
        self.ended = False
        self.open: list[list[Any] | dict[str, Any]] = []
        self._keys: list[str] = []  # of each open object, whose value is due
        self._due = "value"
        self._rest = ""  # of a token that is not whole

    def feed(self, piece: str) -> None:
        """Take in what came. Raises ValueError once it is no JSON."""
        text, at = self._rest + piece, 0
        while not self.ended:
            at = _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it always matches
            after = self._token(text, at) if at < len(text) else None
            if after is None:
                break
            at = after
        self._rest = text[at:]

    def _token(self, text: str, at: int) -> int | None:
        """Where the token ends that begins there; None where it has no end yet."""
        mark, due = text[at], self._due
        if mark in _CLOSES and due in ("comma", "first key", "first value"):
            self._close(mark)
        elif due in ("comma", "colon"):
            if mark != ("," if due == "comma" else ":"):
                raise ValueError(due)
            self._due = "value" if due == "colon" or isinstance(self.open[-1], list) else "key"
        elif mark == '"':
            return self._string(text, at)
        elif due in ("key", "first key"):
            raise ValueError(due)
        elif mark in "{[":
            self._opened({} if mark == "{" else [])
        else:
            return self._word(text, at)
        return at + 1

    def _string(self, text: str, at: int) -> int | None:
        whole = _STRING.match(text, at)
        if "key" in self._due:
            if whole:
                self._keys[-1], self._due = json.loads(whole.group()), "colon"
        elif whole:
            self._put(json.loads(whole.group()))
            self._due = "comma"
        else:
            (grown,) = from_json(f"[{text[at:]}", allow_partial="trailing-strings")
            self._put(Grows(grown))
        return whole.end() if whole else None

    def _word(self, text: str, at: int) -> int | None:
        found = _WORD.match(text, at)
        if found is None:
            raise ValueError("value")
        if found.end() == len(text):
            return None  # it may go on
        self._put(json.loads(found.group()))
        self._due = "comma"
        return found.end()

    def _opened(self, made: dict[str, Any] | list[Any]) -> None:
        self._put(made)
        self.open.append(made)
        self._keys.append("")
        self._due = "first key" if isinstance(made, dict) else "first value"

    def _close(self, mark: str) -> None:
        if not isinstance(self.open.pop(), _CLOSES[mark]):
            raise ValueError(mark)
        self._keys.pop()
        self._due = "comma"
        self.ended = not self.open

    def _put(self, value: Any) -> None:
        if not self.open:
            self.root, self.begun = value, True
            return
        top = self.open[-1]
        if isinstance(top, dict):
            top[self._keys[-1]] = value
        elif top and isinstance(top[-1], Grows):
            top[-1] = value
        else:
            top.append(value)
