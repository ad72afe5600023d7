"""What each endpoint holds an answer to, as its documentation says; what it does not is left to validation."""

from __future__ import annotations

import re

from atomic.bidders.lowering import Holds

_LOOKS = re.compile(r"\(\?[=!<]|\\[bB1-9]")
_SPELLED = re.compile(r"\\[dDwWsSbB1-9]|\(\?")
_BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_LENGTHS = frozenset({"minLength", "maxLength"})
_ITEMS = frozenset({"minItems", "maxItems"})


def _no_look_around(pattern: str) -> bool:
    return _LOOKS.search(pattern) is None


def _anchored_and_spelled(pattern: str) -> bool:
    """llama.cpp's converter makes "any text" of a class such as a digit's, and wants both ends."""
    return pattern.startswith("^") and pattern.endswith("$") and _SPELLED.search(pattern) is None


# Structured outputs with `strict`: chat completions and responses alike.
OPENAI = Holds(
    keywords=_BOUNDS | _ITEMS | {"multipleOf", "pattern"},
    formats=frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}),
    pattern=_no_look_around,
    closed=True, every=True, rooted=True, maps=False, tuples=False, anything=False, deepest=10, most=5_000,
)  # fmt: skip

# Output format and strict tools: a least number of items only of 0 or 1, no bounds of numbers and texts.
ANTHROPIC = Holds(
    keywords=frozenset({"pattern"}),
    formats=frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}),
    pattern=_no_look_around,
    closed=True, rooted=True, recursive=False, maps=False, tuples=False, anything=False,
)  # fmt: skip

# responseSchema: a part of OpenAPI 3.0.
GEMINI = Holds(
    keywords=frozenset({"minimum", "maximum", "pattern"}) | _LENGTHS | _ITEMS,
    formats=frozenset({"date-time"}),
    pattern=_no_look_around,
    refs=False, recursive=False, maps=False, tuples=False, anything=False, empty=False, choices=(str,),
    nullable="nullable", upper=True,
)  # fmt: skip

# xgrammar, the first of its back ends.
VLLM = Holds(
    keywords=_BOUNDS | _LENGTHS | _ITEMS | {"pattern"},
    formats=frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri"}),
    pattern=_no_look_around,
)

# Its converter of schemas to grammars, which Ollama uses as well.
LLAMA_CPP = Holds(
    keywords=_BOUNDS | _LENGTHS | _ITEMS | {"pattern"},
    formats=frozenset({"date", "time", "date-time", "uuid"}),
    pattern=_anchored_and_spelled,
)
