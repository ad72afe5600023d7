"""Validators: what looks at an answer besides its type; and verdicts, what they say of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from atomic.records.microtask import Microtask

JUDGED = "~judge/"  # in a judge's request id, between the id of the request that it judges and its own name
Test = Callable[[Mapping[str, Any], Any], "bool | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Validator:
    """Looks at an answer: `test` in this process, or `judge`, a microtask that is bought. One of them is there.

    `test` is handed the arguments and the answer; it gives None where it cannot tell, and so does one that raises. It
    runs in a thread and has seconds at most. `judge` takes the task's arguments that it names, and `answer`; it answers
    whether that is right. `version` changes when it looks at something else: it enters the task's version.
    """

    name: str
    version: str
    test: Test | None = field(default=None, compare=False, repr=False)
    judge: Microtask[..., bool] | None = field(default=None, compare=False, repr=False)

    @property
    def source(self) -> Literal["validator", "judge"]:
        """What kind of word its verdict is."""
        return "validator" if self.judge is None else "judge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a validator said of an answer. It is evidence, weighed by how far its words held so far.

    `holds` None: it could not tell, for the reason `detail`, which never quotes the answer. `reliability` is the
    probability that its word is so, as believed then. A judge was bought by the request `request_id`, for `price`.
    """

    name: str
    source: Literal["validator", "judge"]
    holds: bool | None
    detail: str = ""
    reliability: float = 0.0
    request_id: str = ""
    price: int = 0

    @property
    def speaks(self) -> bool:
        """Whether it says anything: that a validator finds no fault does not, since most wrong answers have none.

        >>> word = Verdict(name="sql", source="validator", holds=True)
        >>> word.speaks, Verdict(name="good", source="judge", holds=True).speaks
        (False, True)
        """
        return self.holds is False or (self.holds is True and self.source == "judge")
