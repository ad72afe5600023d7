"""Bids, slates, positions and tables made by hand or by hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from atomic.records import Answered, Bid, Evidence, Offer, Position, Slate, State, Table, Terms

WORTH = 2_000_000
NAMES = ("ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen", "ibis", "jay", "kite", "lynx")


def bid(
    name: str,
    probability: float,
    price: int = 0,
    *,
    latency_ns: int = 0,
    task_count: float = 0.0,
    tactic: str = "plain",
) -> Bid:
    return Bid(
        offer=Offer(bidder=name, tactic=tactic, price=price, ceiling=price),
        probability=probability,
        spread=0.1,
        price=price,
        latency_ns=latency_ns,
        latency_high_ns=2 * latency_ns,
        evidence=Evidence(
            prior=probability,
            prior_weight=4.0,
            chance=0.0,
            domain_count=0.0,
            domain_right=0.0,
            task_count=task_count,
            task_right=task_count * probability,
            last_ns=0,
            lessons=(),
        ),
    )


def slate(*bids: Bid) -> Slate:
    return Slate(bids=bids, no_bids=())


def state(*answers: tuple[str, int, float]) -> State:
    return State(
        answered=tuple(Answered(key=f"{name}+plain", group=group, probability=p) for name, group, p in answers)
    )


def position(held: State | None = None, **changes: Any) -> Position:
    held = held or State()
    terms: dict[str, Any] = {"worth": WORTH, "max_price": WORTH, "explore": False}
    terms.update({name: changes.pop(name) for name in tuple(changes) if name in Terms.__dataclass_fields__})
    fields: dict[str, Any] = {"round": 1 + len(held.answered), "spent": 0, "elapsed_ns": 0, **changes}
    return Position(terms=Terms(**terms), state=held, **fields)


probabilities = st.floats(0.001, 0.999)


@st.composite
def bids(draw: st.DrawFn, most: int = 12) -> list[Bid]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=0, max_size=most))
    return [
        bid(
            name,
            draw(probabilities),
            draw(st.integers(0, WORTH // 2) | st.just(0)),
            latency_ns=draw(st.integers(0, 5_000_000_000)),
            task_count=float(draw(st.integers(0, 50))),
        )
        for name in names
    ]


@st.composite
def states(draw: st.DrawFn, alternatives: int, most: int = 4) -> State:
    """Any state that can come about: groups count from 0, and no more of them than there are answers."""
    answers: list[tuple[str, int, float]] = []
    groups = 0
    for index in range(draw(st.integers(0, most))):
        bound = groups if alternatives and groups >= alternatives else groups + 1
        group = draw(st.integers(0, bound - 1))
        groups = max(groups, group + 1)
        answers.append((NAMES[-1 - index], group, draw(probabilities)))
    return state(*answers)


_ODDS = st.floats(-4.0, 4.0)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    pairs = draw(
        st.dictionaries(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), st.floats(0.0, 0.95), max_size=8)
    )
    copying = {"|".join(sorted((f"{a}+plain", f"{b}+plain"))): share for (a, b), share in pairs.items() if a != b}
    differing = draw(st.dictionaries(st.sampled_from(sorted(copying) or [""]), st.tuples(_ODDS, st.floats(-1.0, 2.0))))
    return Table(
        alternatives=draw(st.sampled_from((0, 2, 3, 5, 40))),
        copying=tuple(sorted(copying.items())),
        differing=tuple((key, *odds) for key, odds in sorted(differing.items())),
    )


@st.composite
def situations(draw: st.DrawFn, /, **changes: Any) -> tuple[Position, Slate, Table]:
    table = draw(tables())
    held = draw(states(table.alternatives))
    where = position(held, latency_price=draw(st.sampled_from((0, 100_000))), **changes)
    return where, slate(*draw(bids())), table
