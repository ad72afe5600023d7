"""Validators of texts in a language, and of JSON schemas: what does not parse is wrong, whatever else it says."""

from __future__ import annotations

import ast
import importlib.util
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from pydantic import TypeAdapter

from atomic.errors import MissingExtra, TaskError
from atomic.records.canonical import canonical_json
from atomic.records.validator import Validator
from atomic.validators.plain import made, part_of

_ANY: TypeAdapter[Any] = TypeAdapter(Any)


def sql(dialect: str = "", name: str = "sql", *, at: str = "") -> Validator:
    """The answer, or its part, is SQL that parses, in a dialect of sqlglot's ("postgres", "duckdb", …). Nothing is run.

    Raises MissingExtra without sqlglot, TaskError for a dialect that it does not know.

    >>> query = sql("postgres")
    >>> query.test({}, "SELECT a FROM t WHERE b = 1"), query.test({}, "SELECT FROM WHERE )")
    (True, False)
    """
    _need("sqlglot")
    import sqlglot
    from sqlglot.errors import SqlglotError
    from sqlglot.expressions import Command

    try:
        sqlglot.Dialect.get_or_raise(dialect)
    except ValueError as error:
        raise TaskError(f"{dialect!r} is no dialect of SQL", hint=str(error)) from None

    def parses(text: str) -> bool | None:
        try:
            found = sqlglot.parse(text, read=dialect)
        except (SqlglotError, RecursionError):
            return False
        if not found or any(one is None for one in found):
            return False
        # What sqlglot takes for a command of some dialect it has not parsed at all.
        return None if any(isinstance(one, Command) for one in found) else True

    return _of_text(name, f"sql {dialect} {at}", parses, at)


def python(name: str = "python", *, at: str = "") -> Validator:
    """The answer, or its part, is Python that parses. Nothing is run.

    >>> python().test({}, "x = 1"), python().test({}, "x = = 1")
    (True, False)
    """

    def parses(text: str) -> bool:
        try:
            with warnings.catch_warnings(action="ignore"):
                ast.parse(text)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            return False
        return True

    return _of_text(name, f"python {at}", parses, at)


def json_text(name: str = "json", *, at: str = "") -> Validator:
    """The answer, or its part, is a text that is JSON.

    >>> json_text().test({}, '{"a": 1}'), json_text().test({}, "{a: 1}")
    (True, False)
    """

    def parses(text: str) -> bool:
        try:
            orjson.loads(text)
        except orjson.JSONDecodeError:
            return False
        return True

    return _of_text(name, f"json {at}", parses, at)


def json_schema(schema: Mapping[str, Any], name: str = "schema", *, at: str = "") -> Validator:
    """The answer, or its part, is valid against a JSON schema; formats count. References go nowhere outside.

    Raises MissingExtra without jsonschema-rs, TaskError for what is no schema.

    >>> json_schema({"properties": {"n": {"multipleOf": 5}}}).test({}, {"n": 7})
    False
    """
    _need("jsonschema_rs")
    import jsonschema_rs

    def refuse(uri: str) -> Any:
        raise ValueError("references to other documents are not followed")

    try:
        checker = jsonschema_rs.validator_for(dict(schema), validate_formats=True, retriever=refuse)
    except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        raise TaskError(f"validator {name}: this is no JSON schema", hint=str(error).partition("\n")[0]) from None

    def test(arguments: Mapping[str, Any], answer: Any) -> bool:
        return checker.is_valid(_ANY.dump_python(part_of(answer, at), mode="json"))

    return made(name, f"{canonical_json(dict(schema)).decode()} {at}", test)


def _of_text(name: str, version: str, parses: Callable[[str], bool | None], at: str) -> Validator:
    def test(arguments: Mapping[str, Any], answer: Any) -> bool | None:
        text = part_of(answer, at)
        return parses(text) if isinstance(text, str) else None

    return made(name, version, test)


def _need(library: str) -> None:
    if importlib.util.find_spec(library) is None:
        raise MissingExtra(f"{library} is not installed", hint='pip install "atomic-market[check]"')
