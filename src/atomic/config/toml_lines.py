"""On which line of a TOML text each key stands: `tomllib` reads values, and forgets where it read them."""

from __future__ import annotations

import re
from collections.abc import Mapping

Path = tuple[str | int, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"[ \t]*")
_BLANK_LINES = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SCALAR = re.compile(r"[^\s,\]}#]+(?: [0-9][^\s,\]}#]*)?")  # a date and its time may be parted by one space
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}'
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}


def lines_of(text: str) -> Mapping[Path, int]:
    """The line, counted from 1, of every table, key and array element, by its path.

    The text must be valid TOML (`tomllib` has read it): then nothing is raised. A table that is only implied, as `a`
    in `[a.b]`, stands where it is first implied.

    >>> lines = lines_of('[market]\\nper_day = "$1"\\n[[rules]]\\nwhen = {subject = "x"}\\n')
    >>> lines["market", "per_day"], lines["rules", 0, "when", "subject"]
    (2, 4)
    """
    scan = _Scan(text)
    scan.document()
    return scan.lines


def line_of(path: Path, lines: Mapping[Path, int]) -> int:
    """The line of a path, or of the nearest table above it that stands in the text; 0 when there is none.

    >>> line_of(("market", "ledger"), {("market",): 3})
    3
    """
    return next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), 0)


class _Scan:
    """One walk over the text; `at` is where it stands."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line, self._counted_to = 1, 0
        self._arrays: dict[Path, int] = {}  # arrays of tables, and how many tables they have so far
        self.lines: dict[Path, int] = {}

    def document(self) -> None:
        table: Path = ()
        while self._skip(_BLANK_LINES) < len(self._text):
            if self._next("["):
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        array = self._next("[")
        self._skip(_BLANK)
        keys = self._keys()
        self._at = self._text.index("]]" if array else "]", self._at) + (2 if array else 1)
        path: Path = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            self._note(path)
            last = position == len(keys) - 1
            if array and last:
                self._arrays[path] = self._arrays.get(path, 0) + 1
            if path in self._arrays:  # a header goes on inside the array's latest table
                path = (*path, self._arrays[path] - 1)
                self._note(path)
        return path

    def _pair(self, table: Path) -> None:
        path = table
        for key in self._keys():
            path = (*path, key)
            self._note(path)
        self._at = self._text.index("=", self._at) + 1
        self._skip(_BLANK)
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._next("["):
            index = 0
            while self._skip_commas() and not self._next("]"):
                self._note((*path, index))
                self._value((*path, index))
                index += 1
        elif self._next("{"):
            while self._skip_commas() and not self._next("}"):
                self._pair(path)
        elif self._match(_STRING) is None:
            self._match(_SCALAR)

    def _keys(self) -> list[str]:
        keys = [self._key()]
        self._skip(_BLANK)
        while self._next("."):
            self._skip(_BLANK)
            keys.append(self._key())
            self._skip(_BLANK)
        return keys

    def _key(self) -> str:
        bare = self._match(_BARE_KEY)
        if bare is not None:
            return bare
        quoted = self._match(_STRING) or ""
        return quoted[1:-1] if quoted.startswith("'") else _ESCAPE.sub(_unescaped, quoted[1:-1])

    def _skip_commas(self) -> bool:
        """Go to the next element or the end of an array; false when the text ends."""
        self._skip(_BLANK_LINES)
        while self._next(","):
            self._skip(_BLANK_LINES)
        return self._at < len(self._text)

    def _note(self, path: Path) -> None:
        if path not in self.lines:
            self._line += self._text.count("\n", self._counted_to, self._at)
            self._counted_to = self._at
            self.lines[path] = self._line

    def _next(self, symbol: str) -> bool:
        found = self._text.startswith(symbol, self._at)
        self._at += len(symbol) if found else 0
        return found

    def _skip(self, pattern: re.Pattern[str]) -> int:
        self._match(pattern)
        return self._at

    def _match(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self._text, self._at)
        if found is None:
            return None
        self._at = found.end()
        return found.group()


def _unescaped(found: re.Match[str]) -> str:
    code = found.group(1) or found.group(2)
    return chr(int(code, 16)) if code else _ESCAPED.get(found.group(3), found.group(3))
