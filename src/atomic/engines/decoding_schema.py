"""The JSON schema of a type as decoding needs it: what the published schema leaves to validation is said here, too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

_LEAP = r"(?:[12][0-9](?:0[48]|[2468][048]|[13579][26])|2000)-02-29"
_LONG = r"[12][0-9]{3}-(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
_SHORT = r"[12][0-9]{3}-(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
_FEBRUARY = r"[12][0-9]{3}-02-(?:0[1-9]|1[0-9]|2[0-8])"
DATE = f"(?:{_LONG}|{_SHORT}|{_FEBRUARY}|{_LEAP})"
TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
ZONE = r"(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
_DURATION = (
    r"-?P(?:[0-9]{1,4}D|(?:[0-9]{1,3}D)?T(?:[0-9]{1,2}H(?:[0-9]{1,2}M)?(?:[0-9]{1,2}S)?|[0-9]{1,3}M|[0-9]{1,4}S))"
)
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"

# Of what pydantic calls formats: those that can be spelled with an end. What is here replaces the format's name.
FORMATS = {
    "date": DATE,
    "time": TIME,
    "date-time": f"{DATE}T{TIME}{ZONE}?",
    "duration": _DURATION,
    "email": r"[a-z0-9]{1,16}(?:[._-][a-z0-9]{1,16})?@[a-z0-9]{1,16}(?:-[a-z0-9]{1,8})?\.[a-z]{2,6}",
    "uri": r"https?://[a-z0-9]{1,24}(?:\.[a-z0-9]{1,16})?\.[a-z]{2,6}(?:/[A-Za-z0-9._~-]{0,32}){0,3}",
    "base64url": r"(?:[A-Za-z0-9_-]{4}){0,16}",
    "ipvanyaddress": rf"(?:{_BYTE}\.){{3}}{_BYTE}",
}
# Whatever text is one, so that only the limit of every text holds them.
PLAIN_FORMATS = {"binary", "password", "path", "file-path", "directory-path"}

_INTEGER_KEY = "^(?:0|-?[1-9][0-9]{0,11})$"
_NUMBER_KEY = r"^-?(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,6})?$"
_MOST_DIGITS = 15  # of a decimal that says no number of digits: what a double holds
_PLACES = 6


class DecodingSchema(GenerateJsonSchema):
    """Decimals as numbers with their digits, dates as patterns with their zone, patterns of Outlines as whole ones."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """A number: its places by `multipleOf`, its digits by bounds; where only their sum is said, any split of it."""
        digits, places = schema.get("max_digits"), schema.get("decimal_places")
        if digits is None or places is not None:
            return _decimal(schema, _MOST_DIGITS if digits is None else digits, _PLACES if places is None else places)
        return {"anyOf": [_decimal(schema, digits, places) for places in range(min(digits, _PLACES) + 1)]}

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """With the form of keys that are numbers, which JSON writes as texts."""
        found = super().dict_schema(schema)
        kind = self.generate_inner(schema.get("keys_schema") or core_schema.any_schema()).get("type")
        if kind in ("integer", "number"):
            found["propertyNames"] = {"type": "string", "pattern": _INTEGER_KEY if kind == "integer" else _NUMBER_KEY}
        return found

    def time_schema(self, schema: core_schema.TimeSchema) -> JsonSchemaValue:
        """With a zone where the type asks for one, else without."""
        aware = schema.get("tz_constraint") == "aware"
        return _text(TIME + ZONE if aware else TIME)

    def datetime_schema(self, schema: core_schema.DatetimeSchema) -> JsonSchemaValue:
        """With a zone where the type asks for one, without where it forbids one."""
        zone = {"aware": ZONE, "naive": ""}.get(str(schema.get("tz_constraint")), f"{ZONE}?")
        return _text(f"{DATE}T{TIME}{zone}")

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        """As it is, but a pattern of Outlines is that of the whole text, which its schema does not say."""
        found = super().generate_inner(schema)
        if isinstance(found.get("pattern"), str) and _is_term(schema):
            found["pattern"] = f"^(?:{found['pattern']})$"
        return found


_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def _decimal(schema: core_schema.DecimalSchema, digits: int, places: int) -> JsonSchemaValue:
    step = float(f"1e-{places}")
    whole_digits = max(0, digits - places)
    most = 10.0**whole_digits - step if whole_digits else 1.0 - step
    found: dict[str, Any] = {"type": "number", "multipleOf": float(schema.get("multiple_of") or step)}
    said: Mapping[str, Any] = schema
    found |= {ours: float(said[theirs]) for theirs, ours in _BOUNDS.items() if said.get(theirs) is not None}
    if "exclusiveMaximum" not in found:
        found["maximum"] = min(found.get("maximum", most), most)
    if "exclusiveMinimum" not in found:
        found["minimum"] = max(found.get("minimum", -most), -most)
    return found


def _text(pattern: str) -> JsonSchemaValue:
    return {"type": "string", "pattern": f"^{pattern}$"}


def _is_term(schema: CoreSchema) -> bool:
    """Whether a part of a type is one of Outlines' own; none is where Outlines was never imported."""
    about: Mapping[str, Any] = schema.get("metadata") or {}
    makers = [*about.get("pydantic_js_functions", ()), *about.get("pydantic_js_annotation_functions", ())]
    return any(type(getattr(one, "__self__", None)).__module__.startswith("outlines.") for one in makers)


def whole(pattern: str) -> str:
    """A pattern that the whole text must match.

    >>> whole("a|b")
    '^(?:a|b)$'
    """
    return f"^(?:{pattern})$"


def with_letters(pattern: str) -> str:
    r"""A pattern in which `\w` is every letter and digit, as validation reads it; llguidance reads it as ASCII.

    >>> with_letters(r"\w+-[\w.]\\w")
    '[\\p{L}\\p{N}_]+-[\\p{L}\\p{N}_.]\\\\w'
    """
    found, inside = [], False
    for part in _PARTS.findall(pattern):
        inside = part == "[" or (inside and part != "]")
        letters = r"\p{L}\p{N}_"
        found.append((letters if inside else f"[{letters}]") if part == r"\w" else part)
    return "".join(found)


_PARTS = re.compile(r"\\.|.", re.DOTALL)
