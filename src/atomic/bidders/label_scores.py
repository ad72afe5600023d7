"""How probable each label is as a model's answer, from the log-probabilities of single tokens."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

Tokens = Sequence[tuple[str, float]]  # the likeliest next tokens, with their log-probabilities

WORTH_A_CALL = 0.02  # share of the probability in doubt below which the model is not asked again
MOST_CALLS = 8
FEWEST_SEEN, MOST_SEEN = 8, 200  # inputs before their mean says something, and how many it remembers
MOST_PROMPTS = 64
_LEAST = 1e-4  # no label is raised by more than this lets it


def score_labels(
    labels: Sequence[str], next_tokens: Callable[[str], Tokens], *, exact: bool = False
) -> Mapping[str, float]:
    """Probability of each label, given that the answer is one of them; sums to 1. All alike when no token fits.

    `next_tokens(begun)` asks the model what comes after an answer that has begun so. A token counts for a label that
    it spells or begins, whatever its case and leading space; where labels share what has been spelled ("not urgent",
    "not sure"; or tokens that are single letters) the model is asked how it goes on, up to 8 times. `exact`: only
    tokens count that a grammar of the labels allows, in their own spelling.

    >>> model = {"": [(" spam", -1.0), ("Ham", -2.0), ("The", -0.1)]}
    >>> {label: round(share, 2) for label, share in score_labels(["spam", "ham"], model.__getitem__).items()}
    {'spam': 0.73, 'ham': 0.27}
    """
    mass = dict.fromkeys(labels, 0.0)
    open_ = [("", 1.0, tuple(labels))]
    calls = 0
    while open_:
        # The heaviest doubt first: the calls are limited.
        open_.sort(key=lambda one: (-one[1], one[0]))
        begun, weight, among = open_.pop(0)
        if calls == MOST_CALLS or (calls and weight < WORTH_A_CALL):
            for label in among:
                mass[label] += weight / len(among)
            continue
        calls += 1
        for spelled, share, fitting in _shares(begun, among, next_tokens(begun), exact):
            if len(fitting) == 1:
                mass[fitting[0]] += weight * share
            else:
                open_.append((spelled, weight * share, fitting))
    total = math.fsum(mass.values())
    return (
        {label: share / total for label, share in mass.items()} if total > 0 else dict.fromkeys(labels, 1 / len(labels))
    )


def adjusted(
    shares: Mapping[str, float], taken_off: Mapping[str, float] | None = None, priors: Sequence[float] = ()
) -> Mapping[str, float]:
    """Shares without what the labels score anyhow, and times what is known of each; they sum to 1 again.

    >>> adjusted({"spam": 0.8, "ham": 0.2}, {"spam": 0.9, "ham": 0.1}, [0.5, 0.5])["ham"] > 0.6
    True
    """
    weights = {
        label: share / max(_LEAST, (taken_off or {}).get(label, 1.0)) * (priors[number] if priors else 1.0)
        for number, (label, share) in enumerate(shares.items())
    }
    total = math.fsum(weights.values())
    return {label: weight / total for label, weight in weights.items()} if total > 0 else dict(shares)


class Means:
    """The mean shares of labels over what one prompt was asked before: what batch calibration takes off.

    In memory, like a bidder's pace: nothing of it is written down. Until it has seen 8 there is nothing to take off.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, str, tuple[str, ...]], tuple[int, dict[str, float]]] = OrderedDict()

    def of(self, task: str, tactic: str, labels: tuple[str, ...]) -> Mapping[str, float] | None:
        """The means, or None where too little was seen."""
        count, means = self._seen.get((task, tactic, labels), (0, {}))
        return means if count >= FEWEST_SEEN else None

    def learn(self, task: str, tactic: str, shares: Mapping[str, float]) -> None:
        """Take in what an input scored, as it was before anything was taken off."""
        key = (task, tactic, tuple(shares))
        count, means = self._seen.pop(key, (0, {}))
        count = min(count + 1, MOST_SEEN)
        self._seen[key] = (
            count,
            {one: (was := means.get(one, 0.0)) + (share - was) / count for one, share in shares.items()},
        )
        if len(self._seen) > MOST_PROMPTS:
            self._seen.popitem(last=False)


def _shares(
    begun: str, among: tuple[str, ...], tokens: Tokens, exact: bool
) -> list[tuple[str, float, tuple[str, ...]]]:
    """What the answer may have become, with its share among what fits, and the labels it may still be."""
    found: dict[tuple[str, ...], tuple[float, float, str]] = {}
    folded = str if exact else _fold
    ended = [label for label in among if folded(label) == folded(begun)]
    for token, logprob in tokens:
        spelled = begun + token if begun or exact else token.lstrip()
        fitting = tuple(label for label in among if spelled.strip() and folded(label).startswith(folded(spelled)))
        if not token.strip() or not fitting:
            # White space, a full stop, the end: what has been spelled is the answer, if it is one.
            if not ended:
                continue
            fitting, spelled = (ended[0],), begun
        share = math.exp(logprob)
        total, likeliest, text = found.get(fitting, (0.0, -math.inf, ""))
        found[fitting] = (total + share, max(likeliest, logprob), spelled if logprob > likeliest else text)
    everything = math.fsum(total for total, _, _ in found.values())
    if everything <= 0.0:
        return [(begun, 1.0 / len(among), (label,)) for label in among]
    return [(text, total / everything, fitting) for fitting, (total, _, text) in found.items()]


def _fold(text: str) -> str:
    return text.strip().casefold()
