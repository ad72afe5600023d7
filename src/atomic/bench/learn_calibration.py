"""How far the probability of an outcome is from how often such outcomes are right, on items never learned from.

`atomic bench routing` at one operating point, once with all labels of the other folds and once with none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from atomic.bench import routing

OBJECTIVE = "price=0.6x"
FOLDS = 2  # of five
MUST = {"labels": 0.03, "no labels": 0.08}
AIM = {"labels": 0.02, "no labels": 0.05}


def run(folder: Path) -> dict[str, Any]:
    """The debiased error over ten bins of equal mass, beside what was said and what was so on average."""
    found: dict[str, Any] = {}
    for name, labels in (("labels", None), ("no labels", 0)):
        options = routing.Options(objectives=routing.objectives([OBJECTIVE]), labels=labels, folds=FOLDS)
        result = routing.run(folder, options).results[0]
        found[name] = {
            "error": result.ece,
            "said": result.probability,
            "right": result.right,
            "must": MUST[name],
            "aim": AIM[name],
        }
    return found


def table(found: dict[str, Any]) -> str:
    """A line for each."""
    return "\n".join(
        f"  {name}: error {one['error']:.3f} (must {one['must']:g}, aim {one['aim']:g}); said {one['said']:.3f} on "
        f"average, right {one['right']:.3f}"
        for name, one in found.items()
    )
