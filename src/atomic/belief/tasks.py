"""What is believed of agreement in one task, and the table that is drawn of it."""

from __future__ import annotations

from atomic.belief.agreement import Pair, copying_prior
from atomic.belief.calibration import Calibrator
from atomic.records.award import Table
from atomic.records.canonical import content_id
from atomic.records.event import encode
from atomic.records.responses import ResponseModel


class TaskBeliefs:
    """What is believed of agreement in one task."""

    __slots__ = (
        "alternatives",
        "apart",
        "differing",
        "drawn_at",
        "lessons",
        "model",
        "pairs",
        "settling",
        "table",
        "table_bytes",
        "table_id",
    )

    def __init__(self, alternatives: int) -> None:
        self.alternatives = alternatives
        self.pairs: dict[str, Pair] = {}
        self.differing: dict[str, Calibrator] = {}
        self.settling: dict[int, Calibrator] = {}
        self.lessons = 0
        self.drawn_at = 0
        self.model: ResponseModel | None = None
        self.apart = False
        self.draw(Table(alternatives=alternatives))

    def drawn(self) -> Table:
        """What is believed now, as a table."""
        copying = ((key, seen.copying(copying_prior(*key.split("|", 1)))) for key, seen in sorted(self.pairs.items()))
        return Table(
            alternatives=self.alternatives,
            copying=tuple(copying),
            settling=tuple((n, one.mean[0], one.mean[1]) for n, one in sorted(self.settling.items())),
            model=self.model,
            apart=self.apart,
            differing=tuple((key, one.mean[0], one.mean[1]) for key, one in sorted(self.differing.items())),
        )

    def draw(self, table: Table) -> None:
        self.table = table
        self.table_bytes = _bytes(table)
        self.table_id = content_id(self.table_bytes)
        self.drawn_at = self.lessons


def _bytes(table: Table) -> bytes:
    """A table as it is stored; without what it does not hold as it was before tables had that, so that it has the
    same id."""
    content = encode(table)
    if table.model is None:
        content = content.replace(b'"model":null,', b"")
    if not table.differing:
        content = content.replace(b'"differing":[],', b"")
    return content if table.apart else content.replace(b'"apart":false,', b"")
