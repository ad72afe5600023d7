"""Canonical JSON: one spelling for one value, so that hashes mean something."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import orjson


def sorted_json(value: Any) -> bytes:
    """Canonical JSON of a value known to hold no NaN and no infinity (they would become null)."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def canonical_json(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys, no white space and shortest exact floats.

    Raises ValueError for NaN, infinities, integers beyond 64 bits and lone surrogates, TypeError for what JSON
    does not have.

    >>> canonical_json({"b": 1.5, "a": [True, None, "é"]}).decode()
    '{"a":[true,null,"é"],"b":1.5}'
    """
    try:
        content = sorted_json(value)
    except TypeError as error:
        if "surrogates" in str(error) or "64-bit" in str(error):
            raise ValueError(str(error)) from error
        raise
    if b"null" in content:  # which is what NaN and infinities become
        _refuse_non_finite(value)
    return content


def _refuse_non_finite(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("NaN and infinities have no place in JSON")
    if isinstance(value, dict):
        for inner in value.values():
            _refuse_non_finite(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _refuse_non_finite(inner)


def content_id(content: bytes) -> str:
    """The name of content by its SHA-256, hex.

    >>> content_id(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(content).hexdigest()
