"""What a round's values were worked out from, in words: a response model, or answers that are never equal."""

from __future__ import annotations

from atomic.explain.wording import exactly
from atomic.records.award import Position, Table
from atomic.records.responses import ResponseModel
from atomic.rules.classes import mean
from atomic.rules.planned import in_domain, level_of

_APART = "Answers of this task are never equal, so one says nothing of another: the best for its price is bought alone."


def expected_told(position: Position, table: Table) -> str:
    """What was expected of answers, and on what evidence; empty where it is what pairs of bidders have shown."""
    if table.model is not None:
        return _of_model(position, table.model)
    return _APART if table.apart else ""


def _of_model(position: Position, model: ResponseModel) -> str:
    here = in_domain(model, position.state.domain)
    level = level_of(model, position.terms.worth / (1.0 + position.shadow_price))
    where = f"in {here.domain}" if here.domain else "in all domains together"
    judged = f"{model.labelled} of them judged" if model.labelled else "none of them judged, so from agreement alone"
    words = f"Valued by a response model of {model.lineups} line-ups, {judged}, as of event {model.seq}."
    if level is None:
        return words
    counted = any(one.domain == position.state.domain for one in level.seen)
    by = "by counts of who agreed with whom" if counted else f"by {len(model.popular)} hidden classes of inputs"
    rights = ", ".join(
        f"{key} {mean(here.shares, here.right[model.keys.index(key)]):.3f}" for key in level.keys if key in model.keys
    )
    return f"{words} It plans {by} for a worth near {exactly(level.worth)}; expected right {where}: {rights}."
