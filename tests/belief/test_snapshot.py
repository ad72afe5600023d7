"""Beliefs as bytes: read by this release and later ones, refused by earlier ones in plain words."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from tests.belief.events import event, finished, histories, learned, opened, right

from atomic.belief import Beliefs
from atomic.belief.snapshot import VERSION, restore, snapshot
from atomic.errors import OperatorError
from atomic.records import Event


def folded(*events: Event) -> Beliefs:
    beliefs = Beliefs()
    beliefs.fold(events)
    return beliefs


@settings(max_examples=30)
@given(histories())
def test_what_is_restored_is_what_was_kept_and_goes_on_alike(history: list[Event]) -> None:
    beliefs, other = folded(*history), Beliefs()
    restore(other, snapshot(beliefs))

    assert beliefs.digest() == other.digest()
    after = [event(1_000 + n, learned(right(1.0, features=(0.6, 0.7)))) for n in range(3)]
    beliefs.fold(after)
    other.fold(after)
    assert beliefs.digest() == other.digest()


def test_a_snapshot_of_a_newer_release_is_refused_with_what_to_do() -> None:
    newer = orjson.dumps(orjson.loads(snapshot(Beliefs())) | {"version": VERSION + 1})
    beliefs = folded(event(1, opened()), event(2, finished(latency_ns=5)))
    before = beliefs.digest()

    with pytest.raises(OperatorError, match=f"version {VERSION + 1}, and this release reads {VERSION}") as raised:
        restore(beliefs, newer)
    assert "upgrade Atomic" in raised.value.hint
    assert before == beliefs.digest()


def test_a_snapshot_of_an_earlier_release_is_read() -> None:
    """Version 1 had no number, no watches, and wrote a calibration's rows as one list."""
    beliefs = folded(*(event(n, learned(right(1.0, features=(0.6, 0.7)))) for n in range(1, 9)))
    held = orjson.loads(snapshot(beliefs))
    old = {name: held[name] for name in ("seq", "erased", "open", "right", "prices", "latencies", "health", "tasks")}
    old["claims"] = [[*one[:4], one[4:]] for one in held["claims"]]
    other = Beliefs()
    restore(other, orjson.dumps(old))

    name = ("ant+plain", "spam", "right")
    assert beliefs.rights.claims[name].state() == other.rights.claims[name].state()
    assert (
        beliefs.rights.counts["ant+plain", "task:spam"].state() == other.rights.counts["ant+plain", "task:spam"].state()
    )


@pytest.mark.parametrize("content", [b"{}", b"[]", b"7", b'{"version": "2"}', b"not json"])
def test_what_is_no_snapshot_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"snapshot|JSON|unexpected|literal"):
        restore(Beliefs(), content)
