"""Masking: what is personal is found, leaves as a placeholder, and comes back as it was."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic.guards import Masking, Unmasking, personal


def kinds(text: str, region: str | None = None) -> list[tuple[str, str]]:
    return [(one.kind, text[one.start : one.end]) for one in personal(text, region=region)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("write to Ann.O'Hara+x@mail.example.co.uk.", [("email", "Ann.O'Hara+x@mail.example.co.uk")]),
        ("mail müller@exämple.de!", [("email", "müller@exämple.de")]),
        ("IBAN: DE89 3704 0044 0532 0130 00 THANKS", [("iban", "DE89 3704 0044 0532 0130 00")]),
        ("GB29NWBK60161331926819", [("iban", "GB29NWBK60161331926819")]),
        ("card 4111 1111 1111 1111, please", [("card", "4111 1111 1111 1111")]),
        ("my number is +44 20 7946 0958.", [("phone", "+44 20 7946 0958")]),
        ("SSN 536-90-4399", [("ssn", "536-90-4399")]),
        ("from 203.0.113.9 and 2001:db8::1", [("ip", "203.0.113.9"), ("ip", "2001:db8::1")]),
    ],
)
def test_personal_data_are_found_whole(text: str, found: list[tuple[str, str]]) -> None:
    assert kinds(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "DE89 3704 0044 0532 0130 01",
        "4111 1111 1111 1112",
        "0000 0000 0000 0000",
        "order 2026-11-24-000123",
        "version 1.2.3.4.5, at 12:30:45",
        "127.0.0.1",
        "you@home",
        "std::vector<int>",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert kinds(text) == []


def test_numbers_of_a_country_are_found_where_it_is_named() -> None:
    assert kinds("ring 030 1234567", "DE") == [("phone", "030 1234567")]


def test_a_value_is_the_same_placeholder_in_every_text() -> None:
    masking = Masking()
    assert (masking.mask("a@x.org b@x.org"), masking.mask("b@x.org")) == ("[EMAIL_1] [EMAIL_2]", "[EMAIL_2]")


def test_a_placeholder_that_stands_in_the_input_is_never_somebodys() -> None:
    masking = Masking()
    masked = masking.mask("[EMAIL_1] is not a@x.org")
    assert (masked, masking.unmask(masked)) == ("[EMAIL_1] is not [EMAIL_2]", "[EMAIL_1] is not a@x.org")


def test_only_the_kinds_asked_for_are_masked() -> None:
    assert Masking(kinds=["phone"]).mask("a@x.org +44 20 7946 0958") == "a@x.org [PHONE_1]"


def test_counts_say_how_many_of_each_kind_and_nothing_else() -> None:
    masking = Masking()
    masking.mask("a@x.org b@x.org +44 20 7946 0958")
    assert masking.counts == {"email": 2, "phone": 1}


_PIECES = st.sampled_from(
    ["a@x.org", "bob@y.example.com", "+44 20 7946 0958", "[EMAIL_1]", "[", "]", " ", "_1]", "EMAIL", "text", "\n", "é"]
)


@given(st.lists(_PIECES, max_size=20).map("".join))
def test_what_was_masked_comes_back_as_it_was(text: str) -> None:
    masking = Masking()
    assert masking.unmask(masking.mask(text)) == text


@given(st.lists(_PIECES, max_size=12).map("".join), st.lists(st.integers(0, 200), max_size=8))
def test_a_stream_is_unmasked_as_the_whole_is_however_it_is_cut(text: str, cuts: list[int]) -> None:
    masking = Masking()
    masked = masking.mask(text)
    edges = [0, *sorted(min(cut, len(masked)) for cut in cuts), len(masked)]
    stream = Unmasking(masking)
    said = "".join(stream.feed(masked[start:end]) for start, end in pairwise(edges))
    assert said + stream.end() == text


def test_what_begins_a_line_is_found_in_a_text_that_is_written_as_json() -> None:
    text = r'{"mail": "pay to\nDE89 3704 0044 0532 0130 00 of\nann@example.org"}'
    assert Masking().mask(text) == r'{"mail": "pay to\n[IBAN_1] of\n[EMAIL_1]"}'


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (r'{"to": "m\u00fcller@ex\u00e4mple.de"}', r'{"to": "[EMAIL_1]"}'),
        (r'{"from": "Ann \u003cann@example.org\u003e"}', r'{"from": "Ann \u003c[EMAIL_1]\u003e"}'),
        (r'{"in": "{\"to\": \"m\\u00fcller@example.de\"}"}', r'{"in": "{\"to\": \"[EMAIL_1]\"}"}'),
    ],
)
def test_what_json_writes_in_escapes_is_masked_whole(text: str, masked: str) -> None:
    assert Masking(kinds=["email"]).mask(text) == masked


def test_an_escaped_value_comes_back_in_plain_letters() -> None:
    masking = Masking()
    masking.mask(r"m\u00fcller@example.de")
    assert (masking.unmask("[EMAIL_1]"), masking.mask("müller@example.de")) == ("müller@example.de", "[EMAIL_1]")


def test_a_placeholder_of_a_later_text_is_never_somebodys() -> None:
    masking, texts = Masking(), ["write to a@x.org", "what is [EMAIL_1]?"]
    masking.look_at(texts)
    masked = [masking.mask(one) for one in texts]
    assert masked == ["write to [EMAIL_2]", "what is [EMAIL_1]?"]
    assert [masking.unmask(one) for one in masked] == texts


LETTER = '{"sender": "Dr. Ann Müller <ann@example.org>", "text": "Hi Bob, Ann here. Yours, A. Müller"}'


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (LETTER, '{"sender": "[NAME_1] <ann@example.org>", "text": "Hi Bob, [NAME_2] here. Yours, A. [NAME_3]"}'),
        ('"Jones, Kim" <kim@x.org> and Kim_1, Kimberly', '"[NAME_1]" <kim@x.org> and [NAME_2]_1, Kimberly'),
        ("ask Will Stone <w@x.org>, he will know", "ask [NAME_1] <w@x.org>, he will know"),
        ("see <a@x.org>, Tom", "see <a@x.org>, Tom"),
    ],
)
def test_names_before_addresses_are_masked_everywhere(text: str, masked: str) -> None:
    masking = Masking(kinds=["name"])
    masking.look_at([text])
    assert masking.mask(text) == masked
    assert masking.unmask(masked) == text
