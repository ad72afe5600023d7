"""Validators: what looks at an answer besides its type. A failed one is evidence against the answer, no exception.

Give them to a microtask: `@atomic.microtask(worth=…, validators=[sql("postgres", at="query")])`. What needs a library
that is not installed raises MissingExtra where it is declared.
"""

from atomic.validators.formats import json_schema, json_text, python, sql
from atomic.validators.plain import expression, fits, holds, judged_by

__all__ = ["expression", "fits", "holds", "json_schema", "json_text", "judged_by", "python", "sql"]
