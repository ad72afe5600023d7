"""The frontier as a picture: one SVG without scripts, fonts or links of anybody else, alone or in a page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from atomic.calibrate.frontier import Frontier

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 860, 520, 70, 50, 170, 60
_STYLE = (
    "text{font:13px sans-serif;fill:#222}.mute{fill:#666}.fixed{fill:#888}"
    ".cascade{stroke:#c77c11;fill:none;stroke-width:2}.market{stroke:#1f5fbf;fill:none;stroke-width:2.5}"
    ".axis{stroke:#bbb;stroke-width:1}.best{fill:#1f5fbf}"
)
_LEAST_GAP = 13.0  # pixels between two names
Point = tuple[float, float]


def picture(frontier: Frontier, task: str) -> str:
    """Cost on a logarithmic scale, quality upwards: bidders as dots, the cascade and the market as lines."""
    return "\n".join(_svg(frontier, task)) + "\n"


def page(frontier: Frontier, task: str, said: str) -> str:
    """The picture in an HTML page, with the figures under it."""
    title = f"Calibration of {escape(task)}"
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title>\n'
        f"<body>\n{picture(frontier, task)}<pre>{escape(said)}</pre>\n</body></html>\n"
    )


class _Scale:
    """From cost and quality to pixels. What is free stands at the left edge."""

    def __init__(self, points: Sequence[Point]) -> None:
        priced = [cost for cost, _ in points if cost > 0] or [1.0]
        self._low, self._high = math.log10(min(priced)) - 0.1, math.log10(max(priced)) + 0.1
        rights = [right for _, right in points]
        room = max(0.02, 0.1 * (max(rights) - min(rights)))
        self.bottom, self.top = max(0.0, min(rights) - room), min(1.0, max(rights) + room)

    def x(self, cost: float) -> float:
        share = (math.log10(cost) - self._low) / (self._high - self._low) if cost > 0 else 0.0
        return _LEFT + max(0.0, share) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, right: float) -> float:
        share = (right - self.bottom) / max(1e-9, self.top - self.bottom)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    def costs(self) -> Iterator[float]:
        """Round costs within the picture."""
        for power in range(math.floor(self._low), math.ceil(self._high) + 1):
            for first in (1.0, 3.0):
                if self._low <= math.log10(first * 10.0**power) <= self._high:
                    yield first * 10.0**power


def _svg(frontier: Frontier, task: str) -> Iterator[str]:
    found = frontier.figures
    market = sorted((one.usd_per_1k, one.right) for one in found.results)
    cascade = sorted((one.versus.cascade.usd_per_1k, one.versus.cascade.right) for one in found.results)
    fixed = [(one.usd_per_1k, one.right) for one in found.bidders]
    scale = _Scale([*market, *cascade, *fixed])
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="Quality against cost of {escape(task)}">'
    )
    yield f"<style>{_STYLE}</style>"
    yield f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>'
    judged = "by labels" if frontier.judged == "labels" else "estimated from agreement alone"
    yield f'<text x="{_LEFT}" y="24">{escape(task)}: share right ({judged}) against cost, held-out inputs</text>'
    yield from _axes(scale)
    yield from _names([(scale.x(one.usd_per_1k), scale.y(one.right), one.bidder) for one in found.bidders])
    for name, points in (("cascade", cascade), ("market", market)):
        path = " ".join(f"{scale.x(cost):.1f},{scale.y(right):.1f}" for cost, right in points)
        yield f'<polyline class="{name}" points="{path}"/>'
    best = frontier.best
    yield f'<circle class="best" cx="{scale.x(best.usd_per_1k):.1f}" cy="{scale.y(best.right):.1f}" r="6"/>'
    for number, (name, words) in enumerate((("market", "market"), ("cascade", "two answers, then a third"))):
        y = _HEIGHT - _BOTTOM - 20 - 18 * number
        x = _WIDTH - _RIGHT - 200
        yield f'<line class="{name}" x1="{x}" x2="{x + 24}" y1="{y}" y2="{y}"/>'
        yield f'<text x="{x + 30}" y="{y + 4}">{words}</text>'
    yield "</svg>"


def _axes(scale: _Scale) -> Iterator[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for cost in scale.costs():
        x = scale.x(cost)
        yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>'
        yield f'<text class="mute" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">${cost:g}</text>'
    for step in range(6):
        share = scale.bottom + (scale.top - scale.bottom) * step / 5
        y = scale.y(share)
        yield f'<line class="axis" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="mute" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{100 * share:.1f} %</text>'
    yield f'<text class="mute" x="{(_LEFT + right) / 2}" y="{bottom + 42}" text-anchor="middle">USD per 1,000</text>'


def _names(points: Sequence[tuple[float, float, str]]) -> Iterator[str]:
    """Dots with names beside them, moved down where they would lie on each other."""
    last = -math.inf
    for x, y, name in sorted(points, key=lambda one: one[1]):
        yield f'<circle class="fixed" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
        last = max(y + 4, last + _LEAST_GAP)
        yield f'<text x="{x + 8:.1f}" y="{last:.1f}">{escape(name)}</text>'
