"""The bids of a round as a picture: inline SVG that needs no script, no font and no outside file.

Positions along the width are in per cent and text is not scaled, so that one picture is read on a phone and on a desk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from atomic.explain.escaping import escaped
from atomic.explain.explained import BidTold, RoundTold
from atomic.explain.wording import lasting
from atomic.records.money import dollars

MOST = 24  # bids in a picture; the rest is told in words
_ROW, _TOP, _BOTTOM = 70, 2, 24
_BAR_AT, _BAR, _SCORE = 20, 12, 4
_STEP = 30


def picture(one: RoundTold) -> str:
    """The bids of a round, best first: how probably right, how sure of that, what it was worth; empty without bids."""
    bids = best_first(one)[:MOST]
    if not bids:
        return ""
    height = _TOP + _ROW * len(bids) + _BOTTOM
    parts = [
        f'<svg class="bids" role="img" width="100%" height="{height}" xmlns="http://www.w3.org/2000/svg">',
        f"<title>Bids of round {one.number} by their probability of being right</title>",
        *_grid(height),
    ]
    most = max([1, *(bid.score for bid in bids if bid.score is not None)])
    for index, bid in enumerate(bids):
        parts += _bid(bid, _TOP + index * _ROW, most)
        if one.standing_group is not None:
            parts.append(_standing(one.standing, _TOP + index * _ROW + _BAR_AT))
    return "".join([*parts, "</svg>"])


def best_first(one: RoundTold) -> list[BidTold]:
    """Bids in the order of their scores; those that were no candidates last."""
    order = {action.action: index for index, action in enumerate(one.actions)}
    return sorted(one.bids, key=lambda bid: (order.get((bid.key,), len(order)), bid.key))


def _grid(height: int) -> Iterator[str]:
    bottom = height - _BOTTOM
    for tenths, anchor in ((0, "start"), (5, "middle"), (10, "end")):
        at = _percent(tenths / 10)
        yield f'<line class="grid" x1="{at}" x2="{at}" y1="{_TOP}" y2="{bottom}"/>'
        yield f'<text class="axis" x="{at}" y="{bottom + 16}" text-anchor="{anchor}">{tenths / 10:g}</text>'


def _standing(probability: float, bar: int) -> str:
    at = _percent(probability)
    return f'<line class="standing" x1="{at}" x2="{at}" y1="{bar - 4}" y2="{bar + _BAR + 4}"/>'


def _bid(bid: BidTold, top: int, most: int) -> Iterator[str]:
    kind = "bought" if bid.bought else "considered" if bid.considered else "other"
    bar, middle = top + _BAR_AT, top + _BAR_AT + _BAR // 2
    low, high = _percent(bid.probability - bid.spread), _percent(bid.probability + bid.spread)
    yield f"<g><title>{escaped(_words(bid))}</title>"
    mark = "\u2605 " if bid.bought else ""
    yield f'<text class="name {kind}" x="0" y="{top + 14}">{mark}{escaped(_short(bid.key))}</text>'
    figures = f"{bid.probability:.2f} · {dollars(bid.price)} · {lasting(bid.latency_ns)}"
    yield f'<text class="figures" x="0" y="{bar + _BAR + _SCORE + 17}">{escaped(figures)}</text>'
    yield f'<rect class="track" x="0" y="{bar}" width="100%" height="{_BAR}" rx="3"/>'
    yield f'<rect class="bar {kind}" x="0" y="{bar}" width="{_percent(bid.probability)}" height="{_BAR}" rx="3"/>'
    yield f'<line class="spread" x1="{low}" x2="{high}" y1="{middle}" y2="{middle}"/>'
    for end in (low, high):
        yield f'<line class="spread" x1="{end}" x2="{end}" y1="{middle - 4}" y2="{middle + 4}"/>'
    if bid.claim is not None:
        yield f'<circle class="claim" cx="{_percent(bid.claim)}" cy="{middle}" r="3.5"/>'
    if bid.score is not None and bid.score > 0:
        width = _percent(bid.score / most)
        yield f'<rect class="score" x="0" y="{bar + _BAR + 3}" width="{width}" height="{_SCORE}" rx="2"/>'
    yield "</g>"


def _words(bid: BidTold) -> str:
    score = "no candidate" if bid.score is None else f"score {dollars(bid.score)} over settling"
    claimed = "claimed by the market from the text" if bid.read else "claimed"
    claim = "" if bid.claim is None else f", {claimed} {bid.claim:.3f}"
    return f"{bid.key}: {bid.probability:.3f} ± {bid.spread:.3f}{claim}, {dollars(bid.price)}, {score}"


def _short(key: str, most: int = 38) -> str:
    return key if len(key) <= most else key[: most - 1] + "…"


def _percent(share: float) -> str:
    return f"{100.0 * min(1.0, max(0.0, share)):.2f}%"


def sureness(rounds: Sequence[RoundTold]) -> str:
    """How sure the market became, attempt by attempt; empty with fewer than two answers."""
    steps = [
        (attempt.key, attempt.hand)
        for one in rounds
        for attempt in one.attempts
        if attempt.hand is not None and attempt.group is not None
    ]
    if len(steps) < 2:
        return ""
    height = _STEP * len(steps)
    parts = [
        f'<svg class="bids" role="img" width="100%" height="{height}" xmlns="http://www.w3.org/2000/svg">',
        "<title>Probability of the best answer in hand after each attempt</title>",
    ]
    for index, (key, hand) in enumerate(steps):
        top = index * _STEP
        parts.append(f'<text class="figures" x="0" y="{top + 11}">after {escaped(_short(key, 32))}</text>')
        parts.append(f'<text class="figures" x="100%" y="{top + 11}" text-anchor="end">{hand:.3f}</text>')
        parts.append(f'<rect class="track" x="0" y="{top + 16}" width="100%" height="6" rx="3"/>')
        parts.append(f'<rect class="bar bought" x="0" y="{top + 16}" width="{_percent(hand)}" height="6" rx="3"/>')
    return "".join([*parts, "</svg>"])
