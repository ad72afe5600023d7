"""Readers of JSON schemas and of microtasks: what is valid is said by a library, not by us."""

from __future__ import annotations

from typing import Any

from atomic.engines.reading import Reader
from atomic.errors import MissingExtra, TaskError
from atomic.output import Refusal
from atomic.records.bid import Reason


def reader_of(schema: Any) -> Reader:
    """A reader for a JSON schema (draft 2020-12 unless it says another), which never asks the network.

    Raises TaskError for a schema that is none, or says what is not supported; MissingExtra without the library.
    """
    try:
        import jsonschema_rs
    except ImportError:
        raise MissingExtra("no validator of JSON schemas", hint="pip install 'atomic-market[baml]'") from None
    try:
        valid = jsonschema_rs.validator_for(schema, validate_formats=False, offline=True)
    except (ValueError, TypeError) as error:
        raise TaskError(f"no JSON schema: {str(error).splitlines()[0]}") from None

    def validate(value: Any) -> Any:
        try:
            fits = valid.is_valid(value)
        except ValueError:  # half a character, which no UTF-8 holds
            fits = False
        return value if fits else Refusal(Reason.NOT_THE_TYPE)

    return Reader(schema, validate)
