"""Response models made by hand, and hypothesis strategies of bids under one."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from atomic.records.responses import InDomain, Level, ResponseModel
from atomic.rules.classes import Bids

chances = st.floats(0.05, 0.95)


@st.composite
def few_bids(draw: st.DrawFn, most: int = 4) -> Bids:
    """Up to so many bids in up to three classes."""
    count, classes = draw(st.integers(1, most)), draw(st.integers(1, 3))
    parts = [draw(st.floats(0.1, 1.0)) for _ in range(classes)]
    return Bids(
        shares=tuple(one / sum(parts) for one in parts),
        right=tuple(tuple(draw(chances) for _ in range(classes)) for _ in range(count)),
        popular=tuple(draw(chances) for _ in range(classes)),
        accident=draw(st.sampled_from((0.02, 0.1, 0.25))),
    )


def model(
    rights: Mapping[str, tuple[float, ...]],
    *,
    prices: dict[str, int] | None = None,
    shares: tuple[float, ...] = (0.6, 0.4),
    worth: int = 2_000_000,
    accident: float = 0.1,
) -> ResponseModel:
    """One of these bidders (plain) in two classes, with a level that has them all."""
    keys = tuple(f"{name}+plain" for name in sorted(rights))
    right = tuple(rights[name] for name in sorted(rights))
    return ResponseModel(
        seq=10,
        keys=keys,
        prices=tuple((prices or {}).get(name, 1_000) for name in sorted(rights)),
        popular=(0.3, 0.5),
        accident=accident,
        domains=(InDomain(domain="", shares=shares, right=right),),
        levels=(Level(worth=worth, keys=keys),),
        labelled=7,
        lineups=50,
    )
