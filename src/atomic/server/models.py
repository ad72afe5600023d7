"""Model names: a microtask, a policy of the market, a bidder, or the model behind one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from atomic.arms import mandated
from atomic.errors import TaskError
from atomic.records.conversation import Conversation, Spoken
from atomic.records.microtask import Microtask, microtask
from atomic.records.money import nano_usd
from atomic.records.objective import with_terms
from atomic.records.request import Terms
from atomic.server.problems import Problem
from atomic.server.service import Service

POLICY = "atomic/"
AUTO = "atomic/auto"
_EXAMPLES = (AUTO, "atomic/target=0.95", "atomic/budget=$1/1k", "atomic/worth=$0.01")
_MOST = nano_usd("$1")  # of an answer of a conversation, where its worth is less


@microtask(worth="$0.01", max_price="$1", deadline=600.0)
async def chat(conversation: Conversation) -> Spoken:
    """Go on with a conversation."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Target:
    """What a model name means: a task, on these terms."""

    task: Microtask[..., Any]
    terms: Terms


def target_of(service: Service, model: object) -> Target:
    """What a name means. Raises Problem, in words, for one that means nothing here.

    A policy and a bidder answer conversations: the task `chat`. The name of the bidder that its mode calls incumbent
    means the task as its mode has it, so that a program whose model is being compared need not change that name.
    """
    if not isinstance(model, str) or not model:
        raise Problem(400, "model is missing", hint="/v1/models lists what it can be")
    if (task := service.tasks.get(model)) is not None:
        return Target(task, task.terms)
    ours = service.tasks.get(chat.name, chat)
    worth = service.config.settings.serve.worth
    terms = with_terms(ours.terms, worth=worth, max_price=max(worth, _MOST))
    if model.startswith(POLICY):
        return Target(ours, _policy(model, terms))
    bidder = _bidder(service, model)
    if bidder is None:
        raise Problem(404, f"there is no model {model!r}", hint="/v1/models lists them", code="model_not_found")
    mode = service.config.settings.task.get(ours.name)
    if mode is not None and mode.incumbent.partition("+")[0] == bidder:
        return Target(ours, terms)
    return Target(ours, mandated(terms, bidder))


def _policy(model: str, terms: Terms) -> Terms:
    name, _, value = model.removeprefix(POLICY).partition("=")
    try:
        match name:
            case "auto" if not value:
                return terms
            case "target":
                return with_terms(terms, target=float(value))
            case "budget":
                return with_terms(terms, budget=value)
            case "worth":
                return replace(terms, worth=nano_usd(value), max_price=max(nano_usd(value), _MOST))
    except (TaskError, ValueError, ArithmeticError) as error:
        said = error.message if isinstance(error, TaskError) else f"{value!r} is no number"
        raise Problem(400, f"{model}: {said}", hint=f"such as {', '.join(_EXAMPLES)}") from None
    hint = f"such as {', '.join(_EXAMPLES)}"
    raise Problem(404, f"there is no policy {model!r}", hint=hint, code="model_not_found")


def _bidder(service: Service, model: str) -> str | None:
    """The bidder of this name, or the first that this model is behind."""
    if model in service.market.bidders:
        return model
    for name, settings in service.config.settings.bidders.items():
        if getattr(settings, "model", None) == model:
            return name
    return None


def names(service: Service) -> Iterator[tuple[str, str]]:
    """Every name that can be asked for, with what it is: policies by way of example."""
    yield from ((one, "policy") for one in _EXAMPLES)
    yield from ((name, "task") for name in sorted(service.tasks))
    for name, bidder in sorted(service.market.bidders.items()):
        if bidder.profile.converses or bidder.profile.speaks:
            yield name, "bidder"
