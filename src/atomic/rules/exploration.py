"""Exploration by inverse-gap weighting (Foster and Rakhlin 2020), with exact propensities and a recorded floor."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

CANDIDATES = 5
FLOOR = 0.001
_FIRST_SHARPNESS, _SHARPNESS_PER_LESSON = 40.0, 4.0


def sharpness(lessons: float) -> float:
    """How strongly a lower score is avoided, growing with the evidence on the leader.

    >>> sharpness(0.0), sharpness(10.0)
    (40.0, 80.0)
    """
    return _FIRST_SHARPNESS + _SHARPNESS_PER_LESSON * lessons


def propensities(scores: Sequence[int], worth: int, gamma: float) -> list[float]:
    """The chance of each candidate; the first is the leader and takes what the others leave. Sums to 1 within 1e-12.

    The others get 1 / (n + gamma x gap), gaps as shares of the worth, but at least the floor.

    >>> propensities([100, 100], worth=100, gamma=40.0), propensities([7], worth=100, gamma=40.0)
    ([0.5, 0.5], [1.0])
    """
    count = len(scores)
    if count == 0:
        return []
    others = [max(FLOOR, 1.0 / (count + gamma * (scores[0] - score) / max(1, worth))) for score in scores[1:]]
    rest = 1.0
    for share in others:
        rest -= share
    return [rest, *others]


def drawn(secret: bytes, tenant: str, request_id: str, round_number: int) -> float:
    """The draw of a round, in [0, 1): HMAC over tenant, request and round, so that bidders cannot predict it.

    >>> drawn(b"secret", "", "r", 1) == drawn(b"secret", "", "r", 1) != drawn(b"secret", "", "r", 2)
    True
    """
    content = f"{tenant}\0{request_id}\0{round_number}".encode()
    digest = hmac.new(secret, content, hashlib.sha256).digest()
    return (int.from_bytes(digest[:7], "big") >> 3) / 9007199254740992.0


def pick(shares: Sequence[float], draw: float) -> int:
    """The candidate that a draw in [0, 1) falls on.

    >>> pick([0.7, 0.2, 0.1], 0.75)
    1
    """
    reached = 0.0
    for index, share in enumerate(shares):
        reached += share
        if draw < reached:
            return index
    return 0
