"""Answers of any shape in a text without JSON: laid out for people, or named in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from atomic.engines.layouts import bullets, elements, key_lines, key_rows, table
from atomic.engines.passages import RETRACTED, fenced
from atomic.engines.shapes import Shape, Shapes
from atomic.engines.tree import Raw, Text, Word
from atomic.engines.worded import said

SCALARS = ("text", "whole", "number", "truth", "null", "choice")
_NUMBERS = r"[+-]?\d+(?:\.\d+)?(?:, [+-]?\d+(?:\.\d+)?)+"  # the space tells them from one with thousands


def worded(shapes: Shapes, text: str) -> Iterator[tuple[Raw, str]]:
    """What a text may say, each with the liberty taken, if any; the first that fits is the answer."""
    root = shapes.of(shapes.root)
    bare = fenced(text) or text
    if root.kind in SCALARS:
        for one in said(root, text):
            yield one, "" if one in (Text(text), Word(text)) else "an answer in words"
    elif root.kind == "union":
        yield from _of_a_union(shapes, root, bare)
    elif not RETRACTED.search(bare):
        yield from _laid_out(shapes, root, bare)


def _laid_out(shapes: Shapes, root: Shape, text: str) -> Iterator[tuple[Raw, str]]:
    if root.kind == "object":
        if lines := key_lines(text, root.fields):
            yield lines, "lines of key and value"
        if rows := key_rows(text, root.fields) or table(text, root.fields):
            yield rows, "a table"
        if tagged := elements(text, root.fields):
            yield tagged, "tags for keys"
    if root.inner is None:
        return
    inner = shapes.of(root.inner)
    if root.kind == "list":
        yield from _items(inner, text)
    # In prose are such lines, too, where the values are texts.
    elif root.kind == "map" and inner.kind in ("whole", "number", "truth", "choice") and (lines := key_lines(text)):
        yield lines, "lines of key and value"


def _items(inner: Shape, text: str) -> Iterator[tuple[Raw, str]]:
    if inner.kind == "object" and (rows := table(text, inner.fields)):
        yield rows, "a table"
    if inner.kind in SCALARS and (items := bullets(text)):
        yield items, "a list with bullets"
    elif inner.kind == "choice" or (inner.kind in ("whole", "number") and re.fullmatch(_NUMBERS, text.strip())):
        yield Text(text.strip(" .`\"'")), ""


def _of_a_union(shapes: Shapes, root: Shape, text: str) -> Iterator[tuple[Raw, str]]:
    """A bare word for a union, such as null, a number, or the text itself where one of its members is a text."""
    members = [shapes.of(one) for one in root.options]
    if text.strip().casefold() in ("null", "none", "n/a") and any(one.kind == "null" for one in members):
        yield Word("null"), "" if text.strip() == "null" else "null in other words"
        return
    plain = [one for one in members if one.kind in SCALARS and one.kind != "null"]
    if len(plain) == 1:
        for one in said(plain[0], text):
            yield one, "an answer in words"
