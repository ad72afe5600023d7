"""JSON as models write it: read into a tree that keeps how each piece was written, with every liberty taken named."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from atomic.engines.tree import Many, Pairs, Raw, Text, Unreadable, Word

DEEPEST = 64
_QUOTES = {'"': '"', "'": "'", "“": "”", "”": "”", "„": "“", "‘": "’", "’": "’", "«": "»", "`": "`"}
_ENDS = {'"': '"', "'": "'", "“": '”“"', "”": "”", "„": "“”", "‘": "’", "’": "’", "«": "»", "`": "`"}
_SPACE = re.compile(r"[\s\u00a0\u200b\u2060\ufeff]*")
_SOLID = frozenset("\"'{}[],:0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-")
_COMMENT = re.compile(r"//[^\n]*|#[^\n]*|/\*.*?\*/", re.DOTALL)
_OMITS = re.compile(
    r"\.\.\.|…|\b(?:more|rest|omit\w*|etc|remain\w*|and so on|truncat\w*|abbreviat\w*|others?|same|continue\w*|todo)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\s,，:{}\[\]\"“”]+(?:[ \t]+[^\s,，:{}\[\]\"“”#/]+)*")
_KEY = re.compile(r"[^\W\d][\w$\-.]*(?: [\w$\-.]+)*(?=\s*(?::|=>?))")
_ANY_KEY = r"(?:\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+'|“[^”]*+”|‘[^’]*+’|[^\W\d][\w$\-. ]*+)\s*+(?:[:：]|=>?)"
# Possessive throughout: a text may be white space for miles.
_LINE_BREAK = r"[^\S\n]*+\n\s*+"
_AFTER_IN_OBJECT = re.compile(
    r"\s*+(?:[}\]]|[,;，]\s*+(?:[,}\]]|/[/*]|#|\Z|"
    + _ANY_KEY
    + r")|/[/*]|#|\Z)|"
    + _LINE_BREAK
    + _ANY_KEY
    + r"|\s++\"\w++\"\s*+:\s*+[\"{\[\d\-tfn]"
)
_AFTER_IN_LIST = re.compile(
    r"\s*+(?:[}\]]|[,;]\s*+(?:[\"'“„{}\[\]]|-?\d|true\b|false\b|null\b|None\b|/[/*]|#|\Z)|/[/*]|\Z)|"
    + _LINE_BREAK
    + r"[\"'“„{\[]"
)
_AFTER_KEY = re.compile(r"\s*+(?:[:：]|=>?)")
_GROUP = re.compile(r",(\d{3}(?:,\d{3})*(?:\.\d+)?)(?=\s*(?:[,}\n]))")
_DECIMALS = re.compile(r",\d{1,2}(?=\s*[,}\n])")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "/": "/", "\\": "\\", '"': '"', "'": "'", "`": "`"}


_SIMPLE = re.compile(r"""(["'])([^"'\\\n]*)\1""")


@dataclass(slots=True)
class Loose:
    """A reader over one text. `repairs` names what was not as JSON has it; `end` is where the value ended."""

    text: str
    position: int = 0
    repairs: dict[str, None] = field(default_factory=dict)
    depth: int = 0

    def value(self) -> Raw:
        """The value that begins here. Raises Unreadable."""
        self._skip()
        mark = self._peek()
        if mark == "{":
            return self._object()
        if mark == "[":
            return self._list()
        if self.text.startswith(('"""', "'''"), self.position):
            return Text(self._fenced(self.text[self.position : self.position + 3]))
        if mark in _QUOTES:
            return Text(self._string(_AFTER_IN_LIST))
        return Word(self._word())

    def _object(self) -> Pairs:
        self._deeper()
        pairs: list[tuple[str, Raw]] = []
        while True:
            self._skip()
            mark = self._peek()
            if mark == "}":
                self._shallower()
                return Pairs(tuple(pairs))
            if not mark:
                if self.text[: self.position].rstrip().endswith((",", ";")):
                    raise Unreadable("ends after a comma")
                self.depth -= 1
                return Pairs(tuple(pairs), cut=True)
            if mark == "]" and self.depth > 1:
                raise Unreadable("a bracket that closes nothing")
            key = self._key()
            self._skip()
            if not self.text.startswith((":", "=", "："), self.position):
                raise Unreadable("a key without a value")
            if self._peek() != ":":
                self._note("another mark for a colon")
            self.position += 2 if self.text.startswith("=>", self.position) else 1
            pairs.append((key, self._member()))
            if self._cut(pairs[-1][1]):
                self.depth -= 1
                return Pairs(tuple(pairs), cut=True)
            self._separator("}")

    def _member(self) -> Raw:
        self._skip()
        mark = self._peek()
        if not mark:
            raise Unreadable("ends after a key")
        if mark in _QUOTES and not self.text.startswith(('"""', "'''"), self.position):
            return Text(self._string(_AFTER_IN_OBJECT))
        if mark in "{[" or mark in _QUOTES:
            return self.value()
        word = self._word()
        group = _GROUP.match(self.text, self.position)
        if group and re.fullmatch(r"[+-]?\d{1,3}", word):
            self._note("thousands with commas")
        elif group := re.fullmatch(r"[+-]?\d{1,3}(?:\.\d{3})+", word) and _DECIMALS.match(self.text, self.position):
            self._note("a comma for the decimal point")
        else:
            group = None
        if group:
            self.position = group.end()
            word += group.group().rstrip()
        if word not in ("true", "false", "null") and not self.text[self.position :].strip():
            raise Unreadable("ends in a word")  # perhaps in the middle of it
        return Word(word)

    def _list(self) -> Many:
        self._deeper()
        items: list[Raw] = []
        while True:
            self._skip()
            mark = self._peek()
            if mark == "]":
                self._shallower()
                return Many(tuple(items))
            if mark == "}" and self.depth > 1:
                self._note("bracket not closed")
                self.depth -= 1
                return Many(tuple(items))
            if not mark:
                self.depth -= 1
                return Many(tuple(items), cut=True)
            items.append(self.value())
            if self._cut(items[-1]):
                self.depth -= 1
                return Many(tuple(items), cut=True)
            self._separator("]")

    def _cut(self, raw: Raw) -> bool:
        return isinstance(raw, Many | Pairs) and raw.cut

    def _separator(self, closer: str) -> None:
        before = self.position
        self._skip()
        mark = self._peek()
        if mark and mark in ",;，":
            if mark != ",":
                self._note("other marks for commas")
            self.position += 1
            self._skip()
            if self._peek() == closer:
                self._note("trailing comma")
            elif self._peek() == "," and closer == "}":
                self.position += 1
                self._note("a comma twice")
            elif self._peek() == ",":
                raise Unreadable("an item is missing")
        elif mark not in ("", closer, "}", "]"):
            apart = "\n" in self.text[before : self.position] or (mark in "{[" and self.text[before - 1] in "}]")
            if closer == "]" and not apart:
                raise Unreadable("items without a comma")
            self._note("missing comma")

    def _key(self) -> str:
        if self._peek() in _QUOTES:
            return self._string(_AFTER_KEY)
        found = _KEY.match(self.text, self.position)
        if not found:
            raise Unreadable("no key")
        self._note("key without quotes")
        self.position = found.end()
        return found.group()

    def _word(self) -> str:
        found = _WORD.match(self.text, self.position)
        if not found:
            raise Unreadable("no value")
        word = found.group().rstrip()
        if word.startswith("..."):
            raise Unreadable("something was left out")
        self.position = found.start() + len(word)
        if not re.fullmatch(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null", word):
            self._note("word without quotes")
        return word

    def _string(self, after: re.Pattern[str]) -> str:
        """A quoted text, closed by the first quote that is followed by what may follow a text."""
        opener = self._peek()
        simple = _SIMPLE.match(self.text, self.position)
        if simple and after.match(self.text, simple.end()):
            self.position = simple.end()
            if opener == "'":
                self._note("other quotes")
            return simple[2]
        if opener != '"':
            self._note("other quotes")
        ends, inner, begun = _ENDS[opener], 0, self.position
        out: list[str] = []
        self.position += 1
        while self.position < len(self.text):
            mark = self.text[self.position]
            if mark == "\\":
                out.append(self._escape())
                continue
            self.position += 1
            if mark in ends:
                if after.match(self.text, self.position):
                    if inner % 2 or (inner and "\n" in out):
                        raise Unreadable("quotes inside a text that do not pair")
                    _escaped_throughout(self.text[begun : self.position])
                    return "".join(out)
                self._note("quotes inside a text")
                apostrophe = (
                    mark in "'’"
                    and out
                    and out[-1].isalpha()
                    and self.text[self.position : self.position + 1].isalpha()
                )
                inner += 0 if apostrophe else 1
                opens = not out or out[-1] in " \n\t([-—"
                if not apostrophe and opens != bool(inner % 2):
                    raise Unreadable("quotes inside a text that do not pair")
            elif mark == "\n":
                self._note("line break inside a text")
            out.append(mark)
        raise Unreadable("a text that does not end")

    def _escape(self) -> str:
        following = self.text[self.position + 1 : self.position + 2]
        if following == "u":
            found = re.compile(r"(?:\\u[0-9a-fA-F]{4})+").match(self.text, self.position)
            if found:
                self.position = found.end()
                return str(json.loads(f'"{found.group()}"'))
        self.position += 2
        if following not in _ESCAPES:
            self._note("a backslash by itself")
            if following == "\n":
                return "\n"
            return "\\" + following
        if following in "'`":
            self._note("a backslash by itself")
        return _ESCAPES[following]

    def _fenced(self, mark: str) -> str:
        end = self.text.find(mark, self.position + 3)
        if end < 0:
            raise Unreadable("a text that does not end")
        self._note("other quotes")
        found = self.text[self.position + 3 : end]
        self.position = end + 3
        return found

    def _skip(self) -> None:
        if self.text[self.position : self.position + 1] in _SOLID:  # most often there is nothing to be skipped
            return
        while True:
            found = _SPACE.match(self.text, self.position)
            self.position = found.end() if found else self.position
            comment = _COMMENT.match(self.text, self.position)
            if not comment:
                return
            if _OMITS.search(comment.group()):
                raise Unreadable("a comment says that something was left out")
            self._note("comment")
            self.position = comment.end()

    def _peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def _note(self, repair: str) -> None:
        self.repairs[repair] = None

    def _deeper(self) -> None:
        self.position += 1
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unreadable("nested too deeply")

    def _shallower(self) -> None:
        self.position += 1
        self.depth -= 1


def _escaped_throughout(written: str) -> None:
    """Raises Unreadable where a backslash escapes nothing, so that others there may not be escapes either."""
    if "\\" in written:
        after = set(re.findall(r"\\(.)", written))
        if after & set("ntrbf") and any(one not in _ESCAPES and one not in "u\n" for one in after):
            raise Unreadable("backslashes that may be escapes or not")
