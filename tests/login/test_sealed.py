"""Sealed facts: what a browser keeps for us and cannot change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic.login import opened, sealed

SECRET = b"s" * 32


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=5), st.data())
def test_a_changed_character_is_found(facts: dict[str, str], data: st.DataObject) -> None:
    text = sealed(SECRET, "session", facts, until_ns=100)
    place = data.draw(st.integers(0, len(text) - 2))  # the last may hold bits that mean nothing
    other = data.draw(st.sampled_from("AZaz09-_").filter(lambda one: one != text[place]))
    assert opened(SECRET, "session", text, now_ns=1) == facts
    assert opened(SECRET, "session", text[:place] + other + text[place + 1 :], now_ns=1) is None


@pytest.mark.parametrize("text", ["", "é", "A" * 5000, "AAAA", "====", "."])
def test_what_was_never_sealed_is_nothing(text: str) -> None:
    assert opened(SECRET, "session", text, now_ns=1) is None


def test_another_secret_opens_nothing() -> None:
    assert opened(b"o" * 32, "session", sealed(SECRET, "session", {}, until_ns=9), now_ns=1) is None


def test_what_does_not_fit_into_a_cookie_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        sealed(SECRET, "session", {"name": "x" * 5000}, until_ns=9)
