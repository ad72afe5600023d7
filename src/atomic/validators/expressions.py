"""Expressions over an answer, as BAML writes them in @check, @assert and its tests: Jinja's, in its sandbox."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from atomic.errors import CallerError, MissingExtra

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment


class Expression:
    """A Jinja expression, with or without its braces; `this` is the answer as JSON has it.

    A name with a dot is a field, never a method, so `this.items` is what the answer holds. `regex_match` is BAML's.

    >>> Expression("{{ this.pieces > 1 and this.code|regex_match('^[A-Z]+$') }}").holds(
    ...     this={"pieces": 2, "code": "AB"}
    ... )
    (True, '')
    >>> Expression("this.price < 3").holds(this={"pieces": 2})
    (False, "cannot be told: 'dict object' has no attribute 'price'")
    """

    def __init__(self, text: str) -> None:
        """Raises CallerError for what is no expression, MissingExtra without Jinja."""
        environment = _environment()
        from jinja2 import TemplateSyntaxError

        bare = text.strip()
        if bare.startswith("{{") and bare.endswith("}}"):
            bare = bare[2:-2].strip()
        self.text = bare
        try:
            self._compiled = environment.compile_expression(bare, undefined_to_none=False)
        except TemplateSyntaxError as error:
            raise CallerError(f"{bare!r} is no expression: {error.message}") from None

    def holds(self, **names: Any) -> tuple[bool, str]:
        """Whether it is true of what is named, and why that cannot be told (then it is not). Never raises."""
        try:
            return bool(self._compiled(**names)), ""
        except Exception as error:  # an expression is anybody's: that it fails is its word on this answer
            return False, f"cannot be told: {error}"[:200]


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    try:
        from jinja2 import StrictUndefined
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ModuleNotFoundError:
        raise MissingExtra("jinja2 is not installed", hint='pip install "atomic-market[check]"') from None

    class Fields(ImmutableSandboxedEnvironment):
        """Where a name after a dot is a key first."""

        def getattr(self, obj: Any, attribute: str) -> Any:
            if isinstance(obj, Mapping):
                return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
            return super().getattr(obj, attribute)

    made = Fields(undefined=StrictUndefined)
    made.filters["regex_match"] = lambda text, pattern: re.search(pattern, text) is not None
    return made
