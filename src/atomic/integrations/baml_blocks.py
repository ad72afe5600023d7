"""The settings in `.baml` files: clients, retry policies, tests, and the client and prompt of each function.

BAML's runtime compiles the files and knows types and functions, and tells nobody what stands in these blocks. They are
read here once BAML has found the files right, so that every text that comes is one of its language.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(
    r'(?P<space>[ \t\r]+|//[^\n]*|\{#.*?#\}|\{//.*?//\})|(?P<line>\n)|(?P<raw>(?P<marks>#+)"(?P<inside>.*?)"(?P=marks))'
    r'|(?P<text>"(?:[^"\\]|\\.)*")|(?P<jinja>\{\{.*?\}\})|(?P<mark>->|[{}\[\](),|?@<>:=])|(?P<word>[^\s{}\[\](),|?@<>:"]+)',
    re.DOTALL,
)
_READ = ("client", "retry_policy", "test", "function")


@dataclass(frozen=True, slots=True)
class Env:
    """The value of an environment variable, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class TestAttribute:
    """`@@assert(name, {{ expression }})` or `@@check(…)` of a test."""

    __test__ = False

    kind: str
    name: str
    expression: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of settings: its kind, name and values by key; texts, numbers, truths, lists, mappings and `Env`."""

    kind: str
    name: str
    values: dict[str, Any]
    attributes: tuple[TestAttribute, ...] = ()


@dataclass(slots=True)
class _Tokens:
    items: list[tuple[str, str]]
    at: int = 0
    attributes: list[TestAttribute] = field(default_factory=list)

    @property
    def next(self) -> tuple[str, str]:
        return self.items[self.at] if self.at < len(self.items) else ("end", "")

    def take(self) -> tuple[str, str]:
        found = self.next
        self.at += 1
        return found

    def lines(self) -> None:
        while self.next[0] == "line" or self.next == ("mark", ","):
            self.at += 1


def blocks(text: str) -> list[Block]:
    """Every block of settings of a file, in order.

    >>> [found] = blocks('client<llm> Fast { provider openai\\n options { api_key env.KEY\\n temperature 0.5 } }')
    >>> found.name, found.values
    ('Fast', {'provider': 'openai', 'options': {'api_key': Env(name='KEY'), 'temperature': 0.5}})
    """
    return list(_blocks(_Tokens(list(_tokens(text)))))


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup or ""
        if found["raw"] is not None:
            yield "text", textwrap.dedent(found["inside"]).strip()
        elif kind == "text":
            yield "text", _unquoted(found["text"])
        elif kind != "space":
            yield kind, found.group()


def _unquoted(quoted: str) -> str:
    try:
        return str(json.loads(quoted, strict=False))
    except ValueError:  # BAML takes escapes that JSON has not
        return re.sub(r"\\(.)", r"\1", quoted[1:-1], flags=re.DOTALL)


def _blocks(tokens: _Tokens) -> Iterator[Block]:
    while tokens.next[0] != "end":
        kind, word = tokens.take()
        if (kind, word) == ("mark", "{"):
            _skip(tokens)
        elif kind == "word" and word in _READ:
            name = _head(tokens)
            tokens.attributes = []
            values = _mapping(tokens)
            yield Block(kind=word, name=name, values=values, attributes=tuple(tokens.attributes))
        elif kind == "word" and tokens.next[0] == "word":
            tokens.take()  # the name of a class, an enum or a generator, which may be one of these kinds' names


def _head(tokens: _Tokens) -> str:
    """The name of a block; its parameters and type are BAML's to know."""
    name = ""
    while tokens.next not in (("mark", "{"), ("end", "")):
        kind, word = tokens.take()
        if kind == "mark" and word == "<":
            while tokens.take() not in (("mark", ">"), ("end", "")):
                pass
        elif kind == "word" and not name:
            name = word
    tokens.take()
    return name


def _skip(tokens: _Tokens) -> None:
    depth = 1
    while depth and tokens.next[0] != "end":
        kind, word = tokens.take()
        depth += {"{": 1, "}": -1}.get(word, 0) if kind == "mark" else 0


def _mapping(tokens: _Tokens) -> dict[str, Any]:
    """What stands between braces, the first of which was taken."""
    found: dict[str, Any] = {}
    tokens.lines()
    while tokens.next not in (("mark", "}"), ("end", "")):
        kind, key = tokens.take()
        if (kind, key) == ("mark", "@"):
            _attribute(tokens)
        elif kind in ("word", "text"):
            found[key] = _value(tokens)
        tokens.lines()
    tokens.take()
    return found


def _attribute(tokens: _Tokens) -> None:
    while tokens.next == ("mark", "@"):
        tokens.take()
    name, inside = tokens.take()[1], list[tuple[str, str]]()
    if tokens.next == ("mark", "("):
        tokens.take()
        while tokens.next not in (("mark", ")"), ("end", "")):
            inside.append(tokens.take())
        tokens.take()
    said = next((word for kind, word in inside if kind == "jinja"), "")
    title = next((word for kind, word in inside if kind in ("word", "text")), "")
    tokens.attributes.append(TestAttribute(name, title, said[2:-2].strip()))


def _value(tokens: _Tokens) -> Any:
    kind, word = tokens.take()
    if (kind, word) == ("mark", "{"):
        return _mapping(tokens)
    if (kind, word) == ("mark", "["):
        return _list(tokens)
    if kind != "word":
        return word
    words = [word]
    while tokens.next[0] == "word" or tokens.next in (("mark", ":"), ("mark", "=")):
        words.append(tokens.take()[1])
    return _said(" ".join(words))


def _list(tokens: _Tokens) -> list[Any]:
    found = []
    tokens.lines()
    while tokens.next not in (("mark", "]"), ("end", "")):
        found.append(_value(tokens))
        tokens.lines()
    tokens.take()
    return found


def _said(word: str) -> Any:
    if word.startswith("env."):
        return Env(word.removeprefix("env."))
    if word in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[word]
    try:
        return json.loads(word)
    except ValueError:
        return word
