"""Flows that DBOS keeps in a file: asked for, told, cancelled and resumed from any process, without running them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from dbos import DBOSClient, Serializer, StepInfo, WorkflowStatus

from atomic.durable.parking import Parked
from atomic.errors import NotFound
from atomic.records.flow import FlowState, FlowStatus, Json

APPLICATION = "atomic"
# Flows go on only under the version they began with: raise it when a body's steps change, and adopt the old ones.
VERSION = "1"
PAUSED, WAITS, _CANCELLED = "paused", "waits_for", "cancelled"  # marks
_AT_ONCE = 500  # flows that are removed in one transaction
_ERROR = "__parked__"
_STATUS: dict[str, FlowStatus] = {
    "SUCCESS": "done",
    "ERROR": "parked",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "parked",
    "CANCELLED": "cancelled",
}
_KILLED = "it was running when its process died, too often"


class JsonSerializer(Serializer):
    """Everything in the file is JSON that people can read; of an error only the reason that we gave it."""

    def serialize(self, data: Any) -> str:
        """As JSON. Raises TypeError for what is none."""
        if isinstance(data, BaseException):
            data = {_ERROR: str(data) if isinstance(data, Parked) else type(data).__name__}
        return orjson.dumps(data).decode()

    def deserialize(self, serialized_data: str) -> Any:
        """From JSON."""
        data = orjson.loads(serialized_data)
        return Parked(data[_ERROR]) if isinstance(data, dict) and _ERROR in data else data

    def name(self) -> str:
        """What the file says of how it was written."""
        return "atomic_json"


def url_of(path: Path) -> str:
    """A file as DBOS wants it named."""
    return f"sqlite:///{path.absolute()}"


def into_wal(path: Path) -> None:
    """Make the file one with a write-ahead log, which DBOS does not: four times the steps per second."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


class FlowsFile:
    """A file of flows: `Flows` without `start`. Any number of processes may have it open. Close it when done."""

    def __init__(self, path: Path) -> None:
        """Raises NotFound when there is no such file."""
        if not path.exists():
            raise NotFound(f"there are no flows in {path}", hint="`atomic inbox serve` makes the file")
        logging.getLogger("dbos").setLevel(logging.CRITICAL)  # it logs errors with what they quote
        self.path = path
        self._client = DBOSClient(system_database_url=url_of(path), serializer=JsonSerializer())

    async def signal(self, flow_id: str, name: str, value: Json) -> None:
        """See `Flows`."""
        await self._known(flow_id)
        await asyncio.to_thread(self._client.send, flow_id, value, name)

    async def query(self, flow_id: str = "") -> Sequence[FlowState]:
        """See `Flows`."""
        ids = [flow_id] if flow_id else None
        found = await asyncio.to_thread(self._client.list_workflows, workflow_ids=ids, sort_desc=True)
        steps = await asyncio.to_thread(self._client.list_workflow_steps, flow_id) if flow_id and found else []
        return [_state(one, steps) for one in found]

    async def cancel(self, flow_id: str, *, pause: bool = False) -> None:
        """See `Flows`."""
        state = await self._known(flow_id)
        if state.status in {"done", "parked"} and not (state.status == "parked" and not pause):
            return
        await self._mark(flow_id, {PAUSED: pause, WAITS: None, _CANCELLED: not pause})
        await asyncio.to_thread(self._client.cancel_workflow, flow_id)

    async def resume(self, flow_id: str) -> None:
        """See `Flows`."""
        state = await self._known(flow_id)
        if state.status not in {"paused", "cancelled", "parked"}:
            return
        await self._mark(flow_id, {PAUSED: False, WAITS: None, _CANCELLED: False})
        steps = await asyncio.to_thread(self._client.list_workflow_steps, flow_id)
        failed = [one["function_id"] for one in steps if one["error"] is not None]
        raw = await asyncio.to_thread(self._client.list_workflows, workflow_ids=[flow_id])
        if raw[0].status == "ERROR":
            first = failed[0] if failed else max((one["function_id"] for one in steps), default=0) + 1
            await asyncio.to_thread(
                self._client.rewind_workflow, flow_id, start_step=first, application_version=VERSION
            )
        else:
            await asyncio.to_thread(self._client.resume_workflow, flow_id)

    async def prune(self, before: datetime) -> int:
        """Remove flows that were done or cancelled before then, and say how many; the parked and the paused stay."""
        removed = 0
        while ended := await asyncio.to_thread(self._ended, before.astimezone(UTC).isoformat()):
            await asyncio.to_thread(self._client.delete_workflows, ended)
            removed += len(ended)
        return removed

    def _ended(self, before: str) -> list[str]:
        """The ids of some of them. Marks, which SQLite cannot search, tell the cancelled from the paused and parked."""
        old: dict[str, Any] = {"completed_before": before, "load_input": False, "load_output": False}
        done = self._client.list_workflows(status="SUCCESS", limit=_AT_ONCE, **old)
        stopped = self._client.list_workflows(status=["CANCELLED", "ERROR"], **old)
        return [one.workflow_id for one in (*done, *(one for one in stopped if (one.attributes or {}).get(_CANCELLED)))]

    async def close(self) -> None:
        """Give back what it holds."""
        await asyncio.to_thread(self._client.destroy)

    async def _known(self, flow_id: str) -> FlowState:
        for state in await self.query(flow_id):
            return state
        raise NotFound(f"there is no flow {flow_id!r}")

    async def _mark(self, flow_id: str, marks: dict[str, Any]) -> None:
        await asyncio.to_thread(self._client.update_workflow_attributes, flow_id, marks, merge=True)


def _state(one: WorkflowStatus, steps: Sequence[StepInfo]) -> FlowState:
    marks = one.attributes or {}
    status = _STATUS.get(one.status, "waiting" if marks.get(WAITS) else "running")
    if status == "cancelled" and marks.get(PAUSED):
        status = "paused"
    if status == "parked" and marks.get(_CANCELLED):
        status = "cancelled"
    argument = one.input["args"][0] if one.input else None
    reason = str(one.error) if one.error is not None else _KILLED
    return FlowState(
        id=one.workflow_id,
        kind=one.name,
        status=status,
        argument=argument,
        result=one.output if status == "done" else None,
        reason=reason if status == "parked" else "",
        waits_for=str(marks.get(WAITS)) if status == "waiting" else "",
        steps=tuple(_names(steps)),
        began_ns=(one.created_at or 0) * 1_000_000,
        changed_ns=(one.updated_at or 0) * 1_000_000,
    )


def _names(steps: Sequence[StepInfo]) -> Iterator[str]:
    for one in steps:
        if one["error"] is None and not one["function_name"].startswith("DBOS."):
            yield one["function_name"]
