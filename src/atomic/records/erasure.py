"""Erasure: bodies that nobody can read any more, and beliefs drawn up again without what was learned from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WhyErased = Literal["asked", "retention"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BodiesErased:
    """Bodies were erased: their keys are destroyed, or they are taken out of the file.

    `erasure` is a random id, so that the ledger never says whose data it was. `requests` are the (tenant, request id)
    whose every body is gone, later ones too; `others` the ids of bodies that were erased in events of other requests.
    """

    erasure: str
    why: WhyErased
    bodies: int
    requests: tuple[tuple[str, str], ...] = ()
    others: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BeliefsRebased:
    """From here on beliefs are the fold up to `at` (a seq) without erased requests, and all events after it.

    `snapshot` is the content that holds them, `digest` the SHA-256 of those beliefs.
    """

    at: int
    snapshot: str
    digest: str
