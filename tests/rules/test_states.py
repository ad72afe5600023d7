"""Agreement states: how many there are, and where an answer leads."""

from __future__ import annotations

from math import comb

from hypothesis import given
from hypothesis import strategies as st

from atomic.rules.states import structure

_BELL = (1, 1, 2, 5, 15, 52)
shapes = st.tuples(st.integers(1, 6), st.integers(1, 4))


@given(shapes)
def test_there_is_a_state_for_every_way_in_which_every_few_may_agree(shape: tuple[int, int]) -> None:
    bids, depth = shape
    found = structure(bids, depth)
    assert sum(comb(bids, size) * _BELL[size] for size in range(min(bids, depth) + 1)) == len(found.names)
    assert len(found.names) == len(set(found.names)) == len(found.numbers)


@given(shapes, st.data())
def test_an_answer_leads_to_the_state_that_has_it(shape: tuple[int, int], data: st.DataObject) -> None:
    found = structure(*shape)
    number = data.draw(st.integers(0, len(found.names) - 1))
    who, fell = found.names[number]
    for bid in range(found.bids):
        ways = [int(one) for one in found.after[number, bid] if one < len(found.names)]
        if bid in who or len(who) == found.depth:
            assert [] == ways
            continue
        groups = max(fell, default=-1) + 1
        expected = [found.number({**dict(zip(who, fell, strict=True)), bid: group})[0] for group in range(groups + 1)]
        assert expected == ways


@given(shapes, st.data())
def test_names_of_groups_do_not_matter(shape: tuple[int, int], data: st.DataObject) -> None:
    found = structure(*shape)
    who = data.draw(st.sets(st.integers(0, found.bids - 1), max_size=found.depth))
    answered = {one: data.draw(st.integers(0, 5)) for one in sorted(who)}
    number, names = found.number(answered)
    for group, column in names.items():
        members = sum(1 << one for one, its in answered.items() if its == group)
        assert (members, members.bit_count()) == (found.groups[number, column], found.sizes[number, column])
