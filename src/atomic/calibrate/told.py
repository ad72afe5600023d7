"""A calibration in words: what it will cost, what it found, and what to write into the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from atomic.calibrate.buying import Plan
from atomic.calibrate.cases import Case
from atomic.calibrate.frontier import LABELLED_ENOUGH, LEAST_ITEMS, Frontier
from atomic.inbox.tasks import TASKS
from atomic.records.money import dollars


def before(plan: Plan, budget: int, cases: Sequence[Case]) -> str:
    """What will be bought, for how much, before anything is; and what is known to be in the way of a frontier."""
    lines = [
        f"{len(plan.wanted)} inputs from {len(plan.bidders)} bidders ({', '.join(plan.bidders) or 'nobody bids'}): "
        f"about {dollars(plan.expected)}, at most {dollars(min(plan.ceiling, budget - plan.spent))}; "
        f"the budget is {dollars(budget)}"
    ]
    if plan.bought:
        lines.append(f"{plan.bought} inputs were bought before, for {dollars(plan.spent)}, which count")
    if again := sum(bool(one.bidders) for one in plan.wanted):
        lines.append(f"{again} of them were bought before, and are now from bidders that were not there then")
    if plan.left:
        lines.append(f"{plan.left} inputs do not fit the budget, or nobody bids for them: left out")
    lines += [f"there will be no frontier: {why}" for why in _in_the_way(plan, cases)]
    return "\n".join(lines)


def _in_the_way(plan: Plan, cases: Sequence[Case]) -> Iterator[str]:
    inputs = plan.bought + sum(not one.bidders for one in plan.wanted)
    if inputs < LEAST_ITEMS:
        yield f"it takes {LEAST_ITEMS} inputs, and these are {inputs}"
    if len(plan.bidders) < 2 and not plan.bought:
        yield "it takes two bidders"
    labelled = sum(case.labelled for case in cases)
    if labelled < LABELLED_ENOUGH and all(case.call.task.output_type is str for case in cases):
        yield f"free texts are hardly ever equal, so {LABELLED_ENOUGH} inputs must be labelled, and {labelled} are"


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
