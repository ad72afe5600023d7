"""An import: answers that another ledger verified, and what was said of them, came into this one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The ledger that an import came from, by its newest signed head: Ed25519, all as hex. `seq` 0: it had none.

    `read_to` is the seq of its last event then; `sound` whether everything in it was as it was written.
    """

    public_key: str
    seq: int
    hash: str
    time_ns: int
    signature: str
    read_to: int
    sound: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersImported:
    """Here begin the events of some requests of another ledger: right after this one, in the same append.

    `requests` names each by tenant, request id, and the seq there of the first event that came of it.
    """

    origin: Origin
    requests: tuple[tuple[str, str, int], ...]
