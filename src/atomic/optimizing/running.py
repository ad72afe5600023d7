"""One run of an optimizer: its calls are bought from one bidder, on the market's own books, within a budget."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

from atomic.blocking import SyncMarket
from atomic.errors import CallerError, MissingExtra, NotFound
from atomic.integrations.limit import Limit
from atomic.optimizing.answers import Answers
from atomic.optimizing.asking import Asker
from atomic.records.microtask import Microtask
from atomic.records.money import dollars
from atomic.trade import Trade

_FEWEST_ANSWERS = 12
_FEWEST_CALLS, _MOST_CALLS = 30, 400
_SHARE = 0.9  # of the budget is planned with: prompts grow with what is tried
_EXAMPLES = 4  # that a prompt shows at most


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it: `instruction` and `examples` (request ids) where anything was `found`; its cost in nano-USD.

    `ended` says that the budget ended it before the optimizer did.
    """

    found: bool
    instruction: str
    examples: tuple[str, ...]
    spent: int
    calls: int
    ended: bool


def optimize(
    market: SyncMarket, task: Microtask[..., Any], answers: Answers, bidder: str, optimizer: str, budget: int
) -> Run:
    """Let an optimizer look for better words for a task, on verified answers that are not held out.

    Its calls are requests of the microtask "tune-TASK" that this bidder alone answers: reserved and capped as any, and
    together never dearer than the budget (nano-USD). The market has the tactics `TACTICS`.

    Raises CallerError for too few answers, or a budget that buys too few calls; NotFound; MissingExtra without DSPy.
    """
    for library in ("dspy", "optuna"):
        if importlib.util.find_spec(library) is None:
            raise MissingExtra(f"{library} is not installed", hint='pip install "atomic-market[dspy]"')
    if bidder not in market.bidders or not market.bidders[bidder].profile.speaks:
        raise NotFound(f"{bidder!r} is no bidder that takes messages", hint=f"one of {', '.join(market.bidders)}")
    if len(answers.shown) < _FEWEST_ANSWERS:
        have = f"{len(answers.shown)} verified answers, and {len(answers.held)} that are held out"
        raise CallerError(f"{task.name} has {have}", hint=f"{_FEWEST_ANSWERS} are needed: `atomic feedback`")
    return _Running(market, task, answers, bidder, budget).run(OPTIMIZERS[optimizer])


class _Running:
    def __init__(
        self, market: SyncMarket, task: Microtask[..., Any], answers: Answers, bidder: str, budget: int
    ) -> None:
        from atomic.bidders.dspy_parts import Engine, lm_of
        from atomic.integrations.dspy import lm
        from atomic.optimizing.words import TaskAdapter, as_dspy

        self.task, self.answers = task, answers
        self.limit = Limit(budget)
        trade = Trade(label=answers.label, subjects=answers.subjects)
        self.asker = Asker(market, task, bidder, trade, self.limit)
        self.model = lm_of(task.name, Engine(self.asker.say))
        self.writer = lm(
            market,
            name=f"tune-{task.name}-words",
            max_price=dollars_of(budget),
            bidder=bidder,
            trade=trade,
            limit=self.limit,
            temperature=1.0,
            max_tokens=2_000,
        )
        self.adapter = TaskAdapter(task, market.bidders[bidder].profile, answers.shown)
        self.train = [as_dspy(task, one) for one in answers.train]
        self.validation = [as_dspy(task, one) for one in answers.validation]

    def run(self, optimizer: Callable[[_Running, Any, int], Any]) -> Run:
        import dspy

        from atomic.bidders.dspy_parts import signature_of

        student = dspy.Predict(signature_of(self.task))
        with dspy.context(lm=self.model, adapter=self.adapter, num_threads=1), _unheard():
            calls = self._calls(student)
            try:
                found = optimizer(self, student, calls)
            except Exception as error:  # an optimizer is foreign code, and makes its own of calls that all fail
                if self.asker.answered:
                    raise
                raise self._unanswered() from error
        if not self.asker.answered:
            raise self._unanswered()
        (predictor,) = found.predictors()
        demos = [self.adapter.of(one) for one in predictor.demos] if self.task.labels else []
        examples = tuple(dict.fromkeys(one.request_id for one in demos if one is not None))
        instruction = str(predictor.signature.instructions)
        return Run(
            found=instruction != self.task.instruction or bool(examples),
            instruction=instruction,
            examples=examples[:_EXAMPLES],
            spent=self.limit.spent,
            calls=self.limit.calls,
            ended=self.limit.reached,
        )

    def _calls(self, student: Any) -> int:
        """How many calls the budget buys, by what the first few cost."""
        for one in self.train[:3]:
            try:
                student(**one.inputs())
            except Exception:  # what cannot be read was billed all the same
                continue
        each = self.limit.spent / max(1, self.limit.calls)
        calls = _MOST_CALLS if each <= 0 else int(_SHARE * (self.limit.most - self.limit.spent) / each)
        if not (self.asker.answered or self.limit.reached or self.limit.spent):
            raise self._unanswered()
        if self.limit.reached or calls < _FEWEST_CALLS:
            raise CallerError(
                f"the budget buys about {calls} calls of {dollars(int(each))}", hint=f"{_FEWEST_CALLS} are needed"
            )
        return min(_MOST_CALLS, calls)

    def _unanswered(self) -> CallerError:
        why = self.asker.why or "none was made"
        return CallerError(
            f"no call came to an answer of {self.task.name}: {why}",
            hint="`atomic explain last` has the story of the last one",
        )


@contextmanager
def _unheard() -> Iterator[None]:
    """Optimizers print and log as they go, and what they quote are inputs and answers."""
    log = logging.getLogger("dspy")
    before, silent = log.level, logging.CRITICAL + 1
    log.setLevel(silent)
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        log.setLevel(before)


def dollars_of(nano: int) -> str:
    """An amount as it is written in a declaration.

    >>> dollars_of(1_500_000)
    '$0.001500000'
    """
    return f"${nano // 10**9}.{nano % 10**9:09d}"


def _gepa(run: _Running, student: Any, calls: int) -> Any:
    import dspy

    from atomic.optimizing.words import feedback_of

    stop = {"stop_callbacks": [lambda state: run.limit.reached]}
    optimizer = dspy.GEPA(
        metric=feedback_of(run.task),
        max_metric_calls=calls,
        reflection_lm=run.writer,
        num_threads=1,
        seed=0,
        gepa_kwargs=stop,
        warn_on_score_mismatch=False,
    )
    return optimizer.compile(student, trainset=run.train, valset=run.validation)


def _miprov2(run: _Running, student: Any, calls: int) -> Any:
    import dspy

    from atomic.optimizing.words import metric_of

    shown = _EXAMPLES if run.task.labels else 0
    validation = run.validation[: max(4, calls // 10)]
    optimizer = dspy.MIPROv2(
        metric=metric_of(run.task),
        prompt_model=run.writer,
        task_model=run.model,
        auto=None,
        num_candidates=3,
        max_bootstrapped_demos=min(2, shown),
        max_labeled_demos=shown,
        num_threads=1,
        seed=0,
        track_stats=False,
    )
    trials = max(2, (calls - 4 * len(validation)) // len(validation))
    return optimizer.compile(
        student, trainset=run.train, valset=validation, num_trials=min(12, trials), minibatch=False
    )


def _bootstrap(run: _Running, student: Any, calls: int) -> Any:
    import dspy

    from atomic.optimizing.words import metric_of

    if not run.task.labels:
        raise CallerError("bootstrap chooses examples, and free answers show none", hint="--optimizer gepa")
    optimizer = dspy.BootstrapFewShot(
        metric=metric_of(run.task), max_bootstrapped_demos=_EXAMPLES, max_labeled_demos=_EXAMPLES
    )
    return optimizer.compile(student, trainset=run.train[:calls])


OPTIMIZERS: Mapping[str, Callable[[_Running, Any, int], Any]] = {
    "gepa": _gepa,
    "miprov2": _miprov2,
    "bootstrap": _bootstrap,
}

__all__ = ["OPTIMIZERS", "Run", "optimize"]
