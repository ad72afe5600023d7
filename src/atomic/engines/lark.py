"""A context-free grammar as a type: `Annotated[str, Grammar(CFG("start: …"))]`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from atomic.errors import TaskError

_KEY = "x-grammar"


class Grammar:
    """Texts of a context-free grammar: one of Outlines (`CFG`), or its definition in the form of Lark.

    Every answer is checked against it, whoever gave it; a local model is held to it. Pydantic has no schema for
    Outlines' own `CFG`, so that it cannot stand in a microtask's type by itself. Raises TaskError for a grammar that
    is none.

    >>> from typing import Annotated
    >>> from pydantic import TypeAdapter
    >>> sums = TypeAdapter(Annotated[str, Grammar('start: NUMBER ("+" NUMBER)*\\nNUMBER: /[0-9]{1,4}/')])
    >>> sums.validate_python("12+7")
    '12+7'
    """

    def __init__(self, definition: Any) -> None:
        import llguidance

        self.definition = str(getattr(definition, "definition", definition))
        if fault := llguidance.LLMatcher.validate_grammar(self.definition):
            raise TaskError(f"not a grammar: {fault.splitlines()[0]}", hint="write it as Lark does, from `start:` on")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A text that is checked."""

        def check(text: str) -> str:
            if not accepts(self.definition, text):
                raise ValueError("not a text of the grammar")
            return text

        return core_schema.no_info_after_validator_function(check, core_schema.str_schema())

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Its definition stands in the schema, so that another grammar is another version of the task."""
        return {"type": "string", _KEY: self.definition}


def accepts(grammar: str, text: str) -> bool:
    """Whether a whole text is of a grammar; well under a millisecond for an answer's length.

    >>> accepts('start: "a" | "b"', "a"), accepts('start: "a" | "b"', "ab")
    (True, False)
    """
    import llguidance

    matcher = llguidance.LLMatcher(_bytes_as_tokens(), grammar, log_level=0)
    content = list(text.encode())
    return matcher.try_consume_tokens(content) == len(content) and bool(matcher.is_accepting())


@cache
def _bytes_as_tokens() -> Any:
    import llguidance

    return llguidance.LLTokenizer("byte")


def lark_of(schema: Mapping[str, Any]) -> str | None:
    """The grammar that a schema is of, in the form of llguidance; None when it is of none.

    Raises nothing: a grammar inside another type is found by its key, too, and given as it is.
    """
    found = _find(schema)
    if found is None:
        return None
    return found if found.startswith("%llguidance") else f"%llguidance {{}}\n{found}\n"


def _find(value: Any) -> str | None:
    if isinstance(value, Mapping):
        if isinstance(value.get(_KEY), str):
            return str(value[_KEY])
        value = list(value.values())
    if isinstance(value, list):
        return next((found for one in value if (found := _find(one)) is not None), None)
    return None
