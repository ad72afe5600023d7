"""Records survive JSON exactly: generated from the types that the dataclasses declare."""

from __future__ import annotations

import dataclasses
import enum
import math
import struct
import types
import typing
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atomic import records
from atomic.records import canonical, event
from atomic.records.event import KINDS, SCHEMA_VERSION, decode, decode_payload, encode, encode_payload

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
# Fields whose type says less than what may stand in them.
OVERRIDES: dict[tuple[type[Any], str], st.SearchStrategy[Any]] = {
    (records.Reply, "value"): st.none() | texts | st.booleans(),
}
RECORDS: list[type[Any]] = sorted(
    {
        one
        for name in records.__all__
        if isinstance(one := getattr(records, name), type) and dataclasses.is_dataclass(one)
    }
    - {records.Event, records.Entry, records.Body},
    key=lambda one: one.__name__,
)


def of_type(hint: Any) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (types.UnionType, typing.Union):
        return st.one_of([of_type(one) for one in arguments])
    if origin is tuple and arguments[-1] is ...:
        return st.lists(of_type(arguments[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*(of_type(one) for one in arguments))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return st.sampled_from(list(hint))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return of_record(hint)
    simple: dict[Any, st.SearchStrategy[Any]] = {
        int: st.integers(-(2**63), 2**63 - 1),
        float: st.floats(allow_nan=False, allow_infinity=False),
        bool: st.booleans(),
        str: texts,
        type(None): st.none(),
    }
    return simple[hint]


def of_record(record: type[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(record)
    names = [one.name for one in dataclasses.fields(record)]
    return st.builds(
        record,
        **{name: OVERRIDES[record, name] if (record, name) in OVERRIDES else of_type(hints[name]) for name in names},
    )


def bits(value: Any) -> Any:
    """A value with its floats as bits, so that -0.0 is not 0.0, and every value with its type."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return type(value), [bits(getattr(value, one.name)) for one in dataclasses.fields(value)]
    if isinstance(value, tuple):
        return [bits(one) for one in value]
    return struct.pack("<d", value) if isinstance(value, float) else (type(value), value)


@pytest.mark.parametrize("record", RECORDS, ids=lambda one: one.__name__)
def test_every_record_comes_back_from_json_bit_for_bit(record: type[Any]) -> None:
    @settings(max_examples=25)
    @given(of_record(record))
    def comes_back(one: Any) -> None:
        content = encode(one)

        assert bits(one) == bits(decode(record, content))
        assert content == encode(decode(record, content))

    comes_back()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_event_is_read_back_by_its_name(kind: str) -> None:
    @settings(max_examples=10)
    @given(of_record(KINDS[kind]))
    def comes_back(payload: Any) -> None:
        assert payload == decode_payload(kind, SCHEMA_VERSION, encode_payload(payload))
        assert kind == event.KIND_OF[type(payload)]

    comes_back()


def test_every_payload_has_a_kind_of_its_own() -> None:
    assert set(get_args(records.Payload)) == set(KINDS.values())
    assert len(KINDS) == len(event.KIND_OF)


def test_a_newer_schema_is_refused_with_what_to_do() -> None:
    content = encode_payload(records.MarketOpened(version="1", rules_version="1", config=""))

    with pytest.raises(ValueError, match="upgrade Atomic"):
        decode_payload("market", SCHEMA_VERSION + 1, content)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind of event 'nonsense'"):
        decode_payload("nonsense", SCHEMA_VERSION, b"{}")


def test_content_that_is_no_such_record_is_refused() -> None:
    with pytest.raises(ValueError, match="validation error"):
        decode(records.Usage, b'{"prompt_tokens":"many"}')


def test_records_are_frozen_and_take_names_only() -> None:
    for record in RECORDS:
        parameters = record.__dataclass_params__
        assert parameters.frozen, record
        assert all(one.kw_only for one in dataclasses.fields(record)), record


def test_reasons_keep_their_numbers_for_ever() -> None:
    """Ledgers hold the numbers: a change here makes old events say something else."""
    known = (
        "LABEL_NOT_ACCEPTED JURISDICTION INPUT_TOO_LONG TYPE_NOT_SUPPORTED UNHEALTHY NO_CAPACITY DAILY_BUDGET".split()
    )
    known += "MAX_PRICE DEADLINE NOT_CONFIGURED DECLINED OFFER_INVALID NO_EXAMPLES ALREADY_ANSWERED".split()
    known += "PRICE_OVER_OFFER FAILED TIMED_OUT NOT_THE_TYPE CUT EMPTY REFUSED CRASHED CANCELLED INTERRUPTED".split()
    known += "NOTHING_SIMILAR NO_RULE DISAGREED".split()

    assert known == [one.name for one in records.Reason][: len(known)]
    assert list(range(1, len(records.Reason) + 1)) == [one.value for one in records.Reason]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(texts, json_values, max_size=6), st.randoms(use_true_random=False))
def test_canonical_json_of_equal_values_is_equal_whatever_the_order_of_keys(value: dict[str, Any], random: Any) -> None:
    names = list(value)
    random.shuffle(names)

    assert canonical.canonical_json(value) == canonical.canonical_json({name: value[name] for name in names})


@pytest.mark.parametrize("poison", [math.nan, math.inf, -math.inf, 2**64, -(2**63) - 1, "\ud800"])
@pytest.mark.parametrize("wrap", [lambda one: one, lambda one: [{"a": (1, one)}]])
def test_canonical_json_refuses_what_json_cannot_hold(poison: object, wrap: Any) -> None:
    with pytest.raises(ValueError, match=r"NaN|64-bit|surrogates"):
        canonical.canonical_json(wrap(poison))


@pytest.mark.parametrize("strange", [{1, 2}, b"bytes", {1: "a number for a key"}, object()])
def test_canonical_json_refuses_what_json_does_not_have(strange: object) -> None:
    with pytest.raises(TypeError):
        canonical.canonical_json(strange)


def test_canonical_json_is_compact_sorted_and_utf8() -> None:
    assert '{"a":{"b":1.0,"c":-0.0},"ä":"😀"}'.encode() == canonical.canonical_json(
        {"ä": "😀", "a": {"c": -0.0, "b": 1.0}}
    )
