"""A calibration in words: what it will cost, what it found, and what to write into the configuration."""

from __future__ import annotations

from collections.abc import Iterator

from atomic.calibrate.buying import Plan
from atomic.calibrate.frontier import Frontier
from atomic.inbox.tasks import TASKS
from atomic.records.money import dollars


def before(plan: Plan, budget: int) -> str:
    """What will be bought, for how much, before anything is."""
    lines = [
        f"{len(plan.wanted)} inputs from {len(plan.bidders)} bidders ({', '.join(plan.bidders) or 'nobody bids'}): "
        f"about {dollars(plan.expected)}, at most {dollars(min(plan.ceiling, budget - plan.spent))}; "
        f"the budget is {dollars(budget)}"
    ]
    if plan.bought:
        lines.append(f"{plan.bought} inputs were bought before, for {dollars(plan.spent)}, which count")
    if plan.left:
        lines.append(f"{plan.left} inputs do not fit the budget, or nobody bids for them: left out")
    return "\n".join(lines)


def after(frontier: Frontier, task: str) -> str:
    """The frontier and the recommendation."""
    return "\n".join(_after(frontier, task))


def _after(frontier: Frontier, task: str) -> Iterator[str]:
    found = frontier.figures
    judged = (
        f"{frontier.labelled} labels" if frontier.judged == "labels" else "agreement alone: an estimate, not verified"
    )
    yield f"{found.items} inputs, each tried by a market that had learned from others; judged by {judged}"
    yield from (f"note: {note}" for note in found.notes)
    yield f"{'':<34} {'right':>6} {'$/1k':>9}"
    for one in found.bidders:
        yield f"{one.bidder:<34} {one.right:>6.3f} {one.usd_per_1k:>9.4f}"
    for point in found.results:
        name = f"market, {point.objective}"
        yield f"{name:<34} {point.right:>6.3f} {point.usd_per_1k:>9.4f}  {point.answers_per_item:.1f} answers"
        cascade = point.versus.cascade
        yield f"{'  two answers, then a third':<34} {cascade.right:>6.3f} {cascade.usd_per_1k:>9.4f}"
    best, against = frontier.best, frontier.best.versus.best_fixed
    yield ""
    yield (
        f"Recommended: {best.objective}: right {100 * against.right_diff:+.1f} points "
        f"[{100 * against.low:+.1f}, {100 * against.high:+.1f}] against {found.best_fixed.bidder}, "
        f"at {100 * against.price_ratio:.0f} % of its price"
    )
    worth = best.objective.removeprefix("worth=")
    yield f'\n[inbox.terms.{task}]\nworth = "{worth}"' if task in TASKS else f'\n@atomic.microtask(worth="{worth}")'
