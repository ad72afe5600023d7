"""The corpus of types as rows: a name, the type, values as JSON that are of it, and values that are not."""

from __future__ import annotations

import datetime as dt
import ipaddress
import uuid
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AnyUrl, Field, StringConstraints

from atomic.testing import type_families as families
from atomic.testing import type_models as models

Row = tuple[str, Any, Sequence[Any], Sequence[Any]]


def _scalars() -> list[Row]:
    return [
        ("text", str, ["a text"], [""]),
        ("whole", int, [12, -3], [1.5, "many"]),
        ("real", float, [1.5, 3], ["none"]),
        ("truth", bool, [], ["perhaps"]),
        ("decimal", Decimal, [12.25], ["x"]),
        ("day", dt.date, ["2024-02-29"], ["2023-02-30"]),
        ("hour", dt.time, ["23:59:00"], ["25:00:00"]),
        ("moment", dt.datetime, ["2026-11-24T10:00:00Z"], ["yesterday"]),
        ("lasting", dt.timedelta, ["PT1H30M"], ["an hour"]),
        ("identity", uuid.UUID, ["0b6e0c1e-7a0a-4b6c-9d58-8a0f6f3c1b2d"], ["1234"]),
        ("address4", ipaddress.IPv4Address, ["127.0.0.1"], ["300.0.0.1"]),
        ("address6", ipaddress.IPv6Address, ["::1"], ["12345::1"]),
        ("link", AnyUrl, ["https://example.org/a"], ["no link"]),
        ("path", Path, ["a/b.txt"], [{"a": 1}]),
        ("content", bytes, ["abc"], [[1]]),
        ("nothing", None, [None], [1]),
    ]


def _constrained() -> list[Row]:
    text, number = StringConstraints, Field
    return [
        ("short_text", Annotated[str, text(max_length=8)], ["a word"], ["much too long for it"]),
        ("long_enough", Annotated[str, text(min_length=5, max_length=60)], ["five letters"], ["four"]),
        ("exact_text", Annotated[str, text(min_length=4, max_length=4)], ["abcd"], ["abc"]),
        ("postcode", Annotated[str, text(pattern=r"^[0-9]{5}$")], ["12345"], ["1234"]),
        ("plate", Annotated[str, text(pattern=r"^[A-Z]{1,3}-[A-Z]{1,2} [0-9]{1,4}$")], ["B-AB 123"], ["b-ab 1"]),
        ("version", Annotated[str, text(pattern=r"^\d+\.\d+\.\d+$")], ["1.2.3"], ["1.2"]),
        ("hexadecimal", Annotated[str, text(pattern=r"^#[0-9a-f]{6}$")], ["#00ff00"], ["#00ff0"]),
        ("either_pattern", Annotated[str, text(pattern=r"^(yes|no|maybe [a-z]+)$")], ["maybe so"], ["maybe"]),
        ("has_digit", Annotated[str, text(pattern=r"[0-9]", max_length=20)], ["room 7"], ["room"]),
        ("slashes", Annotated[str, text(pattern=r'^/[a-z]{1,8}/"[a-z]{1,8}"$')], ['/a/"b"'], ["/a/b"]),
        ("letters", Annotated[str, text(pattern=r"^\w{3,9}$")], ["größe"], ["a b"]),
        ("percent", Annotated[int, number(ge=0, le=100)], [0, 100], [101, -1]),
        ("positive", Annotated[int, number(gt=0)], [1], [0]),
        ("negative", Annotated[int, number(lt=0)], [-1], [0]),
        ("dozens", Annotated[int, number(multiple_of=12, ge=0, le=144)], [24], [25]),
        ("large", Annotated[int, number(ge=2_000_000_000_000)], [2_000_000_000_001], [5]),
        ("one_number", Annotated[int, number(ge=7, le=7)], [7], [8]),
        ("share", Annotated[float, number(ge=0, le=1)], [0.25, 1], [1.01]),
        ("open_share", Annotated[float, number(gt=0, lt=1)], [0.5], [0, 1]),
        ("celsius", Annotated[float, number(ge=-273.15, le=60)], [-12.5], [-300]),
        ("tiny", Annotated[float, number(ge=0, le=0.0001)], [0.00005], [0.1]),
        ("quarters", Annotated[float, number(multiple_of=0.25, ge=0, le=4)], [0.75], [0.7]),
        ("money", Annotated[Decimal, number(ge=0, max_digits=6, decimal_places=2)], [9.99], [9.999, -1]),
        ("cents", Annotated[Decimal, number(gt=0, lt=1, decimal_places=2)], [0.05], [1]),
        ("digits", Annotated[Decimal, number(max_digits=3)], [1.25], [12345]),
        ("few", Annotated[list[int], number(min_length=2, max_length=3)], [[1, 2]], [[1], [1, 2, 3, 4]]),
        ("words_of_limit", list[Annotated[str, text(max_length=12)]], [["a"], []], [["a very long word indeed"]]),
    ]


def _choices() -> list[Row]:
    return [
        ("verdict", Literal["spam", "ham"], ["spam"], ["eggs"]),
        ("grade", Literal[1, 2, 3], [2], [4]),
        ("mixed_literal", Literal["a", 1, True], ["a"], ["neither"]),
        ("spaced", Literal["not urgent", "urgent", "very urgent"], ["not urgent"], ["calm"]),
        ("script", Literal["да", "нет", "可能"], ["да"], ["yes"]),
        ("quoting", Literal['say "yes"', "don't"], ['say "yes"'], ["no"]),
        ("colour", models.Colour, ["red"], ["pink"]),
        ("level", models.Level, [2], [9]),
        ("station", models.Station, ["東京"], ["Paris"]),
        ("maybe_verdict", Literal["spam", "ham"] | None, ["spam", None], ["eggs"]),
        ("maybe_colour", models.Colour | None, ["blue"], ["pink"]),
        ("colours", list[models.Colour], [["red", "blue"], []], [["pink"]]),
        ("verdicts", list[Literal["spam", "ham"]], [["ham"]], [["eggs"]]),
        ("by_colour", dict[models.Colour, int], [{"red": 1}], [{"pink": 1}]),
        ("colour_or_whole", models.Colour | int, ["red", 4], ["pink"]),
    ]


def _collections() -> list[Row]:
    return [
        ("texts", list[str], [["a", "b"], []], [[1]]),
        ("wholes", list[int], [[1, 2]], [["a"]]),
        ("lists", list[list[int]], [[[1], []]], [[1]]),
        ("days", list[dt.date], [["2026-01-31"]], [["2026-02-31"]]),
        ("points", list[models.Point], [[{"x": 1, "y": 2}]], [[{"x": 1}]]),
        ("pair", tuple[str, int], [["a", 1]], [["a"], ["a", 1, 2]]),
        ("triple", tuple[int, float, bool], [[1, 2.5, True]], [[1, 2.5, "x"]]),
        ("wholes_of_any_number", tuple[int, ...], [[1, 2, 3], []], [["a"]]),
        ("pairs", list[tuple[str, bool]], [[["a", True]]], [[["a"]]]),
        ("set_of_wholes", set[int], [[1, 2]], [["a"]]),
        ("set_of_texts", frozenset[str], [["a"]], [[1]]),
        ("counts", dict[str, int], [{"a": 1}, {}], [{"a": "b"}]),
        ("notes", dict[str, str], [{"größe": "x"}], [{"a": 1}]),
        ("lists_by_name", dict[str, list[int]], [{"a": [1]}], [{"a": 1}]),
        ("nested_mapping", dict[str, dict[str, bool]], [{"a": {"b": True}}], [{"a": True}]),
        ("points_by_name", dict[str, models.Point], [{"a": {"x": 1, "y": 2}}], [{"a": {"x": 1}}]),
        ("by_number", dict[int, str], [{"1": "a"}], [{"a": "b"}]),
        ("by_day", dict[dt.date, int], [{"2026-11-24": 1}], [{"today": 1}]),
        ("few_counts", Annotated[dict[str, int], Field(min_length=1, max_length=2)], [{"a": 1}], [{}]),
        ("any_list", list[Any], [[1, "a", None]], [{"a": 1}]),
        ("any_mapping", dict[str, Any], [{"a": None}], [[1]]),
    ]


def _unions() -> list[Row]:
    return [
        ("maybe_text", str | None, ["a", None], [1]),
        ("maybe_whole", int | None, [1, None], ["x"]),
        ("maybe_list", list[int] | None, [[1], None], [["a"]]),
        ("whole_or_text", int | str, [1, "a"], [[1]]),
        ("truth_or_whole", bool | int, [True, 3], ["x"]),
        ("day_or_none", dt.date | None, ["2026-11-24", None], ["soon"]),
        ("list_or_mapping", list[int] | dict[str, int], [[1], {"a": 1}], ["a"]),
        ("point_or_rated", models.Point | models.Rated, [{"x": 1, "y": 2}, {"name": "a", "stars": 1}], [{"x": 1}]),
        ("maybe_point", models.Point | None, [{"x": 1, "y": 2}, None], [{"y": 2}]),
        ("animal", families.Animal, [{"kind": "cat", "lives": 9}, {"kind": "parrot", "speaks": True}], [{"lives": 9}]),
        ("animals", list[families.Animal], [[{"kind": "dog", "breed": "a"}]], [[{"kind": "cow"}]]),
        ("animals_by_name", dict[str, families.Animal], [{"a": {"kind": "cat", "lives": 1}}], [{"a": {"kind": "cat"}}]),
        ("maybe_animal", families.Cat | families.Dog | None, [None, {"kind": "cat", "lives": 2}], [{"kind": "dog"}]),
        ("texts_or_text", list[str] | str, [["a"], "a"], [1]),
        ("three", int | list[str] | models.Empty, [1, ["a"], {}], [[1]]),
    ]


def _of_models() -> list[Row]:
    address = {"street": "Main 1", "town": "Ulm", "code": "89073"}
    person = {"name": "Ann", "address": address}
    line = {"article": "pen", "count": 2, "price": 1.5}
    times = {"day": "2026-11-24", "hour": "10:00:00", "moment": "2026-11-24T10:00:00Z", "lasts": "PT5M"}
    return [
        ("empty", models.Empty, [{}], [[]]),
        ("point", models.Point, [{"x": 1, "y": -2}], [{"x": 1}, {"x": 1, "y": "a"}]),
        ("rated", models.Rated, [{"name": "a", "stars": 5}], [{"name": "a", "stars": 6}]),
        ("optional_fields", models.Lacking, [{"name": "a"}, {"name": "a", "nick": None}], [{}]),
        ("lists_inside", models.Lists, [{"words": [], "numbers": [1]}], [{"words": [], "numbers": [1, 2, 3, 4, 5]}]),
        ("address", models.Address, [address], [{**address, "code": "1"}]),
        ("person", models.Person, [person, {**person, "born": "1999-12-31"}], [{**person, "name": ""}]),
        ("team", models.Team, [{"lead": person, "members": [person]}], [{"lead": person}]),
        ("deep", models.Deep, [{"one": {"two": {"three": {"value": True}}}}], [{"one": {"two": {}}}]),
        ("aliased", models.Aliased, [{"from": "a", "class": 1}], [{"from_": "a", "class_": 1}]),
        ("unicode_keys", models.Unicode, [{"größe": 1.8, "имя": "Яна", "色": "青"}], [{"größe": 1.8}]),
        ("quoted_keys", models.Quoted, [{'say "a"': 1, "back\\slash": 2, "with space": 3}], [{"a": 1}]),
        ("closed", models.Closed, [{"a": 1, "b": "x"}], [{"a": 1, "b": "x", "c": 2}]),
        ("open", models.Open, [{"a": 1, "z": 2}], [{"z": 2}]),
        ("defaults", models.Defaults, [{}, {"a": 2}], [{"a": "x"}]),
        ("described", models.Described, [line], [{**line, "count": 0}]),
        (
            "invoice",
            models.Invoice,
            [{"number": "AB-1234", "issued": "2026-11-24", "lines": [line], "paid": False}],
            [{"number": "AB-1234", "issued": "2026-11-24", "lines": [], "paid": False}],
        ),
        ("times", models.Times, [times], [{**times, "day": "2026-13-01"}]),
        ("box_of_whole", models.Box[int], [{"content": 1, "label": "a"}], [{"content": "a", "label": "a"}]),
        (
            "box_of_box",
            models.Box[models.Box[bool]],
            [{"content": {"content": True, "label": "a"}, "label": "b"}],
            [{}],
        ),
        ("mapped", models.Mapped, [{"counts": {"a": 1}}], [{"counts": {"a": "b"}}]),
        ("any_field", models.Anything, [{"value": [1]}, {"value": None}], [{}]),
        ("null_field", models.Nothing, [{"value": None}], [{"value": 1}]),
        ("mixed", models.Mixed, [{"one": "a", "two": [1], "three": {"x": 1, "y": 2}}], [{"one": None}]),
        ("labelled", models.Labelled, [{"colour": "red", "level": 1, "verdict": "ham", "answer": "both"}], [{}]),
        ("owner", families.Owner, [{"name": "a", "animal": None}], [{"name": "a", "animal": {"kind": "cow"}}]),
        ("zoo", families.Zoo, [{"animals": [{"kind": "cat", "lives": 3}]}], [{"animals": []}]),
        ("dataclass", models.Plain, [{"title": "a", "tags": ["b"]}], [{"tags": []}]),
        ("typed_dictionary", models.Typed, [{"title": "a", "year": 1}], [{"title": "a"}]),
        ("partial_dictionary", models.Partial, [{}, {"year": 1}], [{"year": "x"}]),
        ("named_tuple", models.Pair, [["a", 1]], [["a"]]),
        ("list_of_people", Annotated[list[models.Person], Field(max_length=2)], [[person], []], [[address]]),
    ]


def _recursive() -> list[Row]:
    number = {"kind": "number", "value": 1}
    return [
        ("tree", families.Tree, [{"name": "a"}, {"name": "a", "children": [{"name": "b"}]}], [{"children": []}]),
        ("trees", list[families.Tree], [[{"name": "a"}], []], [[{}]]),
        ("linked", families.Linked, [{"value": 1, "next": {"value": 2, "next": None}}], [{"next": None}]),
        ("folder", families.Folder, [{"name": "a", "entries": [{"name": "f", "size": 1}]}], [{"entries": []}]),
        ("even", families.Even, [{}, {"odd": {"even": None}}], [{"odd": 1}]),
        (
            "expression",
            families.Expression,
            [number, {"kind": "sum", "left": number, "right": number}],
            [{"kind": "sum"}],
        ),
        ("box_of_tree", models.Box[families.Tree], [{"content": {"name": "a"}, "label": "b"}], [{"content": {}}]),
        ("trees_by_name", dict[str, families.Tree], [{"a": {"name": "b"}}], [{"a": {}}]),
    ]


GROUPS: Mapping[str, Callable[[], list[Row]]] = {
    "scalars": _scalars,
    "constrained": _constrained,
    "choices": _choices,
    "collections": _collections,
    "unions": _unions,
    "models": _of_models,
    "recursive": _recursive,
}
