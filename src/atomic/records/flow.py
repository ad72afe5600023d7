"""What is known of a durable flow: ids and JSON, never a body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
FlowStatus = Literal["running", "waiting", "paused", "parked", "done", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowState:
    """A flow as it stands.

    "waiting": for the signal or the time that `waits_for` names. "paused" and "parked" go on when resumed: somebody
    stopped the one, a step of the other failed as often as it may, for the `reason`. "done" has a `result`.
    `steps` are those that ended, in order, only where one flow was asked for. Times in ns since 1970, UTC.
    """

    id: str
    kind: str
    status: FlowStatus
    argument: Json = None
    result: Json = None
    reason: str = ""
    waits_for: str = ""
    steps: tuple[str, ...] = ()
    began_ns: int = 0
    changed_ns: int = 0
